//! Takes secret values out of texts that people see.
//!
//! A secret travels in other clothes: percent-encoded in a URL, escaped in JSON, in base64 behind a user's name.
//! Each of these is found too; base64 at any of its three alignments, so that `user:secret` hides nothing.
//! What a hash or a signature made of a secret is no longer it, and is left.
//!
//! Invariant: needles are wiped from memory when the masker goes.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// What stands for a secret.
pub const MASK: &str = "••••••";

/// Shorter secrets are left: masking every `1` would hide the text and not the secret.
const CHARS_MIN: usize = 3;
/// Shorter pieces of base64 are too often something else.
const BASE64_MIN: usize = 6;

/// Secrets to take out of texts.
#[derive(Clone, Default)]
pub struct Masker {
    /// Longest first, so that a secret within another does not leave the rest of the other.
    needles: Vec<Zeroizing<String>>,
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masker({} forms)", self.needles.len())
    }
}

impl Masker {
    /// Adds a secret in all its forms.
    pub fn add(&mut self, secret: &str) {
        if secret.chars().count() < CHARS_MIN {
            return;
        }
        let known: BTreeSet<String> = self.needles.iter().map(|needle| needle.to_string()).collect();
        let forms = forms(secret).into_iter().filter(|form| !known.contains(form));
        self.needles.extend(forms.map(Zeroizing::new));
        self.needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
    }

    /// The text with [`MASK`] for each secret.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut masked = Cow::Borrowed(text);
        for needle in &self.needles {
            if masked.contains(needle.as_str()) {
                masked = Cow::Owned(masked.replace(needle.as_str(), MASK));
            }
        }
        masked
    }

    /// Whether there is nothing to mask.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }
}

fn forms(secret: &str) -> BTreeSet<String> {
    let quoted = serde_json::Value::String(secret.to_owned()).to_string();
    let mut forms = BTreeSet::from([
        secret.to_owned(),
        quoted[1..quoted.len() - 1].to_owned(),
        percent(secret, |byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)),
        percent(secret, |byte| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte)),
        percent(secret, |byte| byte.is_ascii_graphic() && !b"\"#'<>&=".contains(&byte)),
        percent(secret, |byte| byte.is_ascii_graphic() && !b"\"#'<>".contains(&byte)),
        percent(secret, |byte| byte.is_ascii_graphic() && !b"\"#<>?{}`".contains(&byte)),
    ]);
    for shift in 0..3 {
        let stretch = base64_at(secret, shift);
        if stretch.len() >= BASE64_MIN {
            forms.insert(stretch.replace('+', "-").replace('/', "_"));
            forms.insert(stretch);
        }
    }
    // The whole of it, with the last character that the stretch leaves out.
    forms.extend(
        [STANDARD_NO_PAD.encode(secret), URL_SAFE_NO_PAD.encode(secret)]
            .into_iter()
            .filter(|it| it.len() >= BASE64_MIN),
    );
    forms
}

/// The characters of base64 that depend on the secret alone when `shift` other bytes stand before it.
fn base64_at(secret: &str, shift: usize) -> String {
    let mut bytes = vec![0; shift];
    bytes.extend_from_slice(secret.as_bytes());
    let encoded = STANDARD_NO_PAD.encode(&bytes);
    let from = (shift * 8).div_ceil(6);
    let until = bytes.len() * 8 / 6;
    encoded.get(from..until).unwrap_or_default().to_owned()
}

fn percent(text: &str, keep: impl Fn(u8) -> bool) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if keep(byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a text does not fail");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::{MASK, Masker};

    fn check(secret: &str, text: &str, expected: &str) {
        let mut masker = Masker::default();
        masker.add(secret);
        assert_eq!(masker.mask(text), expected.replace("***", MASK));
    }

    #[test]
    fn a_secret_is_found_in_every_form() {
        check("pa ss&\"wörd", "x=pa ss&\"wörd;", "x=***;");
        check("pa ss&\"wörd", "?p=pa%20ss%26%22w%C3%B6rd&", "?p=***&");
        check("pa ss&\"wörd", "?p=pa%20ss&%22w%C3%B6rd", "?p=***");
        check("pa ss&\"wörd", r#"{"p":"pa ss&\"wörd"}"#, r#"{"p":"***"}"#);
        check("ab", "ab stays", "ab stays");
        check("", "nothing", "nothing");
    }

    #[test]
    fn base64_hides_nothing_at_any_alignment() {
        for user in ["", "u", "us", "use", "someone"] {
            let whole = format!("{user}:correct horse battery");
            for encoded in
                [STANDARD.encode(&whole), URL_SAFE.encode(&whole), STANDARD.encode(format!("{whole}:more"))]
            {
                let mut masker = Masker::default();
                masker.add("correct horse battery");
                let masked = masker.mask(&encoded).into_owned();
                assert!(masked.contains(MASK) && masked.len() < encoded.len(), "{user} {masked}");
            }
        }
    }

    #[test]
    fn a_secret_within_another_leaves_no_rest() {
        let mut masker = Masker::default();
        masker.add("token");
        masker.add("token-and-more");
        assert_eq!(masker.mask("a token-and-more b token"), format!("a {MASK} b {MASK}"));
        assert!(!format!("{masker:?}").contains("token"));
    }
}
