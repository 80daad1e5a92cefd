//! Who did what in a workspace: headers of the past, read from the server and judged by the charter.
//!
//! ```text
//! Activity ─▶ live feed ─▶ ReadHeaders* ─▶ answered
//! ```

use satchel_wire::{CharterOp, ClientFrame, CommitHeader, Content, ServerFrame, SignedHeader, WorkspaceId};
use tokio::time::Instant;

use super::waiting::{Finish, Goal, Waiter};
use super::{Answer, Core};
use crate::api::{ActivityItem, ActivityView, ErrorKind, Reply};
use crate::problem::{problem, refused};

/// Entries of the past that are told, at most.
const ACTIVITY_MAX: u64 = 1_000;

/// Activity that is being read.
#[derive(Debug)]
pub(crate) struct Past {
    workspace: WorkspaceId,
    limit: u64,
    after: u64,
    entries: Vec<ActivityView>,
}

impl Past {
    pub(super) fn new(workspace: WorkspaceId, limit: u64) -> Self {
        Self { workspace, limit: limit.clamp(1, ACTIVITY_MAX), after: 0, entries: Vec::new() }
    }
}

impl Core {
    /// Reads on, or answers with what has been read.
    pub(super) fn read_past(&mut self, mut past: Past, goal: &Goal, deadline: Instant, reply: Answer) {
        let head = self.engine.summary(past.workspace).map_or(0, |summary| summary.head.seq);
        if let Goal::Answered(request) = goal {
            let answer = self.answers.remove(request);
            if let Some(Err(refusal)) = answer {
                return drop(reply.send(Err(refused("reading the activity", &refusal, None))));
            }
            let Some(ServerFrame::PastHeaders { first_seq, headers, received_ms, .. }) =
                self.contents.remove(request)
            else {
                let error =
                    problem(ErrorKind::NotSatchel, "reading the activity", "the server gave another answer");
                return drop(reply.send(Err(error)));
            };
            let is_empty = headers.is_empty();
            if !is_empty && past.after.checked_add(1) != Some(first_seq) {
                let detail = "the server gave entries out of order";
                let error = problem(ErrorKind::NotSatchel, "reading the activity", detail);
                return drop(reply.send(Err(error)));
            }
            for (index, signed) in headers.iter().enumerate() {
                let seq = first_seq.saturating_add(index as u64);
                let entry = self.tell_entry(past.workspace, seq, signed, received_ms.get(index).copied());
                past.entries.extend(entry.filter(|_| seq > past.after));
                past.after = past.after.max(seq);
            }
            if is_empty {
                past.after = u64::MAX;
            }
        } else {
            past.after = head.saturating_sub(past.limit);
        }
        if past.after >= head {
            let mut entries = past.entries;
            entries.reverse();
            entries.truncate(usize::try_from(past.limit).unwrap_or(usize::MAX));
            return self.answer(reply, Ok(Reply::Activity { entries }));
        }
        let request = self.take_request();
        if let Some(link) = &self.link {
            link.send(&ClientFrame::ReadHeaders { request, workspace: past.workspace, after: past.after });
        }
        let finish = Finish::Activity(Box::new(past));
        self.add_waiter(Waiter { goal: Goal::Answered(request), finish, deadline, reply, progress: None });
    }

    /// An entry in words, if its author could have written it.
    fn tell_entry(
        &self,
        workspace: WorkspaceId,
        seq: u64,
        signed: &SignedHeader,
        at: Option<u64>,
    ) -> Option<ActivityView> {
        let header = CommitHeader::decode(&signed.header).ok()?;
        let charter = self.engine.charter(workspace)?;
        let (members, items) = match &header.content {
            Content::Charter(op) => {
                charter.check_past_act(seq, &header, op, signed).ok()?;
                (Some(word_of(op).to_owned()), Vec::new())
            }
            Content::Ops { ops, .. } => {
                charter.check_past(seq, &header, signed).ok()?;
                (None, self.tell_ops(workspace, ops))
            }
        };
        let by = self.member_name(workspace, header.author);
        Some(ActivityView { seq, at, by, app: header.app.to_string(), members, items })
    }

    fn tell_ops(&self, workspace: WorkspaceId, ops: &[satchel_wire::Op]) -> Vec<ActivityItem> {
        let mut items: Vec<ActivityItem> = Vec::new();
        for op in ops {
            let change = match (op.parent, op.put) {
                (_, None) => "purged",
                (None, Some(_)) => "created",
                (Some(_), Some(_)) => "changed",
            };
            let id = op.record.to_string();
            match items.iter_mut().find(|item| item.id == id) {
                // A new item has a part that is new, whatever the other one is.
                Some(item) if change == "created" => item.change = change.into(),
                Some(_) => {}
                None => items.push(ActivityItem {
                    name: crate::status::item_name(&self.engine, workspace, op.record),
                    change: change.into(),
                    id,
                }),
            }
        }
        items
    }
}

fn word_of(op: &CharterOp) -> &'static str {
    match op {
        CharterOp::Found(_) => "founded",
        CharterOp::AddApp(_) => "app_added",
        CharterOp::AddMember(_) => "member_added",
        CharterOp::SetRole { .. } => "role_changed",
        CharterOp::RemoveMembers { .. } => "members_removed",
        CharterOp::Rotate { .. } => "key_changed",
        CharterOp::RevokeApp { .. } => "app_revoked",
        CharterOp::Leave => "left",
        CharterOp::Invite(_) => "invited",
        CharterOp::RevokeInvite { .. } => "invitation_ended",
        CharterOp::SetAccess { .. } => "access_changed",
    }
}
