//! Atlassian's ASAP: a JWT with a key's name and a short life, made for each request.

use serde_json::{Map, Value as Json};

use crate::auth::simple::AUTHORIZATION;
use crate::auth::{Auth, AuthError, Surroundings, jwt};
use crate::build::draft::Draft;

/// How long a token lives, unless the document says otherwise.
const SECONDS: u64 = 3600;

pub(crate) fn sign(auth: &Auth, draft: &mut Draft, around: &mut Surroundings<'_>) -> Result<(), AuthError> {
    let mut claims = match auth.json("claims")? {
        None => Map::new(),
        Some(Json::Object(claims)) => claims,
        Some(_) => return Err(AuthError::NotAnObject { field: "claims" }),
    };
    let named = auth.get("alg");
    let algorithm = if named.is_empty() { "RS256".to_owned() } else { named };
    if algorithm.starts_with("HS") {
        return Err(AuthError::Algorithm { algorithm });
    }
    let key_id = match claims.get("kid") {
        Some(Json::String(kid)) => kid.clone(),
        _ => auth.need("kid")?,
    };
    let now = around.seconds();
    let lasts = auth.get("exp").parse().unwrap_or(SECONDS);
    let mut fill = |name: &str, value: Json| {
        claims.entry(name.to_owned()).or_insert(value);
    };
    if !auth.get("iss").is_empty() {
        fill("iss", Json::String(auth.get("iss")));
    }
    if !auth.get("aud").is_empty() {
        fill("aud", Json::String(auth.get("aud")));
    }
    fill("iat", now.into());
    fill("exp", now.saturating_add(lasts).into());
    fill("jti", Json::String(around.uuid()));
    let issuer = claims.get("iss").cloned().ok_or(AuthError::Missing { field: "iss" })?;
    let subject = Some(auth.get("sub")).filter(|subject| !subject.is_empty()).map_or(issuer, Json::String);
    claims.entry("sub".to_owned()).or_insert(subject);
    if !claims.contains_key("aud") {
        return Err(AuthError::Missing { field: "aud" });
    }
    let header = Map::from_iter([
        ("alg".to_owned(), Json::String(algorithm.clone())),
        ("kid".to_owned(), Json::String(key_id)),
    ]);
    let token = jwt::token(&algorithm, &auth.need("privateKey")?, header, claims)?;
    draft.set_header(AUTHORIZATION, format!("Bearer {token}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value as Json, json};

    use crate::auth::fixture::{check, draft, signed};
    use crate::build::draft::Payload;

    #[test]
    fn a_token_says_who_asks_whom_and_for_how_long() {
        let mut attributes = json!({
            "kid": "team/key", "iss": "me", "aud": "them", "exp": "60", "claims": "{\"jti\": \"one\", \"extra\": true}",
            "privateKey": include_str!("fixture_rsa.pem"),
        });
        let get = draft("GET", "http://h/", &[], Payload::Empty);
        let mut sent = get.clone();
        signed("asap", &attributes, &mut sent).expect("it is signed");
        let token = sent.header("authorization").unwrap_or_default().trim_start_matches("Bearer ");
        let parts: Vec<Json> = token
            .split('.')
            .take(2)
            .map(|part| {
                let bytes = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
                serde_json::from_slice(&bytes).unwrap_or_default()
            })
            .collect();
        let claims = json!({ "jti": "one", "extra": true, "iss": "me", "aud": "them", "iat": 1_440_938_160, "exp": 1_440_938_220, "sub": "me" });
        assert_eq!(parts, [json!({ "alg": "RS256", "kid": "team/key" }), claims]);
        attributes["aud"] = json!("");
        check("asap", &attributes, &get, "!the auth lacks aud");
        attributes["alg"] = json!("HS256");
        check("asap", &attributes, &get, "!the auth algorithm HS256 is not supported");
    }
}
