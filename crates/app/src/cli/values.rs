//! Values inside words: times, assignments, choices.

use std::time::Duration;

use satchel_client::api::Resolution;

/// `NAME=VALUE`, before a file that VALUE names is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) value: Text,
}

/// Where a text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Text {
    /// The text itself.
    Given(String),
    /// A file; `-` is stdin.
    File(String),
}

/// A word that is an assignment or a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    Assignment(Assignment),
    Name(String),
}

/// Reads `500ms`, `30s`, `2m`, `1h`, or a number of seconds.
pub(crate) fn parse_time(text: &str) -> Result<Duration, String> {
    let split = text.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| "a time is written 500ms, 30s or 2m".to_owned())?;
    let factor = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("`{unit}` is no unit of time; use ms, s, m or h")),
    };
    let ms = number.checked_mul(factor).ok_or("that is longer than anyone waits")?;
    Ok(Duration::from_millis(ms))
}

/// Reads a time as [`parse_time`] does, but a number alone is milliseconds, as in newman.
pub(crate) fn parse_milliseconds(text: &str) -> Result<Duration, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { parse_time(&format!("{text}ms")) } else { parse_time(text) }
}

/// Reads `KEY=VALUE`, the value as it is.
pub(crate) fn parse_pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it has no `=`; write KEY=VALUE")?;
    if key.is_empty() {
        return Err("there is no name before the `=`".to_owned());
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// Reads `NAME: VALUE`.
pub(crate) fn parse_header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("it has no `:`; write 'NAME: VALUE'")?;
    if name.trim().is_empty() {
        return Err("there is no name before the `:`".to_owned());
    }
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// Reads `NAME=VALUE`, `NAME=@FILE` and `NAME=@@VALUE`.
pub(crate) fn parse_assignment(text: &str) -> Result<Assignment, String> {
    let (name, value) = text.split_once('=').ok_or("it has no `=`; write NAME=VALUE")?;
    if name.is_empty() {
        return Err("there is no name before the `=`".to_owned());
    }
    let value = match value.strip_prefix('@') {
        None => Text::Given(value.to_owned()),
        Some(escaped) if escaped.starts_with('@') => Text::Given(escaped.to_owned()),
        Some("") => {
            return Err("there is no file after the `@`; a text that begins with @ is written @@".to_owned());
        }
        Some(file) => Text::File(file.to_owned()),
    };
    Ok(Assignment { name: name.to_owned(), value })
}

/// Reads an assignment, or a name where there is no `=`.
pub(crate) fn parse_word(text: &str) -> Result<Word, String> {
    if text.contains('=') {
        parse_assignment(text).map(Word::Assignment)
    } else {
        Ok(Word::Name(text.to_owned()))
    }
}

/// Reads `NAME=local|server|both|VALUE`.
pub(crate) fn parse_choice(text: &str) -> Result<(String, Resolution), String> {
    let (name, choice) =
        text.split_once('=').ok_or("it has no `=`; write NAME=local, NAME=server or NAME=VALUE")?;
    let choice = match choice {
        "local" => Resolution::Local,
        "server" => Resolution::Server,
        "both" => Resolution::Both,
        value => Resolution::Value(value.to_owned()),
    };
    Ok((name.to_owned(), choice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(parse_time(text).ok(), expected.map(Duration::from_millis), "{text}");
        };
        check("500ms", Some(500));
        check("30s", Some(30_000));
        check("30", Some(30_000));
        check("2m", Some(120_000));
        check("0s", Some(0));
        check("soon", None);
        check("", None);
        check("3 days", None);
        check("99999999999999999999s", None);
        check("9999999999999999999h", None);
    }

    #[test]
    fn a_number_alone_is_milliseconds_where_newman_says_so() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(parse_milliseconds(text).ok(), expected.map(Duration::from_millis), "{text}");
        };
        check("250", Some(250));
        check("2s", Some(2_000));
        check("", None);
        check("ms", None);
    }

    #[test]
    fn a_header_is_split_at_its_first_colon() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let found = parse_header(text).ok();
            let found = found.as_ref().map(|(name, value)| (name.as_str(), value.as_str()));
            assert_eq!(found, expected, "{text}");
        };
        check("Accept: text/html", Some(("Accept", "text/html")));
        check("X-Time:10:30", Some(("X-Time", "10:30")));
        check("X-Empty:", Some(("X-Empty", "")));
        check(": x", None);
        check("Accept", None);
    }

    #[test]
    fn an_assignment_is_split_at_its_first_equals_sign() {
        let check = |text: &str, expected: Option<(&str, Text)>| {
            let found = parse_assignment(text).ok().map(|found| (found.name, found.value));
            assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value)), "{text}");
        };
        check("url=http://x?a=b", Some(("url", Text::Given("http://x?a=b".to_owned()))));
        check("description=", Some(("description", Text::Given(String::new()))));
        check("body=@a.json", Some(("body", Text::File("a.json".to_owned()))));
        check("body=@@a", Some(("body", Text::Given("@a".to_owned()))));
        check("body=@", None);
        check("=x", None);
        check("url", None);
    }

    #[test]
    fn a_field_is_settled_by_a_side_or_a_value() {
        let check = |text: &str, expected: Resolution| {
            assert_eq!(parse_choice(text), Ok(("url".to_owned(), expected)));
        };
        check("url=local", Resolution::Local);
        check("url=server", Resolution::Server);
        check("url=both", Resolution::Both);
        check("url=http://x?a=b", Resolution::Value("http://x?a=b".to_owned()));
    }
}
