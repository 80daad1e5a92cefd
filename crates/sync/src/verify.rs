//! The check of a local copy: every envelope against its revision, the set against the digest, and the
//! rows of head, chain and charter against each other.

use satchel_crypto::{StateDigest, derive_revision};
use satchel_wire::Part;
use satchel_wire::Revision;

use crate::EngineError;
use crate::replica::{Base, Replica, VerifyReport, place};
use crate::store::{Alarm, Aside, Batch, Kept, Key, Store, Write};

/// Checks every envelope of the base and marks the damaged ones to be fetched again.
pub(crate) fn verify<S: Store>(
    replica: &mut Replica,
    store: &mut S,
) -> Result<VerifyReport, EngineError<S::Error>> {
    let mut digest = StateDigest::default();
    let mut damaged = Vec::new();
    // By pack, so that each is opened once.
    let mut rows: Vec<_> = replica.base.iter().collect();
    rows.sort_by_cached_key(|(key, base)| replica.packs.find(**key, **base));
    for (key, base) in rows {
        let part = match key.part {
            Part::Node => 0,
            Part::Body => 1,
        };
        digest.add(key.record.as_bytes(), part, base.revision.as_bytes());
        // Without the workspace's key nothing opens, and no record is to blame for that.
        if replica.keys.is_some()
            && let Some(detail) = find_damage(replica, *key, *base, store)?
        {
            damaged.push(Aside { key: *key, alarm: Alarm::Damaged, detail });
        }
    }
    // While bodies are on their way the sum cannot be the whole one.
    let digest_agrees = replica.lacks_bodies() || digest.to_bytes() == replica.digest.to_bytes();
    if !digest_agrees {
        replica.distrust("its records were not the ones that its digest says");
    }
    if let Some(why) = replica.find_disagreement() {
        replica.distrust(why);
    }
    let report = VerifyReport {
        records: replica.base.len() as u64,
        entries: replica.head.seq,
        damaged: damaged.iter().map(|aside| aside.key).collect(),
        digest_agrees,
        distrusted: replica.distrusted.clone(),
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
    base: Base,
    store: &S,
) -> Result<Option<String>, EngineError<S::Error>> {
    let Some(kept) = replica.kept(key, store)? else {
        return Ok(Some("its envelope is missing from the local store".into()));
    };
    // A payload in a pack has no envelope to hash; the pack's own seal vouches for it.
    if let Kept::Envelope(envelope) = &kept
        && Revision::new(derive_revision(&place(replica.workspace, key), envelope)) != base.revision
    {
        return Ok(Some("its envelope in the local store has changed".into()));
    }
    Ok(match replica.open_kept(key, &kept) {
        Ok(opened) if opened.conflicts() == base.conflicts => None,
        Ok(_) => Some("its conflicts are not as many as the local store says".into()),
        Err(detail) => Some(detail),
    })
}
