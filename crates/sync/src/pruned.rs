//! A ledger of which the server does not keep every header, read from its founding.
//!
//! ```text
//!  Checkpoint ─▶ Headers, Links, Headers, …  up to the manifest's point; behind it headers only
//!                │ a link is the hash of a header: the chain goes on without a gap
//!                └ headers that are there verify as always, the charter's are never left out
//! ```
//! What a left-out entry did is not known. So up to the manifest's point the entries tell neither parents
//! nor what was purged; what was there at that point is told by the digest in the signed manifest. Moved on by
//! every entry behind it, it must be the sum over the records whose envelopes came: a record that a header
//! names and that came with no envelope is taken as purged, and if that is a lie the sums differ.
//!
//! Invariants: nothing of such a ledger is used before its manifest is verified at its point, by chain,
//! charter and signature; every position of the chain is known, so that an app still finds its own on it.

use satchel_crypto::{StateDigest, derive_chain_of_link, derive_link};
use satchel_wire::{Bytes32, Chain, Head, Manifest, Op, SignedManifest, WorkspaceId};

use crate::checkpoint::add;
use crate::engine::Engine;
use crate::replica::{Link, Replica};
use crate::staging::{Refused, Staging, number};
use crate::store::{Alarm, Key};

/// The manifest in place of the headers that are not there.
#[derive(Debug)]
pub(crate) struct Pruned {
    manifest: Manifest,
    signed: SignedManifest,
    /// The manifest's, moved on by the entries behind its point.
    digest: StateDigest,
    /// The entries came up to its point, and it is the one of this ledger.
    is_verified: bool,
}

impl Pruned {
    fn open(workspace: WorkspaceId, signed: SignedManifest) -> Result<Self, Refused> {
        let forged = |detail: String| (Alarm::Forged, format!("the manifest of a ledger: {detail}"));
        let manifest = Manifest::decode(&signed.manifest).map_err(|e| forged(e.to_string()))?;
        if manifest.workspace != workspace || manifest.head == Head::EMPTY {
            return Err(forged("of another workspace".to_owned()));
        }
        let digest = StateDigest::from_bytes(manifest.digest.as_bytes());
        Ok(Self { manifest, signed, digest, is_verified: false })
    }

    fn until(&self) -> u64 {
        self.manifest.head.seq
    }
}

impl Staging {
    /// Begins a ledger with links; refused where it has begun without.
    fn take_checkpoint(&mut self, workspace: WorkspaceId, signed: SignedManifest) -> Result<(), Refused> {
        if self.head != Head::EMPTY || self.pruned.is_some() {
            return Err((Alarm::Forged, "a checkpoint in the middle of a ledger".to_owned()));
        }
        self.pruned = Some(Box::new(Pruned::open(workspace, signed)?));
        Ok(())
    }

    /// Stages an entry of which only the hash of its header is there.
    fn take_link(&mut self, replica: &Replica, seq: u64, link: &Bytes32) -> Result<(), Refused> {
        if self.pruned.as_ref().is_none_or(|pruned| seq > pruned.until()) || seq != self.head.seq + 1 {
            return Err((Alarm::Forged, format!("entry {seq}: its header was left out")));
        }
        // A commit of this app's own that it did not know to be accepted: its header is here.
        let is_own = |header: &[u8]| derive_link(header) == *link.as_bytes();
        if let Some(flight) = replica.flights.iter().find(|one| is_own(&one.stored.header.header)) {
            return self.take_header(replica, seq, &flight.stored.header);
        }
        let chain = Chain::new(derive_chain_of_link(self.head.chain.as_bytes(), link.as_bytes()));
        self.head = Head { seq, chain };
        self.chains.push(self.head);
        self.check_point()
    }

    /// Verifies the manifest once its point is reached.
    pub(crate) fn check_point(&mut self) -> Result<(), Refused> {
        let Some(pruned) = self.pruned.as_mut().filter(|pruned| pruned.until() == self.head.seq) else {
            return Ok(());
        };
        let forged = |detail: &str| (Alarm::Forged, format!("the manifest of a ledger: {detail}"));
        if pruned.manifest.head != self.head {
            return Err((Alarm::Forked, "the ledger is another one than its manifest says".into()));
        }
        if self.charter.hash() != *pruned.manifest.charter.as_bytes() {
            return Err(forged("it names another charter"));
        }
        self.charter.check_manifest(&pruned.manifest, &pruned.signed).map_err(|e| forged(e.detail()))?;
        pruned.is_verified = true;
        Ok(())
    }

    /// Whether an operation's parent cannot be compared, because entries before it were left out.
    pub(crate) fn is_unknown(&mut self, key: Key, seq: u64, op: &Op) -> bool {
        let Some(pruned) = &mut self.pruned else { return false };
        if seq <= pruned.until() {
            return true;
        }
        if let Some(parent) = op.parent {
            pruned.digest.remove(key.record.as_bytes(), key.part as u8, parent.as_bytes());
        }
        if let Some(put) = op.put {
            add(&mut pruned.digest, key, put);
        }
        let until = pruned.until();
        self.changed.get(&key).is_none_or(|(at, _)| *at <= until)
    }

    /// Says of every record whether it is still there, once everything has come.
    pub(crate) fn settle(&mut self) -> Result<(), Refused> {
        let Some(pruned) = &self.pruned else { return Ok(()) };
        let mut sum = StateDigest::default();
        for (key, (seq, revision)) in &mut self.changed {
            let Some(named) = *revision else { continue };
            let came = self.envelopes.get(key).is_some_and(|(at, of, _)| (*at, *of) == (*seq, named));
            if came || *seq > pruned.until() {
                add(&mut sum, *key, named);
            } else {
                *revision = None;
            }
        }
        if pruned.is_verified && sum == pruned.digest {
            return Ok(());
        }
        Err((
            Alarm::Damaged,
            "the server's records are not those that the manifest of its ledger sums up".into(),
        ))
    }
}

impl Engine {
    pub(crate) fn handle_checkpoint(&mut self, workspace: WorkspaceId, manifest: SignedManifest) {
        self.stage(workspace, |_, staging| staging.take_checkpoint(workspace, manifest));
    }

    pub(crate) fn handle_links(&mut self, workspace: WorkspaceId, first_seq: u64, links: &[Bytes32]) {
        self.stage(workspace, |replica, staging| {
            number(first_seq, links).try_for_each(|(seq, link)| staging.take_link(replica, seq, link))
        });
    }

    /// What came is whole, or the reason why it is not used.
    pub(crate) fn settle(&mut self, workspace: WorkspaceId) -> Result<(), Refused> {
        match self.replicas.get_mut(&workspace).map(|replica| &mut replica.link) {
            Some(Link::CatchingUp(staging)) => staging.settle(),
            _ => Ok(()),
        }
    }
}
