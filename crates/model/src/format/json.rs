//! Reading a file's bytes as JSON, within limits and with the place of what is wrong.
//!
//! Why it exists: files come from anywhere. They may begin with a byte order mark, be UTF-16, nest ten
//! thousand levels deep, or name a field twice. All of that is found before anything recurses.
//! Knows nothing of what the JSON means.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde_json::Value;

/// The longest text that is read, in bytes.
pub const TEXT_BYTES_MAX: usize = 100 * 1024 * 1024;
/// The deepest nesting that is read. The stored form adds levels of its own, so this stays below the
/// 128 levels at which the JSON reader gives up.
pub const DEPTH_MAX: usize = 100;

/// How many names of one object are compared one by one before they are hashed.
const NAMES_LISTED: usize = 24;
/// The longest part of a name that is shown in a message.
const NAME_CHARS_SHOWN: usize = 60;

/// Why bytes are not readable as JSON.
#[derive(Debug)]
pub enum JsonError {
    /// There is nothing but white space.
    Empty,
    /// It is longer than [`TEXT_BYTES_MAX`].
    TooLarge {
        /// Its length in bytes.
        bytes: usize,
    },
    /// It is neither UTF-8 nor UTF-16.
    NotText {
        /// The first byte that is wrong.
        at: usize,
    },
    /// It is nested deeper than [`DEPTH_MAX`].
    TooDeep {
        /// The line in which it becomes too deep.
        line: usize,
    },
    /// It is not JSON.
    Broken {
        /// The line of the first thing that is wrong, from 1.
        line: usize,
        /// Its column, from 1.
        column: usize,
        /// What the JSON reader says.
        source: serde_json::Error,
    },
}

impl JsonError {
    /// Whether the text is over a limit rather than wrong.
    pub fn is_limit(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::TooDeep { .. })
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "reading JSON: there is nothing in it"),
            Self::TooLarge { bytes } => {
                write!(f, "reading JSON: it has {bytes} bytes, at most {TEXT_BYTES_MAX} are read")
            }
            Self::NotText { at } => {
                write!(f, "reading JSON: it is not text in UTF-8 or UTF-16 (byte {at} is wrong)")
            }
            Self::TooDeep { line } => {
                write!(f, "reading JSON: line {line} is nested deeper than {DEPTH_MAX} levels")
            }
            Self::Broken { line, column, source } => {
                write!(f, "reading JSON: line {line}, column {column}: {}", reason(source))
            }
        }
    }
}

impl std::error::Error for JsonError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Broken { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// The reader's words without the place, which is said before.
fn reason(source: &serde_json::Error) -> String {
    let words = source.to_string();
    words.rsplit_once(" at line ").map_or(words.clone(), |(reason, _)| reason.to_owned())
}

/// JSON that was read.
#[derive(Debug)]
pub struct Read {
    /// The value; of a field that is named twice, the last one.
    pub value: Value,
    /// The first field that is named twice in one object, if one is.
    pub repeated: Option<Repeated>,
}

/// Fields that are named more than once in one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    /// The name of the first one.
    pub name: String,
    /// Its line.
    pub line: usize,
    /// How many there are.
    pub count: usize,
}

/// The text of bytes: UTF-8 or UTF-16, with or without a byte order mark.
pub fn text(bytes: &[u8]) -> Result<Cow<'_, str>, JsonError> {
    if bytes.len() > TEXT_BYTES_MAX {
        return Err(JsonError::TooLarge { bytes: bytes.len() });
    }
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest)?,
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        [first, 0, ..] if *first != 0 => utf16(bytes, u16::from_le_bytes)?,
        [0, second, ..] if *second != 0 => utf16(bytes, u16::from_be_bytes)?,
        _ => utf8(bytes)?,
    };
    if text.trim().is_empty() { Err(JsonError::Empty) } else { Ok(text) }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, JsonError> {
    let text = std::str::from_utf8(bytes);
    text.map(Cow::Borrowed).map_err(|error| JsonError::NotText { at: error.valid_up_to() })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'static, str>, JsonError> {
    if bytes.len() % 2 == 1 {
        return Err(JsonError::NotText { at: bytes.len() - 1 });
    }
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let mut text = String::with_capacity(bytes.len());
    let mut at = 0;
    for decoded in char::decode_utf16(units) {
        let decoded = decoded.map_err(|_| JsonError::NotText { at })?;
        at += 2 * decoded.len_utf16();
        text.push(decoded);
    }
    Ok(Cow::Owned(text))
}

/// Reads a text as JSON.
pub fn parse(text: &str) -> Result<Read, JsonError> {
    let repeated = scan(text)?;
    let value = serde_json::from_str(text).map_err(|source| JsonError::Broken {
        line: source.line(),
        column: source.column(),
        source,
    })?;
    Ok(Read { value, repeated })
}

/// One object or array that is open while a text is scanned.
enum Open<'a> {
    Array,
    Object { names: Names<'a>, awaits_name: bool },
}

#[derive(Default)]
struct Names<'a> {
    listed: Vec<&'a [u8]>,
    hashed: HashSet<&'a [u8]>,
}

impl<'a> Names<'a> {
    /// Takes a name and says whether it is new.
    fn add(&mut self, name: &'a [u8]) -> bool {
        if self.listed.contains(&name) {
            return false;
        }
        if self.listed.len() < NAMES_LISTED {
            self.listed.push(name);
            return true;
        }
        self.hashed.insert(name)
    }
}

/// Looks for what must be known before the text is read: its depth and its repeated names. What is
/// not JSON passes here; the reader finds it.
fn scan(text: &str) -> Result<Option<Repeated>, JsonError> {
    let bytes = text.as_bytes();
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut repeated: Option<Repeated> = None;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = string_end(bytes, at + 1);
                if let Some(Open::Object { names, awaits_name: true }) = open.last_mut()
                    && !names.add(&bytes[at + 1..end])
                {
                    note(&mut repeated, text, at + 1..end);
                }
                at = end;
            }
            b'{' => open.push(Open::Object { names: Names::default(), awaits_name: true }),
            b'[' => open.push(Open::Array),
            b'}' | b']' => drop(open.pop()),
            b':' | b',' => {
                if let Some(Open::Object { awaits_name, .. }) = open.last_mut() {
                    *awaits_name = *byte == b',';
                }
            }
            _ => {}
        }
        if open.len() > DEPTH_MAX {
            return Err(JsonError::TooDeep { line: line(bytes, at) });
        }
        at += 1;
    }
    Ok(repeated)
}

/// Where a string's closing quotation mark is, or the end of the text.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn note(repeated: &mut Option<Repeated>, text: &str, name: std::ops::Range<usize>) {
    if let Some(repeated) = repeated {
        repeated.count += 1;
        return;
    }
    let line = line(text.as_bytes(), name.start);
    let name = text.get(name).unwrap_or_default().chars().take(NAME_CHARS_SHOWN).collect();
    *repeated = Some(Repeated { name, line, count: 1 });
}

fn line(bytes: &[u8], at: usize) -> usize {
    bytes.iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// JSON as a text that people read and compare: indented with tabs as Postman does, and one line feed
/// at the end.
pub fn to_text(value: &Value) -> String {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    serde::Serialize::serialize(value, &mut serializer).expect("writing JSON to memory does not fail");
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

#[cfg(test)]
mod tests {
    use super::{DEPTH_MAX, parse, text, to_text};

    fn check(input: &str, expected: &str) {
        let seen = match parse(input) {
            Ok(read) => match read.repeated {
                None => read.value.to_string(),
                Some(repeated) => format!(
                    "{} with {} twice in line {} ({})",
                    read.value, repeated.name, repeated.line, repeated.count
                ),
            },
            Err(error) => error.to_string(),
        };
        assert_eq!(seen, expected, "{input:.80}");
    }

    #[test]
    fn json_is_read_and_what_is_wrong_has_a_place() {
        check(r#"{"a": [1, "x"]}"#, r#"{"a":[1,"x"]}"#);
        check("{\n  \"a\": 1,\n}", "reading JSON: line 3, column 1: trailing comma");
        check("{\"a\": tru}", "reading JSON: line 1, column 10: expected ident");
        check("[1, 2", "reading JSON: line 1, column 5: EOF while parsing a list");
        check("{\"a\\", "reading JSON: line 1, column 4: EOF while parsing a string");
        check("12345678901234567890.100", "12345678901234567890.100");
    }

    #[test]
    fn a_name_given_twice_is_noticed() {
        check(
            "{\"a\": 1,\n\"b\": {\"a\": 2}, \"a\": 3}",
            r#"{"a":3,"b":{"a":2}} with a twice in line 2 (1)"#,
        );
        let many: Vec<_> = (0..40).map(|number| format!("\"k{number}\":0")).collect();
        let twice = format!("{{{},\"k39\":1,\"k3\":1}}", many.join(","));
        let repeated = parse(&twice).ok().and_then(|read| read.repeated).map(|repeated| repeated.count);
        assert_eq!(repeated, Some(2));
    }

    #[test]
    fn deep_nesting_is_refused_before_anything_recurses() {
        check(&"[".repeat(1_000_000), "reading JSON: line 1 is nested deeper than 100 levels");
        check(&"{\"a\":\n".repeat(10_000), "reading JSON: line 101 is nested deeper than 100 levels");
        let deepest = format!("{}{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX));
        check(&deepest, &deepest);
    }

    #[test]
    fn bytes_become_text_whatever_their_encoding() {
        let text = |bytes: &[u8]| match text(bytes) {
            Ok(text) => text.into_owned(),
            Err(error) => error.to_string(),
        };
        let utf16 =
            |encode: fn(u16) -> [u8; 2]| "{\"ä\":1}".encode_utf16().flat_map(encode).collect::<Vec<_>>();
        assert_eq!(text("\u{feff}{}".as_bytes()), "{}");
        assert_eq!(text(&utf16(u16::to_le_bytes)), "{\"ä\":1}");
        assert_eq!(text(&utf16(u16::to_be_bytes)), "{\"ä\":1}");
        assert_eq!(text(&[&[0xff, 0xfe], &*utf16(u16::to_le_bytes)].concat()), "{\"ä\":1}");
        assert_eq!(text(&[&[0xfe, 0xff], &*utf16(u16::to_be_bytes)].concat()), "{\"ä\":1}");
        assert_eq!(text(b" \n"), "reading JSON: there is nothing in it");
        assert_eq!(text(b"{\"\xff"), "reading JSON: it is not text in UTF-8 or UTF-16 (byte 2 is wrong)");
        assert_eq!(
            text(&[0xff, 0xfe, 0x00, 0xd8]),
            "reading JSON: it is not text in UTF-8 or UTF-16 (byte 0 is wrong)"
        );
    }

    #[test]
    fn json_is_written_with_tabs() {
        assert_eq!(to_text(&serde_json::json!({"a": [1]})), "{\n\t\"a\": [\n\t\t1\n\t]\n}\n");
    }
}
