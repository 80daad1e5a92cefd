//! Texts of strangers made harmless, and numbers made readable.

use std::fmt::Write as _;

/// A text that cannot move a cursor or begin a line of its own: control characters are shown as symbols.
pub(super) fn line(text: &str) -> String {
    text.chars().map(|it| visible(it).unwrap_or(it)).collect()
}

/// A text that cannot move a cursor, but may have several lines.
pub(super) fn lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(line)
}

/// The symbol for a character that would do something instead of being seen.
fn visible(it: char) -> Option<char> {
    match it {
        '\t' => Some(' '),
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(it)),
        '\u{7f}' => Some('\u{2421}'),
        '\u{80}'..='\u{9f}' => Some('\u{fffd}'),
        it if turns(it) => Some('\u{fffd}'),
        _ => None,
    }
}

/// Whether a character turns the direction of others, breaks a line or is none.
fn turns(it: char) -> bool {
    matches!(
        it,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}'
    )
}

/// A text for XML 1.0 and HTML, as content or in a quoted attribute; characters that XML does not know are left out.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // An attribute would read these as spaces.
            '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", u32::from(it));
            }
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {}
            it if turns(it) => out.push('\u{fffd}'),
            it => out.push(it),
        }
    }
    out
}

/// A size in bytes, such as `1.2 kB`.
#[expect(clippy::cast_precision_loss, reason = "it is rounded for people")]
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{} {}", short(value), UNITS[unit]) }
}

/// A time in milliseconds, such as `3.2 ms` or `1 m 5 s`.
pub(super) fn time(ms: f64) -> String {
    if ms < 1.0 {
        format!("{} µs", (ms * 1000.0).round())
    } else if ms < 999.5 {
        format!("{} ms", short(ms))
    } else if ms < 59_950.0 {
        format!("{} s", short(ms / 1000.0))
    } else {
        let seconds = (ms / 1000.0).round();
        format!("{} m {} s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}

/// At most three digits that say something.
fn short(value: f64) -> String {
    let text = if value < 9.95 { format!("{value:.1}") } else { format!("{value:.0}") };
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// A moment in milliseconds since 1970, in ISO 8601 and UTC, to the second.
pub(super) fn moment(ms: u64) -> String {
    let text = crate::variable::Moment::from_ms(ms).iso();
    text.get(..19).map(|text| format!("{text}Z")).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::{escaped, line, size, time};

    #[test]
    fn control_characters_do_nothing() {
        assert_eq!(line("a\u{1b}[2J\rb\u{9b}1m\u{202e}c"), "a␛[2J␍b\u{fffd}1m\u{fffd}c");
        assert_eq!(
            escaped("<a b='c'>&\u{0}\u{1b}\u{ffff}\n\"é"),
            "&lt;a b=&#39;c&#39;&gt;&amp;\u{fffd}&#10;&quot;é"
        );
    }

    #[test]
    fn sizes_and_times_are_short() {
        let sizes = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1 kB"),
            (1234, "1.2 kB"),
            (999_600, "1 MB"),
            (u64::MAX, "18446744 TB"),
        ];
        for (bytes, expected) in sizes {
            assert_eq!(size(bytes), expected);
        }
        let times = [
            (0.25, "250 µs"),
            (3.21, "3.2 ms"),
            (35.0, "35 ms"),
            (999.9, "1 s"),
            (1234.0, "1.2 s"),
            (65_000.0, "1 m 5 s"),
            (7_199_900.0, "120 m 0 s"),
        ];
        for (ms, expected) in times {
            assert_eq!(time(ms), expected);
        }
    }
}
