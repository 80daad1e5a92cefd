//! Checking a commit before the writer: everything that needs no look at the ledger.
//!
//! It runs on the caller's thread, so signatures and hashes cost the writer nothing.

use std::collections::BTreeSet;

use minicbor::bytes::ByteVec;
use satchel_crypto::{AppCertificate, EnvelopePlace, derive_revision, derive_workspace_id, verify_commit};
use satchel_wire::limits::{COMMIT_BYTES_MAX, ENVELOPE_BYTES_MAX};
use satchel_wire::{
    AddedApp, CharterOp, CommitHeader, Content, ErrorCode, Founding, Op, Refusal, SignedHeader, WireError,
};

use super::{Outcome, Service, Session};
use crate::store::Push;

/// Wraps in a founding; the owner's one, and some room.
const FOUNDING_WRAPS_MAX: usize = 16;

pub(super) fn push(
    service: &Service,
    session: &Session,
    signed: SignedHeader,
    envelopes: Vec<ByteVec>,
    now_ms: u64,
) -> Result<(), Refusal> {
    // Without a header there is no commit to answer for.
    let header = CommitHeader::decode(&signed.header).map_err(|error| {
        let code = match error {
            WireError::TooLong { .. } | WireError::TooMany { .. } => ErrorCode::TooLarge,
            _ => ErrorCode::BadRequest,
        };
        Refusal::new(code, error.to_string())
    })?;
    if let Err(refusal) = check(session, &header, &signed, &envelopes) {
        let (workspace, commit) = (header.workspace, header.commit);
        service.publish.publish(Outcome::Rejected { workspace, commit, refusal, by: session.connection });
        return Ok(());
    }
    let (by, app_key) = (session.connection, session.app_key);
    service.store.push(Push { by, app_key, header, signed, envelopes, now_ms });
    Ok(())
}

fn check(
    session: &Session,
    header: &CommitHeader,
    signed: &SignedHeader,
    envelopes: &[ByteVec],
) -> Result<(), Refusal> {
    if header.author != session.account || header.app != session.app {
        return Err(Refusal::new(ErrorCode::Forbidden, "the commit names another author"));
    }
    match &header.content {
        Content::Ops { ops, .. } => check_ops(header, ops, envelopes)?,
        Content::Charter(op) => check_charter(session, header, op, envelopes)?,
    }
    verify_commit(session.app_key.as_bytes(), &signed.header, signed.signature.as_bytes())
        .map_err(|_| Refusal::new(ErrorCode::BadSignature, "the commit's signature does not verify"))
}

fn bad(detail: &str) -> Refusal {
    Refusal::new(ErrorCode::BadRequest, detail)
}

fn check_ops(header: &CommitHeader, ops: &[Op], envelopes: &[ByteVec]) -> Result<(), Refusal> {
    if ops.is_empty() {
        return Err(bad("a commit without operations"));
    }
    let mut named = BTreeSet::new();
    if !ops.iter().all(|op| named.insert((op.record, op.part))) {
        return Err(bad("a commit that names a record twice"));
    }
    if ops.iter().any(|op| op.put.is_none() && op.parent.is_none()) {
        return Err(bad("a purge of a record that is not there"));
    }
    let puts = ops.iter().filter_map(|op| op.put.map(|put| (op, put)));
    if puts.clone().count() != envelopes.len() {
        return Err(bad("not one envelope for each put"));
    }
    check_sizes(envelopes)?;
    for ((op, put), envelope) in puts.zip(envelopes) {
        let place = EnvelopePlace {
            workspace: *header.workspace.as_bytes(),
            record: *op.record.as_bytes(),
            part: op.part as u8,
        };
        if derive_revision(&place, envelope) != *put.as_bytes() {
            return Err(bad("an envelope that does not hash to its put"));
        }
    }
    Ok(())
}

fn check_sizes(envelopes: &[ByteVec]) -> Result<(), Refusal> {
    let bytes: usize = envelopes.iter().map(|envelope| envelope.len()).sum();
    let max = if envelopes.len() == 1 { ENVELOPE_BYTES_MAX } else { COMMIT_BYTES_MAX };
    if bytes > max {
        return Err(Refusal::new(ErrorCode::TooLarge, format!("{bytes} bytes of envelopes, at most {max}")));
    }
    Ok(())
}

fn check_charter(
    session: &Session,
    header: &CommitHeader,
    op: &CharterOp,
    envelopes: &[ByteVec],
) -> Result<(), Refusal> {
    if !envelopes.is_empty() {
        return Err(bad("envelopes with an entry of the charter"));
    }
    match op {
        CharterOp::Found(founding) => {
            check_founding(session, header, founding)?;
            check_certificate(session, &founding.app)
        }
        CharterOp::AddApp(added) => check_certificate(session, added),
        // The lengths were checked when the header was read, the rules are for the writer.
        _ => Ok(()),
    }
}

fn check_founding(session: &Session, header: &CommitHeader, founding: &Founding) -> Result<(), Refusal> {
    founding.check().map_err(|error| bad(&error.to_string()))?;
    if founding.wraps.len() > FOUNDING_WRAPS_MAX {
        return Err(Refusal::new(ErrorCode::TooLarge, "too many wraps in a founding"));
    }
    if derive_workspace_id(&founding.identity_bytes()) != *header.workspace.as_bytes() {
        return Err(bad("a founding under another workspace's id"));
    }
    let own = founding.owner == session.account
        && founding.signing_key == session.signing_key
        && founding.sealing_key == session.sealing_key;
    if own { Ok(()) } else { Err(Refusal::new(ErrorCode::Forbidden, "a founding for another account")) }
}

fn check_certificate(session: &Session, added: &AddedApp) -> Result<(), Refusal> {
    let refused = || Refusal::new(ErrorCode::BadSignature, "the certificate does not verify");
    let certificate = AppCertificate::verify(&added.certificate, session.signing_key.as_bytes());
    let certificate = certificate.map_err(|_| refused())?;
    let own = certificate.account == *session.account.as_bytes()
        && certificate.app == *session.app.as_bytes()
        && certificate.key == *session.app_key.as_bytes();
    if own { Ok(()) } else { Err(refused()) }
}
