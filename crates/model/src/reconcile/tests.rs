//! Re-import and replacement as minimal edits.

use proptest::prelude::{Strategy, prop, prop_assert, prop_assert_eq, proptest};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::{list_from_array, reconcile_body, reconcile_value};
use crate::{Body, List, Map, Value};

fn element(text: &str) -> Value {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    let fields = [("key", key), ("value", value)];
    Value::Object(fields.map(|(name, text)| (name.to_owned(), Value::String(text.to_owned()))).into())
}

fn list(text: &str, seed: u64) -> List {
    List::from_values(text.split_whitespace().map(element), &mut ChaCha8Rng::seed_from_u64(seed))
}

/// Reconciles lists written as `key=value …` and says how many old elements kept id and place.
fn check(old: &str, new: &str, same_id: usize, same_place: usize) {
    let (old, new) = (list(old, 1), Value::List(list(new, 2)));
    let merged = reconcile_value(&Value::List(old.clone()), &new);
    assert!(merged.same_content(&new), "{merged:?}");
    let Value::List(merged) = merged else { panic!("it stays a list") };
    let kept: Vec<_> = merged.elements.iter().filter(|(id, _)| old.elements.contains_key(id)).collect();
    assert_eq!(kept.len(), same_id);
    let in_place = kept.iter().filter(|(id, element)| old.elements[id].order == element.order);
    assert_eq!(in_place.count(), same_place);
}

#[test]
fn matching_elements_keep_their_ids_and_places() {
    check("a=1 b=2 c=3", "a=1 b=2 c=3", 3, 3);
    check("a=1 b=2 c=3", "a=1 b=9 c=3", 3, 3);
    check("a=1 b=2 c=3", "a=1 x=2 c=3", 3, 3);
    check("a=1 b=2 c=3", "a=1 c=3", 2, 2);
    check("a=1 b=2 c=3", "a=1 n=7 b=2 c=3 m=8", 3, 3);
    check("a=1 b=2 c=3", "c=3 a=1 b=2", 3, 2);
    check("a=1 a=1 a=2", "a=1 a=2", 2, 2);
    check("", "a=1 b=2", 0, 0);
    check("a=1", "b=2", 0, 0);
}

#[test]
fn an_array_becomes_the_list_that_it_replaces() {
    let old = Value::List(list("a=1 b=2", 1));
    let new = Value::Array(["a=1", "b=3", "b=3"].map(element).to_vec());
    let merged = reconcile_value(&old, &new);
    assert!(merged.as_list().is_some_and(|list| list.len() == 3) && merged.same_content(&new));
    assert_eq!(merged, reconcile_value(&old, &new));
    assert_eq!(list_from_array(&["a", "a"].map(element)).len(), 2);
}

#[test]
fn conflicts_stay() {
    let conflict = crate::Conflict {
        path: vec!["a".to_owned()],
        base: None,
        local: None,
        server: None,
        who: String::new(),
        when_ms: 0,
    };
    let conflicts = crate::Conflicts::from([(crate::ConflictId("c".to_owned()), conflict)]);
    let old = Body { fields: Map::new(), conflicts: conflicts.clone() };
    assert_eq!(reconcile_body(&old, &Body::default()).conflicts, conflicts);
}

fn any_text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a=1", "a=2", "b=1", "b=2", "c=3"]), 0..7)
        .prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn the_result_has_the_new_content_and_is_stable(old in any_text(), new in any_text()) {
        let (old, new) = (Value::List(list(&old, 1)), Value::List(list(&new, 2)));
        let merged = reconcile_value(&old, &new);
        prop_assert!(merged.same_content(&new));
        prop_assert_eq!(&reconcile_value(&merged, &new), &merged);
        prop_assert_eq!(&reconcile_value(&old, &new), &merged);
    }
}
