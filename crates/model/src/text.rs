//! Three-way merge of texts and of arrays of lines.
//!
//! Invariants: a clean merge is the same whichever side is which; what is too large to compare in
//! reasonable time does not merge, and becomes a conflict like any other value.
//!
//! Knows nothing of fields. The comparison itself is `diffy`'s.

use std::collections::HashMap;

use crate::planted::{self, Bug};

/// The most lines that are compared after what is the same at both ends has been left out: comparing
/// takes the square of it.
const CHANGED_LINES_MAX: usize = 4_000;

/// Merges two texts that began from one, by line; none if the same lines were changed.
pub(crate) fn merge_text(base: &str, local: &str, server: &str) -> Option<String> {
    let lines = |text| str::split(text, '\n').collect::<Vec<_>>();
    if planted::is(Bug::TextTakesLocal) {
        let merged = merge_lines(&lines(base), &lines(local), &lines(server));
        return Some(merged.map_or_else(|| local.to_owned(), |merged| merged.join("\n")));
    }
    Some(merge_lines(&lines(base), &lines(local), &lines(server))?.join("\n"))
}

/// Merges two sequences of lines that began from one; none if the same lines were changed.
pub(crate) fn merge_lines<'a>(
    base: &[&'a str],
    local: &[&'a str],
    server: &[&'a str],
) -> Option<Vec<&'a str>> {
    if [local, server].iter().any(|side| changed_lines(base, side) > CHANGED_LINES_MAX) {
        return None;
    }
    let mut numbers = Numbers::default();
    let (base, local, server) = (numbers.write(base), numbers.write(local), numbers.write(server));
    let merged = diffy::merge(&base, &local, &server).ok()?;
    let mirrored = diffy::merge(&base, &server, &local).ok()?;
    if merged != mirrored {
        return None;
    }
    numbers.read(&merged)
}

/// How many lines of the longer side lie between the common beginning and the common end.
pub(crate) fn changed_lines(base: &[&str], side: &[&str]) -> usize {
    let begin = base.iter().zip(side).take_while(|(a, b)| a == b).count();
    let (base, side) = (&base[begin..], &side[begin..]);
    let end = base.iter().rev().zip(side.iter().rev()).take_while(|(a, b)| a == b).count();
    base.len().max(side.len()) - end
}

/// Stands a number for each distinct line, so that a line may hold anything, and the last one is like
/// the others.
#[derive(Default)]
struct Numbers<'a> {
    lines: Vec<&'a str>,
    number_of: HashMap<&'a str, usize>,
}

impl<'a> Numbers<'a> {
    fn write(&mut self, lines: &[&'a str]) -> String {
        let mut text = String::new();
        for line in lines {
            let number = *self.number_of.entry(line).or_insert_with(|| {
                self.lines.push(line);
                self.lines.len() - 1
            });
            text.push_str(&number.to_string());
            text.push('\n');
        }
        text
    }

    fn read(&self, text: &str) -> Option<Vec<&'a str>> {
        text.lines().map(|number| self.lines.get(number.parse::<usize>().ok()?).copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, prop, prop_assert_eq, proptest};

    use super::{merge_lines, merge_text};

    fn check(base: &str, local: &str, server: &str, expected: Option<&str>) {
        assert_eq!(merge_text(base, local, server).as_deref(), expected, "{base:?} {local:?} {server:?}");
        assert_eq!(merge_text(base, server, local).as_deref(), expected, "{base:?} {server:?} {local:?}");
    }

    #[test]
    fn changes_of_different_lines_both_stand() {
        check("a\nb\nc", "A\nb\nc", "a\nb\nC", Some("A\nb\nC"));
        check("a\nb\nc", "a\nb\nc\nd", "0\na\nb\nc", Some("0\na\nb\nc\nd"));
        check("a\r\nb\r\nc", "a\r\nb\r\nC", "b\r\nc", Some("b\r\nC"));
    }

    #[test]
    fn changes_of_one_line_do_not_merge() {
        check("a\nb\nc", "a\nx\nc", "a\ny\nc", None);
        check("a\nb\nc", "a\nc", "a\ny\nc", None);
        check("", "a", "b", None);
    }

    #[test]
    fn the_same_change_is_made_once() {
        check("a\nb", "a\nx", "a\nx", Some("a\nx"));
        check("a\nb\nc\nd", "x\nb\nc\nd", "x\nb\nc\ny", Some("x\nb\nc\ny"));
    }

    #[test]
    fn what_differs_too_much_is_not_compared() {
        let lines = |word: &str| (0..5_000).map(|n| format!("{word}{n}")).collect::<Vec<_>>().join("\n");
        check(&lines("a"), &lines("b"), &format!("{}\nend", lines("a")), None);
        let base = lines("a");
        check(&base, &format!("0\n{base}"), &format!("{base}\nend"), Some(&format!("0\n{base}\nend")));
    }

    fn any_lines() -> impl Strategy<Value = Vec<&'static str>> {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "c\nd", ""]), 0..8)
    }

    proptest! {
        #[test]
        fn a_side_that_changed_nothing_yields_the_other(base in any_lines(), side in any_lines()) {
            prop_assert_eq!(merge_lines(&base, &base, &side), Some(side.clone()));
            prop_assert_eq!(merge_lines(&base, &side, &base), Some(side.clone()));
            prop_assert_eq!(merge_lines(&base, &side, &side), Some(side));
        }

        #[test]
        fn sides_can_be_exchanged(base in any_lines(), local in any_lines(), server in any_lines()) {
            prop_assert_eq!(merge_lines(&base, &local, &server), merge_lines(&base, &server, &local));
        }
    }
}
