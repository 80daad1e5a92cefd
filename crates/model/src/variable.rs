//! Secret variables: their initial values stay on this device unless the user shares them.
//!
//! Why it exists: a secret must be out of a body before the body goes to the engine, and back in its
//! place before a person edits or sends with it. The value that travels is the empty text.
//!
//! Invariant: after [`take_secrets`] a body holds no value of an unshared secret in its variables.

use std::collections::BTreeMap;

use crate::reconcile::list_from_array;
use crate::{Body, ElementId, Map, Value};

/// The field of a secret variable that says that its initial value is shared with the workspace.
pub const SHARED: &str = "satchelShared";

/// The lists of a body that hold variables: of environments and globals, and of collections and folders.
const LISTS: [&str; 2] = ["values", "variable"];

/// Takes the values of unshared secrets out of a body.
pub fn take_secrets(body: &mut Body) -> BTreeMap<ElementId, Value> {
    let mut taken = BTreeMap::new();
    for_each_secret(body, |id, variable| {
        if let Some(slot) = variable.get_mut("value").filter(|value| !is_blank(value)) {
            taken.insert(id, std::mem::replace(slot, Value::String(String::new())));
        }
    });
    taken
}

/// Puts values back into the unshared secrets that they were taken from.
///
/// A variable that is gone, no longer secret, or shared meanwhile is left as it is.
pub fn put_secrets(body: &mut Body, values: &BTreeMap<ElementId, Value>) {
    for_each_secret(body, |id, variable| {
        if let Some(value) = values.get(&id) {
            variable.insert("value".to_owned(), value.clone());
        }
    });
}

/// Whether a variable's initial value stays on this device.
pub fn is_unshared_secret(variable: &Map) -> bool {
    variable.get("type").and_then(Value::as_str) == Some("secret")
        && variable.get(SHARED) != Some(&Value::Bool(true))
}

fn for_each_secret(body: &mut Body, mut visit: impl FnMut(ElementId, &mut Map)) {
    for name in LISTS {
        let Some(slot) = body.fields.get_mut(name) else { continue };
        give_ids(slot);
        let Value::List(list) = slot else { continue };
        for (id, element) in &mut list.elements {
            if let Value::Object(variable) = &mut element.value
                && is_unshared_secret(variable)
            {
                visit(*id, variable);
            }
        }
    }
}

/// A secret in an array without ids could not be found again, and must not travel either.
fn give_ids(slot: &mut Value) {
    let Value::Array(values) = slot else { return };
    let is_secret = |value: &Value| value.as_object().is_some_and(is_unshared_secret);
    if values.iter().any(is_secret) {
        *slot = Value::List(list_from_array(values));
    }
}

fn is_blank(value: &Value) -> bool {
    matches!(value, Value::Null) || value.as_str() == Some("")
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::{SHARED, put_secrets, take_secrets};
    use crate::{Body, List, Map, Value};

    fn variable(key: &str, kind: &str, value: Value) -> Value {
        let text = |text: &str| Value::String(text.to_owned());
        let fields = [("key", text(key)), ("type", text(kind)), ("value", value)];
        Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    fn shared(value: Value) -> Value {
        let Value::Object(mut fields) = value else { return value };
        fields.insert(SHARED.to_owned(), Value::Bool(true));
        Value::Object(fields)
    }

    fn body(list: &str, variables: Vec<Value>) -> Body {
        let list_value = Value::List(List::from_values(variables, &mut ChaCha8Rng::seed_from_u64(1)));
        Body { fields: Map::from([(list.to_owned(), list_value)]), ..Body::default() }
    }

    #[test]
    fn secrets_are_taken_out_and_put_back() {
        for list in ["values", "variable"] {
            let whole = body(
                list,
                vec![
                    variable("host", "default", text("visible")),
                    variable("token", "secret", text("hidden")),
                    variable("number", "secret", Value::Number(7.into())),
                    variable("empty", "secret", text("")),
                    shared(variable("team", "secret", text("visible"))),
                ],
            );
            let mut sent = whole.clone();
            let taken = take_secrets(&mut sent);
            assert_eq!(taken.len(), 2);
            let shown = format!("{sent:?}");
            assert!(shown.contains("visible") && !shown.contains("hidden"));
            put_secrets(&mut sent, &taken);
            assert_eq!(sent, whole);
        }
    }

    #[test]
    fn a_secret_in_an_array_does_not_travel_either() {
        let array = Value::Array(vec![variable("token", "secret", text("hidden"))]);
        let whole = Body { fields: Map::from([("values".to_owned(), array)]), ..Body::default() };
        let mut sent = whole.clone();
        let taken = take_secrets(&mut sent);
        assert!(!format!("{sent:?}").contains("hidden"));
        put_secrets(&mut sent, &taken);
        assert!(sent.fields["values"].same_content(&whole.fields["values"]));
    }

    #[test]
    fn a_value_is_not_put_into_a_variable_that_became_shared() {
        let mut sent = body("values", vec![variable("token", "secret", text("old"))]);
        let taken = take_secrets(&mut sent);
        let Some(Value::List(list)) = sent.fields.get_mut("values") else { panic!("it is a list") };
        for element in list.elements.values_mut() {
            element.value = shared(variable("token", "secret", text("new")));
        }
        let expected = sent.clone();
        put_secrets(&mut sent, &taken);
        assert_eq!(sent, expected);
    }
}
