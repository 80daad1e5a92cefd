//! Drafts to items: ids, places, names and methods.

use rand_core::{Error, RngCore};
use serde_json::Value as Json;

use crate::format::postman::losses::Losses;
use crate::format::postman::{
    BODY_BYTES_MAX, ITEMS_MAX, ImportError, ImportedItem, NAME_CHARS_MAX, NO_NAME, shape, url,
};
use crate::{Body, Conflicts, Item, Kind, Map, Node, OrderKey, Position, RecordId, Value};

/// An item as the file has it, without what is below it.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Its parent's place among the drafts; none at the top.
    pub(crate) parent: Option<usize>,
    pub(crate) kind: Kind,
    /// Its fields, name and method still among them.
    pub(crate) fields: serde_json::Map<String, Json>,
}

/// The items of a file, parents before children and siblings in order, and what was lost.
#[derive(Debug, Default)]
pub(crate) struct Drafts {
    list: Vec<Draft>,
    pub(crate) losses: Losses,
}

impl Drafts {
    /// Adds one and says its place.
    pub(crate) fn add(&mut self, draft: Draft) -> Result<usize, ImportError> {
        if self.list.len() >= ITEMS_MAX {
            return Err(ImportError::TooManyItems);
        }
        self.list.push(draft);
        Ok(self.list.len() - 1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Random numbers drawn many at a time: the source may be the system, and a file needs many.
pub(crate) struct Buffered<'a> {
    source: &'a mut dyn RngCore,
    bytes: [u8; 4096],
    used: usize,
}

impl<'a> Buffered<'a> {
    pub(crate) fn new(source: &'a mut dyn RngCore) -> Self {
        Self { source, bytes: [0; 4096], used: 4096 }
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        if self.used + N > self.bytes.len() {
            self.source.fill_bytes(&mut self.bytes);
            self.used = 0;
        }
        let taken = self.bytes[self.used..self.used + N].try_into().expect("the range has N bytes");
        self.used += N;
        taken
    }
}

impl RngCore for Buffered<'_> {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        for chunk in dest.chunks_mut(16) {
            let bytes: [u8; 16] = self.take();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

/// Makes items of drafts.
pub(crate) fn items(
    drafts: Drafts,
    root: RecordId,
    rng: &mut dyn RngCore,
) -> Result<(Vec<ImportedItem>, Vec<String>), ImportError> {
    let Drafts { list, losses } = drafts;
    let orders = orders(&list, rng);
    let ids: Vec<_> = list.iter().map(|_| RecordId::make(rng)).collect();
    let mut items = Vec::with_capacity(list.len());
    for ((draft, order), id) in list.into_iter().zip(orders).zip(&ids) {
        let parent = draft.parent.map_or(root, |parent| ids[parent]);
        let made = Made::new(draft.kind, draft.fields, rng)?;
        let node = Node {
            kind: made.kind,
            position: Position { parent, order },
            name: made.name,
            method: made.method,
            trashed: None,
            conflicts: Conflicts::new(),
            extra: Map::new(),
        };
        let origin = origin(&node.kind, &made.body);
        items.push(ImportedItem { item: Item { id: *id, node, body: made.body }, origin });
    }
    Ok((items, losses.into_lines()))
}

/// An order key for each draft: the children of one parent are one block.
fn orders(list: &[Draft], rng: &mut dyn RngCore) -> Vec<OrderKey> {
    let slot = |draft: &Draft| draft.parent.map_or(0, |parent| parent + 1);
    let mut counts = vec![0_usize; list.len() + 1];
    for draft in list {
        counts[slot(draft)] += 1;
    }
    let blocks = counts.into_iter().map(|count| match count {
        0 => Vec::new(),
        count => OrderKey::block(None, None, count, rng),
    });
    let mut blocks: Vec<_> = blocks.map(Vec::into_iter).collect();
    let mut next = |draft| blocks[slot(draft)].next().expect("a block has a key for each child");
    list.iter().map(&mut next).collect()
}

/// What of an item comes from the file alone.
struct Made {
    kind: Kind,
    name: String,
    method: Option<String>,
    body: Body,
}

impl Made {
    fn new(
        kind: Kind,
        fields: serde_json::Map<String, Json>,
        rng: &mut dyn RngCore,
    ) -> Result<Self, ImportError> {
        let mut bytes = 0;
        let mut fields = shape::plain_fields(fields, &mut bytes);
        let method = take_method(&kind, &mut fields);
        let name = take_name(&kind, &mut fields);
        if bytes > BODY_BYTES_MAX {
            return Err(ImportError::ItemTooLarge { name, bytes });
        }
        shape::apply_to_body(&mut fields, &kind, rng);
        let body = Body { fields, conflicts: Conflicts::new() };
        Ok(Self { kind, name, method, body })
    }
}

fn take_method(kind: &Kind, fields: &mut Map) -> Option<String> {
    if *kind != Kind::Request {
        return None;
    }
    let Some(Value::Object(request)) = fields.get_mut("request") else { return None };
    match request.get("method") {
        Some(Value::String(_)) => match request.remove("method") {
            Some(Value::String(method)) => Some(method),
            _ => None,
        },
        _ => None,
    }
}

/// Takes the name out of the fields; leaves a mark where the file has none that can be shown.
fn take_name(kind: &Kind, fields: &mut Map) -> String {
    let place = match (kind, fields.get_mut("info")) {
        (Kind::Collection, Some(Value::Object(info))) => info,
        _ => fields,
    };
    let given = place.remove("name");
    if let Some(Value::String(name)) = &given
        && is_name(name)
    {
        return name.clone();
    }
    let shown = fallback_name(kind, given.as_ref(), fields);
    let mut mark = Map::from([("shown".to_owned(), Value::String(shown.clone()))]);
    mark.extend(given.map(|given| ("value".to_owned(), given)));
    fields.insert(NO_NAME.to_owned(), Value::Object(mark));
    shown
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().nth(NAME_CHARS_MAX).is_none() && !name.chars().any(char::is_control)
}

fn fallback_name(kind: &Kind, given: Option<&Value>, fields: &Map) -> String {
    let text = match given {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(value)) => value.to_string(),
        _ => String::new(),
    };
    let text = if text.trim().is_empty() { request_url(kind, fields) } else { text };
    let clean: String =
        text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).take(NAME_CHARS_MAX).collect();
    if clean.trim().is_empty() { format!("Unnamed {}", kind.word()) } else { clean }
}

/// The URL that stands for the name of a request without one.
fn request_url(kind: &Kind, fields: &Map) -> String {
    match (kind, fields.get("request")) {
        (Kind::Request, Some(Value::Object(request))) => {
            request.get("url").map(url::text).unwrap_or_default()
        }
        (Kind::Request, Some(Value::String(url))) => url.clone(),
        _ => String::new(),
    }
}

/// The id that a file gives an item.
fn origin(kind: &Kind, body: &Body) -> Option<String> {
    let text = |fields: &Map, name: &str| match fields.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    if *kind == Kind::Collection {
        return text(body.fields.get("info")?.as_object()?, "_postman_id");
    }
    ["_postman_id", "id", "uid"].into_iter().find_map(|name| text(&body.fields, name))
}

/// See [`crate::format::postman::from_document`].
pub(crate) fn from_document(
    kind: &Kind,
    document: serde_json::Map<String, Json>,
    rng: &mut dyn RngCore,
) -> (Option<String>, Option<String>, Body) {
    let mut fields = shape::plain_fields(document, &mut 0);
    if matches!(kind, Kind::Collection | Kind::Folder) {
        fields.remove("item");
    }
    if *kind == Kind::Request
        && let Some(Value::Array(responses)) = fields.get_mut("response")
    {
        responses.clear();
    }
    let method = take_method(kind, &mut fields);
    let name = take_name(kind, &mut fields);
    let name = (!fields.contains_key(NO_NAME)).then_some(name);
    shape::apply_to_body(&mut fields, kind, rng);
    (name, method, Body { fields, conflicts: Conflicts::new() })
}
