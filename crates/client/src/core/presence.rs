//! Who is here: off until a face asks for it, told again now and then, at most once a second.

use std::time::Duration;

use satchel_wire::{Presence, PresenceState, WorkspaceId};
use tokio::time::Instant;

use super::Core;
use crate::api::{ApiError, ErrorKind, Here, PresentView, Reply};
use crate::ops::select;
use crate::ops::view::View;
use crate::problem::problem;

/// Not sooner than this after the last one.
const STEP: Duration = Duration::from_secs(1);
/// Told again to those who came since.
const AGAIN: Duration = Duration::from_secs(30);

/// What this app says of itself.
#[derive(Debug)]
pub(super) struct Telling {
    workspace: WorkspaceId,
    presence: Presence,
    told_at: Option<Instant>,
    /// When it is to be told.
    pub(super) due: Instant,
}

impl Core {
    pub(super) fn be_here(&mut self, workspace: Option<&str>, here: Option<Here>) -> Result<Reply, ApiError> {
        let tried = "telling where this app is";
        let workspace = select::workspace(self, workspace)?;
        if workspace == satchel_sync::SCRATCH {
            return Err(problem(ErrorKind::Invalid, tried, "nobody else is on the Scratch Pad"));
        }
        let Some(here) = here else {
            self.telling = None;
            return Ok(Reply::Done);
        };
        let item = here.item.map(|path| View::open(self, workspace).resolve(&path)).transpose()?;
        let state = match here.state.as_str() {
            "viewing" => PresenceState::Viewing,
            "editing" => PresenceState::Editing,
            "idle" => PresenceState::Idle,
            _ => return Err(problem(ErrorKind::Invalid, tried, "it is viewing, editing or idle")),
        };
        let presence = Presence { item: item.map(|item| satchel_wire::RecordId::new(item.0)), state };
        let told_at = self.telling.as_ref().and_then(|telling| telling.told_at);
        let due = told_at.map_or_else(Instant::now, |told_at| told_at + STEP);
        self.telling = Some(Telling { workspace, presence, told_at, due });
        self.ensure_link();
        Ok(Reply::Done)
    }

    pub(super) fn who_is_here(&self, workspace: Option<&str>) -> Result<Reply, ApiError> {
        let workspace = select::workspace(self, workspace)?;
        let view = |(account, app, presence): (satchel_wire::AccountId, satchel_wire::AppId, Presence)| {
            let name = self.engine.name_of(workspace, account).unwrap_or_else(|| account.to_string());
            let state = match presence.state {
                PresenceState::Viewing => "viewing",
                PresenceState::Editing => "editing",
                PresenceState::Idle => "idle",
            };
            PresentView {
                name,
                account: account.to_string(),
                app: app.to_string(),
                item: presence.item.map(|item| item.to_string()),
                item_name: presence
                    .item
                    .and_then(|item| crate::status::item_name(&self.engine, workspace, item)),
                state: state.into(),
            }
        };
        let people = self.engine.present(workspace).into_iter().map(view).collect();
        Ok(Reply::Present { people })
    }

    /// Says where this app is, if that is due.
    pub(super) fn tell_presence(&mut self) {
        let now = Instant::now();
        let Some(telling) = self.telling.as_mut().filter(|telling| telling.due <= now) else { return };
        let frame = self.engine.make_presence(telling.workspace, &telling.presence, &mut self.rng);
        if let (Some(frame), Some(link), true) = (frame, &self.link, self.is_open) {
            link.send(&frame);
            telling.told_at = Some(now);
            telling.due = now + AGAIN;
        } else {
            telling.due = now + STEP;
        }
    }
}
