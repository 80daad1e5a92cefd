//! AWS Signature, version 4: in headers, or in the query where the document asks for it.
//!
//! The date comes from the clock that is passed in. A path is encoded twice and its dots are resolved, but for
//! S3, which signs it as it is.

use crate::auth::hash::{Hash, hex};
use crate::auth::simple::AUTHORIZATION;
use crate::auth::{Auth, AuthError, Surroundings};
use crate::build::draft::{Draft, Payload};
use crate::build::url::{decoded, strict};
use crate::variable::Moment;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const CONTENT_HASH: &str = "X-Amz-Content-Sha256";
const DATE: &str = "X-Amz-Date";
const SESSION: &str = "X-Amz-Security-Token";
/// Headers that a proxy may change or that are written later.
const NOT_SIGNED: [&str; 7] =
    ["authorization", "connection", "x-amzn-trace-id", "user-agent", "expect", "presigned-expires", "range"];

struct Place {
    /// `20150830T123600Z`.
    time: String,
    service: String,
    region: String,
}

impl Place {
    fn scope(&self) -> String {
        format!("{}/{}/{}/aws4_request", &self.time[..8.min(self.time.len())], self.region, self.service)
    }
}

pub(crate) fn sign(auth: &Auth, draft: &mut Draft, around: &Surroundings<'_>) -> Result<(), AuthError> {
    let (access, secret, session) = (auth.get("accessKey"), auth.get("secretKey"), auth.get("sessionToken"));
    if access.is_empty() || secret.is_empty() {
        return Ok(());
    }
    let or = |name: &str, other: &str| {
        Some(auth.get(name)).filter(|it| !it.is_empty()).unwrap_or_else(|| other.to_owned())
    };
    let place = Place {
        time: Moment::from_ms(around.now_ms).basic(),
        service: or("service", "execute-api"),
        region: or("region", "us-east-1"),
    };
    for name in [AUTHORIZATION, DATE, SESSION, CONTENT_HASH] {
        draft.remove_header(name);
    }
    let names = [
        SESSION,
        DATE,
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
        "X-Amz-Expires",
    ];
    draft.url.query.retain(|param| {
        !names.contains(&param.key.as_str())
            || (param.key == "X-Amz-Expires" && auth.flag("addAuthDataToQuery"))
    });
    let body = match Hash::Sha256.of_payload(b"", &draft.payload, b"")? {
        Some(hash) => hex(&hash),
        None if matches!(draft.payload, Payload::Form(_)) => "UNSIGNED-PAYLOAD".to_owned(),
        None => hex(&Hash::Sha256.of(b"")),
    };
    if draft.header("host").is_none() {
        draft.set_header("Host", draft.url.encoded(draft.plain_url).host);
    }
    let credential = format!("{access}/{}", place.scope());
    if auth.flag("addAuthDataToQuery") {
        in_query(draft, &place, &credential, &secret, &session, body);
    } else {
        in_headers(draft, &place, &credential, &secret, &session, &body);
    }
    Ok(())
}

fn in_headers(draft: &mut Draft, place: &Place, credential: &str, secret: &str, session: &str, body: &str) {
    if draft.payload != Payload::Empty || place.service == "s3" {
        draft.set_header(CONTENT_HASH, body);
    }
    if !session.is_empty() {
        draft.set_header(SESSION, session);
    }
    draft.set_header(DATE, &*place.time);
    let (_, names) = headers(draft);
    let signature = signature(draft, place, secret, body);
    let header = format!("{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}");
    draft.set_header(AUTHORIZATION, header);
}

fn in_query(draft: &mut Draft, place: &Place, credential: &str, secret: &str, session: &str, body: String) {
    let body = if place.service == "s3" { "UNSIGNED-PAYLOAD".to_owned() } else { body };
    if !session.is_empty() {
        draft.set_param(SESSION, &strict(session));
    }
    if place.service == "s3" && !draft.url.query.iter().any(|param| param.key == "X-Amz-Expires") {
        draft.set_param("X-Amz-Expires", "86400");
    }
    draft.set_param(DATE, &place.time);
    draft.set_param("X-Amz-Algorithm", ALGORITHM);
    draft.set_param("X-Amz-Credential", &strict(credential));
    let (_, names) = headers(draft);
    draft.set_param("X-Amz-SignedHeaders", &strict(&names));
    let signature = signature(draft, place, secret, &body);
    draft.set_param("X-Amz-Signature", &signature);
}

fn signature(draft: &Draft, place: &Place, secret: &str, body: &str) -> String {
    let hash = hex(&Hash::Sha256.of(canonical(draft, &place.service, body).as_bytes()));
    let text = format!("{ALGORITHM}\n{}\n{}\n{hash}", place.time, place.scope());
    let date = &place.time[..8.min(place.time.len())];
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [date, &place.region, &place.service, "aws4_request"] {
        key = Hash::Sha256.mac(&key, part.as_bytes());
    }
    hex(&Hash::Sha256.mac(&key, text.as_bytes()))
}

fn canonical(draft: &Draft, service: &str, body: &str) -> String {
    let url = draft.url.encoded(draft.plain_url);
    let path = path(&url.path, service == "s3");
    let query = query(url.query.as_deref().unwrap_or_default());
    let (headers, names) = headers(draft);
    format!("{}\n{path}\n{query}\n{headers}\n\n{names}\n{body}", draft.method)
}

fn path(path: &str, is_plain: bool) -> String {
    let mut segments: Vec<String> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            _ if is_plain => segments.push(strict(&decoded(segment, true)).replace("%2F", "/")),
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(strict(segment)),
        }
    }
    let ends = !is_plain
        && (path.ends_with('/') || path.ends_with("/.") || path.ends_with("/.."))
        && !segments.is_empty();
    format!("/{}{}", segments.join("/"), if ends { "/" } else { "" })
}

fn query(query: &str) -> String {
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (strict(&decoded(key, true)), strict(&decoded(value, true)))
    };
    let mut pairs: Vec<_> = query.split('&').map(pair).filter(|(key, _)| !key.is_empty()).collect();
    pairs.sort();
    pairs.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
}

/// The signed headers in canonical form, and their names. Several of one name are one line.
fn headers(draft: &Draft) -> (String, String) {
    let mut lines: Vec<(String, String)> = Vec::new();
    for header in &draft.headers {
        let name = header.name.to_lowercase();
        if name.is_empty() || NOT_SIGNED.contains(&name.as_str()) {
            continue;
        }
        let value = header.value.split_whitespace().collect::<Vec<_>>().join(" ");
        match lines.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => *values = format!("{values},{value}"),
            None => lines.push((name, value)),
        }
    }
    lines.sort();
    let names = lines.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    (lines.iter().map(|(name, value)| format!("{name}:{value}")).collect::<Vec<_>>().join("\n"), names)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::auth::fixture::{draft, shown, signed};
    use crate::build::draft::Payload;

    fn attributes() -> Json {
        json!({ "accessKey": "AKIDEXAMPLE", "secretKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "service": "service", "region": "us-east-1" })
    }

    /// A case of AWS's test suite, all at example.amazonaws.com.
    fn check(method: &str, path: &str, headers: &[(&str, &str)], signed_headers: &str, signature: &str) {
        let mut all = vec![("Host", "example.amazonaws.com")];
        all.extend(headers);
        let mut draft = draft(method, &format!("https://example.amazonaws.com{path}"), &all, Payload::Empty);
        signed("awsv4", &attributes(), &mut draft).expect("it is signed");
        assert_eq!(draft.header("x-amz-date"), Some("20150830T123600Z"));
        let expected = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={signed_headers}, Signature={signature}"
        );
        assert_eq!(draft.header("authorization"), Some(expected.as_str()), "{method} {path}");
    }

    #[test]
    fn the_cases_of_awss_test_suite_are_signed() {
        let plain = "host;x-amz-date";
        check("GET", "/", &[], plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
        check("POST", "/", &[], plain, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
        check(
            "GET",
            "/?Param2=value2&Param1=value1",
            &[],
            plain,
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        );
        check("GET", "//", &[], plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
        check(
            "GET",
            "/example/..",
            &[],
            plain,
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        );
        check("GET", "/./", &[], plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    }

    #[test]
    fn a_body_is_signed_with_its_hash_and_a_session_with_its_token() {
        let mut attributes = attributes();
        attributes["sessionToken"] = json!("SESSION");
        let mut post = draft(
            "POST",
            "https://h.test/p",
            &[("X-A", " a  b ")],
            Payload::Bytes(b"Param1=value1".to_vec()),
        );
        signed("awsv4", &attributes, &mut post).expect("it is signed");
        let names = ["SignedHeaders=host;x-a;x-amz-content-sha256;x-amz-date;x-amz-security-token,"];
        let text = shown(&post);
        assert!(
            text.contains(names[0])
                && text.contains(
                    "X-Amz-Content-Sha256: 9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"
                ),
            "{text}"
        );
    }

    #[test]
    fn the_example_of_s3s_documentation_is_signed_in_the_query() {
        let attributes = json!({
            "accessKey": "AKIAIOSFODNN7EXAMPLE", "secretKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "service": "s3",
            "region": "us-east-1", "addAuthDataToQuery": true,
        });
        let mut get = draft("GET", "https://examplebucket.s3.amazonaws.com/test.txt", &[], Payload::Empty);
        let auth = crate::auth::fixture::auth("awsv4", &attributes);
        let mut rng = rand_chacha::ChaCha8Rng::from_seed([0; 32]);
        let mut around = crate::auth::Surroundings {
            now_ms: 1_369_353_600_000,
            rng: &mut rng,
            tokens: &crate::auth::oauth2::NoTokens,
        };
        crate::auth::sign(&auth, &mut get, &mut around).expect("it is signed");
        assert!(
            shown(&get).starts_with(concat!(
                "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Expires=86400&X-Amz-Date=20130524T000000Z&X-Amz-Algorithm=AWS4-HMAC-SHA256",
                "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-SignedHeaders=host",
                "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
            )),
            "{}", shown(&get)
        );
    }

    use rand_chacha::rand_core::SeedableRng;
}
