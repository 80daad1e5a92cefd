//! An item's document: Postman's JSON of the item alone, shown to a person and taken back from an editor.
//!
//! Why it exists: what `show` prints is what an editor changes and what `replace` reads. What changed
//! elsewhere since it was shown is merged: the shown document is the base of a three-way merge, the
//! edited one is one side and what is here now the other, so that nothing is overwritten.
//!
//! Secrets are masked in a document; a mask that comes back means the value that is here. Their
//! values never take part in the merge of bodies, because a conflict syncs.

use rand_core::RngCore;
use satchel_model::format::{payload, postman};
use satchel_model::merge::{Authorship, merge_body, merge_node};
use satchel_model::reconcile::reconcile_body;
use satchel_model::{Body, Conflicts, Item, Kind, List, Map, Node, OrderKey, Position, RecordId, Value};
use satchel_sync::Change;
use satchel_wire::WorkspaceId;
use serde_json::Value as Json;

use crate::api::{ApiError, Reply};
use crate::ops::edit::changed;
use crate::ops::error::{invalid, too_large};
use crate::ops::fields::{Draft, check_method, check_name};
use crate::ops::local::{MASK, Whole, commit, for_each_secret, is_blank, variables, whole_body};
use crate::ops::profile::{LocalValues, Profile};
use crate::ops::view::View;

/// The field that says that an item's file had no name for it (`format::postman` writes it).
const NO_NAME: &str = "$noName";

/// An item as its kind begins: the fields that an editor wants to see, and nothing else.
pub(crate) fn fresh(mut node: Node, rng: &mut dyn RngCore) -> (Node, Body) {
    let empty = |rng: &mut dyn RngCore| Value::List(List::from_values([], rng));
    let fields = match node.kind {
        Kind::Request => {
            node.method = Some("GET".to_owned());
            let request = Map::from([("header".to_owned(), empty(rng))]);
            Map::from([("request".to_owned(), Value::Object(request))])
        }
        Kind::Environment | Kind::Globals => postman::new_environment(&node.name).fields,
        _ => Map::new(),
    };
    (node, Body { fields, ..Body::default() })
}

/// A collection that is in no workspace, for an export of what has none.
pub(crate) fn fresh_root(name: &str, parent: RecordId) -> Item {
    let position = Position { parent, order: OrderKey::first() };
    let (conflicts, extra) = (Conflicts::new(), Map::new());
    let (kind, name) = (Kind::Collection, name.to_owned());
    let node = Node { kind, position, name, method: None, trashed: None, conflicts, extra };
    Item { id: RecordId([0xff; 16]), node, body: Body::default() }
}

/// One item with its document.
pub(crate) fn show(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    path: &str,
    secrets: bool,
) -> Result<Reply, ApiError> {
    let view = View::open(profile, workspace);
    let id = view.resolve(path)?;
    let whole = whole_body(profile, workspace, id)?;
    Ok(Reply::Item { item: view.item(id), document: written(id, view.node_of(id), whole.body, secrets) })
}

pub(crate) fn written(id: RecordId, node: &Node, mut body: Body, secrets: bool) -> Json {
    if !secrets {
        for_each_secret(&mut body, mask);
    }
    postman::document(&Item { id, node: node.clone(), body })
}

fn mask(value: &mut Value) {
    if !is_blank(value) {
        *value = Value::String(MASK.to_owned());
    }
}

/// Brings a draft whose fields were set into the form that an import would give it: lists mergeable,
/// with the elements of `before` where they are the same, and no `url.raw` that the parts say.
pub(crate) fn normalise(draft: &mut Draft, before: &Body, rng: &mut dyn RngCore) -> Result<(), ApiError> {
    postman::normalise(&draft.node.kind, &mut draft.body, rng);
    draft.body = reconcile_body(before, &draft.body);
    check_stored(&draft.body, "setting fields")
}

/// A body is not stored if it could not be read again: too deep, too large.
fn check_stored(body: &Body, tried: &str) -> Result<(), ApiError> {
    let read = payload::decode_body(&payload::encode_body(body));
    read.map(drop).map_err(|error| too_large(tried, error.to_string()))
}

/// An item's document as it was read back.
struct Document {
    name: Option<String>,
    method: Option<String>,
    body: Body,
}

impl Document {
    fn read(kind: &Kind, json: &Json, tried: &str, rng: &mut dyn RngCore) -> Result<Self, ApiError> {
        let fields = json.as_object().ok_or_else(|| invalid(tried, "a document is a JSON object"))?;
        let (name, method, body) = postman::from_document(kind, fields.clone(), rng);
        Ok(Self { name, method, body })
    }

    /// Says what is wrong with an edited document, if anything is.
    fn check(&self, base: &Self) -> Result<(), String> {
        match (&self.name, &base.name) {
            (Some(name), _) => check_name(name)?,
            (None, Some(_)) => return Err("the document has no name that can be used".to_owned()),
            (None, None) => {}
        }
        self.method.as_deref().map_or(Ok(()), check_method)
    }
}

/// Replaces an item's document by an edited one, merged with what changed since it was shown.
pub(crate) fn replace(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    path: &str,
    (base, document): (&Json, &Json),
) -> Result<Reply, ApiError> {
    let tried = format!("changing {path}");
    let view = View::open(profile, workspace);
    let id = view.resolve(path)?;
    let here = Here { node: view.node_of(id).clone(), whole: whole_body(profile, workspace, id)? };
    drop(view);
    let base = Document::read(&here.node.kind, base, &tried, profile.rng())?;
    let wanted = Document::read(&here.node.kind, document, &tried, profile.rng())?;
    wanted.check(&base).map_err(|why| invalid(tried.clone(), why))?;
    let by = Authorship {
        who: profile.owner().map(|owner| owner.account).unwrap_or_default(),
        when_ms: profile.now_ms(),
    };
    let (node, body, local) = here.merged(&base, &wanted, &by);
    check_stored(&body, &tried)?;
    store(profile, workspace, id, (node, body, local))
}

fn store(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    id: RecordId,
    (node, body, local): (Node, Body, LocalValues),
) -> Result<Reply, ApiError> {
    let change = Change { record: id, node: Some(node), body: Some(body) };
    commit(profile, workspace, vec![change], vec![(id, local)])?;
    Ok(changed(profile, workspace, &[id]))
}

/// An item as it is here now.
struct Here {
    node: Node,
    whole: Whole,
}

impl Here {
    fn merged(&self, base: &Document, wanted: &Document, by: &Authorship) -> (Node, Body, LocalValues) {
        let side = |document: &Document| Node {
            name: document.name.as_ref().unwrap_or(&self.node.name).clone(),
            method: document.method.clone(),
            ..self.node.clone()
        };
        let node = merge_node(Some(&side(base)), &side(wanted), &self.node, by);
        let base = self.unmasked(self.reconciled(&self.whole.body, base));
        let wanted = self.unmasked(self.reconciled(&base, wanted));
        let (base, base_local) = self.split(base);
        let (wanted, wanted_local) = self.split(wanted);
        let (present, present_local) = self.whole.clone().split();
        let body = merge_body(Some(&base), &wanted, &present, by);
        let mut local = present_local;
        for (id, value) in wanted_local {
            let before = base_local.get(&id).and_then(|value| value.initial.as_ref());
            if value.initial.as_ref() != before {
                local.entry(id).or_default().initial = value.initial;
            }
        }
        let present = variables(&body);
        local.retain(|id, value| present.contains_key(id) && !value.is_empty());
        (node, body, local)
    }

    /// A document in the elements of a body, with the mark of a name that the file did not have.
    fn reconciled(&self, body: &Body, document: &Document) -> Body {
        let mut body = reconcile_body(body, &document.body);
        body.fields.remove(NO_NAME);
        if document.name.is_none() {
            body.fields
                .extend(self.whole.body.fields.get_key_value(NO_NAME).map(|(k, v)| (k.clone(), v.clone())));
        }
        body
    }

    /// Puts the values that are here into the places of masks.
    fn unmasked(&self, mut body: Body) -> Body {
        let here = variables(&self.whole.body);
        for list in ["values", "variable"] {
            let Some(Value::List(list)) = body.fields.get_mut(list) else { continue };
            for (id, element) in &mut list.elements {
                let Value::Object(fields) = &mut element.value else { continue };
                if fields.get("value").and_then(Value::as_str) != Some(MASK) {
                    continue;
                }
                let known = here.get(id).and_then(|value| value.as_object()?.get("value"));
                if let Some(value) = known {
                    fields.insert("value".to_owned(), value.clone());
                }
            }
        }
        body
    }

    fn split(&self, body: Body) -> (Body, LocalValues) {
        Whole { body, local: self.whole.local.clone() }.split()
    }
}
