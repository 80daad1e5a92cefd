//! States as the API shows them: from the engine's, and from what a refusal left behind.
//!
//! Knows nothing of words for people beyond a detail; the face adds what to do.

use satchel_sync::{Disconnected, Engine, SCRATCH, Summary, SyncState};
use satchel_wire::{ErrorCode, RecordId, Refusal, WorkspaceId, WorkspaceKind};

use crate::api::{Pending, SetAside, State, Status, WorkspaceStatus};
use crate::credential::Credential;

/// A refusal that waiting does not mend; kept over restarts until a connection opens again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Halt {
    pub(crate) reason: String,
    pub(crate) detail: String,
}

impl Halt {
    /// What a refusal leaves behind; none if trying again may help.
    pub(crate) fn after(why: &Disconnected) -> Option<Self> {
        let Disconnected::Refused(refusal) = why else { return None };
        let stays = matches!(
            refusal.code,
            ErrorCode::AppLimit
                | ErrorCode::Evicted
                | ErrorCode::SessionEnded
                | ErrorCode::Unauthorized
                | ErrorCode::UnsupportedVersion
        );
        let (_, reason, detail) = describe(why);
        stays.then(|| Self { reason: reason.into(), detail })
    }

    pub(crate) fn encode(&self) -> String {
        format!("{}\n{}", self.reason, self.detail)
    }

    pub(crate) fn decode(text: &str) -> Option<Self> {
        let (reason, detail) = text.split_once('\n')?;
        Some(Self { reason: reason.into(), detail: detail.into() })
    }
}

/// A state with its reason and detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) state: State,
    pub(crate) reason: Option<String>,
    pub(crate) detail: Option<String>,
}

impl Shown {
    fn plain(state: State) -> Self {
        Self { state, reason: None, detail: None }
    }

    fn because(state: State, reason: impl Into<String>, detail: impl Into<String>) -> Self {
        let detail = Some(detail.into()).filter(|detail: &String| !detail.is_empty());
        Self { state, reason: Some(reason.into()), detail }
    }
}

/// What the state of a connection shows.
pub(crate) fn show(state: &SyncState, halt: Option<&Halt>) -> Shown {
    match state {
        SyncState::Offline(Disconnected::Idle) => match halt {
            Some(halt) => Shown::because(State::Error, &halt.reason, &halt.detail),
            None => Shown::because(State::Offline, "disconnected", "no connection is kept now"),
        },
        SyncState::Offline(why) => {
            let (state, reason, detail) = describe(why);
            Shown::because(state, reason, detail)
        }
        SyncState::Connecting => Shown::plain(State::Connecting),
        SyncState::Syncing => Shown::plain(State::Syncing),
        SyncState::InSync => Shown::plain(State::InSync),
        SyncState::Blocked(alarm, detail) => Shown::because(State::Error, alarm.as_str(), detail),
    }
}

fn describe(why: &Disconnected) -> (State, &'static str, String) {
    match why {
        Disconnected::Idle => (State::Offline, "disconnected", String::new()),
        Disconnected::Unreachable { detail } => (State::Offline, "disconnected", detail.clone()),
        Disconnected::Certificate { detail } => (State::Error, "certificate", detail.clone()),
        Disconnected::NotSatchel { detail } => (State::Error, "not_satchel", detail.clone()),
        Disconnected::Refused(refusal) => describe_refusal(refusal),
    }
}

fn describe_refusal(refusal: &Refusal) -> (State, &'static str, String) {
    let (state, reason, usual) = match refusal.code {
        ErrorCode::UnsupportedVersion => (State::Error, "version", "the server speaks another version"),
        ErrorCode::AppLimit => (State::Error, "app_limit", "all places of the account are in use"),
        ErrorCode::Evicted => (State::Error, "evicted", "another app took this app's place"),
        ErrorCode::SessionEnded | ErrorCode::Unauthorized => {
            (State::Error, "session_ended", "the session was ended; sign in again")
        }
        ErrorCode::Throttled => (State::Error, "throttled", "too many requests; it is tried again later"),
        ErrorCode::Quota => (State::Error, "quota", "the server's room is used up"),
        ErrorCode::Unavailable => (State::Error, "server_full", "the server cannot write"),
        ErrorCode::GoingAway => (State::Offline, "disconnected", "the server is shutting down"),
        ErrorCode::TooSlow => (State::Offline, "disconnected", "the server dropped a slow connection"),
        _ => (State::Error, "refused", "the server refused the connection"),
    };
    let detail = match refusal.detail.as_str() {
        "" => usual.to_owned(),
        app if refusal.code == ErrorCode::Evicted => format!("its place was taken by {app}"),
        seen => seen.to_owned(),
    };
    (state, reason, detail)
}

/// What the parts of a status come from.
#[derive(Debug)]
pub(crate) struct Sources<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) credential: Option<&'a Credential>,
    pub(crate) halt: Option<&'a Halt>,
    /// The local store or another thing on this side stops the sync.
    pub(crate) trouble: Option<&'a str>,
    pub(crate) acknowledged_at: Option<u64>,
    pub(crate) is_agent: bool,
    /// Which try to connect this is.
    pub(crate) attempt: u32,
}

impl Sources<'_> {
    /// The whole status.
    pub(crate) fn status(&self) -> Status {
        let synced: Vec<_> =
            self.engine.workspaces().into_iter().filter_map(|id| self.workspace(id)).collect();
        let mut synced = synced;
        let overall = self.overall(&synced);
        synced.retain(|status| !self.is_roster(&status.id));
        let pending = Pending {
            up: synced.iter().map(|workspace| workspace.pending.up).sum(),
            down: synced.iter().map(|workspace| workspace.pending.down).sum(),
        };
        let conflicts = synced.iter().map(|workspace| workspace.conflicts).sum();
        let mut workspaces = synced;
        workspaces.extend(self.scratch());
        Status {
            state: overall.state,
            reason: overall.reason,
            detail: overall.detail,
            server: self.credential.map(|credential| credential.server.clone()),
            account: self.credential.map(|credential| credential.email.clone()),
            pending,
            conflicts,
            acknowledged_at: self.acknowledged_at,
            workspaces,
            agent: self.is_agent,
            tries: self.tries(),
        }
    }

    fn tries(&self) -> Vec<u64> {
        let mut tries = self.engine.tries().to_vec();
        while tries.pop_if(|count| *count == 0).is_some() {}
        tries
    }

    /// The state of one workspace.
    pub(crate) fn state(&self, workspace: WorkspaceId) -> State {
        if workspace == SCRATCH || self.credential.is_none() {
            return State::Offline;
        }
        self.engine.summary(workspace).map_or(State::Offline, |summary| self.shown(&summary).state)
    }

    /// A team's people are no workspace to a person.
    fn is_roster(&self, id: &str) -> bool {
        let id = id.parse().ok();
        id.and_then(|id| self.engine.kind(id)) == Some(WorkspaceKind::Roster)
    }

    fn overall(&self, workspaces: &[WorkspaceStatus]) -> Shown {
        if self.credential.is_none() {
            return Shown::because(State::Offline, "signed_out", "no account is signed in");
        }
        if let Some(trouble) = self.trouble {
            return Shown::because(State::Error, "local_store", trouble);
        }
        let worst = workspaces.iter().max_by_key(|workspace| workspace.state);
        match worst {
            Some(worst) => {
                Shown { state: worst.state, reason: worst.reason.clone(), detail: worst.detail.clone() }
            }
            None => match self.engine.connection_state() {
                SyncState::Syncing => Shown::plain(State::InSync),
                state => self.count_attempts(show(&state, self.halt)),
            },
        }
    }

    fn count_attempts(&self, shown: Shown) -> Shown {
        if shown.state != State::Connecting {
            return shown;
        }
        Shown { detail: Some(format!("attempt {}", self.attempt)), ..shown }
    }

    fn shown(&self, summary: &Summary) -> Shown {
        let shown = self.count_attempts(show(&summary.state, self.halt));
        let goes_on = matches!(shown.state, State::InSync | State::Syncing);
        if let (Some(notice), true) = (&summary.notice, goes_on && summary.aside.is_empty()) {
            return Shown::because(shown.state, "rolled_back", notice.clone());
        }
        if shown.state != State::InSync || summary.aside.is_empty() {
            return shown;
        }
        let count = summary.aside.len();
        let first = &summary.aside[0];
        let detail =
            format!("{count} set aside, the first because it is {}: {}", first.alarm.as_str(), first.detail);
        Shown::because(State::Error, "set_aside", detail)
    }

    fn workspace(&self, workspace: WorkspaceId) -> Option<WorkspaceStatus> {
        let summary = self.engine.summary(workspace)?;
        let shown = self.shown(&summary);
        Some(WorkspaceStatus {
            id: workspace.to_string(),
            name: name(self.engine, workspace).unwrap_or_default(),
            state: shown.state,
            reason: shown.reason,
            detail: shown.detail,
            pending: Pending { up: summary.up, down: summary.down },
            conflicts: summary.conflicts,
            set_aside: set_aside(self.engine, workspace, &summary),
            seq: summary.head.seq,
            role: self.engine.role(workspace).map(Into::into),
            kind: self.engine.kind(workspace).and_then(kind),
            team: team(self.engine, workspace),
            members: self.engine.charter(workspace).map_or(0, |charter| charter.members().count() as u64),
            drafts: summary.drafts,
        })
    }

    /// The Scratch Pad is shown where it is all there is, or holds something.
    fn scratch(&self) -> Option<WorkspaceStatus> {
        let is_used = self.engine.nodes(SCRATCH).is_some_and(|nodes| !nodes.is_empty());
        if self.credential.is_some() && !is_used {
            return None;
        }
        let summary = self.engine.summary(SCRATCH);
        Some(WorkspaceStatus {
            id: "scratch".into(),
            name: "Scratch Pad".into(),
            state: State::Offline,
            reason: Some("scratch".into()),
            detail: Some("it stays on this device".into()),
            pending: Pending::default(),
            conflicts: summary.as_ref().map_or(0, |summary| summary.conflicts),
            set_aside: Vec::new(),
            seq: 0,
            role: None,
            kind: None,
            team: None,
            members: 0,
            drafts: 0,
        })
    }
}

fn kind(kind: WorkspaceKind) -> Option<crate::api::WorkspaceKind> {
    match kind {
        WorkspaceKind::Personal => Some(crate::api::WorkspaceKind::Personal),
        WorkspaceKind::Team(_) => Some(crate::api::WorkspaceKind::Team),
        WorkspaceKind::Roster => None,
    }
}

fn team(engine: &Engine, workspace: WorkspaceId) -> Option<String> {
    let Some(WorkspaceKind::Team(roster)) = engine.kind(workspace) else { return None };
    Some(name(engine, roster).unwrap_or_else(|| roster.to_string()))
}

/// A workspace's name; none while it has not been received.
pub(crate) fn name(engine: &Engine, workspace: WorkspaceId) -> Option<String> {
    let root = satchel_model::RecordId(*workspace.as_bytes());
    Some(engine.nodes(workspace)?.get(&root)?.name.clone())
}

fn set_aside(engine: &Engine, workspace: WorkspaceId, summary: &Summary) -> Vec<SetAside> {
    let asides = summary.aside.iter();
    asides
        .map(|aside| SetAside {
            record: aside.key.record.to_string(),
            name: item_name(engine, workspace, aside.key.record),
            alarm: aside.alarm.as_str().into(),
            detail: aside.detail.clone(),
        })
        .collect()
}

/// An item's name, where it is known.
pub(crate) fn item_name(engine: &Engine, workspace: WorkspaceId, record: RecordId) -> Option<String> {
    let record = satchel_model::RecordId(*record.as_bytes());
    Some(engine.nodes(workspace)?.get(&record)?.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(why: &Disconnected, state: State, reason: &str, halts: bool) {
        let shown = show(&SyncState::Offline(why.clone()), None);
        assert_eq!((shown.state, shown.reason.as_deref()), (state, Some(reason)));
        let halt = Halt::after(why);
        assert_eq!(halt.is_some(), halts, "{why:?}");
        if let Some(halt) = halt {
            assert_eq!(Halt::decode(&halt.encode()), Some(halt.clone()));
            let idle = show(&SyncState::Offline(Disconnected::Idle), Some(&halt));
            assert_eq!(idle.reason.as_deref(), Some(reason), "it is shown after a restart, too");
        }
    }

    fn refused(code: ErrorCode) -> Disconnected {
        Disconnected::Refused(Refusal::new(code, ""))
    }

    #[test]
    fn each_end_of_a_connection_has_its_state() {
        check(&Disconnected::Unreachable { detail: "x".into() }, State::Offline, "disconnected", false);
        check(&Disconnected::Certificate { detail: "x".into() }, State::Error, "certificate", false);
        check(&Disconnected::NotSatchel { detail: "x".into() }, State::Error, "not_satchel", false);
        check(&refused(ErrorCode::GoingAway), State::Offline, "disconnected", false);
        check(&refused(ErrorCode::AppLimit), State::Error, "app_limit", true);
        check(&refused(ErrorCode::Evicted), State::Error, "evicted", true);
        check(&refused(ErrorCode::Unauthorized), State::Error, "session_ended", true);
        check(&refused(ErrorCode::UnsupportedVersion), State::Error, "version", true);
        check(&refused(ErrorCode::Quota), State::Error, "quota", false);
    }
}
