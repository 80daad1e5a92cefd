//! Texts with their variables replaced.
//!
//! Passes over the text, as Postman does: each replaces every `{{name}}` that holds no braces, until nothing
//! changes or [`PASSES_MAX`] are done. So a name may itself be made of variables, and a value may hold more.
//! A variable that leads back to itself is not replaced at all and is reported with its chain.
//!
//! Invariant: the work is bounded by the passes, [`TEXT_BYTES_MAX`] and the number of variables, whatever the
//! values say.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use crate::variable::{Dynamic, Scopes};

/// The longest text that variables may make.
pub const TEXT_BYTES_MAX: usize = 64 << 20;
/// How often a text is gone over, as in Postman.
const PASSES_MAX: usize = 19;
/// How many problems are kept; a text may hold a million unknown names.
const PROBLEMS_MAX: usize = 100;
/// How deep a document is gone into.
const DEPTH_MAX: usize = 256;

/// What could not be replaced; the text has it as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Problem {
    /// No scope has a variable of this name.
    Unresolved {
        /// The name.
        name: String,
    },
    /// A variable whose value leads back to it.
    Cycle {
        /// The names on the way, the first again at the end.
        chain: Vec<String>,
    },
    /// Values that hold values, deeper than is followed.
    TooDeep {
        /// A name that was left.
        name: String,
    },
    /// The values would make the text too long.
    TooLong {
        /// The longest text that is made.
        bytes_max: usize,
    },
}

/// Replaces variables in texts and documents and collects what it could not.
#[derive(Debug)]
pub struct Replacer<'a, 'r> {
    scopes: &'a Scopes,
    dynamic: &'a mut Dynamic<'r>,
    problems: Vec<Problem>,
    reported: HashSet<Problem>,
    cyclic: HashMap<String, bool>,
}

impl<'a, 'r> Replacer<'a, 'r> {
    /// A replacer over these variables.
    pub fn new(scopes: &'a Scopes, dynamic: &'a mut Dynamic<'r>) -> Self {
        Self { scopes, dynamic, problems: Vec::new(), reported: HashSet::new(), cyclic: HashMap::new() }
    }

    /// The text with its variables replaced.
    pub fn text(&mut self, text: &str) -> String {
        let mut current = text.to_owned();
        let mut unresolved = Vec::new();
        for _ in 0..PASSES_MAX {
            unresolved.clear();
            match self.pass(&current, &mut unresolved) {
                Pass::Unchanged => {
                    self.report_all(unresolved);
                    return current;
                }
                Pass::Changed(next) => current = next,
                Pass::TooLong => {
                    self.report(Problem::TooLong { bytes_max: TEXT_BYTES_MAX });
                    return current;
                }
            }
        }
        if let Some(name) = names_in(&current).into_iter().find(|name| self.scopes.find(name).is_some()) {
            self.report(Problem::TooDeep { name });
        }
        self.report_all(unresolved);
        current
    }

    /// Replaces the variables in every text of a document; names of fields stay.
    pub fn document(&mut self, document: &mut Json) {
        self.document_at(document, DEPTH_MAX);
    }

    /// What could not be replaced so far, each once.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    fn document_at(&mut self, document: &mut Json, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        match document {
            Json::String(text) if text.contains("{{") => *text = self.text(text),
            Json::Array(values) => values.iter_mut().for_each(|value| self.document_at(value, depth)),
            Json::Object(fields) => fields.values_mut().for_each(|value| self.document_at(value, depth)),
            _ => {}
        }
    }

    fn pass(&mut self, text: &str, unresolved: &mut Vec<Problem>) -> Pass {
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        let mut changed = false;
        for (from, until) in tokens(text) {
            let name = &text[from + 2..until - 2];
            let Some(value) = self.value(name, unresolved) else { continue };
            out += &text[done..from];
            out += &value;
            done = until;
            changed = true;
            if out.len() > TEXT_BYTES_MAX {
                return Pass::TooLong;
            }
        }
        out += &text[done..];
        match changed {
            true if out.len() > TEXT_BYTES_MAX => Pass::TooLong,
            true => Pass::Changed(out),
            false => Pass::Unchanged,
        }
    }

    fn value(&mut self, name: &str, unresolved: &mut Vec<Problem>) -> Option<String> {
        let Some((_, variable)) = self.scopes.find(name) else {
            let made = self.dynamic.value(name);
            if made.is_none() && unresolved.len() < PROBLEMS_MAX {
                unresolved.push(Problem::Unresolved { name: name.to_owned() });
            }
            return made;
        };
        let text = variable.text();
        (!text.contains("{{") || !self.is_cyclic(name)).then_some(text)
    }

    fn is_cyclic(&mut self, name: &str) -> bool {
        if let Some(known) = self.cyclic.get(name) {
            return *known;
        }
        let chain = cycle(self.scopes, name);
        self.cyclic.insert(name.to_owned(), chain.is_some());
        let is_cyclic = chain.is_some();
        if let Some(chain) = chain {
            self.report(Problem::Cycle { chain });
        }
        is_cyclic
    }

    fn report_all(&mut self, problems: Vec<Problem>) {
        for problem in problems {
            self.report(problem);
        }
    }

    fn report(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX && self.reported.insert(problem.clone()) {
            self.problems.push(problem);
        }
    }
}

enum Pass {
    Unchanged,
    Changed(String),
    TooLong,
}

/// The way from a variable back to itself, if there is one.
fn cycle(scopes: &Scopes, name: &str) -> Option<Vec<String>> {
    let mut before: HashMap<String, String> = HashMap::new();
    let mut open = vec![name.to_owned()];
    while let Some(at) = open.pop() {
        let Some((_, variable)) = scopes.find(&at) else { continue };
        for next in names_in(&variable.text()) {
            if next == name {
                return Some(chain(&before, name, at));
            }
            if !before.contains_key(&next) {
                before.insert(next.clone(), at.clone());
                open.push(next);
            }
        }
    }
    None
}

fn chain(before: &HashMap<String, String>, name: &str, last: String) -> Vec<String> {
    let mut chain = vec![name.to_owned()];
    let mut at = last;
    while at != name {
        let previous = before.get(&at).cloned();
        chain.push(at);
        match previous {
            Some(previous) => at = previous,
            None => break,
        }
    }
    chain.push(name.to_owned());
    chain.reverse();
    chain
}

/// The names of the variables in a text, each once, in their order.
pub fn names_in(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let names = tokens(text).map(|(from, until)| &text[from + 2..until - 2]);
    names.filter(|name| seen.insert(*name)).map(str::to_owned).collect()
}

/// The names of the variables in all texts of a document, each once.
pub fn names_in_document(document: &Json) -> Vec<String> {
    let mut names = Vec::new();
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        match value {
            Json::String(text) => names.extend(names_in(text)),
            Json::Array(values) => open.extend(values.iter().rev()),
            Json::Object(fields) => open.extend(fields.values().rev()),
            _ => {}
        }
    }
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// Where the `{{name}}` of a text begin and end: those that hold no braces.
fn tokens(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at + 1 < bytes.len() {
            if &bytes[at..at + 2] != b"{{" {
                at += 1;
                continue;
            }
            let from = at;
            let end =
                bytes[at + 2..].iter().position(|byte| matches!(byte, b'{' | b'}')).map(|end| at + 2 + end);
            match end {
                None => at = bytes.len(),
                Some(end) if bytes[end..].starts_with(b"}}") => {
                    at = end + 2;
                    return Some((from, at));
                }
                Some(end) => at = if end == from + 2 { from + 1 } else { end },
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use rand_core::impls;
    use rand_core::{Error, RngCore};
    use serde_json::json;

    use super::{Problem, Replacer, names_in};
    use crate::variable::{Dynamic, Layer, Scope, Scopes};

    /// Counts, so that a test knows what comes.
    struct Counter(u64);

    impl RngCore for Counter {
        fn next_u32(&mut self) -> u32 {
            impls::next_u32_via_fill(self)
        }
        fn next_u64(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(1);
            self.0
        }
        fn fill_bytes(&mut self, dest: &mut [u8]) {
            impls::fill_bytes_via_next(self, dest);
        }
        fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
            self.fill_bytes(dest);
            Ok(())
        }
    }

    fn replaced(text: &str, variables: &serde_json::Value) -> (String, Vec<Problem>) {
        let list: Vec<_> = variables
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| json!({ "key": key, "value": value }))
            .collect();
        let scopes = Scopes::new([Layer::from_document(Scope::Collection, &json!({ "variable": list }))]);
        let mut rng = Counter(0);
        let mut dynamic = Dynamic::new(&mut rng, 1_577_836_800_000);
        let mut replacer = Replacer::new(&scopes, &mut dynamic);
        let text = replacer.text(text);
        (text, replacer.into_problems())
    }

    fn check(text: &str, expected: &str) {
        let variables = json!({
            "a": "1", "b": "{{a}}2", "c": "{{b}}{{b}}", "name": "a", "n": 5, "o": { "x": 1 }, "t": true,
            "sp ace": "s", "": "empty",
        });
        let (text, problems) = replaced(text, &variables);
        let lines: Vec<_> = problems.iter().map(|problem| format!(" !{problem:?}")).collect();
        assert_eq!(format!("{text}{}", lines.concat()), expected);
    }

    #[test]
    fn variables_are_replaced_in_passes() {
        check("", "");
        check("plain {a} }} {{", "plain {a} }} {{");
        check("{{a}}{{a}}-{{b}}-{{c}}", "11-12-1212");
        check("{{{{name}}}}", "1");
        check("{{{a}}}", "{1}");
        check("{{n}} {{o}} {{t}} {{sp ace}} {{}}", r#"5 {"x":1} true s empty"#);
        check(
            "{{ a }}{{nope}}{{nope}}",
            r#"{{ a }}{{nope}}{{nope}} !Unresolved { name: " a " } !Unresolved { name: "nope" }"#,
        );
        check("{{ä{{a}}", "{{ä1");
        check("{{a}", "{{a}");
        check("{{{{{{a}}", "{{{{1");
        check("{{$timestamp}}", "1577836800");
    }

    #[test]
    fn a_cycle_is_left_as_written_and_told_with_its_chain() {
        let variables =
            json!({ "x": "{{y}}", "y": "z{{z}}", "z": "{{x}}", "self": "{{self}}{{self}}", "in": "<{{x}}>" });
        let chain =
            |names: &[&str]| Problem::Cycle { chain: names.iter().map(ToString::to_string).collect() };
        assert_eq!(replaced("{{x}}!", &variables), ("{{x}}!".into(), vec![chain(&["x", "y", "z", "x"])]));
        assert_eq!(replaced("{{self}}", &variables), ("{{self}}".into(), vec![chain(&["self", "self"])]));
        assert_eq!(replaced("{{in}}", &variables), ("<{{x}}>".into(), vec![chain(&["x", "y", "z", "x"])]));
    }

    #[test]
    fn values_that_grow_without_end_are_stopped() {
        let doubling: serde_json::Map<_, _> = (0..60)
            .map(|at| (format!("d{at}"), json!(format!("{{{{d{next}}}}}{{{{d{next}}}}}", next = at + 1))))
            .collect();
        let (text, problems) = replaced("{{d0}}", &json!(doubling));
        assert!(text.len() < 64 << 20 && problems.len() == 1, "{} {problems:?}", text.len());
        let big: serde_json::Map<_, _> =
            [("big".to_owned(), json!("x".repeat(1 << 20)))].into_iter().collect();
        let (text, problems) = replaced(&"{{big}}".repeat(100), &json!(big));
        assert_eq!((text.len(), problems), (700, vec![Problem::TooLong { bytes_max: 64 << 20 }]));
        // A name that only comes about while replacing escapes the search for cycles, not the limit on passes.
        let (_, problems) = replaced("{{p{{q}}}}", &json!({ "q": "1", "p1": "{{p{{q}}}}" }));
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn names_are_told_once_and_in_order() {
        assert_eq!(names_in("{{b}} {{a}} {{b}} {{c"), ["b", "a"]);
    }
}
