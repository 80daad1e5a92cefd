//! Hawk: a keyed hash over method, place, time and, where asked, the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::auth::hash::Hash;
use crate::auth::simple::AUTHORIZATION;
use crate::auth::{Auth, AuthError, Surroundings};
use crate::build::draft::Draft;

pub(crate) fn sign(auth: &Auth, draft: &mut Draft, around: &mut Surroundings<'_>) -> Result<(), AuthError> {
    let (id, key) = (auth.get("authId"), auth.get("authKey"));
    if id.is_empty() || key.is_empty() {
        return Ok(());
    }
    let hash = match auth.get("algorithm").as_str() {
        "" | "sha256" => Hash::Sha256,
        "sha1" => Hash::Sha1,
        other => return Err(AuthError::Algorithm { algorithm: other.to_owned() }),
    };
    draft.remove_header(AUTHORIZATION);
    let payload = if auth.flag("includePayloadHash") { payload_hash(hash, draft)? } else { None };
    let time = Some(auth.get("timestamp")).filter(|time| time.parse().is_ok_and(|time: u64| time > 0));
    let time = time.unwrap_or_else(|| around.seconds().to_string());
    let nonce = Some(auth.get("nonce")).filter(|nonce| !nonce.is_empty()).unwrap_or_else(|| around.nonce(6));
    let (extra, app, delegation) = (auth.get("extraData"), auth.get("app"), auth.get("delegation"));
    let url = draft.url.encoded(draft.plain_url);
    let port =
        url.port.clone().unwrap_or_else(|| if url.protocol == "https" { "443" } else { "80" }.to_owned());
    let for_app = if app.is_empty() { String::new() } else { format!("{app}\n{delegation}\n") };
    let text = format!(
        "hawk.1.header\n{time}\n{nonce}\n{}\n{}\n{}\n{port}\n{}\n{}\n{for_app}",
        draft.method.to_uppercase(),
        url.target(),
        url.hostname,
        payload.as_deref().unwrap_or_default(),
        extra.replace('\\', "\\\\").replace('\n', "\\n"),
    );
    let mac = STANDARD.encode(hash.mac(key.as_bytes(), text.as_bytes()));
    let extra = extra.replace('\\', "\\\\").replace('"', "\\\"");
    let delegation = if app.is_empty() { String::new() } else { delegation };
    let parts = [
        ("id", id),
        ("ts", time),
        ("nonce", nonce),
        ("hash", payload.unwrap_or_default()),
        ("ext", extra),
        ("mac", mac),
        ("app", app),
        ("dlg", delegation),
    ];
    let is_there = parts.iter().filter(|(_, value)| !value.is_empty());
    let parts: Vec<_> = is_there.map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    let header = format!("Hawk {}", parts.join(", "));
    draft.set_header(AUTHORIZATION, header);
    Ok(())
}

fn payload_hash(hash: Hash, draft: &Draft) -> Result<Option<String>, AuthError> {
    let kind = draft.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_lowercase();
    let before = format!("hawk.1.payload\n{kind}\n");
    Ok(hash.of_payload(before.as_bytes(), &draft.payload, b"\n")?.map(|hash| STANDARD.encode(hash)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::auth::fixture::{check, draft};
    use crate::build::draft::Payload;

    #[test]
    fn the_examples_of_hawks_readme_are_signed() {
        let mut attributes = json!({
            "authId": "dh37fgj492je", "authKey": "werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn", "algorithm": "sha256",
            "timestamp": "1353832234", "nonce": "j4h3g2", "extraData": "some-app-ext-data", "includePayloadHash": true,
        });
        let get = draft("GET", "http://example.com:8000/resource/1?b=1&a=2", &[], Payload::Empty);
        check(
            "hawk",
            &attributes,
            &get,
            concat!(
                "http://example.com:8000/resource/1?b=1&a=2\nAuthorization: Hawk id=\"dh37fgj492je\", ts=\"1353832234\", nonce=\"j4h3g2\", ",
                "ext=\"some-app-ext-data\", mac=\"6R4rV5iE+NPoym+WwjeHzjAGXUtLNIxmo1vpMofpLAE=\""
            ),
        );
        let thanks = Payload::Bytes(b"Thank you for flying Hawk".to_vec());
        let post = draft(
            "POST",
            "http://example.com:8000/resource/1?b=1&a=2",
            &[("Content-Type", "Text/Plain; x")],
            thanks,
        );
        check(
            "hawk",
            &attributes,
            &post,
            concat!(
                "http://example.com:8000/resource/1?b=1&a=2\nContent-Type: Text/Plain; x\nAuthorization: Hawk id=\"dh37fgj492je\", ts=\"1353832234\", ",
                "nonce=\"j4h3g2\", hash=\"Yi9LfIIFRtBEPt74PVmbTF/xVAwPn7ub15ePICfgnuY=\", ext=\"some-app-ext-data\", ",
                "mac=\"aSe1DERmZuRl3pI36/9BdZmnErTw3sNzOOAUlfeKjVw=\""
            ),
        );
        attributes["algorithm"] = json!("md5");
        check("hawk", &attributes, &get, "!the auth algorithm md5 is not supported");
    }
}
