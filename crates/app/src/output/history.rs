//! Versions, differences and the trash in words.

use std::fmt::Write as _;

use satchel_client::api::{ItemView, TrashView, VersionView};

use super::listing::item_line;
use super::status::time;
use super::{Out, inline, safe};

/// The versions of an item, the newest first.
pub(super) fn versions(item: Option<&ItemView>, versions: &[VersionView], more: bool) -> String {
    let mut text = match item {
        Some(item) => format!("{}\n", item_line(item)),
        None => "purged; `satchel restore ID --version N` brings it back\n".to_owned(),
    };
    for version in versions {
        let mark = if version.current { '*' } else { ' ' };
        let _ = writeln!(text, "{mark} {:>6}  {}", version.version, version_line(version));
        if let Some(problem) = &version.problem {
            let _ = writeln!(text, "          does not verify: {}", inline(problem));
        }
        for change in &version.changes {
            let _ = writeln!(text, "          {}", inline(change));
        }
    }
    if more {
        text.push_str("… and older ones\n");
    }
    text
}

/// When, who and from which app.
fn version_line(version: &VersionView) -> String {
    if version.who.is_empty() {
        return time(version.when);
    }
    format!("{}  {}  {}", time(version.when), inline(&version.who), inline(&version.app))
}

/// What has changed since a version.
pub(super) fn difference(version: Option<&VersionView>, diff: &str, out: Out) -> String {
    let Some(version) = version else { return "It is as all of its versions.\n".to_owned() };
    if diff.is_empty() {
        return format!("It is as version {}.\n", version.version);
    }
    let mut text = format!("since version {}, {}\n", version.version, version_line(version));
    for line in diff.lines() {
        let line = safe(line);
        let color = match line.chars().next() {
            Some('-') => "31",
            Some('+') => "32",
            Some('@') => "36",
            _ => "",
        };
        if out.color && !color.is_empty() {
            let _ = writeln!(text, "\x1b[{color}m{line}\x1b[0m");
        } else {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

/// What lies in the trash.
pub(super) fn trash(items: &[TrashView]) -> String {
    if items.is_empty() {
        return "The trash is empty.\n".to_owned();
    }
    let mut text = String::new();
    for trashed in items {
        let below = match trashed.below {
            0 => String::new(),
            1 => ", with 1 item below".to_owned(),
            count => format!(", with {count} items below"),
        };
        let who =
            if trashed.who.is_empty() { String::new() } else { format!(" by {}", inline(&trashed.who)) };
        let _ = writeln!(text, "{}", item_line(&trashed.item));
        let _ = writeln!(text, "    {}{who}{below}", time(trashed.when));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: Out = Out { json: false, quiet: false, color: false };

    fn item() -> ItemView {
        ItemView {
            id: "0a".to_owned(),
            kind: "request".to_owned(),
            name: "Cart".to_owned(),
            method: Some("GET".to_owned()),
            path: "Shop/Cart".to_owned(),
            depth: 0,
            conflicts: 0,
            waiting: false,
        }
    }

    fn version(version: u64, changes: &[&str]) -> VersionView {
        VersionView {
            version,
            who: "ada@example.com".to_owned(),
            app: "laptop".to_owned(),
            when: 0,
            changes: changes.iter().map(|change| (*change).to_owned()).collect(),
            current: version == 12,
            problem: None,
        }
    }

    #[test]
    fn a_version_says_when_who_and_what() {
        let broken = VersionView {
            who: String::new(),
            problem: Some("forged: a signature".to_owned()),
            ..version(3, &[])
        };
        let expected = "request     Shop/Cart  0a
*     12  1970-01-01 00:00:00 UTC  ada@example.com  laptop
          renamed from Basket
          request.url
       3  1970-01-01 00:00:00 UTC
          does not verify: forged: a signature
… and older ones
";
        let listed = [version(12, &["renamed from Basket", "request.url"]), broken];
        assert_eq!(versions(Some(&item()), &listed, true), expected);
    }

    #[test]
    fn a_difference_names_the_version_and_cannot_steer_the_terminal() {
        let text = difference(Some(&version(3, &[])), "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+\x1b[2J\n", OUT);
        let expected = "since version 3, 1970-01-01 00:00:00 UTC  ada@example.com  laptop
--- a
+++ b
@@ -1 +1 @@
-x
+\u{fffd}[2J
";
        assert_eq!(text, expected);
        assert_eq!(difference(None, "", OUT), "It is as all of its versions.\n");
    }

    #[test]
    fn the_trash_says_who_when_and_how_much() {
        let trashed = TrashView { item: item(), who: "ada@example.com".to_owned(), when: 0, below: 2 };
        let expected = "request     Shop/Cart  0a
    1970-01-01 00:00:00 UTC by ada@example.com, with 2 items below
";
        assert_eq!(trash(&[trashed]), expected);
        assert_eq!(trash(&[]), "The trash is empty.\n");
    }
}
