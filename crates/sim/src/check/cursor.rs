//! Cursor and effects move together: what an app keeps is exactly the ledger's state at its cursor.

use satchel_crypto::{EnvelopePlace, StateDigest, derive_revision};
use satchel_sync::{Kept, Loaded, Store};
use satchel_wire::{Digest, Head, WorkspaceId};

use super::{Checked, violation};
use crate::check::ledger::Ledger;

/// Compares an app's stored base to the ledger at the stored cursor.
pub(crate) fn check<S: Store>(app: usize, workspace: WorkspaceId, store: &S, ledger: &Ledger) -> Checked {
    let Ok(loaded) = store.load(workspace) else { return Ok(()) };
    check_digest(app, &loaded, ledger)?;
    for entry in &loaded.base {
        let kept = store.base(workspace, entry.key).ok().flatten();
        let envelope = match kept {
            Some(Kept::Envelope(envelope)) => envelope,
            None if !loaded.packs.is_empty() => continue, // it came in a pack, whose hash was compared
            _ => Vec::new(),
        };
        let place = EnvelopePlace {
            workspace: *workspace.as_bytes(),
            record: *entry.key.record.as_bytes(),
            part: entry.key.part as u8,
        };
        if derive_revision(&place, &envelope) != *entry.revision.as_bytes() {
            let detail = format!("app {app} keeps another envelope of {} than was signed", entry.key.record);
            return Err(violation("cursor", detail));
        }
    }
    Ok(())
}

fn check_digest(app: usize, loaded: &Loaded, ledger: &Ledger) -> Checked {
    let mut digest = StateDigest::default();
    for entry in &loaded.base {
        digest.add(entry.key.record.as_bytes(), entry.key.part as u8, entry.revision.as_bytes());
    }
    let digest = Digest::new(digest.to_bytes());
    let seq = loaded.head.seq;
    if loaded.head == Head::EMPTY {
        return if loaded.base.is_empty() {
            Ok(())
        } else {
            Err(violation("cursor", format!("app {app} has effects before its cursor has moved")))
        };
    }
    match ledger.digest_at(loaded.head.chain) {
        None => Err(violation("cursor", format!("app {app}'s cursor {seq} is on no ledger"))),
        Some(expected) if expected != digest => {
            Err(violation("cursor", format!("app {app}'s effects are not those of its cursor {seq}")))
        }
        Some(_) if loaded.digest != digest => {
            Err(violation("cursor", format!("app {app}'s digest is not that of its effects at {seq}")))
        }
        Some(_) => Ok(()),
    }
}
