//! Reading the versions of an item from the server: page by page, node and body, then the apps' names.
//!
//! ```text
//! call ─▶ live feed (every writer is known) ─▶ Versions(node)* ─▶ Versions(body)* ─▶ ListApps ─▶ ops
//! ```
//! Each page is verified when it comes. What a version means is the business of `ops`.

use std::collections::BTreeMap;

use satchel_model::RecordId;
use satchel_sync::{Key, SCRATCH, Version};
use satchel_wire::limits::VERSIONS_MAX;
use satchel_wire::{AppId, ClientFrame, Part, ServerFrame, StoredVersion, WorkspaceId};
use tokio::time::Instant;

use super::calls::{ANSWER_WAIT_MS, ProgressSender, after};
use super::waiting::{Finish, Goal, Waiter};
use super::{Answer, Core};
use crate::api::{ApiError, Call, ErrorKind};
use crate::ops::history::{self, Versions};
use crate::ops::select;
use crate::problem::{engine, problem, refused};

const TRIED: &str = "reading the history";
/// Versions of one part that are read, at most.
const VERSIONS_READ_MAX: usize = 1_000;
/// Bytes of versions that are read, at most.
const BYTES_READ_MAX: usize = 64 * 1024 * 1024;

/// A history that is being read.
#[derive(Debug)]
pub(crate) struct Reading {
    workspace: WorkspaceId,
    call: Call,
    wait_ms: u64,
    progress: ProgressSender,
    step: Step,
    bytes: usize,
    /// The last page was not the end of its part.
    more: bool,
    versions: Versions,
}

/// What was asked for last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    Part(Part),
    Apps,
}

impl Core {
    /// Begins a call that needs the versions of an item.
    pub(super) fn read_history(
        &mut self,
        workspace: Option<&str>,
        call: Call,
        wait_ms: u64,
        progress: ProgressSender,
        reply: Answer,
    ) {
        let (workspace, record) = match self.historic(workspace, &call) {
            Ok(found) => found,
            Err(error) => return drop(reply.send(Err(error))),
        };
        let versions =
            Versions { record, node: Vec::new(), body: Vec::new(), more: false, apps: BTreeMap::new() };
        let reading = Reading {
            workspace,
            call,
            wait_ms,
            progress,
            step: Step::Begin,
            bytes: 0,
            more: false,
            versions,
        };
        self.failures = 0;
        self.ensure_link();
        let deadline = after(wait_ms.max(ANSWER_WAIT_MS));
        let (goal, finish) = (Goal::Live(workspace), Finish::History(Box::new(reading)));
        self.add_waiter(Waiter { goal, finish, deadline, reply, progress: None });
    }

    fn historic(&self, workspace: Option<&str>, call: &Call) -> Result<(WorkspaceId, RecordId), ApiError> {
        let (Call::History { path }
        | Call::Diff { path, .. }
        | Call::ShowVersion { path, .. }
        | Call::Restore { path, .. }) = call
        else {
            return Err(problem(ErrorKind::Internal, TRIED, "that call needs no history"));
        };
        let workspace = select::workspace(self, workspace)?;
        let record = history::target(self, workspace, path)?;
        if workspace == SCRATCH || self.credential.is_none() {
            let tried = format!("reading the history of {path}");
            let detail = "the Scratch Pad never syncs, and versions are kept on the server";
            return Err(problem(ErrorKind::NoHistory, tried, detail));
        }
        Ok((workspace, record))
    }

    /// Takes an answer and asks for the next thing, or gives the reply.
    pub(super) fn go_on_reading(
        &mut self,
        mut reading: Reading,
        goal: &Goal,
        deadline: Instant,
        reply: Answer,
    ) {
        if let Goal::Answered(request) = goal
            && let Err(error) = self.take_answer(&mut reading, *request)
        {
            return drop(reply.send(Err(error)));
        }
        let request = self.take_request();
        let Some(question) = reading.next_question(request) else {
            self.touched.clear();
            let result = history::answer(self, reading.workspace, &reading.versions, &reading.call);
            return self.after_content(result, reading.wait_ms, reading.progress, reply);
        };
        if let Some(link) = &self.link {
            link.send(&question);
        }
        let (goal, finish) = (Goal::Answered(request), Finish::History(Box::new(reading)));
        self.add_waiter(Waiter { goal, finish, deadline, reply, progress: None });
    }

    fn take_answer(&mut self, reading: &mut Reading, request: u32) -> Result<(), ApiError> {
        if let Some(Err(refusal)) = self.answers.remove(&request) {
            return Err(refused(TRIED, &refusal, None));
        }
        match self.contents.remove(&request) {
            Some(ServerFrame::Versions { versions, more, .. }) => {
                let Step::Part(part) = reading.step else { return Err(other_answer()) };
                let key = Key { record: satchel_wire::RecordId::new(reading.versions.record.0), part };
                let read = self.engine.read_versions(reading.workspace, key, &versions);
                let read = read.map_err(|e| engine(TRIED, &e))?;
                reading.take(part, &versions, read, more)
            }
            Some(ServerFrame::Apps { apps, .. }) if reading.step == Step::Apps => {
                reading.versions.apps = apps
                    .into_iter()
                    .map(|entry| (entry.app, entry.name))
                    .collect::<BTreeMap<AppId, String>>();
                Ok(())
            }
            _ => Err(other_answer()),
        }
    }

    /// Why the versions could not be read.
    pub(super) fn why_no_history(&self) -> ApiError {
        let error = self.why_not(TRIED);
        if error.kind != ErrorKind::NotInSync {
            return error;
        }
        let detail = format!("versions are kept on the server, not on this device; {}", error.detail);
        ApiError { kind: ErrorKind::Unreachable, detail, count: 0, ..error }
    }
}

fn other_answer() -> ApiError {
    problem(ErrorKind::NotSatchel, TRIED, "the server gave another answer")
}

impl Reading {
    /// The question after the one that was answered; none if there is nothing more to ask.
    fn next_question(&mut self, request: u32) -> Option<ClientFrame> {
        let (step, before) = match self.step {
            Step::Begin => (Step::Part(Part::Node), None),
            Step::Part(part) => match (self.oldest(part), part) {
                (Some(oldest), part) => (Step::Part(part), Some(oldest)),
                (None, Part::Node) => (Step::Part(Part::Body), None),
                (None, Part::Body) => (Step::Apps, None),
            },
            Step::Apps => return None,
        };
        self.step = step;
        let Step::Part(part) = step else { return Some(ClientFrame::ListApps { request }) };
        let (workspace, record) = (self.workspace, satchel_wire::RecordId::new(self.versions.record.0));
        Some(ClientFrame::Versions { request, workspace, record, part, before, limit: VERSIONS_MAX })
    }

    /// Before which version to go on; none if this part is read.
    fn oldest(&mut self, part: Part) -> Option<u64> {
        if !std::mem::take(&mut self.more) {
            return None;
        }
        let read = self.versions.part(part);
        if read.len() >= VERSIONS_READ_MAX || self.bytes >= BYTES_READ_MAX {
            self.versions.more = true;
            return None;
        }
        read.last().map(|version| version.seq)
    }

    fn take(
        &mut self,
        part: Part,
        stored: &[StoredVersion],
        read: Vec<Version>,
        more: bool,
    ) -> Result<(), ApiError> {
        let known = self.versions.part(part).last().map(|version| version.seq);
        let seqs = known.into_iter().chain(stored.iter().map(|version| version.seq));
        if !seqs.is_sorted_by(|newer, older| newer > older) || (more && stored.is_empty()) {
            return Err(problem(ErrorKind::NotSatchel, TRIED, "the server gave versions out of order"));
        }
        let size = |version: &StoredVersion| version.envelope.as_ref().map_or(0, |bytes| bytes.len());
        self.bytes += stored.iter().map(size).sum::<usize>();
        self.versions.part_mut(part).extend(read);
        self.more = more;
        Ok(())
    }
}
