//! The charter as the engine uses it: the rules of `satchel_charter`, and the switch of the simulator's bugs.

use std::sync::Arc;

pub(crate) use satchel_charter::EpochKeys;
use satchel_charter::open_keys;
pub(crate) use satchel_charter::{Charter, CharterError};
use satchel_wire::{CommitHeader, SignedHeader, WorkspaceId};

use crate::engine::Identity;
use crate::planted::{self, Bug};

/// Verifies and applies one entry of the charter.
pub(crate) fn apply(
    charter: &mut Charter,
    seq: u64,
    header: &CommitHeader,
    signed: &SignedHeader,
) -> Result<(), CharterError> {
    if planted::is(Bug::SignatureUnchecked) {
        return charter.replay(seq, header, signed);
    }
    charter.apply(seq, header, signed)
}

/// Checks that a commit of records is signed by an app that may write at this point.
pub(crate) fn check(
    charter: &Charter,
    header: &CommitHeader,
    signed: &SignedHeader,
) -> Result<(), CharterError> {
    if planted::is(Bug::SignatureUnchecked) {
        return charter.find_writer(header).map(|_| ());
    }
    charter.check(header, signed)
}

/// Opens the keys of all epochs that this account can open.
pub(crate) fn open(
    charter: &Charter,
    workspace: WorkspaceId,
    identity: &Identity,
) -> Result<Arc<EpochKeys>, CharterError> {
    open_keys(charter, workspace, identity.account, &identity.keys).map(Arc::new)
}
