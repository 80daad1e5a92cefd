//! Takes comments out of a JSON body, as Postman does before it sends one.

/// The text without `//` and `/* */` outside of strings.
pub(crate) fn without_comments(json: &str) -> String {
    let bytes = json.as_bytes();
    let mut out = String::with_capacity(json.len());
    let (mut at, mut kept, mut in_text) = (0, 0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'"' if !is_escaped(bytes, at) => in_text = !in_text,
            b'/' if !in_text => {
                if let Some(end) = comment_end(json, at) {
                    out += &json[kept..at];
                    (at, kept) = (end, end);
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    out + json.get(kept..).unwrap_or_default()
}

/// Whether an odd number of backslashes stands before a place; outside of a text too, as Postman has it.
fn is_escaped(bytes: &[u8], at: usize) -> bool {
    bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Where a comment ends that begins here; the line feed after one to the end of the line stays.
fn comment_end(json: &str, at: usize) -> Option<usize> {
    let rest = &json[at..];
    if rest.starts_with("//") {
        return Some(at + rest.find('\n').unwrap_or(rest.len()));
    }
    rest.starts_with("/*").then(|| rest[2..].find("*/").map_or(json.len(), |end| at + end + 4))
}

#[cfg(test)]
mod tests {
    use super::without_comments;

    fn check(json: &str, expected: &str) {
        assert_eq!(without_comments(json), expected);
    }

    #[test]
    fn comments_go_and_texts_stay() {
        check("", "");
        check("{\"a\": 1} // end", "{\"a\": 1} ");
        check("{ // one\r\n\"a\": /* two\n */ 1 }\n//", "{ \n\"a\":  1 }\n");
        check("\\\" // gone", "\\\" ");
        check("/*/ still */ 1", " 1");
        check(r#"{"u": "http://x/*y*/ \" // no"}"#, r#"{"u": "http://x/*y*/ \" // no"}"#);
        check("{} /* open", "{} ");
        check("1 / 2 /", "1 / 2 /");
        check("\"open // not", "\"open // not");
        check("\"ends\\", "\"ends\\");
    }
}
