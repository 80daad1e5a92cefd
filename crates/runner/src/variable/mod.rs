//! Variables: which value a `{{name}}` has, where it comes from, and texts with their variables replaced.
//!
//! ```text
//! local ▶ data ▶ environment ▶ folder (inner first) ▶ collection ▶ global ▶ dynamic ($guid …)
//! ```
//! The first enabled variable of that name wins. Postman documents all but the folder, which is narrower than
//! the collection and so stands before it. Within one layer the last of several variables of a name wins, as in
//! Postman.
//!
//! Invariants: a secret value is never in a `Debug` text nor in what [`Scopes::explain`] tells; no text grows
//! past [`TEXT_BYTES_MAX`] by its variables; what cannot be resolved stays as it is written and is reported.
//!
//! Knows nothing of requests; randomness and the clock are arguments.

mod date;
mod dynamic;
mod mask;
mod replace;
mod speech;
mod words;

use std::fmt;

use serde_json::Value as Json;

pub use dynamic::{Dynamic, documented};
pub use mask::{MASK, Masker};
pub use replace::{Problem, Replacer, TEXT_BYTES_MAX, names_in, names_in_document};

pub(crate) use date::Moment;

/// Where a variable comes from, the narrowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Set by a script for one request or run.
    Local,
    /// A column of the data file of a run.
    Data,
    /// The environment in use.
    Environment,
    /// A folder above the request.
    Folder,
    /// The collection.
    Collection,
    /// The globals of the workspace.
    Global,
    /// Made anew at each use, like `$guid`.
    Dynamic,
}

impl Scope {
    /// The word that people see.
    pub fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Data => "data",
            Self::Environment => "environment",
            Self::Folder => "folder",
            Self::Collection => "collection",
            Self::Global => "global",
            Self::Dynamic => "dynamic",
        }
    }
}

/// A variable of a layer.
#[derive(Clone, PartialEq)]
pub struct Variable {
    /// Its name.
    pub key: String,
    /// Its value; a text mostly.
    pub value: Json,
    /// Whether its value is shown to nobody.
    pub secret: bool,
    /// Whether it counts.
    pub enabled: bool,
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.secret { MASK.to_owned() } else { self.text() };
        f.debug_struct("Variable").field("key", &self.key).field("value", &value).finish_non_exhaustive()
    }
}

impl Variable {
    /// An enabled variable that is no secret.
    pub fn new(key: impl Into<String>, value: impl Into<Json>) -> Self {
        Self { key: key.into(), value: value.into(), secret: false, enabled: true }
    }

    /// What stands for it in a text.
    pub fn text(&self) -> String {
        text_of(&self.value)
    }

    /// A variable as Postman's files have it; none without a key.
    fn from_document(document: &Json) -> Option<Self> {
        let key = document.get("key").or_else(|| document.get("id"))?.as_str()?.to_owned();
        let disabled = document.get("disabled") == Some(&Json::Bool(true));
        let enabled = document.get("enabled") != Some(&Json::Bool(false)) && !disabled;
        let secret = document.get("type").and_then(Json::as_str) == Some("secret");
        let value = document.get("value").cloned().unwrap_or_else(|| Json::String(String::new()));
        Some(Self { key, value, secret, enabled })
    }
}

/// The text that stands for a JSON value: a number as JavaScript writes it, an object as JSON.
pub fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Number(number) => match number.as_f64() {
            Some(float) if number.as_str().contains(['.', 'e', 'E']) && float.is_finite() => {
                float.to_string()
            }
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// The variables of one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// What kind of place.
    pub scope: Scope,
    /// The place's name: of the environment, folder, collection or data file.
    pub name: String,
    /// Its variables in their order.
    pub variables: Vec<Variable>,
}

impl Layer {
    /// A layer without variables.
    pub fn new(scope: Scope, name: impl Into<String>) -> Self {
        Self { scope, name: name.into(), variables: Vec::new() }
    }

    /// The variables of a document as Postman's files have it: `values` of an environment or globals, `variable`
    /// of a collection or folder. The name is the document's.
    pub fn from_document(scope: Scope, document: &Json) -> Self {
        let name = document.get("name").or_else(|| document.get("info")?.get("name"));
        let lists = ["values", "variable"].into_iter().filter_map(|list| document.get(list)?.as_array());
        let variables = lists.flatten().filter_map(Variable::from_document).collect();
        Self { scope, name: name.and_then(Json::as_str).unwrap_or_default().to_owned(), variables }
    }

    /// The data row of an iteration: an object whose fields are variables.
    pub fn from_row(name: impl Into<String>, row: &serde_json::Map<String, Json>) -> Self {
        let variables = row.iter().filter(|(_, value)| !value.is_null());
        let variables = variables.map(|(key, value)| Variable::new(key.clone(), value.clone())).collect();
        Self { scope: Scope::Data, name: name.into(), variables }
    }

    /// The enabled variable of a name.
    pub fn find(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().rev().find(|variable| variable.enabled && variable.key == name)
    }

    /// Gives a variable a value; one that was not there is added, a secret stays one.
    pub fn set(&mut self, name: &str, value: Json) {
        match self.variables.iter_mut().rev().find(|variable| variable.enabled && variable.key == name) {
            Some(variable) => variable.value = value,
            None => self.variables.push(Variable::new(name, value)),
        }
    }

    /// Takes a variable out.
    pub fn unset(&mut self, name: &str) {
        self.variables.retain(|variable| variable.key != name);
    }
}

/// All variables that a request sees.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scopes {
    /// The narrowest first.
    layers: Vec<Layer>,
}

/// A place where a name has a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The kind of place.
    pub scope: Scope,
    /// The place's name.
    pub place: String,
    /// The value as people may see it: a secret is masked.
    pub value: String,
    /// Whether the value is a secret.
    pub secret: bool,
    /// Whether it counts; a disabled variable is told of but never wins.
    pub enabled: bool,
    /// Whether this is the value that is used.
    pub wins: bool,
}

impl Scopes {
    /// Orders layers by their scope. Of several folders the later is the inner one.
    pub fn new(layers: impl IntoIterator<Item = Layer>) -> Self {
        let mut scopes = Self::default();
        for layer in layers {
            scopes.push(layer);
        }
        scopes
    }

    /// Adds a layer before those of its own scope.
    pub fn push(&mut self, layer: Layer) {
        let at = self.layers.partition_point(|other| other.scope < layer.scope);
        self.layers.insert(at, layer);
    }

    /// The layers, the narrowest first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The innermost layer of a scope; it is made if there is none.
    pub fn layer_mut(&mut self, scope: Scope) -> &mut Layer {
        let at = self.layers.partition_point(|other| other.scope < scope);
        if self.layers.get(at).is_none_or(|layer| layer.scope != scope) {
            self.layers.insert(at, Layer::new(scope, ""));
        }
        &mut self.layers[at]
    }

    /// Takes all layers of a scope away.
    pub fn remove(&mut self, scope: Scope) {
        self.layers.retain(|layer| layer.scope != scope);
    }

    /// The variable that a name means, and its layer.
    pub fn find(&self, name: &str) -> Option<(&Layer, &Variable)> {
        self.layers.iter().find_map(|layer| Some((layer, layer.find(name)?)))
    }

    /// The places where a name has a value, the narrowest first.
    pub fn explain(&self, name: &str) -> Vec<Candidate> {
        let winner = self.find(name).map(|(_, variable)| std::ptr::from_ref(variable));
        let mut candidates: Vec<_> = self.candidates(name, winner).collect();
        if let Some(description) = dynamic::description(name) {
            let wins = winner.is_none();
            candidates.push(Candidate {
                scope: Scope::Dynamic,
                place: String::new(),
                value: description.to_owned(),
                secret: false,
                enabled: true,
                wins,
            });
        }
        candidates
    }

    fn candidates(&self, name: &str, winner: Option<*const Variable>) -> impl Iterator<Item = Candidate> {
        let all =
            self.layers.iter().flat_map(|layer| layer.variables.iter().rev().map(move |it| (layer, it)));
        all.filter(move |(_, variable)| variable.key == name).map(move |(layer, variable)| Candidate {
            scope: layer.scope,
            place: layer.name.clone(),
            value: if variable.secret { MASK.to_owned() } else { variable.text() },
            secret: variable.secret,
            enabled: variable.enabled,
            wins: winner == Some(std::ptr::from_ref(variable)),
        })
    }

    /// What takes the secret values out of texts that people see.
    pub fn masker(&self) -> Masker {
        let mut masker = Masker::default();
        let variables = self.layers.iter().flat_map(|layer| &layer.variables);
        for variable in variables.filter(|variable| variable.secret) {
            masker.add(&variable.text());
        }
        masker
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Layer, MASK, Scope, Scopes};

    fn scopes() -> Scopes {
        let environment = json!({ "name": "staging", "values": [
            { "key": "host", "value": "old" },
            { "key": "host", "value": "staging.test" },
            { "key": "host", "value": "off", "enabled": false },
            { "key": "token", "value": "s3cret!", "type": "secret" },
        ]});
        let collection = json!({ "info": { "name": "Shop" }, "variable": [
            { "key": "host", "value": "shop.test" }, { "key": "count", "value": 3 }, { "id": "legacy", "value": "x" },
        ]});
        let outer = json!({ "name": "Outer", "variable": [{ "key": "count", "value": 4 }] });
        let inner = json!({ "name": "Inner", "variable": [{ "key": "count", "value": 5.50 }] });
        Scopes::new([
            Layer::from_document(Scope::Collection, &collection),
            Layer::from_document(Scope::Folder, &outer),
            Layer::from_document(Scope::Folder, &inner),
            Layer::from_document(Scope::Environment, &environment),
        ])
    }

    fn check(name: &str, expected: &str) {
        let scopes = scopes();
        let lines = scopes.explain(name).into_iter().map(|found| {
            let mark = if found.wins {
                "="
            } else if found.enabled {
                "-"
            } else {
                "x"
            };
            format!("{mark}{} {}: {}", found.scope.word(), found.place, found.value)
        });
        assert_eq!(lines.collect::<Vec<_>>().join("\n"), expected);
    }

    #[test]
    fn the_narrowest_enabled_variable_wins_and_all_places_are_told() {
        check(
            "host",
            concat!(
                "xenvironment staging: off\n=environment staging: staging.test\n-environment staging: old\n",
                "-collection Shop: shop.test"
            ),
        );
        check("count", "=folder Inner: 5.5\n-folder Outer: 4\n-collection Shop: 3");
        check("legacy", "=collection Shop: x");
        check("nothing", "");
        check("$guid", "=dynamic : a version 4 UUID");
    }

    #[test]
    fn a_secret_is_masked_in_explanations_and_debug_texts() {
        check("token", &format!("=environment staging: {MASK}"));
        assert!(!format!("{:?}", scopes()).contains("s3cret"));
        assert_eq!(scopes().masker().mask("Bearer s3cret!"), format!("Bearer {MASK}"));
    }

    #[test]
    fn scripts_set_and_unset_variables_in_a_layer() {
        let mut scopes = scopes();
        scopes.layer_mut(Scope::Local).set("host", json!("local.test"));
        assert_eq!(
            scopes.find("host").map(|(layer, it)| (layer.scope, it.text())),
            Some((Scope::Local, "local.test".into()))
        );
        scopes.layer_mut(Scope::Environment).set("token", json!("other"));
        assert!(scopes.find("token").is_some_and(|(_, token)| token.secret));
        scopes.layer_mut(Scope::Local).unset("host");
        scopes.layer_mut(Scope::Environment).unset("host");
        assert_eq!(scopes.find("host").map(|(layer, _)| layer.scope), Some(Scope::Collection));
        scopes.remove(Scope::Collection);
        assert_eq!(scopes.find("host"), None);
    }
}
