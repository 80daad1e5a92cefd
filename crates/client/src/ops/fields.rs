//! Field names of `set` and `new`: what each means in a node and a body.
//!
//! Why it exists: a person says `url=…` or `header.Accept=…`; the record holds a document in
//! Postman's shape. Every name maps to one small edit of a [`Draft`]; the draft is stored only if
//! all edits succeed. Knows nothing of the store: secrets have been put into the draft before.

use rand_core::RngCore;
use satchel_model::format::payload::value_from_json;
use satchel_model::format::postman::url;
use satchel_model::reconcile::reconcile_body;
use satchel_model::{Body, ElementId, Kind, List, Map, Node, Value};

use crate::api::{ApiError, FieldEdit};
use crate::ops::error::invalid;

const NAME_CHARS_MAX: usize = 1_000;
const METHOD_BYTES_MAX: usize = 64;
const PATH_SEGMENTS_MAX: usize = 64;

/// An item while its fields are being changed.
pub(crate) struct Draft {
    pub(crate) node: Node,
    pub(crate) body: Body,
}

/// Applies all edits to a draft, or fails at the first that is not usable.
pub(crate) fn apply(draft: &mut Draft, edits: &[FieldEdit], rng: &mut dyn RngCore) -> Result<(), ApiError> {
    edits.iter().try_for_each(|edit| {
        draft.set(&edit.field, edit.value.as_deref(), rng).map_err(|why| {
            let shown = edit.value.as_deref().map_or_else(|| "nothing".to_owned(), shorten);
            invalid(format!("setting {} to {shown}", edit.field), why)
        })
    })
}

/// Says what is wrong with a name, if anything is.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("a name is not empty".to_owned());
    }
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(format!("a name has at most {NAME_CHARS_MAX} characters"));
    }
    if name.chars().any(char::is_control) {
        return Err("a name has no control characters such as line breaks".to_owned());
    }
    Ok(())
}

/// Says what is wrong with a method, if anything is: it is a token of RFC 9110.
pub(crate) fn check_method(method: &str) -> Result<(), String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if method.is_empty() || method.len() > METHOD_BYTES_MAX || !method.bytes().all(is_token) {
        return Err("a method is a word such as GET, made of letters, digits and some signs".to_owned());
    }
    Ok(())
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(60).chain(['…']).collect() }
}

impl Draft {
    fn set(&mut self, field: &str, value: Option<&str>, rng: &mut dyn RngCore) -> Result<(), String> {
        match field {
            "name" | "info.name" => self.set_name(value),
            "method" | "request.method" => self.set_method(value),
            "url" | "request.url" | "request.url.raw" => self.set_url(value, rng),
            "description" => self.set_description(value),
            "body" => self.set_body(value),
            _ => match field.split_once('.') {
                Some(("header", name)) => self.set_header(name, value, rng),
                Some(("query", name)) => self.set_query(name, value, rng),
                Some(("variable", name)) => self.set_variable(name, value, rng),
                Some(("script", listen)) => self.set_script(listen, value, rng),
                Some(("request", rest)) => self.set_in_request(rest, value, rng),
                _ => set_dotted(&mut self.body.fields, field, value),
            },
        }
    }

    /// A dotted path into the request; a part of the URL makes the URL's text follow from its parts.
    fn set_in_request(
        &mut self,
        path: &str,
        value: Option<&str>,
        rng: &mut dyn RngCore,
    ) -> Result<(), String> {
        let request = self.request()?;
        let Some(("url", part)) = path.split_once('.') else {
            return set_dotted(request, path, value);
        };
        let url = object_url(request, rng)?;
        set_dotted(url, part, value)?;
        url.remove("raw");
        url.insert(url::RAW_MARK.to_owned(), Value::Bool(true));
        Ok(())
    }

    fn set_name(&mut self, value: Option<&str>) -> Result<(), String> {
        let name = value.ok_or("a name cannot be removed")?;
        check_name(name)?;
        name.clone_into(&mut self.node.name);
        self.body.fields.remove("$noName");
        Ok(())
    }

    fn set_method(&mut self, value: Option<&str>) -> Result<(), String> {
        self.only_for(&[Kind::Request], "method")?;
        value.map_or(Ok(()), check_method)?;
        self.node.method = value.map(str::to_owned);
        Ok(())
    }

    fn only_for(&self, kinds: &[Kind], field: &str) -> Result<(), String> {
        if kinds.contains(&self.node.kind) || matches!(self.node.kind, Kind::Unknown(_)) {
            return Ok(());
        }
        Err(format!("a {} has no {field}", super::view::kind_word(&self.node.kind)))
    }

    /// The request object; a request that the file wrote as a bare URL becomes an object.
    fn request(&mut self) -> Result<&mut Map, String> {
        self.only_for(&[Kind::Request], "such field")?;
        let slot = self.body.fields.entry("request".to_owned()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::String(text) = slot {
            let url = Value::String(std::mem::take(text));
            *slot = Value::Object(Map::from([("url".to_owned(), url)]));
        }
        object(slot)
    }

    fn set_url(&mut self, value: Option<&str>, rng: &mut dyn RngCore) -> Result<(), String> {
        let request = self.request()?;
        match value {
            None => drop(request.remove("url")),
            Some(text) => {
                let old = request.remove("url").unwrap_or_default();
                request.insert("url".to_owned(), new_url(old, text, rng));
            }
        }
        Ok(())
    }

    fn set_description(&mut self, value: Option<&str>) -> Result<(), String> {
        let place = match self.node.kind {
            Kind::Request => self.request()?,
            Kind::Collection => object(
                self.body.fields.entry("info".to_owned()).or_insert_with(|| Value::Object(Map::new())),
            )?,
            _ => &mut self.body.fields,
        };
        match (value, place.get_mut("description")) {
            (None, _) => drop(place.remove("description")),
            (Some(text), Some(Value::Object(described))) => {
                described.insert("content".to_owned(), Value::String(text.to_owned()));
            }
            (Some(text), _) => drop(place.insert("description".to_owned(), Value::String(text.to_owned()))),
        }
        Ok(())
    }

    fn set_body(&mut self, value: Option<&str>) -> Result<(), String> {
        if self.node.kind == Kind::Example {
            set_or_remove(&mut self.body.fields, "body", value);
            return Ok(());
        }
        let request = self.request()?;
        let Some(text) = value else {
            request.remove("body");
            return Ok(());
        };
        let slot = request.entry("body".to_owned()).or_default();
        if !matches!(slot, Value::Object(_)) {
            *slot = Value::Object(Map::new());
        }
        let body = object(slot)?;
        if body.get("mode") != Some(&Value::String("raw".to_owned())) {
            body.remove("options");
        }
        body.insert("mode".to_owned(), Value::String("raw".to_owned()));
        body.insert("raw".to_owned(), Value::String(text.to_owned()));
        body.remove("disabled");
        Ok(())
    }

    fn set_header(&mut self, name: &str, value: Option<&str>, rng: &mut dyn RngCore) -> Result<(), String> {
        check_key(name)?;
        if value.is_some_and(|value| value.contains(['\r', '\n'])) {
            return Err("a header's value has no line breaks".to_owned());
        }
        let fields = if self.node.kind == Kind::Example { &mut self.body.fields } else { self.request()? };
        let slot = fields.entry("header".to_owned()).or_default();
        if let Value::String(text) = slot {
            *slot = Value::List(List::from_values(header_lines(text), rng));
        }
        let same = |key: &str| key.eq_ignore_ascii_case(name);
        set_keyed(list(slot)?, name, same, value, rng);
        Ok(())
    }

    fn set_query(&mut self, name: &str, value: Option<&str>, rng: &mut dyn RngCore) -> Result<(), String> {
        check_key(name)?;
        let url = object_url(self.request()?, rng)?;
        set_keyed(list(url.entry("query".to_owned()).or_default())?, name, |key| key == name, value, rng);
        url.remove("raw");
        url.insert(url::RAW_MARK.to_owned(), Value::Bool(true));
        Ok(())
    }

    fn set_variable(&mut self, name: &str, value: Option<&str>, rng: &mut dyn RngCore) -> Result<(), String> {
        check_key(name)?;
        let slot = match self.node.kind {
            Kind::Environment | Kind::Globals => self.body.fields.entry("values".to_owned()).or_default(),
            Kind::Request => object_url(self.request()?, rng)?.entry("variable".to_owned()).or_default(),
            _ => self.body.fields.entry("variable".to_owned()).or_default(),
        };
        set_keyed(list(slot)?, name, |key| key == name, value, rng);
        Ok(())
    }

    fn set_script(&mut self, listen: &str, value: Option<&str>, rng: &mut dyn RngCore) -> Result<(), String> {
        if !["test", "prerequest"].contains(&listen) {
            return Err("a script is script.test or script.prerequest".to_owned());
        }
        self.only_for(&[Kind::Collection, Kind::Folder, Kind::Request], "script")?;
        let events = list(self.body.fields.entry("event".to_owned()).or_default())?;
        let found = first_with(events, "listen", |word| word == listen);
        match (value, found) {
            (None, _) => events.elements.retain(|_, event| text_of(&event.value, "listen") != Some(listen)),
            (Some(text), Some(id)) => {
                let event = events.elements.get_mut(&id).expect("its id was just found");
                let script = object(&mut event.value)?.entry("script".to_owned()).or_default();
                set_exec(script, text);
            }
            (Some(text), None) => {
                let mut script = Value::Object(Map::from([(
                    "type".to_owned(),
                    Value::String("text/javascript".to_owned()),
                )]));
                set_exec(&mut script, text);
                let listen = ("listen".to_owned(), Value::String(listen.to_owned()));
                events.push(Value::Object(Map::from([listen, ("script".to_owned(), script)])), rng);
            }
        }
        Ok(())
    }
}

/// The object in a slot; one is made where there is nothing.
fn object(slot: &mut Value) -> Result<&mut Map, String> {
    if *slot == Value::Null {
        *slot = Value::Object(Map::new());
    }
    match slot {
        Value::Object(map) => Ok(map),
        _ => Err("that field is not an object in this item".to_owned()),
    }
}

/// The list in a slot; one is made where there is nothing.
fn list(slot: &mut Value) -> Result<&mut List, String> {
    if *slot == Value::Null || matches!(slot, Value::Array(values) if values.is_empty()) {
        *slot = Value::List(List::default());
    }
    match slot {
        Value::List(list) => Ok(list),
        _ => Err("that field is not a list in this item".to_owned()),
    }
}

/// The URL of a request as an object; one that is a text is taken apart.
fn object_url<'a>(request: &'a mut Map, rng: &mut dyn RngCore) -> Result<&'a mut Map, String> {
    let slot = request.entry("url".to_owned()).or_default();
    if let Value::String(text) = slot {
        *slot = url::parse(text, rng);
    }
    if *slot == Value::Null {
        *slot = url::parse("", rng);
    }
    // A `raw` that stands there says more than the parts do: what changes a part begins with it.
    if let Value::Object(fields) = slot
        && let Some(Value::String(raw)) = fields.get("raw")
    {
        let raw = raw.clone();
        *slot = new_url(std::mem::take(slot), &raw, rng);
    }
    object(slot)
}

/// The fields of a URL that its text says, all or in part.
const URL_FIELDS: [&str; 8] = ["raw", "protocol", "host", "path", "port", "query", "hash", "variable"];

/// A URL from text that keeps what the text does not say: descriptions, disabled parameters, the
/// values of path variables, fields that are not Postman's, and the ids of the elements.
fn new_url(old: Value, text: &str, rng: &mut dyn RngCore) -> Value {
    let old = match old {
        Value::String(text) => url::parse(&text, rng),
        old => old,
    };
    let mut new = url::parse(text, rng);
    if let (Value::Object(old), Value::Object(new)) = (&old, &mut new) {
        for name in ["query", "variable"] {
            carry_over(old.get(name), new, name);
        }
        for (name, value) in old {
            if !URL_FIELDS.contains(&name.as_str()) && name != url::RAW_MARK {
                new.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    let body = |url| Body { fields: Map::from([("url".to_owned(), url)]), ..Body::default() };
    let mut fields = reconcile_body(&body(old), &body(new)).fields;
    fields.remove("url").unwrap_or_default()
}

/// Completes the elements of `new[name]` from the old ones of the same key, and keeps disabled ones.
fn carry_over(old: Option<&Value>, new: &mut Map, name: &str) {
    let Some(Value::List(old)) = old else { return };
    let mut unused: Vec<_> = old.in_order();
    if let Some(Value::List(list)) = new.get_mut(name) {
        let ids: Vec<_> = list.in_order().iter().map(|(id, _)| *id).collect();
        for id in ids {
            let element = list.elements.get_mut(&id).expect("its id was just listed");
            let key = text_of(&element.value, "key").map(str::to_owned);
            let same = |old: &Value| text_of(old, "key") == key.as_deref() && !is_disabled(old);
            if let Some(at) = unused.iter().position(|(_, old)| same(old)) {
                if name == "variable"
                    && let Value::Object(variable) = &mut element.value
                {
                    variable.remove("value"); // the text names it only
                }
                complete(&mut element.value, unused.remove(at).1);
            }
        }
    }
    let kept: Vec<_> = unused.into_iter().filter(|(_, old)| is_disabled(old)).map(|(id, _)| id).collect();
    if kept.is_empty() {
        return;
    }
    let slot = new.entry(name.to_owned()).or_insert_with(|| Value::List(List::default()));
    if let Value::List(list) = slot {
        let old = kept.iter().filter_map(|id| Some((*id, old.elements.get(id)?.clone())));
        list.elements.extend(old);
    }
}

fn complete(new: &mut Value, old: &Value) {
    let (Value::Object(new), Value::Object(old)) = (new, old) else { return };
    for (name, value) in old {
        new.entry(name.clone()).or_insert_with(|| value.clone());
    }
}

fn is_disabled(element: &Value) -> bool {
    matches!(element, Value::Object(map) if map.get("disabled") == Some(&Value::Bool(true)))
}

/// A text field of an object.
pub(crate) fn text_of<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    match value {
        Value::Object(map) => match map.get(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// The first element, in the order that a person sees, whose text field matches.
pub(crate) fn first_with(list: &List, name: &str, matches: impl Fn(&str) -> bool) -> Option<ElementId> {
    let found = list.in_order().into_iter().find(|(_, value)| text_of(value, name).is_some_and(&matches));
    found.map(|(id, _)| id)
}

/// Sets the value of the first element with a key, appends one, or removes all of them.
fn set_keyed(
    list: &mut List,
    key: &str,
    same: impl Fn(&str) -> bool,
    value: Option<&str>,
    rng: &mut dyn RngCore,
) {
    let Some(text) = value else {
        list.elements.retain(|_, element| !text_of(&element.value, "key").is_some_and(&same));
        return;
    };
    let value = Value::String(text.to_owned());
    let found = first_with(list, "key", same).and_then(|id| list.elements.get_mut(&id));
    if let Some(element) = found {
        if let Value::Object(map) = &mut element.value {
            map.insert("value".to_owned(), value);
            map.remove("disabled");
        }
        return;
    }
    let key = ("key".to_owned(), Value::String(key.to_owned()));
    list.push(Value::Object(Map::from([key, ("value".to_owned(), value)])), rng);
}

fn check_key(name: &str) -> Result<(), String> {
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err("it needs a name after the dot, without control characters".to_owned());
    }
    Ok(())
}

fn header_lines(text: &str) -> Vec<Value> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let pairs = lines.map(|line| line.split_once(':').unwrap_or((line, "")));
    let text = |text: &str| Value::String(text.trim().to_owned());
    pairs
        .map(|(key, value)| {
            Value::Object(Map::from([("key".to_owned(), text(key)), ("value".to_owned(), text(value))]))
        })
        .collect()
}

fn set_exec(script: &mut Value, text: &str) {
    if !matches!(script, Value::Object(_)) {
        *script = Value::Object(Map::new());
    }
    if let Value::Object(map) = script {
        let lines = text.split('\n').map(|line| Value::String(line.trim_end_matches('\r').to_owned()));
        map.insert("exec".to_owned(), Value::Array(lines.collect()));
    }
}

fn set_or_remove(fields: &mut Map, name: &str, value: Option<&str>) {
    match value {
        Some(text) => drop(fields.insert(name.to_owned(), Value::String(text.to_owned()))),
        None => drop(fields.remove(name)),
    }
}

/// Sets a field by its dotted path into the document: names of objects; in a list the element's
/// number, id or key; in an array a number.
fn set_dotted(fields: &mut Map, path: &str, value: Option<&str>) -> Result<(), String> {
    let segments: Vec<_> = path.split('.').collect();
    if segments.len() > PATH_SEGMENTS_MAX {
        return Err(format!("a path has at most {PATH_SEGMENTS_MAX} names"));
    }
    if segments.iter().any(|segment| segment.is_empty() || segment.starts_with('$')) {
        return Err("a path is names with dots between them; none begins with $".to_owned());
    }
    let (last, parents) = segments.split_last().expect("a split text has at least one part");
    let first = parents.first().unwrap_or(last);
    if ["item", "response"].contains(first) || (parents.is_empty() && *first == "values") {
        return Err("that field is made of items or variables of their own; change those".to_owned());
    }
    let Some((first, rest)) = parents.split_first() else {
        return set_in_map(fields, last, value);
    };
    let top = fields.entry((*first).to_owned()).or_default();
    let mut at = top;
    for segment in rest {
        at = step(at, segment)?;
    }
    set_in(at, last, value)
}

fn step<'a>(at: &'a mut Value, segment: &str) -> Result<&'a mut Value, String> {
    if *at == Value::Null {
        *at = Value::Object(Map::new());
    }
    match at {
        Value::Object(map) => Ok(map.entry(segment.to_owned()).or_default()),
        Value::Array(values) => {
            let index = segment.parse::<usize>().ok();
            index.and_then(|index| values.get_mut(index)).ok_or_else(|| no_element(segment))
        }
        Value::List(list) => {
            let id = element(list, segment).ok_or_else(|| no_element(segment))?;
            Ok(&mut list.elements.get_mut(&id).expect("its id was just found").value)
        }
        _ => Err(format!("{segment} cannot be found in a plain value")),
    }
}

fn no_element(segment: &str) -> String {
    format!("the list has no element {segment}")
}

fn element(list: &List, segment: &str) -> Option<ElementId> {
    let in_order = list.in_order();
    let by_id = u64::from_str_radix(segment, 16).ok().filter(|_| segment.len() == 16).map(ElementId);
    let by_id = by_id.filter(|id| list.elements.contains_key(id));
    let by_index = || segment.parse::<usize>().ok().and_then(|index| in_order.get(index)).map(|(id, _)| *id);
    by_id.or_else(by_index).or_else(|| first_with(list, "key", |key| key == segment))
}

fn set_in(at: &mut Value, name: &str, value: Option<&str>) -> Result<(), String> {
    if *at == Value::Null {
        *at = Value::Object(Map::new());
    }
    match (at, value) {
        (Value::Object(map), value) => set_in_map(map, name, value),
        (Value::List(list), None) => {
            let id = element(list, name).ok_or_else(|| no_element(name))?;
            list.elements.remove(&id);
            Ok(())
        }
        (at, Some(text)) => {
            let slot = step(at, name)?;
            *slot = parsed(Some(slot), text)?;
            Ok(())
        }
        (_, None) => Err("an element of an array cannot be removed alone; set the whole array".to_owned()),
    }
}

fn set_in_map(map: &mut Map, name: &str, value: Option<&str>) -> Result<(), String> {
    match value {
        None => drop(map.remove(name)),
        Some(text) => {
            let value = parsed(map.get(name), text)?;
            map.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

/// A value from text: the text itself where a text stands, else JSON, else the text.
fn parsed(present: Option<&Value>, text: &str) -> Result<Value, String> {
    if matches!(present, Some(Value::String(_))) {
        return Ok(Value::String(text.to_owned()));
    }
    if matches!(present, Some(Value::List(_))) && !text.trim_start().starts_with('[') {
        return Err("that field is a list: give a JSON array".to_owned());
    }
    Ok(serde_json::from_str(text)
        .map_or_else(|_| Value::String(text.to_owned()), |json| value_from_json(&json)))
}
