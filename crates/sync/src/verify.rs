//! The check of a local copy: every envelope against its revision, and the set against the digest.

use satchel_crypto::{StateDigest, derive_revision};
use satchel_wire::{Part, Revision};

use crate::EngineError;
use crate::replica::{Replica, VerifyReport, place};
use crate::store::{Alarm, Aside, Batch, Kept, Key, Store, Write};

/// Checks every envelope of the base and marks the damaged ones to be fetched again.
pub(crate) fn verify<S: Store>(
    replica: &mut Replica,
    store: &mut S,
) -> Result<VerifyReport, EngineError<S::Error>> {
    let mut digest = StateDigest::default();
    let mut damaged = Vec::new();
    for (key, base) in &replica.base {
        let part = match key.part {
            Part::Node => 0,
            Part::Body => 1,
        };
        digest.add(key.record.as_bytes(), part, base.revision.as_bytes());
        if let Some(detail) = find_damage(replica, *key, base.revision, store)? {
            damaged.push(Aside { key: *key, alarm: Alarm::Damaged, detail });
        }
    }
    let report = VerifyReport {
        records: replica.base.len() as u64,
        entries: replica.head.seq,
        damaged: damaged.iter().map(|aside| aside.key).collect(),
        // While bodies are on their way the sum cannot be the whole one.
        digest_agrees: replica.lacks_bodies() || digest.to_bytes() == replica.digest.to_bytes(),
    };
    let writes: Vec<_> = damaged.iter().cloned().map(Write::SetAside).collect();
    if !writes.is_empty() {
        store.apply(&Batch { workspace: replica.workspace, writes }).map_err(EngineError::Store)?;
    }
    for aside in damaged {
        replica.fetch.insert(aside.key);
        replica.aside.insert(aside.key, aside);
    }
    Ok(report)
}

fn find_damage<S: Store>(
    replica: &Replica,
    key: Key,
    revision: Revision,
    store: &S,
) -> Result<Option<String>, EngineError<S::Error>> {
    let Some(kept) = store.base(replica.workspace, key).map_err(EngineError::Store)? else {
        return Ok(Some("its envelope is missing from the local store".into()));
    };
    // A payload that came in a pack has no envelope to hash; the store's own seal vouches for it.
    if let Kept::Envelope(envelope) = &kept
        && Revision::new(derive_revision(&place(replica.workspace, key), envelope)) != revision
    {
        return Ok(Some("its envelope in the local store has changed".into()));
    }
    Ok(replica.open_kept(key, &kept).err())
}
