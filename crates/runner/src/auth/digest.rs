//! HTTP digest (RFC 7616): an answer to the server's challenge that proves the password without sending it.
//!
//! The first request goes without, unless the document holds realm and nonce already. Of several challenges the
//! one with the document's algorithm is answered, else the strongest that is known here.

use crate::auth::challenge::{self, Challenge};
use crate::auth::hash::{Hash, hex};
use crate::auth::simple::AUTHORIZATION;
use crate::auth::{Auth, AuthError, ROUNDS_MAX, Surroundings, challenges};
use crate::build::draft::{Draft, Payload};
use crate::http::Response;

/// How far the talk with the server is.
#[derive(Debug, Default)]
pub(crate) struct State {
    rounds: u8,
}

/// The algorithms, the strongest last.
const ALGORITHMS: [(&str, Hash); 3] =
    [("MD5", Hash::Md5), ("SHA-256", Hash::Sha256), ("SHA-512-256", Hash::Sha512t256)];

/// What a challenge asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    qop: Option<&'static str>,
    /// As it is named; absent where the server names none.
    algorithm: Option<String>,
    hash: Hash,
    is_session: bool,
    hides_user: bool,
}

pub(crate) fn sign(
    auth: &Auth,
    draft: &mut Draft,
    around: &mut Surroundings<'_>,
) -> Result<State, AuthError> {
    draft.remove_header(AUTHORIZATION);
    let (realm, nonce) = (auth.get("realm"), auth.get("nonce"));
    if auth.get("username").is_empty() || realm.is_empty() || nonce.is_empty() {
        return Ok(State::default());
    }
    let named = auth.get("algorithm");
    let (hash, is_session) = algorithm(&named).ok_or(AuthError::Algorithm { algorithm: named.clone() })?;
    let opaque = Some(auth.get("opaque")).filter(|opaque| !opaque.is_empty());
    let algorithm = Some(named).filter(|named| !named.is_empty());
    let qop = qop(&auth.get("qop"), "");
    let asked = Asked { realm, nonce, opaque, qop, algorithm, hash, is_session, hides_user: false };
    put(auth, &asked, draft, around)?;
    Ok(State { rounds: 1 })
}

impl State {
    /// Answers a challenge; a second one only if it says that the nonce was stale.
    pub(crate) fn answer(
        &mut self,
        auth: &Auth,
        draft: &mut Draft,
        response: &Response,
        around: &mut Surroundings<'_>,
    ) -> Result<bool, AuthError> {
        let Some((challenge, asked)) = choose(auth, response) else { return Ok(false) };
        let is_stale = challenge.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true"));
        if self.rounds >= ROUNDS_MAX || (self.rounds > 0 && !is_stale) || auth.get("username").is_empty() {
            return Ok(false);
        }
        self.rounds += 1;
        put(auth, &asked, draft, around)?;
        Ok(true)
    }
}

fn algorithm(named: &str) -> Option<(Hash, bool)> {
    let upper = named.to_ascii_uppercase();
    let base = upper.strip_suffix("-SESS").unwrap_or(&upper);
    let base = if base.is_empty() { "MD5" } else { base };
    let (_, hash) = ALGORITHMS.iter().find(|(known, _)| *known == base)?;
    Some((*hash, upper.ends_with("-SESS")))
}

/// The challenge to answer.
fn choose(auth: &Auth, response: &Response) -> Option<(Challenge, Asked)> {
    let wanted = auth.get("algorithm").to_ascii_uppercase();
    let offered = challenges(response).flat_map(|header| challenge::parse(&header));
    let known =
        offered.filter(|challenge| challenge.scheme.eq_ignore_ascii_case("digest")).filter_map(|challenge| {
            let asked = asked(auth, &challenge)?;
            Some((challenge, asked))
        });
    known.max_by_key(|(_, asked)| {
        let is_wanted = asked.algorithm.as_ref().is_some_and(|it| it.to_ascii_uppercase() == wanted);
        let strength = ALGORITHMS.iter().position(|(_, hash)| *hash == asked.hash);
        (is_wanted, strength)
    })
}

fn asked(auth: &Auth, challenge: &Challenge) -> Option<Asked> {
    // A server that names no algorithm means MD5, unless the document knows better.
    let named = challenge
        .get("algorithm")
        .map(str::to_owned)
        .or_else(|| Some(auth.get("algorithm")).filter(|it| !it.is_empty()));
    let (hash, is_session) = algorithm(named.as_deref().unwrap_or_default())?;
    Some(Asked {
        realm: challenge.get("realm").unwrap_or_default().to_owned(),
        nonce: challenge.get("nonce")?.to_owned(),
        opaque: challenge.get("opaque").map(str::to_owned),
        qop: qop(challenge.get("qop").unwrap_or_default(), &auth.get("qop")),
        algorithm: named,
        hash,
        is_session,
        hides_user: challenge.get("userhash").is_some_and(|it| it.eq_ignore_ascii_case("true")),
    })
}

/// The quality of protection to use of those offered.
fn qop(offered: &str, wanted: &str) -> Option<&'static str> {
    let has = |name: &str| offered.split(',').any(|it| it.trim().eq_ignore_ascii_case(name));
    match (has("auth"), has("auth-int")) {
        (_, true) if wanted.eq_ignore_ascii_case("auth-int") => Some("auth-int"),
        (true, _) => Some("auth"),
        (false, true) => Some("auth-int"),
        (false, false) => None,
    }
}

fn put(
    auth: &Auth,
    asked: &Asked,
    draft: &mut Draft,
    around: &mut Surroundings<'_>,
) -> Result<(), AuthError> {
    let given = auth.get("clientNonce");
    let client_nonce = if given.is_empty() { around.nonce(16) } else { given };
    let count = u32::from_str_radix(&auth.get("nonceCount"), 16).unwrap_or(1).max(1);
    let header = header(auth, asked, draft, &client_nonce, count)?;
    draft.set_header(AUTHORIZATION, header);
    Ok(())
}

fn header(
    auth: &Auth,
    asked: &Asked,
    draft: &Draft,
    client_nonce: &str,
    count: u32,
) -> Result<String, AuthError> {
    let hash = |text: &str| hex(&asked.hash.of(text.as_bytes()));
    let (user, realm, nonce) = (auth.get("username"), &asked.realm, &asked.nonce);
    let uri = draft.url.encoded(draft.plain_url).target();
    let mut secret = hash(&format!("{user}:{realm}:{}", auth.get("password")));
    if asked.is_session {
        secret = hash(&format!("{secret}:{nonce}:{client_nonce}"));
    }
    let mut deed = format!("{}:{uri}", draft.method);
    if asked.qop == Some("auth-int") {
        deed = format!("{deed}:{}", body_hash(asked.hash, &draft.payload)?);
    }
    let deed = hash(&deed);
    let proof = match asked.qop {
        Some(qop) => hash(&format!("{secret}:{nonce}:{count:08x}:{client_nonce}:{qop}:{deed}")),
        None => hash(&format!("{secret}:{nonce}:{deed}")),
    };
    let user = if asked.hides_user { hash(&format!("{user}:{realm}")) } else { user };
    let mut parts = vec![format!("username={}", quoted(&user)), format!("realm={}", quoted(realm))];
    parts.extend([format!("nonce={}", quoted(nonce)), format!("uri={}", quoted(&uri))]);
    parts.extend(asked.algorithm.as_ref().map(|algorithm| format!("algorithm={algorithm}")));
    if let Some(qop) = asked.qop {
        parts.extend([format!("qop={qop}"), format!("nc={count:08x}")]);
    }
    if asked.qop.is_some() || asked.is_session {
        parts.push(format!("cnonce={}", quoted(client_nonce)));
    }
    parts.push(format!("response=\"{proof}\""));
    parts.extend(asked.opaque.as_ref().map(|opaque| format!("opaque={}", quoted(opaque))));
    parts.extend(asked.hides_user.then(|| "userhash=true".to_owned()));
    Ok(format!("Digest {}", parts.join(", ")))
}

fn body_hash(hash: Hash, payload: &Payload) -> Result<String, AuthError> {
    match hash.of_payload(b"", payload, b"")? {
        Some(hash) => Ok(hex(&hash)),
        None if matches!(payload, Payload::Form(_)) => Err(AuthError::NotHashable),
        None => Ok(hex(&hash.of(b""))),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::auth::fixture::{auth, draft, with_surroundings};
    use crate::auth::{Session, answer, sign};
    use crate::build::draft::Payload;
    use crate::http::Response;

    fn response(challenges: &[&str]) -> Response {
        let headers = challenges.iter().map(|it| ("WWW-Authenticate".to_owned(), it.as_bytes().to_vec()));
        Response { status: 401, headers: headers.collect(), ..Response::default() }
    }

    fn check(attributes: &Json, url: &str, challenges: &[&str], expected: &str) {
        let auth = auth("digest", attributes);
        let first = draft("GET", url, &[], Payload::Bytes(b"entity".to_vec()));
        with_surroundings(|around| {
            let mut sent = first.clone();
            let mut session = sign(&auth, &mut sent, around).expect("the first is not signed");
            assert_eq!(sent.headers, []);
            let mut again = first.clone();
            let is_answered = answer(&auth, &mut session, &mut again, &response(challenges), around);
            assert_eq!(is_answered.unwrap_or_default(), !expected.is_empty());
            assert_eq!(again.header("authorization").unwrap_or_default(), expected);
            let mut third = first.clone();
            let refused = response(&[challenges.first().copied().unwrap_or_default()]);
            assert!(
                !answer(&auth, &mut session, &mut third, &refused, around).unwrap_or_default(),
                "it asks once"
            );
        });
    }

    const MUFASA: &str = concat!(
        "realm=\"http-auth@example.org\", qop=\"auth, auth-int\", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", ",
        "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
    );

    fn mufasa(algorithm: &str) -> Json {
        json!({ "username": "Mufasa", "password": "Circle of Life", "algorithm": algorithm,
            "clientNonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ" })
    }

    #[test]
    fn the_example_of_the_rfc_is_answered() {
        let both =
            [&format!("Digest algorithm=SHA-256, {MUFASA}")[..], &format!("Digest algorithm=MD5, {MUFASA}")];
        let expected = |algorithm: &str, proof: &str| {
            format!(
                "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
             uri=\"/dir/index.html\", algorithm={algorithm}, qop=auth, nc=00000001, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", \
             response=\"{proof}\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            )
        };
        let url = "http://www.example.org/dir/index.html";
        let strong = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        check(&mufasa("MD5"), url, &both, &expected("MD5", "8ca523f5e9506fed4657c9700eebdbec"));
        check(&mufasa("SHA-256"), url, &both, &expected("SHA-256", strong));
        check(&mufasa(""), url, &both, &expected("SHA-256", strong));
    }

    #[test]
    fn a_hidden_user_with_sha_512_256_is_answered() {
        // RFC 7616 section 3.9.2 with the values of its verified erratum 4897.
        check(
            &json!({ "username": "Jäsøn Doe", "password": "Secret, or not?", "clientNonce": "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v" }),
            "http://api.example.org/doe.json",
            &[
                "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", \
               opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8, userhash=true",
            ],
            "Digest username=\"793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b\", realm=\"api@example.org\", \
             nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", uri=\"/doe.json\", algorithm=SHA-512-256, qop=auth, nc=00000001, \
             cnonce=\"NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v\", response=\"3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5\", \
             opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", userhash=true",
        );
    }

    #[test]
    fn the_oldest_form_and_no_challenge_are_understood() {
        // RFC 2069's form, without qop; the value is what RFC 2617's formula gives.
        check(
            &json!({ "username": "u", "password": "p" }),
            "http://h/x?y=1",
            &["Digest realm=\"r\", nonce=\"n\""],
            "Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/x?y=1\", response=\"05659d2b286418a62cca391af3e30276\"",
        );
        check(&mufasa("MD5"), "http://h/", &["Basic realm=\"x\""], "");
        check(&mufasa("MD5"), "http://h/", &["Digest algorithm=ROT13, nonce=\"n\""], "");
        check(&json!({}), "http://h/", &["Digest realm=\"r\", nonce=\"n\""], "");
    }

    #[test]
    fn a_stale_nonce_is_answered_again_but_not_for_ever() {
        let auth = auth("digest", &mufasa("MD5"));
        let stale = response(&["Digest realm=\"r\", nonce=\"n\", stale=true"]);
        let count = with_surroundings(|around| {
            let mut fresh = draft("GET", "http://h/", &[], Payload::Empty);
            let mut session = sign(&auth, &mut fresh, around).unwrap_or(Session::Done);
            (0..10)
                .filter(|_| {
                    answer(&auth, &mut session, &mut fresh.clone(), &stale, around).unwrap_or_default()
                })
                .count()
        });
        assert_eq!(count, 3);
    }
}
