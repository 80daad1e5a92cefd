//! The difference of two texts as people read it: unified, with three lines around each change.
//!
//! Invariants: the same texts give nothing; what is too large to compare in reasonable time is shown
//! as one change, from the first line that differs to the last.
//!
//! Knows nothing of records; the comparison itself is `diffy`'s.

use std::fmt::Write as _;

use diffy::DiffOptions;

use crate::text::changed_lines;

/// The most lines that are compared after what is the same at both ends has been left out.
const CHANGED_LINES_MAX: usize = 20_000;
const CONTEXT_LINES: usize = 3;

/// A text with the name that stands over it.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// What the text is called.
    pub name: &'a str,
    /// The text.
    pub text: &'a str,
}

/// A unified diff; empty if the texts are the same, but for a line break at their end.
pub fn unified(before: Named<'_>, after: Named<'_>) -> String {
    let (old, new) = (whole_lines(before.text), whole_lines(after.text));
    if old == new {
        return String::new();
    }
    let mut text = format!("--- {}\n+++ {}\n", before.name, after.name);
    let lines = |text| str::split_terminator(text, '\n').collect::<Vec<_>>();
    let (old_lines, new_lines) = (lines(&old), lines(&new));
    if changed_lines(&old_lines, &new_lines) > CHANGED_LINES_MAX {
        write_one_change(&mut text, &old_lines, &new_lines);
        return text;
    }
    let mut options = DiffOptions::new();
    options.set_context_len(CONTEXT_LINES);
    let patch = options.create_patch(&old, &new).to_string();
    let hunks = patch.find("@@").map_or("", |at| &patch[at..]);
    text.push_str(hunks);
    text
}

fn whole_lines(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

fn write_one_change(text: &mut String, old: &[&str], new: &[&str]) {
    let begin = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[begin..], &new[begin..]);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[..old.len() - end], &new[..new.len() - end]);
    let _ = writeln!(text, "@@ -{0},{1} +{0},{2} @@", begin + 1, old.len(), new.len());
    for (mark, lines) in [('-', old), ('+', new)] {
        for line in lines {
            let _ = writeln!(text, "{mark}{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Named, unified};

    fn check(before: &str, after: &str, expected: &str) {
        let text = unified(Named { name: "old", text: before }, Named { name: "new", text: after });
        assert_eq!(text, expected);
    }

    #[test]
    fn the_same_gives_nothing() {
        check("a\nb", "a\nb\n", "");
        check("", "", "");
    }

    #[test]
    fn changes_stand_among_the_lines_around_them() {
        check("a\nb\nc", "a\nx\nc", "--- old\n+++ new\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
        check("", "a", "--- old\n+++ new\n@@ -0,0 +1 @@\n+a\n");
    }

    #[test]
    fn what_is_too_large_to_compare_is_one_change() {
        let lines =
            |word: &str| (0..20_001).map(|n| format!("{word}{n}")).collect::<Vec<_>>().join("\n") + "\n";
        let before = format!("same\n{}end\n", lines("a"));
        let after = format!("same\n{}end\n", lines("b"));
        let text = unified(Named { name: "old", text: &before }, Named { name: "new", text: &after });
        assert!(text.starts_with("--- old\n+++ new\n@@ -2,20001 +2,20001 @@\n-a0\n"), "{}", &text[..60]);
        assert_eq!(text.lines().count(), 3 + 2 * 20_001);
    }
}
