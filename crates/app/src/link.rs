//! What passes over the agent's socket: one JSON document a line, either way.
//!
//! Why it exists: the agent and the command line are the same program at two ends, so both ends read
//! and write through here. A question has a number, and everything that is told about it carries it.
//!
//! Invariants: no line is longer than [`LINE_BYTES_MAX`]; numbers of any size keep their digits.
//! Knows nothing of sockets and of what a call does.

use satchel_client::api::{ApiError, PageEvent, Progress, Reply, Request};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The longest line: the largest file that is read, in base64, and a little more.
pub(crate) const LINE_BYTES_MAX: u64 = 160 * 1024 * 1024;
/// The deepest nesting: that of a stored payload, and a little more.
const DEPTH_MAX: usize = 300;

/// From the command line to the agent.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Question {
    /// Chosen by the one who asks.
    pub(crate) id: u64,
    /// What is wanted.
    pub(crate) ask: Ask,
}

/// What is wanted.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, on its way to a line")]
pub(crate) enum Ask {
    /// A call of the API.
    Call(Request),
    /// A word whenever the status or the content changed, without end.
    Watch,
    /// What changed, item by item, without end.
    Events,
    /// Who answers.
    About,
    /// End.
    Stop,
}

/// From the agent to the command line.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The question's.
    pub(crate) id: u64,
    /// What is told.
    pub(crate) tell: Tell,
}

/// What is told.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, on its way to a line")]
pub(crate) enum Tell {
    /// How far a call is.
    Progress(Progress),
    /// A call's end.
    Reply(Reply),
    /// A call's end.
    Error(ApiError),
    /// Something changed, so often since the agent began.
    Changed(u64),
    /// What changed.
    Event(PageEvent),
    /// Who answers.
    About {
        /// The process.
        pid: u32,
        /// Its version.
        version: String,
    },
}

/// A line, with its end.
pub(crate) fn write(message: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).expect("messages have text keys and plain values only");
    line.push(b'\n');
    line
}

/// A reply as it stands in a line of [`write()`], and the number of its question; none for any other line.
///
/// Who only passes a reply on need not read it: a list of ten thousand items is megabytes.
pub(crate) fn reply_in(line: &[u8]) -> Option<(u64, &str)> {
    let line = std::str::from_utf8(line).ok()?;
    let (id, rest) = line.strip_prefix(r#"{"id":"#)?.split_once(',')?;
    let reply = rest.strip_prefix(r#""tell":{"reply":"#)?.strip_suffix("}}\n")?;
    Some((id.parse().ok()?, reply))
}

/// Reads a line.
///
/// A document may nest deeper than the parser likes, so depth is checked here before it reads. The line goes through a [`Value`] because serde keeps the fields of a tagged enum in a buffer that cannot
/// hold the numbers of `arbitrary_precision` as the parser gives them.
pub(crate) fn read<T: DeserializeOwned>(line: &[u8]) -> Result<T, serde_json::Error> {
    if depth(line) > DEPTH_MAX {
        return Err(serde::de::Error::custom(format!("it nests deeper than {DEPTH_MAX} levels")));
    }
    let mut parser = serde_json::Deserializer::from_slice(line);
    parser.disable_recursion_limit();
    let mut value = Value::deserialize(&mut parser)?;
    parser.end()?;
    keep_digits(&mut value);
    serde_json::from_value(value)
}

/// How deep a text nests; brackets inside of texts do not count.
fn depth(line: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut is_escaped) = (false, false);
    for byte in line {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The form in which the digits of a number pass through serde's buffer untouched.
fn keep_digits(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let is_plain = number.as_u64().is_some_and(|plain| plain.to_string() == number.as_str())
                || number.as_i64().is_some_and(|plain| plain.to_string() == number.as_str());
            if !is_plain {
                let digits = Value::String(number.as_str().to_owned());
                *value = Value::Object(Map::from_iter([(NUMBER_TOKEN.to_owned(), digits)]));
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(keep_digits),
        Value::Object(fields) => fields.values_mut().for_each(keep_digits),
        _ => {}
    }
}

/// How `serde_json` names a number to itself; a test fails if that changes.
const NUMBER_TOKEN: &str = "$serde_json::private::Number";

#[cfg(test)]
mod tests {
    use satchel_client::api::{Acknowledged, Call, ItemView, Secret, Source};

    use super::*;

    #[test]
    fn a_reply_is_passed_on_without_being_read() {
        let reply = Reply::Done;
        let line = write(&Answer { id: 7, tell: Tell::Reply(reply.clone()) });
        let (id, text) = reply_in(&line).expect("it is a reply");
        assert_eq!((id, text), (7, serde_json::to_string(&reply).expect("it writes").as_str()));
        assert_eq!(reply_in(&write(&Answer { id: 7, tell: Tell::Changed(1) })), None);
        assert_eq!(reply_in(b"{\"id\":7,\"tell\":{\"reply\":1"), None);
    }

    fn check_question(call: Call) {
        let request = Request { workspace: Some("Work".to_owned()), wait_ms: 5_000, call };
        let question = Question { id: 7, ask: Ask::Call(request) };
        let line = write(&question);
        assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
        assert_eq!(read::<Question>(&line).expect("it reads what it wrote"), question);
    }

    #[test]
    fn questions_survive_the_line() {
        check_question(Call::Status);
        check_question(Call::Sync { timeout_ms: 30_000 });
        check_question(Call::Search { text: "a\nb".to_owned(), limit: 50 });
        let source = Source::Base64 { name: "stdin".to_owned(), content: "e30=".to_owned() };
        check_question(Call::Import { source, mode: None, dry_run: true });
        check_question(Call::ChangePassword { old: Secret("a".to_owned()), new: Secret("b".to_owned()) });
        let document = serde_json::from_str(NUMBERS).expect("it is JSON");
        check_question(Call::Replace { path: "A".to_owned(), base: Value::Null, document });
    }

    #[test]
    fn deep_documents_pass_and_deeper_ones_are_an_error() {
        let call = |levels: usize| {
            let document = (0..levels).fold(Value::from("]\\\"["), |inner, _| Value::Array(vec![inner]));
            Call::Replace { path: "A".to_owned(), base: Value::Null, document }
        };
        check_question(call(280));
        let request = Request { workspace: None, wait_ms: 0, call: call(400) };
        assert!(read::<Question>(&write(&Question { id: 1, ask: Ask::Call(request) })).is_err());
    }

    const NUMBERS: &str =
        r#"{"a":[1,-1,-0,1.10,1e400,18446744073709551616,340282366920938463463374607431768211456,1E2,0.1]}"#;

    #[test]
    fn numbers_keep_their_digits() {
        let item = ItemView {
            id: "0a".to_owned(),
            kind: "request".to_owned(),
            name: "A".to_owned(),
            method: None,
            path: "A".to_owned(),
            depth: 3,
            conflicts: 1,
            waiting: false,
        };
        let document: Value = serde_json::from_str(NUMBERS).expect("it is JSON");
        let expected = document.to_string();
        let answer = Answer { id: 1, tell: Tell::Reply(Reply::Item { item, document }) };
        let Ok(Answer { tell: Tell::Reply(Reply::Item { document, .. }), .. }) = read(&write(&answer)) else {
            panic!("it is an item");
        };
        assert_eq!(document.to_string(), expected);
    }

    #[test]
    fn answers_survive_the_line() {
        let check = |tell: Tell| {
            let answer = Answer { id: u64::MAX, tell };
            assert_eq!(read::<Answer>(&write(&answer)).expect("it reads what it wrote"), answer);
        };
        check(Tell::Progress(Progress { phase: "storing".to_owned(), done: 1, total: 2 }));
        check(Tell::Changed(3));
        check(Tell::Reply(Reply::Done));
        check(Tell::Reply(Reply::Changed { items: Vec::new(), acknowledged: Acknowledged::Server }));
        check(Tell::About { pid: 1, version: "0.1.0".to_owned() });
    }

    #[test]
    fn a_line_that_is_no_message_is_an_error() {
        for line in ["", "{}", "[1", "{\"id\":1,\"ask\":\"fly\"}", "\u{fffd}", &"[".repeat(100_000)] {
            assert!(read::<Question>(line.as_bytes()).is_err());
        }
    }
}
