//! The data file of a run: rows of CSV or JSON, read as newman reads them.

use std::error::Error;
use std::fmt;

use serde_json::{Map, Number, Value as Json};

use super::Row;
use crate::limits::DATA_BYTES;

/// Why a data file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataError {
    /// It is larger than [`DATA_BYTES`].
    TooLarge,
    /// It is not text in UTF-8.
    NotText,
    /// It is JSON, but no list.
    NotAList,
    /// A quoted field of the CSV has no end.
    OpenQuote {
        /// The line in which it begins, from 1.
        line: usize,
    },
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the data is larger than {DATA_BYTES} bytes"),
            Self::NotText => f.write_str("the data is not text in UTF-8"),
            Self::NotAList => f.write_str("the data is JSON, but no list of objects"),
            Self::OpenQuote { line } => {
                write!(f, "the data is CSV, and the quoted field that begins in line {line} has no end")
            }
        }
    }
}

impl Error for DataError {}

/// The rows of a data file: a JSON list, else CSV whose first line names the columns.
///
/// As in newman: a byte order mark and spaces around fields are dropped, a field without quotes that is a number becomes one, a row that is
/// short has fewer variables, what is too many is left out; a row of JSON that is no object has no variables.
pub fn rows(bytes: &[u8]) -> Result<Vec<Row>, DataError> {
    if bytes.len() > DATA_BYTES {
        return Err(DataError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| DataError::NotText)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match serde_json::from_str::<Json>(text.trim()) {
        Ok(Json::Array(list)) => Ok(list.into_iter().map(row).collect()),
        Ok(_) => Err(DataError::NotAList),
        Err(_) => from_csv(text),
    }
}

fn row(value: Json) -> Row {
    match value {
        Json::Object(row) => row,
        _ => Row::new(),
    }
}

fn from_csv(text: &str) -> Result<Vec<Row>, DataError> {
    let mut reader = Reader::new(text);
    let columns: Vec<String> = match reader.record()? {
        Some(fields) => fields.into_iter().map(|field| field.text).collect(),
        None => return Ok(Vec::new()),
    };
    let mut rows = Vec::new();
    while let Some(fields) = reader.record()? {
        let mut row = Map::new();
        for (column, field) in columns.iter().zip(fields) {
            row.insert(column.clone(), field.value());
        }
        rows.push(row);
    }
    Ok(rows)
}

/// A field, and whether it stood in quotes.
#[derive(Default)]
struct Field {
    text: String,
    quoted: bool,
}

impl Field {
    fn value(self) -> Json {
        let number = if self.quoted { None } else { number(&self.text) };
        number.map_or(Json::String(self.text), Json::Number)
    }
}

/// 2^53: whole numbers beyond it are no longer exact in JavaScript.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The number that JavaScript reads in a text, by newman's rules: what looks like hexadecimal is 0.
fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let radix = digits.get(..2).map(str::to_ascii_lowercase);
    let of_radix = |radix: u32| u64::from_str_radix(digits.get(2..).unwrap_or_default(), radix).is_ok();
    let is_other_radix = digits.len() == text.len()
        && match radix.as_deref() {
            Some("0x") => of_radix(16),
            Some("0o") => of_radix(8),
            Some("0b") => of_radix(2),
            _ => false,
        };
    if is_other_radix {
        return Some(Number::from(0));
    }
    let is_decimal = digits.starts_with(|it: char| it.is_ascii_digit() || it == '.')
        && digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let value = text.parse::<f64>().ok().filter(|value| is_decimal && value.is_finite())?;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and below 2^53")]
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}

/// Takes CSV apart, record by record.
struct Reader<'t> {
    rest: &'t str,
    line: usize,
    /// Whether a lone carriage return ends a record: it does where it ends the first.
    returns: bool,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        let first = text.find(['\r', '\n']);
        let returns = first.is_some_and(|at| text[at..].starts_with('\r') && !text[at..].starts_with("\r\n"));
        Self { rest: text, line: 1, returns }
    }

    /// The next record; none at the end.
    fn record(&mut self) -> Result<Option<Vec<Field>>, DataError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut fields = Vec::new();
        loop {
            let field = self.field()?;
            fields.push(field);
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
            } else {
                self.rest = &self.rest[self.record_end().unwrap_or(self.rest.len())..];
                self.line += 1;
                return Ok(Some(fields));
            }
        }
    }

    /// How long the end of a record is that stands here.
    fn record_end(&self) -> Option<usize> {
        let rest = self.rest;
        if rest.starts_with("\r\n") {
            Some(2)
        } else if rest.starts_with('\n') || self.returns && rest.starts_with('\r') {
            Some(1)
        } else {
            None
        }
    }

    fn is_at_end(&self) -> bool {
        self.rest.is_empty() || self.rest.starts_with(',') || self.record_end().is_some()
    }

    fn field(&mut self) -> Result<Field, DataError> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        match self.rest.strip_prefix('"') {
            Some(rest) => self.quoted(rest),
            None => Ok(self.plain(String::new())),
        }
    }

    /// The rest of a field without quotes; quotes within are characters.
    fn plain(&mut self, mut text: String) -> Field {
        while !self.is_at_end() {
            text.extend(self.step());
        }
        Field { text: text.trim_end().to_owned(), quoted: false }
    }

    fn quoted(&mut self, rest: &'t str) -> Result<Field, DataError> {
        let begins = self.line;
        self.rest = rest;
        let mut text = String::new();
        loop {
            match self.step() {
                None => return Err(DataError::OpenQuote { line: begins }),
                Some('"') if self.rest.starts_with('"') => {
                    self.step();
                    text.push('"');
                }
                Some('"') => break,
                Some('\n') => {
                    self.line += 1;
                    text.push('\n');
                }
                Some(other) => text.push(other),
            }
        }
        let after = self.rest;
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        if self.is_at_end() {
            return Ok(Field { text, quoted: true });
        }
        if after.len() != self.rest.len() {
            // Words behind a closed quote belong to nothing; they are left out.
            while !self.is_at_end() {
                self.step();
            }
            return Ok(Field { text, quoted: true });
        }
        // No quote after all: `"a"b` is a text with quotes in it.
        Ok(self.plain(format!("\"{text}\"")))
    }

    fn step(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::{DataError, rows};

    /// What csv-parse 4.16, as newman calls it, makes of the same texts.
    fn check(text: &str, expected: &str) {
        let rows = rows(text.as_bytes()).map(|rows| Json::from_iter(rows).to_string());
        assert_eq!(rows.unwrap_or_else(|error| error.to_string()), expected, "{text:?}");
    }

    #[test]
    fn csv_is_read_as_newman_reads_it() {
        check("a,b\n1,x\n", r#"[{"a":1,"b":"x"}]"#);
        check("\u{feff}a , b\r\n 1 , \" x \" \r\n", r#"[{"a":1,"b":" x "}]"#);
        check("a,b\n\"1\",\"say \"\"hi\"\",\nthere\"", r#"[{"a":"1","b":"say \"hi\",\nthere"}]"#);
        check("a,b\n1\n1,2,3\n", r#"[{"a":1},{"a":1,"b":2}]"#);
        check("a,b\n,\n\nx,", r#"[{"a":"","b":""},{"a":""},{"a":"x","b":""}]"#);
        check("a\rb\rc", r#"[{"a":"b"},{"a":"c"}]"#);
        check("a,a\n1,2", r#"[{"a":2}]"#);
        check("a\nit's 5\" long\n", r#"[{"a":"it's 5\" long"}]"#);
        check("a", "[]");
        check("", "[]");
        check("a\n\"open", "the data is CSV, and the quoted field that begins in line 2 has no end");
    }

    #[test]
    fn numbers_are_those_that_javascript_reads() {
        let cases = [
            ("0", "0"),
            ("007", "7"),
            ("-1", "-1"),
            ("+5", "5"),
            ("1.50", "1.5"),
            (".5", "0.5"),
            ("1e3", "1000"),
            ("0x10", "0"),
            ("-0x10", r#""-0x10""#),
            ("1_000", r#""1_000""#),
            ("Infinity", r#""Infinity""#),
            ("nan", r#""nan""#),
            ("1.2.3", r#""1.2.3""#),
            ("true", r#""true""#),
            ("12 monkeys", r#""12 monkeys""#),
        ];
        for (text, expected) in cases {
            check(&format!("n,m\n{text},"), &format!(r#"[{{"n":{expected},"m":""}}]"#));
        }
    }

    #[test]
    fn json_is_a_list_of_objects() {
        check(r#" [{"a": 1, "b": null}, 7] "#, r#"[{"a":1,"b":null},{}]"#);
        check("\u{feff}[]", "[]");
        check(r#"{"a": 1}"#, "the data is JSON, but no list of objects");
        assert_eq!(rows(b"a\n\xff"), Err(DataError::NotText));
    }
}
