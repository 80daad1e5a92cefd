//! OAuth 1.0 (RFC 5849): a signature over method, URL and all parameters.
//!
//! The parameters of the signature go into a header, or into the body of a form, or into the query.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::auth::hash::Hash;
use crate::auth::key;
use crate::auth::simple::AUTHORIZATION;
use crate::auth::{Auth, AuthError, Surroundings};
use crate::build::draft::{Draft, Payload};
use crate::build::url::{Encoded, Param, decoded, strict};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Hmac(Hash),
    Rsa(Hash),
    Plain,
}

impl Method {
    fn parse(name: &str) -> Result<Self, AuthError> {
        Ok(match name.to_ascii_uppercase().as_str() {
            "" | "HMAC-SHA1" => Self::Hmac(Hash::Sha1),
            "HMAC-SHA256" => Self::Hmac(Hash::Sha256),
            "HMAC-SHA512" => Self::Hmac(Hash::Sha512),
            "RSA-SHA1" => Self::Rsa(Hash::Sha1),
            "RSA-SHA256" => Self::Rsa(Hash::Sha256),
            "RSA-SHA512" => Self::Rsa(Hash::Sha512),
            "PLAINTEXT" => Self::Plain,
            _ => return Err(AuthError::Algorithm { algorithm: name.to_owned() }),
        })
    }

    fn hash(self) -> Option<Hash> {
        match self {
            Self::Hmac(hash) | Self::Rsa(hash) => Some(hash),
            Self::Plain => None,
        }
    }
}

pub(crate) fn sign(auth: &Auth, draft: &mut Draft, around: &mut Surroundings<'_>) -> Result<(), AuthError> {
    let named = auth.get("signatureMethod");
    let method = Method::parse(&named)?;
    let secret_field = if matches!(method, Method::Rsa(_)) { "privateKey" } else { "consumerSecret" };
    if auth.get("consumerKey").is_empty() || auth.get(secret_field).is_empty() {
        return Ok(());
    }
    draft.remove_header(AUTHORIZATION);
    draft.url.query.retain(|param| !is_ours(&param.key));
    if let Payload::UrlEncoded(form) = &mut draft.payload {
        form.retain(|param| !is_ours(&param.key));
    }
    let mut params = params(auth, draft, method, &named, around)?;
    let url = draft.url.encoded(draft.plain_url);
    let signature = signature(auth, method, &base(draft, &url, &params), around)?;
    if !draft.plain_url {
        respell_query(draft, &url);
    }
    params.push(("oauth_signature", signature));
    put(auth, draft, &params);
    Ok(())
}

fn is_ours(key: &str) -> bool {
    matches!(
        key,
        "oauth_consumer_key"
            | "oauth_token"
            | "oauth_signature_method"
            | "oauth_timestamp"
            | "oauth_nonce"
            | "oauth_version"
            | "oauth_signature"
            | "oauth_callback"
            | "oauth_verifier"
            | "oauth_body_hash"
    )
}

type Pairs = Vec<(&'static str, String)>;

fn params(
    auth: &Auth,
    draft: &Draft,
    method: Method,
    named: &str,
    around: &mut Surroundings<'_>,
) -> Result<Pairs, AuthError> {
    let given = |name: &str| Some(auth.get(name)).filter(|value| !value.trim().is_empty());
    let named = if named.is_empty() { "HMAC-SHA1" } else { named };
    let mut params = vec![
        ("oauth_consumer_key", auth.get("consumerKey")),
        ("oauth_token", auth.get("token")),
        ("oauth_signature_method", named.to_owned()),
        ("oauth_timestamp", given("timestamp").unwrap_or_else(|| around.seconds().to_string())),
        ("oauth_nonce", given("nonce").unwrap_or_else(|| around.nonce(11))),
        ("oauth_version", auth.get("version")),
    ];
    let is_form = matches!(draft.payload, Payload::UrlEncoded(_));
    if auth.flag("includeBodyHash")
        && !is_form
        && let Some(hash) = method.hash()
    {
        let body = hash.of_payload(b"", &draft.payload, b"")?;
        let body = match body {
            None if matches!(draft.payload, Payload::Form(_)) => None,
            body => Some(body.unwrap_or_else(|| hash.of(b""))),
        };
        params.extend(body.map(|body| ("oauth_body_hash", STANDARD.encode(body))));
    }
    params.extend(given("callback").map(|callback| ("oauth_callback", callback)));
    params.extend(given("verifier").map(|verifier| ("oauth_verifier", verifier)));
    let keeps_empty = auth.flag("addEmptyParamsToSign");
    params.retain(|(_, value)| keeps_empty || !value.trim().is_empty());
    Ok(params)
}

/// The text that is signed.
fn base(draft: &Draft, url: &Encoded, params: &Pairs) -> String {
    let mut all: Vec<(String, String)> =
        params.iter().map(|(key, value)| (strict(key), strict(value))).collect();
    let query = url.query.as_deref().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    all.extend(query.map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (strict(&decoded(key, true)), strict(&decoded(value, true)))
    }));
    if let Payload::UrlEncoded(form) = &draft.payload {
        all.extend(
            form.iter().map(|param| (strict(&param.key), strict(param.value.as_deref().unwrap_or_default()))),
        );
    }
    all.sort();
    let all = all.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&");
    let is_default = matches!(
        (url.protocol.as_str(), url.port.as_deref()),
        (_, None) | ("http", Some("80")) | ("https", Some("443"))
    );
    let host = if is_default { &url.hostname } else { &url.host };
    let place = format!("{}://{}{}", url.protocol, host.to_lowercase(), url.path);
    format!("{}&{}&{}", strict(&draft.method.to_uppercase()), strict(&place), strict(&all))
}

fn signature(
    auth: &Auth,
    method: Method,
    base: &str,
    around: &mut Surroundings<'_>,
) -> Result<String, AuthError> {
    let secret = format!("{}&{}", strict(&auth.get("consumerSecret")), strict(&auth.get("tokenSecret")));
    Ok(match method {
        Method::Plain => secret,
        Method::Hmac(hash) => STANDARD.encode(hash.mac(secret.as_bytes(), base.as_bytes())),
        Method::Rsa(hash) => {
            STANDARD.encode(key::sign_rsa(&auth.get("privateKey"), hash, base.as_bytes(), around.rng)?)
        }
    })
}

/// Writes the query as the signature sees it, so that a strict server reads what was signed.
fn respell_query(draft: &mut Draft, url: &Encoded) {
    let Some(query) = &url.query else { return };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    draft.url.query = pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').map_or((pair, None), |(key, value)| (key, Some(value)));
            let value = value.map(|value| strict(&decoded(value, true)));
            Param { key: strict(&decoded(key, true)), value }
        })
        .collect();
}

fn put(auth: &Auth, draft: &mut Draft, params: &Pairs) {
    let is_form_method = draft.method.contains("PUT") || draft.method.contains("POST");
    if auth.flag("addParamsToHeader") || !auth.has("addParamsToHeader") {
        draft.set_header(AUTHORIZATION, header(auth, params));
        return;
    }
    let param = |encode: fn(&str) -> String| {
        move |(key, value): &(&'static str, String)| Param { key: encode(key), value: Some(encode(value)) }
    };
    match &mut draft.payload {
        Payload::UrlEncoded(form) if is_form_method => form.extend(params.iter().map(param(str::to_owned))),
        _ if draft.plain_url => draft.url.query.extend(params.iter().map(param(str::to_owned))),
        _ => draft.url.query.extend(params.iter().map(param(strict))),
    }
}

fn header(auth: &Auth, params: &Pairs) -> String {
    let encode: fn(&str) -> String = if auth.flag("disableHeaderEncoding") { str::to_owned } else { strict };
    let realm = auth.get("realm");
    let realm = (!realm.trim().is_empty()).then(|| format!("realm=\"{}\"", encode(&realm)));
    let pairs = params.iter().filter(|(_, value)| !value.is_empty());
    let pairs = pairs.map(|(key, value)| format!("{key}=\"{}\"", encode(value.trim())));
    format!("OAuth {}", realm.into_iter().chain(pairs).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::auth::fixture::{check, draft};
    use crate::build::draft::Payload;
    use crate::build::url::Param;

    fn photos(method: &str) -> Json {
        json!({
            "consumerKey": "dpf43f3p2l4k3l03", "consumerSecret": "kd94hf93k423kf44", "token": "nnch734d00sl2jdk",
            "tokenSecret": "pfkkdhi9sl3r4s00", "timestamp": "137131202", "nonce": "chapoH", "signatureMethod": method,
            "realm": "Photos", "addParamsToHeader": true,
        })
    }

    #[test]
    fn the_example_of_the_rfc_is_signed() {
        let get = draft(
            "GET",
            "http://photos.example.net/photos?file=vacation.jpg&size=original",
            &[],
            Payload::Empty,
        );
        check(
            "oauth1",
            &photos("HMAC-SHA1"),
            &get,
            concat!(
                "http://photos.example.net/photos?file=vacation.jpg&size=original\nAuthorization: OAuth realm=\"Photos\",",
                "oauth_consumer_key=\"dpf43f3p2l4k3l03\",oauth_token=\"nnch734d00sl2jdk\",oauth_signature_method=\"HMAC-SHA1\",",
                "oauth_timestamp=\"137131202\",oauth_nonce=\"chapoH\",oauth_signature=\"MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D\""
            ),
        );
        check(
            "oauth1",
            &photos("PLAINTEXT"),
            &get,
            concat!(
                "http://photos.example.net/photos?file=vacation.jpg&size=original\nAuthorization: OAuth realm=\"Photos\",",
                "oauth_consumer_key=\"dpf43f3p2l4k3l03\",oauth_token=\"nnch734d00sl2jdk\",oauth_signature_method=\"PLAINTEXT\",",
                "oauth_timestamp=\"137131202\",oauth_nonce=\"chapoH\",oauth_signature=\"kd94hf93k423kf44%26pfkkdhi9sl3r4s00\""
            ),
        );
        check("oauth1", &photos("HMAC-MD5"), &get, "!the auth algorithm HMAC-MD5 is not supported");
    }

    #[test]
    fn the_example_of_twitters_documentation_is_signed() {
        let status = Param {
            key: "status".into(),
            value: Some("Hello Ladies + Gentlemen, a signed OAuth request!".into()),
        };
        let mut attributes = json!({
            "consumerKey": "xvz1evFS4wEEPTGEFPHBog", "consumerSecret": "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
            "token": "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb", "tokenSecret": "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
            "timestamp": "1318622958", "nonce": "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg", "version": "1.0",
            "signatureMethod": "HMAC-SHA1", "addParamsToHeader": true,
        });
        let url = "https://api.twitter.com/1.1/statuses/update.json?include_entities=true";
        let post = draft("POST", url, &[], Payload::UrlEncoded(vec![status]));
        let params = concat!(
            "oauth_consumer_key=\"xvz1evFS4wEEPTGEFPHBog\",oauth_token=\"370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb\",",
            "oauth_signature_method=\"HMAC-SHA1\",oauth_timestamp=\"1318622958\",oauth_nonce=\"kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg\",",
            "oauth_version=\"1.0\",oauth_signature=\"hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D\""
        );
        check("oauth1", &attributes, &post, &format!("{url}\nAuthorization: OAuth {params}"));
        attributes["addParamsToHeader"] = json!(false);
        let mut signed = post.clone();
        crate::auth::fixture::signed("oauth1", &attributes, &mut signed).expect("it is signed");
        let Payload::UrlEncoded(form) = &signed.payload else { panic!("it stays a form") };
        assert_eq!(
            form.last().and_then(|param| param.value.as_deref()),
            Some("hCtSmYh+iHYCEqBWrE7C7hYmtUk=")
        );
    }

    #[test]
    fn parameters_go_into_the_query_of_what_is_no_form() {
        let mut attributes = photos("HMAC-SHA256");
        attributes["addParamsToHeader"] = json!(false);
        attributes["includeBodyHash"] = json!(true);
        let get = draft("GET", "http://h/p?a=b c", &[], Payload::Empty);
        let mut signed = get.clone();
        crate::auth::fixture::signed("oauth1", &attributes, &mut signed).expect("it is signed");
        let url = crate::auth::fixture::shown(&signed);
        assert!(
            url.starts_with("http://h/p?a=b%20c&oauth_consumer_key=dpf43f3p2l4k3l03&oauth_token=")
                && url.contains(
                    "&oauth_body_hash=47DEQpj8HBSa%2B%2FTImW%2B5JCeuQeRkm5NMpJWZG3hSuFU%3D&oauth_signature="
                ),
            "{url}"
        );
    }
}
