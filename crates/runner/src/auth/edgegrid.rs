//! Akamai's `EdgeGrid`: a keyed hash over method, place, chosen headers and the beginning of a posted body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::auth::hash::Hash;
use crate::auth::simple::AUTHORIZATION;
use crate::auth::{Auth, AuthError, Surroundings};
use crate::build::draft::Draft;
use crate::build::url::Url;
use crate::variable::Moment;

/// How much of a body is signed, unless the document says otherwise.
const BODY_BYTES_MAX: usize = 131_072;

pub(crate) fn sign(auth: &Auth, draft: &mut Draft, around: &mut Surroundings<'_>) -> Result<(), AuthError> {
    let (access, client, secret) =
        (auth.get("accessToken"), auth.get("clientToken"), auth.get("clientSecret"));
    if access.is_empty() || client.is_empty() || secret.is_empty() {
        return Ok(());
    }
    draft.remove_header(AUTHORIZATION);
    let given = |name: &str| Some(auth.get(name)).filter(|value| !value.is_empty());
    let time = given("timestamp").unwrap_or_else(|| Moment::from_ms(around.now_ms).edgegrid());
    let nonce = given("nonce").unwrap_or_else(|| around.uuid());
    let url = draft.url.encoded(draft.plain_url);
    let host =
        given("baseURL").map_or_else(|| url.host.clone(), |base| Url::parse(&base).encoded(false).host);
    let body = if draft.method == "POST" {
        let bytes_max = given("maxBodySize")
            .and_then(|max| max.parse().ok())
            .filter(|max| *max > 0)
            .unwrap_or(BODY_BYTES_MAX);
        Hash::Sha256
            .of_beginning(&draft.payload, bytes_max)?
            .map(|hash| STANDARD.encode(hash))
            .unwrap_or_default()
    } else {
        String::new()
    };
    let header = format!(
        "EG1-HMAC-SHA256 client_token={client};access_token={access};timestamp={time};nonce={nonce};"
    );
    let headers = signed_headers(auth, draft);
    let text = [&draft.method, &url.protocol, &host, &url.target(), &headers, &body, &header]
        .map(String::as_str)
        .join("\t");
    let key = STANDARD.encode(Hash::Sha256.mac(secret.as_bytes(), time.as_bytes()));
    let signature = STANDARD.encode(Hash::Sha256.mac(key.as_bytes(), text.as_bytes()));
    draft.set_header(AUTHORIZATION, format!("{header}signature={signature}"));
    Ok(())
}

fn signed_headers(auth: &Auth, draft: &Draft) -> String {
    let named = auth.get("headersToSign");
    let listed = auth.list("headersToSign").iter().filter_map(serde_json::Value::as_str);
    let names: Vec<&str> =
        if auth.list("headersToSign").is_empty() { named.split(',').collect() } else { listed.collect() };
    let line = |name: &&str| {
        let name = name.trim().to_lowercase();
        let value = draft.header(&name).filter(|value| !value.is_empty())?;
        Some(format!("{name}:{}", value.split_whitespace().collect::<Vec<_>>().join(" ")))
    };
    names.iter().filter_map(line).collect::<Vec<_>>().join("\t")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::auth::fixture::{draft, shown, signed};
    use crate::build::draft::Payload;

    fn check(method: &str, path: &str, headers: &[(&str, &str)], body: &str, expected: &str) {
        let attributes = json!({
            "accessToken": "akab-access-token-xxx-xxxxxxxxxxxxxxxx", "clientToken": "akab-client-token-xxx-xxxxxxxxxxxxxxxx",
            "clientSecret": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=", "nonce": "nonce-xx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
            "timestamp": "20140321T19:34:21+0000", "headersToSign": "X-Test1, x-test2,X-Test3", "maxBodySize": 2048,
        });
        let payload = if body.is_empty() { Payload::Empty } else { Payload::Bytes(body.as_bytes().to_vec()) };
        let url = format!("https://akaa-baseurl-xxxxxxxxxxx-xxxxxxxxxxxxx.luna.akamaiapis.net{path}");
        let mut draft = draft(method, &url, headers, payload);
        signed("edgegrid", &attributes, &mut draft).expect("it is signed");
        let text = shown(&draft);
        assert!(text.ends_with(&format!("signature={expected}")), "{method} {path}: {text}");
    }

    #[test]
    fn the_cases_of_akamais_test_data_are_signed() {
        // From the test data that Akamai's own signers share.
        check("GET", "/", &[], "", "tL+y4hxyHxgWVD30X3pWnGKHcPzmrIF+LThiAOhMxYU=");
        check("GET", "/testapi/v1/t1?p1=1&p2=2", &[], "", "hKDH1UlnQySSHjvIcZpDMbQHihTQ0XyVAKZaApabdeA=");
        check(
            "POST",
            "/testapi/v1/t3",
            &[],
            "datadatadatadatadatadatadatadata",
            "hXm4iCxtpN22m4cbZb4lVLW5rhX8Ca82vCFqXzSTPe4=",
        );
        check(
            "GET",
            "/testapi/v1/t4",
            &[("X-Test1", "test-simple-header")],
            "",
            "8F9AybcRw+PLxnvT+H0JRkjROrrUgsxJTnRXMzqvcwY=",
        );
    }
}
