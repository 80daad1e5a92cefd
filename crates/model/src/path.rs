//! Paths of items as people write them: names with `/` between, `\/` for a slash in a name.
//!
//! Why it exists: one spelling for the command line, replies and messages. `\\` stands for a backslash;
//! a backslash before anything else stands for itself, so that careless text still means something.
//!
//! Knows nothing of which items exist.

use crate::RecordId;

/// The name under which items show whose place is gone.
pub const RECOVERED: &str = "Recovered";

/// The names of a path; empty names (a doubled or trailing slash) are left out.
pub fn parse(text: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match (char, chars.peek()) {
            ('\\', Some(next @ ('/' | '\\'))) => {
                let next = *next;
                push(&mut names, next);
                chars.next();
            }
            ('/', _) => names.push(String::new()),
            (char, _) => push(&mut names, char),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn push(names: &mut [String], char: char) {
    names.last_mut().expect("it begins with one name and only grows").push(char);
}

/// The path that names lead along.
pub fn format<S: AsRef<str>>(names: &[S]) -> String {
    let mut text = String::with_capacity(names.iter().map(|name| name.as_ref().len() + 1).sum());
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            text.push('/');
        }
        push_name(&mut text, name.as_ref());
    }
    text
}

/// The path of a name below another path; below none it is the name's own.
pub fn join(base: &str, name: &str) -> String {
    let mut text = String::with_capacity(base.len() + 1 + name.len());
    text.push_str(base);
    if !base.is_empty() {
        text.push('/');
    }
    push_name(&mut text, name);
    text
}

fn push_name(text: &mut String, name: &str) {
    let mut rest = name;
    while let Some(at) = rest.find(['\\', '/']) {
        text.push_str(&rest[..at]);
        text.push('\\');
        text.push_str(&rest[at..=at]);
        rest = &rest[at + 1..];
    }
    text.push_str(rest);
}

/// The record id that a text is, if it is one.
pub fn parse_id(text: &str) -> Option<RecordId> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, prop_assert_eq, proptest};

    use super::{format, join, parse, parse_id};

    #[test]
    fn names_stand_between_slashes() {
        let check = |text: &str, expected: &[&str]| assert_eq!(parse(text), expected, "{text}");
        check("", &[]);
        check("Shop", &["Shop"]);
        check("Shop/Cart/Get cart", &["Shop", "Cart", "Get cart"]);
        check("/Shop//Cart/", &["Shop", "Cart"]);
        check(r"a\/b/c", &["a/b", "c"]);
        check(r"a\\/b", &[r"a\", "b"]);
        check(r"C:\temp\", &[r"C:\temp\"]);
    }

    #[test]
    fn an_id_is_32_hexadecimal_digits() {
        assert!(parse_id("000102030405060708090a0b0c0d0e0f").is_some());
        assert!(parse_id("000102030405060708090a0b0c0d0e0").is_none());
        assert!(parse_id("Shop").is_none());
    }

    proptest! {
        #[test]
        fn a_path_leads_back_to_its_names(names in prop::collection::vec(r"[ab/\\ä]{1,5}", 0..5)) {
            prop_assert_eq!(parse(&format(&names)), names.as_slice());
            let joined = names.iter().fold(String::new(), |base, name| join(&base, name));
            prop_assert_eq!(joined, format(&names));
        }
    }
}
