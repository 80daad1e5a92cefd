//! NTLM, version 2 (MS-NLMP): negotiate, challenge, authenticate, over one connection.
//!
//! ```text
//! request ──401 NTLM──▶ negotiate ──401 NTLM <challenge>──▶ authenticate ──▶ answer
//! ```
//! Version 1 is refused: it gives the password away to whoever listens. Lengths and offsets of the challenge are
//! a stranger's; what points outside of it is a broken challenge.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::auth::challenge;
use crate::auth::hash::{Hash, md4};
use crate::auth::simple::AUTHORIZATION;
use crate::auth::{Auth, AuthError, Surroundings, challenges};
use crate::build::draft::Draft;
use crate::http::Response;

/// Which message comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    #[default]
    Negotiate,
    Authenticate,
    Done,
}

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";
/// Unicode, OEM, request target, NTLM, always sign, extended session security, target info, version, 128, 56.
const FLAGS: u32 = 0x0000_0001
    | 0x0000_0002
    | 0x0000_0004
    | 0x0000_0200
    | 0x0000_8000
    | 0x0008_0000
    | 0x0080_0000
    | 0x0200_0000
    | 0x2000_0000
    | 0x8000_0000;
const OEM: u32 = 0x0000_0002;
/// Windows 5.1, build 2600, NTLM revision 15: what other clients say.
const VERSION: [u8; 8] = [5, 1, 0x28, 0x0a, 0, 0, 0, 15];
/// From 1601 to 1970 in milliseconds.
const WINDOWS_EPOCH_MS: u64 = 11_644_473_600_000;
const TARGET_INFO_BYTES_MAX: usize = 16 * 1024;

impl State {
    pub(crate) fn answer(
        &mut self,
        auth: &Auth,
        draft: &mut Draft,
        response: &Response,
        around: &mut Surroundings<'_>,
    ) -> Result<bool, AuthError> {
        let offered: Vec<_> = challenges(response).flat_map(|header| challenge::parse(&header)).collect();
        let mut ntlm = offered.iter().filter(|challenge| challenge.scheme.eq_ignore_ascii_case("ntlm"));
        let message = match *self {
            Self::Negotiate
                if offered.iter().any(|it| {
                    it.scheme.eq_ignore_ascii_case("ntlm") || it.scheme.eq_ignore_ascii_case("negotiate")
                }) =>
            {
                *self = Self::Authenticate;
                negotiate()
            }
            Self::Authenticate => {
                *self = Self::Done;
                let token = ntlm.find_map(|challenge| challenge.token.as_deref());
                let token = token.ok_or(AuthError::Challenge { reason: "holds no NTLM message" })?;
                let bytes =
                    STANDARD.decode(token).map_err(|_| AuthError::Challenge { reason: "is no base64" })?;
                let asked = Asked::parse(&bytes)
                    .ok_or(AuthError::Challenge { reason: "is no NTLM message of type 2" })?;
                authenticate(&Who::of(auth), &asked, around)?
            }
            Self::Negotiate | Self::Done => return Ok(false),
        };
        draft.set_header(AUTHORIZATION, format!("NTLM {}", STANDARD.encode(message)));
        Ok(true)
    }
}

fn negotiate() -> Vec<u8> {
    let mut message = Vec::from(SIGNATURE);
    message.extend(1_u32.to_le_bytes());
    message.extend(FLAGS.to_le_bytes());
    message.extend([0; 16]); // no domain and no workstation: the last message names them
    message.extend(VERSION);
    message
}

/// What the server asks.
struct Asked<'a> {
    nonce: [u8; 8],
    info: &'a [u8],
}

impl<'a> Asked<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.get(..8)? != SIGNATURE || bytes.get(8..12)? != 2_u32.to_le_bytes() {
            return None;
        }
        let nonce = bytes.get(24..32)?.try_into().ok()?;
        let field = bytes.get(40..48);
        let info = field.and_then(|field| {
            let length = usize::from(u16::from_le_bytes(field.get(..2)?.try_into().ok()?));
            let offset = usize::try_from(u32::from_le_bytes(field.get(4..8)?.try_into().ok()?)).ok()?;
            bytes.get(offset..offset.checked_add(length)?).filter(|info| info.len() <= TARGET_INFO_BYTES_MAX)
        });
        Some(Self { nonce, info: info.unwrap_or_default() })
    }

    /// The time that the server gives, as Windows counts it.
    fn time(&self) -> Option<[u8; 8]> {
        let mut rest = self.info;
        loop {
            let id = u16::from_le_bytes(rest.get(..2)?.try_into().ok()?);
            let length = usize::from(u16::from_le_bytes(rest.get(2..4)?.try_into().ok()?));
            let value = rest.get(4..4 + length)?;
            match id {
                0 => return None,
                7 => return value.try_into().ok(),
                _ => rest = rest.get(4 + length..)?,
            }
        }
    }
}

/// Who asks.
struct Who {
    user: String,
    password: String,
    domain: String,
    workstation: String,
}

impl Who {
    /// A user may be written `DOMAIN\user` or `user@domain` where no domain is given.
    fn of(auth: &Auth) -> Self {
        let (mut user, mut domain) = (auth.get("username"), auth.get("domain"));
        if domain.is_empty() {
            let split = match (user.split_once('\\'), user.split_once('@')) {
                (Some((domain, user)), None) | (None, Some((user, domain))) => Some((user, domain)),
                _ => None,
            };
            let is_whole = |(user, domain): &(&str, &str)| {
                !user.is_empty()
                    && !domain.is_empty()
                    && !user.contains(['\\', '@'])
                    && !domain.contains(['\\', '@'])
            };
            if let Some((only, of)) =
                split.filter(is_whole).map(|(user, domain)| (user.to_owned(), domain.to_owned()))
            {
                (user, domain) = (only, of);
            }
        }
        Self {
            user,
            password: auth.get("password"),
            domain: domain.to_uppercase(),
            workstation: auth.get("workstation").to_uppercase(),
        }
    }

    /// The key that the password makes.
    fn key(&self) -> Vec<u8> {
        let name = format!("{}{}", self.user.to_uppercase(), self.domain);
        Hash::Md5.mac(&md4(&wide(&self.password)), &wide(&name))
    }
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The two proofs: for LM and for NT.
fn proofs(key: &[u8], asked: &Asked<'_>, time: [u8; 8], ours: [u8; 8]) -> (Vec<u8>, Vec<u8>) {
    let blob = [&[1, 1, 0, 0, 0, 0, 0, 0], time.as_slice(), &ours, &[0; 4], asked.info, &[0; 4]].concat();
    let proof = Hash::Md5.mac(key, &[asked.nonce.as_slice(), &blob].concat());
    let old = match asked.time() {
        Some(_) => vec![0; 24],
        None => [Hash::Md5.mac(key, &[asked.nonce, ours].concat()).as_slice(), &ours].concat(),
    };
    (old, [proof, blob].concat())
}

fn authenticate(who: &Who, asked: &Asked<'_>, around: &mut Surroundings<'_>) -> Result<Vec<u8>, AuthError> {
    if asked.info.is_empty() {
        return Err(AuthError::Challenge { reason: "asks for NTLM version 1" });
    }
    let mut ours = [0; 8];
    around.rng.fill_bytes(&mut ours);
    let now = ((around.now_ms + WINDOWS_EPOCH_MS) * 10_000).to_le_bytes();
    let (old, new) = proofs(&who.key(), asked, asked.time().unwrap_or(now), ours);
    let fields = [old, new, wide(&who.domain), wide(&who.user), wide(&who.workstation), Vec::new()];
    let mut head = Vec::from(SIGNATURE);
    head.extend(3_u32.to_le_bytes());
    let mut offset = 72;
    for field in &fields {
        let length = u16::try_from(field.len())
            .map_err(|_| AuthError::Challenge { reason: "makes an answer too long" })?;
        head.extend(length.to_le_bytes());
        head.extend(length.to_le_bytes());
        head.extend(u32::to_le_bytes(offset));
        offset += u32::from(length);
    }
    head.extend((FLAGS & !OEM).to_le_bytes());
    head.extend(VERSION);
    for field in &fields {
        head.extend(field);
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Asked, State, Who, proofs};
    use crate::auth::fixture::{auth, draft, with_surroundings};
    use crate::auth::hash::{Hash, hex, md4};
    use crate::auth::{Session, answer, sign};
    use crate::build::draft::Payload;
    use crate::http::Response;

    /// The names of MS-NLMP's examples: domain `Domain`, computer `Server`.
    const INFO: &[u8] = b"\x02\x00\x0c\x00D\0o\0m\0a\0i\0n\0\x01\x00\x0c\x00S\0e\0r\0v\0e\0r\0\0\0\0\0";

    #[test]
    fn the_values_of_the_specification_come_out() {
        // MS-NLMP 4.2.4: user `User`, domain `Domain`, password `Password`, time 0.
        let name: Vec<u8> = "USERDomain".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let password: Vec<u8> = "Password".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let key = Hash::Md5.mac(&md4(&password), &name);
        assert_eq!(hex(&key), "0c868a403bfd7a93a3001ef22ef02e3f");
        let asked = Asked { nonce: [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef], info: INFO };
        let (old, new) = proofs(&key, &asked, [0; 8], [0xaa; 8]);
        assert_eq!(hex(&old), "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa");
        assert_eq!(hex(&new[..16]), "68cd0ab851e51c96aabc927bebef6a1c");
    }

    fn check_who(attributes: &serde_json::Value, user: &str, domain: &str) {
        let who = Who::of(&auth("ntlm", attributes));
        assert_eq!((who.user.as_str(), who.domain.as_str()), (user, domain), "{attributes}");
    }

    #[test]
    fn a_domain_may_stand_in_the_users_name() {
        check_who(&json!({ "username": "u", "domain": "d" }), "u", "D");
        check_who(&json!({ "username": "d\\u" }), "u", "D");
        check_who(&json!({ "username": "u@d.test" }), "u", "D.TEST");
        check_who(&json!({ "username": "d\\u@x" }), "d\\u@x", "");
        check_who(&json!({ "username": "a@b@c" }), "a@b@c", "");
    }

    fn response(header: &str) -> Response {
        Response {
            status: 401,
            headers: vec![("www-authenticate".into(), header.as_bytes().to_vec())],
            ..Response::default()
        }
    }

    fn type_2(info_offset: u32) -> String {
        use base64::Engine as _;
        let mut bytes = b"NTLMSSP\0\x02\0\0\0\0\0\0\0\x38\0\0\0\x01\x02\x81\xa2".to_vec();
        bytes.extend([1; 8]);
        bytes.extend([0; 8]);
        let length = u16::try_from(INFO.len()).unwrap_or(0).to_le_bytes();
        bytes.extend(length);
        bytes.extend(length);
        bytes.extend(info_offset.to_le_bytes());
        bytes.extend(INFO);
        format!("NTLM {}", base64::engine::general_purpose::STANDARD.encode(bytes))
    }

    fn talk(headers: &[&str]) -> String {
        let auth = auth("ntlm", &json!({ "username": "User", "password": "Password", "domain": "Domain" }));
        with_surroundings(|around| {
            let mut first = draft("GET", "http://h/", &[("Authorization", "x")], Payload::Empty);
            let mut session = sign(&auth, &mut first, around).unwrap_or(Session::Done);
            let mut lines = Vec::new();
            for header in headers {
                let mut next = first.clone();
                lines.push(match answer(&auth, &mut session, &mut next, &response(header), around) {
                    Ok(true) => next.header("authorization").unwrap_or_default().chars().take(24).collect(),
                    Ok(false) => "-".to_owned(),
                    Err(error) => format!("!{error}"),
                });
            }
            lines.join(" | ")
        })
    }

    #[test]
    fn the_talk_goes_its_way_and_ends() {
        assert_eq!(State::default(), State::Negotiate);
        assert_eq!(
            talk(&["Negotiate, NTLM", &type_2(48), "NTLM"]),
            "NTLM TlRMTVNTUAABAAAAB4K | NTLM TlRMTVNTUAADAAAAGAA | -"
        );
        assert_eq!(talk(&["Basic realm=\"x\""]), "-");
        assert_eq!(
            talk(&["NTLM", "NTLM"]),
            "NTLM TlRMTVNTUAABAAAAB4K | !the server's challenge holds no NTLM message"
        );
        assert_eq!(
            talk(&["NTLM", "NTLM AAAA"]),
            "NTLM TlRMTVNTUAABAAAAB4K | !the server's challenge is no NTLM message of type 2"
        );
        assert_eq!(
            talk(&["NTLM", &type_2(60_000)]),
            "NTLM TlRMTVNTUAABAAAAB4K | !the server's challenge asks for NTLM version 1"
        );
    }

    #[test]
    fn no_bytes_make_the_reader_panic() {
        let mut bytes = b"NTLMSSP\0\x02\0\0\0".to_vec();
        for at in 0..400_u32 {
            let byte = (at.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()[0];
            bytes.push(byte);
            if let Some(asked) = Asked::parse(&bytes) {
                let _ = asked.time();
                let _ = Asked { nonce: [0; 8], info: &bytes }.time();
            }
        }
    }
}
