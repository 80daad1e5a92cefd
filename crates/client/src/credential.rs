//! What a sign-in leaves on this device: who, where, and the secrets that prove it.
//!
//! Stored form: a version byte, then each field behind its length (32 bits, little endian). It is
//! sealed under the local key by the store. Knows nothing of how a sign-in goes.

use std::fmt;

use satchel_crypto::{AppKey, IdentityKeys};
use satchel_sync::Identity;
use satchel_wire::{AccountId, AppId, Id, Token};
use zeroize::Zeroizing;

use crate::api::AccountView;

const VERSION: u8 = 1;

/// A signed-in app's identity and secrets; a clone goes into each conversation with the server.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) server: String,
    pub(crate) email: String,
    pub(crate) account: AccountId,
    pub(crate) app: AppId,
    pub(crate) app_name: String,
    pub(crate) token: Token,
    pub(crate) certificate: Vec<u8>,
    pub(crate) app_secret: Zeroizing<[u8; 32]>,
    pub(crate) identity_secret: Zeroizing<Vec<u8>>,
    pub(crate) account_secret: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("account", &self.account)
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

impl Credential {
    /// The bytes to store.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let fields: [&[u8]; 10] = [
            self.server.as_bytes(),
            self.email.as_bytes(),
            self.account.as_slice(),
            self.app.as_slice(),
            self.app_name.as_bytes(),
            self.token.as_slice(),
            &self.certificate,
            self.app_secret.as_slice(),
            &self.identity_secret,
            self.account_secret.as_slice(),
        ];
        let length = 1 + fields.iter().map(|field| 4 + field.len()).sum::<usize>();
        // With its full room from the beginning: no copy of a secret is left behind by growing.
        let mut out = Zeroizing::new(Vec::with_capacity(length));
        out.push(VERSION);
        for field in fields {
            let length = u32::try_from(field.len()).expect("no field is near 4 GiB");
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(field);
        }
        out
    }

    /// The credential of stored bytes; none if they are not one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&version, mut rest) = bytes.split_first()?;
        if version != VERSION {
            return None;
        }
        let rest = &mut rest;
        let credential = Self {
            server: take_text(rest)?,
            email: take_text(rest)?,
            account: AccountId::from_slice(take(rest)?)?,
            app: AppId::from_slice(take(rest)?)?,
            app_name: take_text(rest)?,
            token: Token::from_slice(take(rest)?)?,
            certificate: take(rest)?.to_vec(),
            app_secret: Zeroizing::new(take(rest)?.try_into().ok()?),
            identity_secret: Zeroizing::new(take(rest)?.to_vec()),
            account_secret: Zeroizing::new(take(rest)?.try_into().ok()?),
        };
        rest.is_empty().then_some(credential)
    }

    /// This app's identity for the engine; none if the stored keys are not keys.
    pub(crate) fn identity(&self) -> Option<Identity> {
        Some(Identity {
            account: self.account,
            app: self.app,
            app_key: self.app_key(),
            keys: IdentityKeys::from_secret(&self.identity_secret).ok()?,
            certificate: self.certificate.clone(),
        })
    }

    pub(crate) fn app_key(&self) -> AppKey {
        AppKey::from_secret(*self.app_secret)
    }

    /// The account as its owner sees it.
    pub(crate) fn view(&self) -> AccountView {
        AccountView {
            id: self.account.to_string(),
            email: self.email.clone(),
            server: self.server.clone(),
            app: self.app.to_string(),
            app_name: self.app_name.clone(),
        }
    }
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (field, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(field)
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    String::from_utf8(take(rest)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential() -> Credential {
        Credential {
            server: "https://sync.example".into(),
            email: "ada@example.com".into(),
            account: AccountId::new([1; 16]),
            app: AppId::new([2; 16]),
            app_name: "laptop".into(),
            token: Token::new([3; 32]),
            certificate: vec![4; 129],
            app_secret: Zeroizing::new([5; 32]),
            identity_secret: Zeroizing::new(vec![6; 64]),
            account_secret: Zeroizing::new([7; 32]),
        }
    }

    #[test]
    fn a_stored_credential_comes_back() {
        let bytes = credential().encode();
        let back = Credential::decode(&bytes).expect("it is one");
        assert_eq!(back.encode(), bytes);
        assert_eq!(back.view(), credential().view());
    }

    #[test]
    fn cut_or_longer_bytes_are_no_credential() {
        let bytes = credential().encode();
        assert!((0..bytes.len()).all(|end| Credential::decode(&bytes[..end]).is_none()));
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(Credential::decode(&longer).is_none());
    }

    #[test]
    fn no_secret_is_in_the_debug_form() {
        let text = format!("{:?}", credential());
        assert!(!text.contains("ada@") && !text.contains("[5,") && !text.contains("[3,"), "{text}");
    }
}
