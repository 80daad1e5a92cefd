//! The server keeps its word: gapless positions, one entry a commit id, parents and read sets compared.
//!
//! A second ledger of plain code hears every outcome and says what the first should have been.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use satchel_crypto::{StateDigest, derive_chain};
use satchel_server::service::Outcome;
use satchel_wire::{
    Chain, CommitHeader, CommitId, Content, Digest, Expect, Head, Op, Part, RecordId, Revision, SignedHeader,
    WorkspaceEntry, WorkspaceId,
};

use super::{Checked, Violation, violation};

#[derive(Clone)]
struct State {
    head: Head,
    digest: StateDigest,
    revisions: BTreeMap<(RecordId, Part), Revision>,
    ids: BTreeMap<CommitId, u64>,
}

/// What the server's ledger of one workspace must be.
pub(crate) struct Ledger {
    state: Option<Arc<State>>,
    digests: HashMap<[u8; 32], Digest>,
    /// What somebody has purged.
    purged: BTreeSet<RecordId>,
    /// Accounts may come and go.
    has_people: bool,
}

/// The ledger at the time of a backup.
pub(crate) struct Mark(Option<Arc<State>>);

/// Prints what the server answered, for a person who looks for a reason.
pub(crate) fn show(outcome: &Outcome) {
    match outcome {
        Outcome::Accepted { commit, head, header, .. } => {
            eprintln!("  entry {}: commit {commit}", head.seq);
            let content = CommitHeader::decode(&header.header).map(|header| header.content);
            let Ok(Content::Ops { ops, expects, returned, .. }) = content else { return };
            for op in ops {
                let purge = if op.put.is_none() { " purged" } else { "" };
                eprintln!("    {} {:?}{purge}", op.record, op.part);
            }
            for expect in expects {
                eprintln!("    expects {} {:?}", expect.record, expect.part);
            }
            eprintln!("    {returned:?}");
        }
        Outcome::Stale { commit, .. } => eprintln!("  stale: commit {commit}"),
        Outcome::Rejected { commit, refusal, .. } => eprintln!("  refused: commit {commit} {refusal:?}"),
        _ => {}
    }
}

fn broken(detail: impl Into<String>) -> Violation {
    violation("ledger", detail)
}

impl Ledger {
    pub(crate) fn new(has_people: bool) -> Self {
        Self { state: None, digests: HashMap::new(), purged: BTreeSet::new(), has_people }
    }

    /// Whether an item is or was in the ledger.
    pub(crate) fn has(&self, record: satchel_model::RecordId) -> bool {
        let key = |part| (RecordId::new(record.0), part);
        let state = self.state.as_ref();
        state.is_some_and(|state| {
            [Part::Node, Part::Body].into_iter().any(|part| state.revisions.contains_key(&key(part)))
        })
    }

    /// The digest at a point of any history that there was.
    pub(crate) fn digest_at(&self, chain: Chain) -> Option<Digest> {
        self.digests.get(chain.as_bytes()).copied()
    }

    /// Somebody purges an item that they see.
    pub(crate) fn allow_purge(&mut self, record: satchel_model::RecordId) {
        self.purged.insert(RecordId::new(record.0));
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark(self.state.clone())
    }

    /// The server's disk was set back.
    pub(crate) fn restore(&mut self, mark: &Mark) {
        self.state.clone_from(&mark.0);
    }

    pub(crate) fn entry_count(&self) -> u64 {
        self.state.as_ref().map_or(0, |state| state.head.seq)
    }

    /// What was acknowledged is there after a restart.
    pub(crate) fn check_restart(&self, workspace: WorkspaceId, listed: &[WorkspaceEntry]) -> Checked {
        let found = listed.iter().find(|entry| entry.workspace == workspace).map(|entry| entry.head);
        let expected = self.state.as_ref().map(|state| state.head);
        if found == expected {
            return Ok(());
        }
        Err(broken(format!("after a restart the server has {found:?}, it had acknowledged {expected:?}")))
    }

    /// Takes one outcome and says whether it was right.
    pub(crate) fn hear(&mut self, outcome: &Outcome) -> Checked {
        match outcome {
            Outcome::Accepted { commit, head, header, .. } => self.accept(*commit, *head, header),
            Outcome::Repeated { commit, seq, .. } => {
                if self.seq_of(*commit) == Some(*seq) {
                    return Ok(());
                }
                Err(broken(format!("commit {commit} is called a repetition of {seq}, it is not")))
            }
            Outcome::Stale { commit, .. } if self.seq_of(*commit).is_some() => {
                Err(broken(format!("commit {commit} is in the ledger and is answered as stale")))
            }
            Outcome::Rejected { commit, refusal, .. } if self.seq_of(*commit).is_some() => {
                let code = refusal.code;
                let down =
                    matches!(code, satchel_wire::ErrorCode::Unavailable | satchel_wire::ErrorCode::GoingAway);
                // To who is no member any more nothing is there, not even their own.
                let is_out = code == satchel_wire::ErrorCode::NotFound && self.has_people;
                if down || is_out {
                    Ok(())
                } else {
                    Err(broken(format!("commit {commit} is in the ledger and refused: {code:?}")))
                }
            }
            _ => Ok(()),
        }
    }

    fn seq_of(&self, commit: CommitId) -> Option<u64> {
        self.state.as_ref()?.ids.get(&commit).copied()
    }

    fn accept(&mut self, commit: CommitId, head: Head, signed: &SignedHeader) -> Checked {
        let header = CommitHeader::decode(&signed.header).map_err(|error| broken(error.to_string()))?;
        let empty = || {
            Arc::new(State {
                head: Head::EMPTY,
                digest: StateDigest::default(),
                revisions: BTreeMap::new(),
                ids: BTreeMap::new(),
            })
        };
        let state = Arc::make_mut(self.state.get_or_insert_with(empty));
        if let Some(seq) = state.ids.get(&commit) {
            return Err(broken(format!("commit {commit} is accepted twice, first at {seq}")));
        }
        let seq = state.head.seq + 1;
        if head.seq != seq {
            return Err(broken(format!("entry {} follows entry {}", head.seq, state.head.seq)));
        }
        if derive_chain(state.head.chain.as_bytes(), &signed.header) != *head.chain.as_bytes() {
            return Err(broken(format!("entry {seq} does not extend the chain")));
        }
        if let Content::Ops { ops, expects, .. } = &header.content {
            for expect in expects {
                if state.revisions.get(&(expect.record, expect.part)).copied() != expect.revision {
                    return Err(broken(format!(
                        "entry {seq} expected another {} than there was",
                        expect.record
                    )));
                }
            }
            state.check_read_set(seq, ops, expects)?;
            for op in ops {
                state.apply(seq, op, &self.purged)?;
            }
        }
        state.ids.insert(commit, seq);
        state.head = head;
        self.digests.insert(*head.chain.as_bytes(), Digest::new(state.digest.to_bytes()));
        Ok(())
    }
}

impl State {
    /// Who changes a body says which node it belonged to: a deletion or a move is not overlooked.
    fn check_read_set(&self, seq: u64, ops: &[Op], expects: &[Expect]) -> Checked {
        for op in ops.iter().filter(|op| op.part == Part::Body && op.parent.is_some()) {
            let node = (op.record, Part::Node);
            let is_said = ops.iter().any(|other| (other.record, other.part) == node)
                || expects.iter().any(|expect| (expect.record, expect.part) == node);
            if !is_said && self.revisions.contains_key(&node) {
                return Err(broken(format!(
                    "entry {seq} changes the body of {} and expects no node",
                    op.record
                )));
            }
        }
        Ok(())
    }

    fn apply(&mut self, seq: u64, op: &Op, purged: &BTreeSet<RecordId>) -> Checked {
        let key = (op.record, op.part);
        if self.revisions.get(&key).copied() != op.parent {
            return Err(broken(format!("entry {seq} is not based on the {} that there was", op.record)));
        }
        let (record, part) = (op.record.as_bytes(), op.part as u8);
        if let Some(parent) = op.parent {
            self.digest.remove(record, part, parent.as_bytes());
        }
        let Some(put) = op.put else {
            if purged.contains(&op.record) {
                self.revisions.remove(&key);
                return Ok(());
            }
            return Err(broken(format!("entry {seq} purges {}, and nobody asked for it", op.record)));
        };
        self.digest.add(record, part, put.as_bytes());
        self.revisions.insert(key, put);
        Ok(())
    }
}
