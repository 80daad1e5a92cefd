//! A command line as words, as a POSIX shell or `cmd` cuts it.

use std::iter::Peekable;
use std::str::Chars;

use crate::curl::{CurlError, Shell};

/// The shell that a text was written for: a caret before a quotation mark or a line's end is `cmd`'s.
pub(crate) fn shell_of(text: &str) -> Shell {
    let is_cmd = text.contains("^\"") || text.contains("^\n") || text.contains("^\r\n");
    if is_cmd { Shell::Cmd } else { Shell::Posix }
}

/// The words of the first command, and whether more stood behind it.
pub(crate) fn split(text: &str, shell: Shell) -> Result<(Vec<String>, bool), CurlError> {
    match shell {
        Shell::Posix => posix(text),
        Shell::Cmd => arguments(&without_carets(&text.replace("\r\n", "\n"))).map(|words| (words, false)),
    }
}

fn posix(text: &str) -> Result<(Vec<String>, bool), CurlError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '\n' | ' ' | '\t' | '\r' => {
                let is_end = sign == '\n' && (word.is_some() || !words.is_empty());
                words.extend(word.take());
                if is_end && signs.clone().any(|sign| !sign.is_whitespace()) {
                    return Ok((words, true));
                }
            }
            '|' | ';' | '&' | '>' if word.is_none() => return Ok((words, true)),
            ';' if signs.peek().is_none_or(|next| next.is_whitespace()) => {
                words.extend(word.take());
                return Ok((words, signs.any(|sign| !sign.is_whitespace())));
            }
            '#' if word.is_none() => {
                signs.by_ref().take_while(|sign| *sign != '\n').for_each(drop);
            }
            '\\' => match signs.next() {
                Some('\n') | None => {}
                Some('\r') if signs.peek() == Some(&'\n') => drop(signs.next()),
                Some(sign) => word.get_or_insert_default().push(sign),
            },
            '\'' => single(&mut signs, word.get_or_insert_default())?,
            '"' => double(&mut signs, word.get_or_insert_default())?,
            '$' if signs.peek() == Some(&'\'') => {
                signs.next();
                ansi(&mut signs, word.get_or_insert_default())?;
            }
            sign => word.get_or_insert_default().push(sign),
        }
    }
    words.extend(word);
    Ok((words, false))
}

fn single(signs: &mut Peekable<Chars<'_>>, word: &mut String) -> Result<(), CurlError> {
    for sign in signs {
        match sign {
            '\'' => return Ok(()),
            sign => word.push(sign),
        }
    }
    Err(CurlError::OpenQuote)
}

fn double(signs: &mut Peekable<Chars<'_>>, word: &mut String) -> Result<(), CurlError> {
    while let Some(sign) = signs.next() {
        match sign {
            '"' => return Ok(()),
            '\\' => match signs.next() {
                Some('\n') => {}
                Some(sign @ ('"' | '\\' | '$' | '`')) => word.push(sign),
                Some(sign) => word.extend(['\\', sign]),
                None => return Err(CurlError::OpenQuote),
            },
            sign => word.push(sign),
        }
    }
    Err(CurlError::OpenQuote)
}

/// `$'…'`, with the escapes of C. Bytes above 127 are collected, as they make up letters in UTF-8.
fn ansi(signs: &mut Peekable<Chars<'_>>, word: &mut String) -> Result<(), CurlError> {
    let mut bytes = Vec::new();
    while let Some(sign) = signs.next() {
        let sign = match sign {
            '\'' => {
                *word += &String::from_utf8_lossy(&bytes);
                return Ok(());
            }
            '\\' => match signs.next().ok_or(CurlError::OpenQuote)? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'a' => '\u{7}',
                'b' => '\u{8}',
                'e' | 'E' => '\u{1b}',
                'f' => '\u{c}',
                'v' => '\u{b}',
                'x' => {
                    bytes.push(u8::try_from(number(signs, 16, 2, 0)).unwrap_or(b'?'));
                    continue;
                }
                'u' => char::from_u32(number(signs, 16, 4, 0)).unwrap_or('\u{fffd}'),
                'U' => char::from_u32(number(signs, 16, 8, 0)).unwrap_or('\u{fffd}'),
                digit @ '0'..='7' => {
                    let value = number(signs, 8, 2, u32::from(digit) - u32::from('0'));
                    bytes.push(u8::try_from(value & 0xff).unwrap_or(b'?'));
                    continue;
                }
                other @ ('\\' | '\'' | '"' | '?') => other,
                other => {
                    bytes.push(b'\\');
                    other
                }
            },
            sign => sign,
        };
        bytes.extend(sign.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Err(CurlError::OpenQuote)
}

fn number(signs: &mut Peekable<Chars<'_>>, radix: u32, digits: usize, start: u32) -> u32 {
    let mut value = start;
    for _ in 0..digits {
        let Some(digit) = signs.peek().and_then(|sign| sign.to_digit(radix)) else { break };
        value = value.wrapping_mul(radix).wrapping_add(digit);
        signs.next();
    }
    value
}

/// What `cmd` makes of a text before a program sees it: a caret takes its meaning from the next sign, and at a
/// line's end from the first sign of the next line.
fn without_carets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_quotes = false;
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '^' if !in_quotes => match signs.next() {
                Some('\n') => out.extend(signs.next()),
                other => out.extend(other),
            },
            '"' => {
                in_quotes = !in_quotes;
                out.push('"');
            }
            sign => out.push(sign),
        }
    }
    out
}

/// Cuts a text as Windows programs cut their command line.
fn arguments(text: &str) -> Result<Vec<String>, CurlError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut in_quotes = false;
    let mut slashes = 0;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        if sign == '\\' {
            slashes += 1;
            continue;
        }
        let count = if sign == '"' { slashes / 2 } else { slashes };
        if count > 0 {
            word.get_or_insert_default().extend(std::iter::repeat_n('\\', count));
        }
        let is_escaped = slashes % 2 == 1;
        slashes = 0;
        match sign {
            '"' if is_escaped => word.get_or_insert_default().push('"'),
            '"' if in_quotes && signs.peek() == Some(&'"') => {
                signs.next();
                word.get_or_insert_default().push('"');
            }
            '"' => {
                in_quotes = !in_quotes;
                word.get_or_insert_default();
            }
            sign if sign.is_whitespace() && !in_quotes => words.extend(word.take()),
            sign => word.get_or_insert_default().push(sign),
        }
    }
    if slashes > 0 {
        word.get_or_insert_default().extend(std::iter::repeat_n('\\', slashes));
    }
    if in_quotes {
        return Err(CurlError::OpenQuote);
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::{shell_of, split};

    fn check(text: &str, expected: &[&str]) {
        let words = split(text, shell_of(text)).map(|(words, _)| words);
        assert_eq!(words, Ok(expected.iter().map(ToString::to_string).collect()), "{text}");
    }

    #[test]
    fn a_posix_line_is_cut_into_words() {
        check("", &[]);
        check("  a  'b c' \"d e\"f \\\n g\\ h", &["a", "b c", "d ef", "g h"]);
        check(r#"'it'\''s' "\"\$\x" ''"#, &["it's", "\"$\\x", ""]);
        check(r"$'a\n\x41\u00e9\'\\\q\101\xc3\xa9'b", &["a\nAé'\\\\qAéb"]);
        check("curl a?x=1&y=2 | jq .", &["curl", "a?x=1&y=2"]);
        check("curl a; rm x", &["curl", "a"]);
        check("curl 'a' # comment", &["curl", "a"]);
        check("curl a\ncurl b", &["curl", "a"]);
        check("$x \"$HOME\"", &["$x", "$HOME"]);
        assert!(split("curl 'a", shell_of("")).is_err());
        assert!(split("curl \"a", shell_of("")).is_err());
        assert!(split("curl $'a", shell_of("")).is_err());
    }

    #[test]
    fn a_cmd_line_is_cut_into_words() {
        check("curl ^\"a^%^20b^\" ^\r\n  -H ^\"X: \\^\"q\\^\"^\"", &["curl", "a%20b", "-H", "X: \"q\""]);
        check("curl \"a b\" ^\n -d \"{\\\"x\\\":1}\"", &["curl", "a b", "-d", "{\"x\":1}"]);
        check("curl ^\"one^\n\ntwo^\"", &["curl", "one\ntwo"]);
        check("curl ^\"c:\\\\dir\\\\^\"", &["curl", "c:\\\\dir\\"]);
    }
}
