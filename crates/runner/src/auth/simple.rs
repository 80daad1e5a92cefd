//! The ways that only put a secret in its place: basic, bearer, API key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::auth::Auth;
use crate::build::draft::Draft;

pub(crate) const AUTHORIZATION: &str = "Authorization";

pub(crate) fn basic(auth: &Auth, draft: &mut Draft) {
    let pair = format!("{}:{}", auth.get("username"), auth.get("password"));
    draft.set_header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair)));
}

pub(crate) fn bearer(auth: &Auth, draft: &mut Draft) {
    let token = auth.get("token");
    if !token.is_empty() {
        draft.set_header(AUTHORIZATION, format!("Bearer {token}"));
    }
}

pub(crate) fn api_key(auth: &Auth, draft: &mut Draft) {
    let (key, value) = (auth.get("key"), auth.get("value"));
    if key.is_empty() && value.is_empty() {
        return;
    }
    if auth.get("in") == "query" {
        draft.set_param(&key, &value);
    } else {
        draft.set_header(&key, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::auth::fixture::{check, draft};
    use crate::build::draft::Payload;

    #[test]
    fn simple_ways_put_their_secret_in_place() {
        let plain = draft("GET", "http://h/p?k=old", &[("A", "1"), ("authorization", "old")], Payload::Empty);
        check(
            "basic",
            &json!([{ "key": "username", "value": "Aladdin" }, { "key": "password", "value": "open sesame" }]),
            &plain,
            "http://h/p?k=old\nA: 1\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        );
        check(
            "basic",
            &json!({ "username": "é" }),
            &plain,
            "http://h/p?k=old\nA: 1\nAuthorization: Basic w6k6",
        );
        check(
            "bearer",
            &json!([{ "key": "token", "value": "t" }]),
            &plain,
            "http://h/p?k=old\nA: 1\nAuthorization: Bearer t",
        );
        check("bearer", &json!([]), &plain, "http://h/p?k=old\nA: 1\nauthorization: old");
        check("noauth", &json!(null), &plain, "http://h/p?k=old\nA: 1\nauthorization: old");
        check(
            "apikey",
            &json!({ "key": "a", "value": "v" }),
            &plain,
            "http://h/p?k=old\nauthorization: old\na: v",
        );
        check(
            "apikey",
            &json!({ "key": "k", "value": "a&b", "in": "query" }),
            &plain,
            "http://h/p?k=a%26b\nA: 1\nauthorization: old",
        );
        check("magic", &json!([]), &plain, "!no auth kind is named magic");
    }
}
