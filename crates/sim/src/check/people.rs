//! Who may write and read: the entries of the charter, told again in plain code.
//!
//! A viewer's changes enter no ledger, nothing is taken under an old key, and who was removed is sent
//! nothing that came after. It judges the server; that apps refuse the same is shown by their alarms.

use std::collections::BTreeMap;

use satchel_wire::{AccountId, CharterOp, CommitHeader, Content, Role, ServerFrame, SignedHeader};

use super::{Checked, Violation, violation};

/// From which entry on an account had which role.
type Turns = Vec<(u64, Option<Role>)>;

/// The people of a workspace, as its ledger says.
#[derive(Default)]
pub(crate) struct People {
    turns: BTreeMap<AccountId, Turns>,
    epoch: u32,
}

fn broken(detail: String) -> Violation {
    violation("people", detail)
}

impl People {
    /// The present role of an account.
    pub(crate) fn role(&self, account: AccountId) -> Option<Role> {
        self.turns.get(&account)?.last()?.1
    }

    /// Whether an account may write records at present.
    pub(crate) fn may_write(&self, account: AccountId) -> bool {
        self.role(account) >= Some(Role::Editor)
    }

    /// Takes an entry that the server has accepted.
    pub(crate) fn hear(&mut self, seq: u64, signed: &SignedHeader) -> Checked {
        let header = CommitHeader::decode(&signed.header).map_err(|error| broken(error.to_string()))?;
        let author = header.author;
        let is_founding = matches!(&header.content, Content::Charter(CharterOp::Found(_)));
        if !is_founding && header.epoch != self.epoch {
            let (epoch, present) = (header.epoch, self.epoch);
            return Err(broken(format!(
                "entry {seq} was taken under key {epoch}, the present one is {present}"
            )));
        }
        match &header.content {
            Content::Ops { .. } if self.may_write(author) => Ok(()),
            Content::Ops { .. } => {
                Err(broken(format!("entry {seq} was taken of {author}, who is {:?}", self.role(author))))
            }
            Content::Charter(op) => self.enact(seq, author, op),
        }
    }

    fn enact(&mut self, seq: u64, author: AccountId, op: &CharterOp) -> Checked {
        let (role, needed) = (self.role(author), needed(op));
        if role < needed {
            return Err(broken(format!("entry {seq} needs {needed:?}, and its author is {role:?}: {op:?}")));
        }
        match op {
            CharterOp::Found(founding) => {
                self.epoch = 1;
                self.turn(seq, founding.owner, Some(Role::Admin));
            }
            CharterOp::AddMember(added) => self.turn(seq, added.account, Some(added.role)),
            CharterOp::SetRole { account, role } => self.turn(seq, *account, Some(*role)),
            CharterOp::RemoveMembers { accounts, .. } => {
                self.epoch += 1;
                for account in accounts {
                    self.turn(seq, *account, None);
                }
            }
            CharterOp::Rotate { .. } => self.epoch += 1,
            CharterOp::Leave => self.turn(seq, author, None),
            CharterOp::AddApp(_)
            | CharterOp::RevokeApp { .. }
            | CharterOp::Invite(_)
            | CharterOp::RevokeInvite { .. }
            | CharterOp::SetAccess { .. } => {}
        }
        Ok(())
    }

    fn turn(&mut self, seq: u64, account: AccountId, role: Option<Role>) {
        self.turns.entry(account).or_default().push((seq, role));
    }

    /// A frame that comes to an app of an account: who was removed gets nothing of what came after.
    pub(crate) fn check_frame(&self, app: usize, account: AccountId, frame: &ServerFrame) -> Checked {
        let newest = match frame {
            ServerFrame::Entry { seq, .. } => *seq,
            ServerFrame::Page { envelopes, .. } => {
                envelopes.iter().map(|stored| stored.seq).max().unwrap_or_default()
            }
            _ => return Ok(()),
        };
        let Some((ended, None)) = self.turns.get(&account).and_then(|turns| turns.last()) else {
            return Ok(());
        };
        if newest <= *ended {
            return Ok(());
        }
        let detail = format!("app {app} is sent entry {newest}, its account was out with entry {ended}");
        Err(broken(detail))
    }
}

/// The role that an entry needs; none where every member may make it, or who is none yet.
fn needed(op: &CharterOp) -> Option<Role> {
    match op {
        CharterOp::Found(_) => None,
        CharterOp::AddApp(_) | CharterOp::RevokeApp { .. } | CharterOp::Leave => Some(Role::Viewer),
        _ => Some(Role::Admin),
    }
}
