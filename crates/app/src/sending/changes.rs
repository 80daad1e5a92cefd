//! What a send or a run changed, by key, for the profile to keep.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use satchel_client::api::{Call, KeptChange, RunEntry, SentEntry, ValueChange, ValuePlace};
use satchel_runner::run::{Means, Sent};
use satchel_runner::variable::Scope;
use serde_json::Value as Json;

use super::Ground;
use super::ground::token_json;

/// Values that scripts set. It grows with the names, not with how often they are set.
#[derive(Default)]
pub(crate) struct Changes {
    values: BTreeMap<(u8, String), Option<Json>>,
}

/// The places by their number in the map.
const PLACES: [ValuePlace; 3] = [ValuePlace::Environment, ValuePlace::Collection, ValuePlace::Globals];

impl Changes {
    /// Takes what the scripts of a request changed.
    pub(crate) fn take(&mut self, sent: &Sent) {
        let outcomes = sent.scripts.iter().filter_map(|ran| ran.result.as_ref().ok());
        for change in outcomes.flat_map(|outcome| &outcome.changes) {
            let place = match change.scope {
                Scope::Environment => 0,
                Scope::Collection => 1,
                Scope::Global => 2,
                // The others end with the send.
                _ => continue,
            };
            self.values.insert((place, change.key.clone()), change.value.clone());
        }
    }

    /// The call that keeps them, with what the means hold now that they did not before.
    pub(crate) fn call(
        self,
        ground: &Ground,
        means: &Means,
        keeps_cookies: bool,
        sent: Vec<SentEntry>,
    ) -> Call {
        let sources = &ground.sources;
        let value = |((place, key), value): ((u8, String), Option<Json>)| ValueChange {
            place: PLACES[usize::from(place)],
            key,
            value,
        };
        Call::KeepSent {
            item: sources.item.as_ref().map(|it| it.item.id.clone()),
            environment: sources.environment.as_ref().map(|it| it.item.id.clone()),
            values: self.values.into_iter().map(value).collect(),
            cookies: if keeps_cookies { cookies(&sources.cookies, means) } else { Vec::new() },
            tokens: tokens(&sources.tokens, means),
            sent,
            runs: Vec::<RunEntry>::new(),
        }
    }
}

/// The cookies that are others than before.
fn cookies(before: &[Json], means: &Means) -> Vec<KeptChange> {
    let jar = means.jar.lock().unwrap_or_else(PoisonError::into_inner).to_json();
    let after = jar.as_array().map(Vec::as_slice).unwrap_or_default();
    let known: BTreeMap<String, &Json> = before.iter().map(|cookie| (cookie_key(cookie), cookie)).collect();
    let now: BTreeMap<String, &Json> = after.iter().map(|cookie| (cookie_key(cookie), cookie)).collect();
    let gone = known.keys().filter(|key| !now.contains_key(*key));
    let gone = gone.map(|key| KeptChange { key: key.clone(), value: None });
    // In the order of the jar, which is that of their creation.
    let set = after.iter().map(|cookie| (cookie_key(cookie), cookie));
    let set = set.filter(|(key, cookie)| known.get(key) != Some(cookie));
    gone.chain(set.map(|(key, cookie)| KeptChange { key, value: Some(cookie.clone()) })).collect()
}

/// What names a cookie: its domain, path and name, none of which holds a line break.
fn cookie_key(cookie: &Json) -> String {
    let part = |name: &str| cookie.get(name).and_then(Json::as_str).unwrap_or_default();
    [part("domain"), part("path"), part("name")].join("\n")
}

fn tokens(before: &Json, means: &Means) -> Vec<KeptChange> {
    let after = means.tokens.all().into_iter().map(|(key, token)| (key, token_json(&token)));
    let changed = after.filter(|(key, token)| before.get(key) != Some(token));
    changed.map(|(key, token)| KeptChange { key, value: Some(token) }).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use satchel_runner::cookie::{Jar, Place};
    use serde_json::json;

    use super::*;
    use crate::sending::How;

    #[test]
    fn only_what_changed_of_the_cookies_is_given_back() {
        let place = Place { host: "shop.test".to_owned(), path: "/".to_owned(), secure: false };
        let mut jar = Jar::default();
        for cookie in ["kept=1", "changed=1", "gone=1"] {
            assert!(jar.set(&place, cookie.as_bytes(), 0));
        }
        let Json::Array(before) = jar.to_json() else { panic!("it is a list") };
        let means = Ground::bare().expect("this program is somewhere").means(&How::default());
        for cookie in ["changed=2", "gone=1; max-age=0", "new=1"] {
            assert!(jar.set(&place, cookie.as_bytes(), 1));
        }
        let means = Means { jar: Arc::new(Mutex::new(jar)), ..means };
        let told = cookies(&before, &means).into_iter().map(|change| {
            let value = change.value.map_or(json!("-"), |cookie| cookie["value"].clone());
            format!("{}={value}", change.key.replace('\n', " "))
        });
        let expected = ["shop.test / gone=\"-\"", "shop.test / changed=\"2\"", "shop.test / new=\"1\""];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
