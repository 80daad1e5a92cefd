//! The charter as an app reads it: who may write, by which app keys, under which epoch keys.
//!
//! It is a pure function of the ledger's charter entries. The server cannot forge one: each is signed
//! by an app whose certificate the owner's identity key signed, and the workspace's id is derived
//! from the founding.

use std::collections::BTreeMap;
use std::sync::Arc;

use satchel_crypto::{
    AppCertificate, EpochKey, IdentityKeys, WrapContext, derive_charter_hash, derive_workspace_id,
    verify_commit, verify_manifest,
};
use satchel_wire::{
    AccountId, AddedApp, AppId, CharterOp, CommitHeader, Content, Founding, Manifest, SignedHeader,
    SignedManifest, WorkspaceId,
};

use crate::planted::{self, Bug};

/// Why an entry of the charter, or a signature under it, is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CharterError {
    /// The first entry is not a founding, or a later one is.
    Founding,
    /// The workspace's id is not derived from its founding.
    WrongId,
    /// The certificate does not verify, or is not the signer's.
    Certificate,
    /// The signer is not in the charter.
    UnknownApp,
    /// The signature does not verify.
    Signature,
    /// No wrap for this account, or it does not open to the committed key.
    Key,
}

impl CharterError {
    pub(crate) fn detail(self) -> &'static str {
        match self {
            Self::Founding => "a ledger must begin with its one founding",
            Self::WrongId => "the workspace's id does not belong to its founding",
            Self::Certificate => "an app's certificate does not verify",
            Self::UnknownApp => "a change is signed by an app that the charter does not know",
            Self::Signature => "a change's signature does not verify",
            Self::Key => "the workspace's key does not open with this account",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Writer {
    account: AccountId,
    key: [u8; 32],
}

/// The state of a charter after some entry.
#[derive(Debug, Clone, Default)]
pub(crate) struct Charter {
    owner: Option<(AccountId, [u8; 32])>,
    // Shared, since each entry is staged over a copy of the charter.
    founding: Option<Arc<Founding>>,
    apps: Arc<BTreeMap<AppId, Writer>>,
    hash: [u8; 32],
}

impl Charter {
    pub(crate) fn is_founded(&self) -> bool {
        self.owner.is_some()
    }

    pub(crate) fn knows(&self, app: AppId) -> bool {
        self.apps.contains_key(&app)
    }

    /// Checks that a header is signed by an app that may write at this point.
    pub(crate) fn check(&self, header: &CommitHeader, signed: &SignedHeader) -> Result<(), CharterError> {
        let writer = self.apps.get(&header.app).ok_or(CharterError::UnknownApp)?;
        if writer.account != header.author {
            return Err(CharterError::UnknownApp);
        }
        if planted::is(Bug::SignatureUnchecked) {
            return Ok(());
        }
        verify_commit(&writer.key, &signed.header, signed.signature.as_bytes())
            .map_err(|_| CharterError::Signature)
    }

    /// The hash over the entries so far.
    pub(crate) fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Checks that a manifest is signed by an app that may write at this point.
    pub(crate) fn check_manifest(
        &self,
        manifest: &Manifest,
        signed: &SignedManifest,
    ) -> Result<(), CharterError> {
        let writer = self.apps.get(&manifest.app).ok_or(CharterError::UnknownApp)?;
        if writer.account != manifest.author {
            return Err(CharterError::UnknownApp);
        }
        verify_manifest(&writer.key, &signed.manifest, signed.signature.as_bytes())
            .map_err(|_| CharterError::Signature)
    }

    /// Checks and applies one entry of the charter.
    pub(crate) fn apply(&mut self, header: &CommitHeader, signed: &SignedHeader) -> Result<(), CharterError> {
        let Content::Charter(op) = &header.content else { return self.check(header, signed) };
        let mut next = self.clone();
        match op {
            CharterOp::Found(founding) => next.found(header.workspace, founding)?,
            CharterOp::AddApp(added) => {
                let (app, writer) = self.read_certificate(added)?;
                Arc::make_mut(&mut next.apps).insert(app, writer);
            }
        }
        next.check(header, signed)?;
        next.hash = derive_charter_hash(&self.hash, &signed.header);
        *self = next;
        Ok(())
    }

    fn found(&mut self, workspace: WorkspaceId, founding: &Founding) -> Result<(), CharterError> {
        if self.is_founded() || founding.check().is_err() {
            return Err(CharterError::Founding);
        }
        if derive_workspace_id(&founding.identity_bytes()) != *workspace.as_bytes() {
            return Err(CharterError::WrongId);
        }
        self.owner = Some((founding.owner, *founding.signing_key.as_bytes()));
        let (app, writer) = self.read_certificate(&founding.app)?;
        Arc::make_mut(&mut self.apps).insert(app, writer);
        self.founding = Some(Arc::new(founding.clone()));
        Ok(())
    }

    fn read_certificate(&self, added: &AddedApp) -> Result<(AppId, Writer), CharterError> {
        let (owner, signing_key) = self.owner.ok_or(CharterError::Founding)?;
        let certificate = AppCertificate::verify(&added.certificate, &signing_key)
            .map_err(|_| CharterError::Certificate)?;
        let account = AccountId::new(certificate.account);
        if account != owner {
            return Err(CharterError::Certificate);
        }
        Ok((AppId::new(certificate.app), Writer { account, key: certificate.key }))
    }

    /// Opens the present epoch's key for this account.
    pub(crate) fn open_key(
        &self,
        workspace: WorkspaceId,
        account: AccountId,
        keys: &IdentityKeys,
    ) -> Result<EpochKey, CharterError> {
        let founding = self.founding.as_ref().ok_or(CharterError::Founding)?;
        let context =
            WrapContext { workspace: *workspace.as_bytes(), epoch: 1, account: *account.as_bytes() };
        let wrap = founding.wraps.iter().find(|wrap| wrap.account == account).ok_or(CharterError::Key)?;
        let key = EpochKey::unwrap(keys, &context, &wrap.wrap).map_err(|_| CharterError::Key)?;
        if key.commitment() == *founding.commitment.as_bytes() { Ok(key) } else { Err(CharterError::Key) }
    }
}
