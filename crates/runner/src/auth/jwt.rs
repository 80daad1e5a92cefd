//! JWT bearer: a token made and signed here, from the header and the claims that the document holds.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Map, Value as Json};

use crate::auth::hash::Hash;
use crate::auth::simple::AUTHORIZATION;
use crate::auth::{Auth, AuthError, key};
use crate::build::draft::Draft;

pub(crate) fn sign(auth: &Auth, draft: &mut Draft) -> Result<(), AuthError> {
    let algorithm = auth.get("algorithm");
    let mut header = object(auth, "header")?;
    header.insert("alg".to_owned(), Json::String(algorithm.clone()));
    let claims = object(auth, "payload")?;
    let token = if algorithm.starts_with("HS") {
        let secret = auth.need("secret")?;
        let secret = if auth.flag("isSecretBase64Encoded") { base64(&secret)? } else { secret.into_bytes() };
        keyed(&algorithm, &secret, header, claims)?
    } else {
        token(&algorithm, &auth.need("privateKey")?, header, claims)?
    };
    if auth.get("addTokenTo") == "queryParam" {
        let named = auth.get("queryParamKey");
        draft.set_param(if named.is_empty() { "token" } else { &named }, &token);
        return Ok(());
    }
    let prefix = if auth.has("headerPrefix") { auth.get("headerPrefix") } else { "Bearer".to_owned() };
    let value = if prefix.is_empty() { token } else { format!("{prefix} {token}") };
    draft.set_header(AUTHORIZATION, value);
    Ok(())
}

fn object(auth: &Auth, field: &'static str) -> Result<Map<String, Json>, AuthError> {
    match auth.json(field)? {
        None => Ok(Map::new()),
        Some(Json::Object(fields)) => Ok(fields),
        Some(_) => Err(AuthError::NotAnObject { field }),
    }
}

fn base64(text: &str) -> Result<Vec<u8>, AuthError> {
    let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
    engines
        .into_iter()
        .find_map(|engine| engine.decode(text.trim()).ok())
        .ok_or(AuthError::NotBase64 { field: "secret" })
}

fn text(header: Map<String, Json>, claims: Map<String, Json>) -> String {
    let part = |fields| URL_SAFE_NO_PAD.encode(Json::Object(fields).to_string());
    format!("{}.{}", part(header), part(claims))
}

fn keyed(
    algorithm: &str,
    secret: &[u8],
    header: Map<String, Json>,
    claims: Map<String, Json>,
) -> Result<String, AuthError> {
    let hash = match algorithm {
        "HS256" => Hash::Sha256,
        "HS384" => Hash::Sha384,
        "HS512" => Hash::Sha512,
        _ => return Err(AuthError::Algorithm { algorithm: algorithm.to_owned() }),
    };
    let text = text(header, claims);
    let mac = URL_SAFE_NO_PAD.encode(hash.mac(secret, text.as_bytes()));
    Ok(format!("{text}.{mac}"))
}

/// A token signed with a private key.
pub(crate) fn token(
    algorithm: &str,
    pem: &str,
    header: Map<String, Json>,
    claims: Map<String, Json>,
) -> Result<String, AuthError> {
    let text = text(header, claims);
    let signature = key::sign_jws(algorithm, pem, text.as_bytes())?;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use serde_json::json;

    use crate::auth::fixture::{check, draft, signed};
    use crate::build::draft::Payload;

    #[test]
    fn the_example_of_jwt_io_is_signed() {
        let get = draft("GET", "http://h/?token=old", &[], Payload::Empty);
        let token = concat!(
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.",
            "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
        );
        let mut attributes = json!({
            "algorithm": "HS256", "header": "{\"alg\":\"none\",\"typ\":\"JWT\"}", "secret": "your-256-bit-secret",
            "payload": "{\"sub\":\"1234567890\",\"name\":\"John Doe\",\"iat\":1516239022}",
        });
        check("jwt", &attributes, &get, &format!("http://h/?token=old\nAuthorization: Bearer {token}"));
        attributes["secret"] = json!("eW91ci0yNTYtYml0LXNlY3JldA==");
        attributes["isSecretBase64Encoded"] = json!(true);
        attributes["headerPrefix"] = json!("");
        check("jwt", &attributes, &get, &format!("http://h/?token=old\nAuthorization: {token}"));
        attributes["addTokenTo"] = json!("queryParam");
        check("jwt", &attributes, &get, &format!("http://h/?token={token}"));
        attributes["payload"] = json!("[1]");
        check("jwt", &attributes, &get, "!payload of the auth is no JSON object");
        attributes["payload"] = json!("{");
        check("jwt", &attributes, &get, "!reading payload of the auth as JSON");
        attributes["algorithm"] = json!("ES512");
        attributes["payload"] = json!("");
        attributes["privateKey"] = json!("x");
        check("jwt", &attributes, &get, "!the auth algorithm ES512 is not supported");
        attributes["algorithm"] = json!("RS256");
        let mut broken = get.clone();
        assert!(
            signed("jwt", &attributes, &mut broken)
                .is_err_and(|error| error.to_string().starts_with("reading the private key"))
        );
    }

    #[test]
    fn an_elliptic_signature_verifies() {
        // The key of RFC 7515, appendix A.3, as PKCS#8.
        let pem = "-----BEGIN PRIVATE KEY-----\n\
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n\
            H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n\
            7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n\
            -----END PRIVATE KEY-----";
        let mut get = draft("GET", "http://h/", &[], Payload::Empty);
        signed("jwt", &json!({ "algorithm": "ES256", "privateKey": pem, "payload": { "a": 1 } }), &mut get)
            .expect("it is signed");
        let token = get.header("authorization").unwrap_or_default().trim_start_matches("Bearer ");
        let (text, signature) = token.rsplit_once('.').unwrap_or_default();
        let point = URL_SAFE_NO_PAD.decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU").unwrap_or_default();
        let other = URL_SAFE_NO_PAD.decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0").unwrap_or_default();
        let public = [&[4], point.as_slice(), &other].concat();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        assert!(
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public)
                .verify(text.as_bytes(), &signature)
                .is_ok()
        );
    }
}
