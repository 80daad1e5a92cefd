//! Finding text in items, whatever its case.
//!
//! Why it exists: the command line and the page show where a text occurs: the field, and some of the
//! text around it. Values of secret variables are not searched, so that none shows by accident.
//!
//! Knows nothing of the tree and of which items are searched.

use crate::{Body, Map, Node, Value};

/// Hits of one item; further ones are left out.
pub const HITS_MAX: usize = 20;
/// Characters shown on each side of what was found.
const AROUND_CHARS: usize = 30;
/// Values that nest deeper are not searched.
const DEPTH_MAX: usize = 64;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    needle: Vec<char>,
}

/// One place where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The field: of the node its name, of the body names and element ids from the document's root.
    pub path: Vec<String>,
    /// The text around it, on one line.
    pub excerpt: String,
}

impl Query {
    /// A query; none if there is nothing but white space.
    pub fn new(text: &str) -> Option<Self> {
        let needle: Vec<_> = text.trim().chars().flat_map(char::to_lowercase).collect();
        (!needle.is_empty()).then_some(Self { needle })
    }

    /// Where an item holds the text: name and method first, then the fields by name.
    pub fn find(&self, node: &Node, body: Option<&Body>) -> Vec<Hit> {
        let mut search = Search { query: self, path: Vec::new(), hits: Vec::new() };
        search.below("name", |search| search.text(&node.name));
        if let Some(method) = &node.method {
            search.below("method", |search| search.text(method));
        }
        if let Some(body) = body {
            search.map(&body.fields);
        }
        search.hits
    }

    /// The text around the first place where it occurs.
    fn excerpt(&self, text: &str) -> Option<String> {
        let (lower, source) = lowered(text);
        let at = lower.windows(self.needle.len()).position(|window| window == self.needle)?;
        let (begin, end) = (source[at], source[at + self.needle.len() - 1] + 1);
        let from = begin.saturating_sub(AROUND_CHARS);
        let shown: String = text.chars().skip(from).take(end + AROUND_CHARS - from).collect();
        let before = if from > 0 { "…" } else { "" };
        let after = if text.chars().nth(end + AROUND_CHARS).is_some() { "…" } else { "" };
        Some(format!("{before}{}{after}", on_one_line(&shown)))
    }
}

/// The text in lower case, and for each character the one of the text it came from.
fn lowered(text: &str) -> (Vec<char>, Vec<usize>) {
    text.chars().enumerate().flat_map(|(at, char)| char.to_lowercase().map(move |lower| (lower, at))).unzip()
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Search<'a> {
    query: &'a Query,
    path: Vec<String>,
    hits: Vec<Hit>,
}

impl Search<'_> {
    fn below(&mut self, segment: &str, search: impl FnOnce(&mut Self)) {
        if self.hits.len() < HITS_MAX && self.path.len() < DEPTH_MAX {
            self.path.push(segment.to_owned());
            search(self);
            self.path.pop();
        }
    }

    fn map(&mut self, map: &Map) {
        let is_secret = map.get("type").and_then(Value::as_str) == Some("secret");
        for (name, value) in map.iter().filter(|(name, _)| !(is_secret && *name == "value")) {
            self.below(name, |search| search.value(value));
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => self.text(&number.to_string()),
            Value::String(text) => self.text(text),
            Value::Array(values) => self.array(values),
            Value::Object(map) => self.map(map),
            Value::List(list) => {
                for (id, value) in list.in_order() {
                    self.below(&id.to_string(), |search| search.value(value));
                }
            }
        }
    }

    /// Lines of a text are one place; other members have their number.
    fn array(&mut self, values: &[Value]) {
        let lines: Option<Vec<_>> = values.iter().map(Value::as_str).collect();
        match lines {
            Some(lines) => self.text(&lines.join("\n")),
            None => {
                for (at, value) in values.iter().enumerate() {
                    self.below(&at.to_string(), |search| search.value(value));
                }
            }
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(excerpt) = self.query.excerpt(text) {
            self.hits.push(Hit { path: self.path.clone(), excerpt });
        }
    }
}

#[cfg(test)]
mod tests;
