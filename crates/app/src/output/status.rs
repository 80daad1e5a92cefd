//! The states in words: a dot in a colour, the word beside it, always.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use satchel_client::api::{Pending, State, Status, WorkspaceStatus};

use super::{Out, inline};

/// The whole status.
pub(super) fn text(status: &Status, out: Out) -> String {
    let mut text = format!("{}\n", headline(status, out));
    if let Some(detail) = &status.detail {
        let _ = writeln!(text, "  why          {}", inline(detail));
    }
    if let Some(advice) = advice(status.state, status.reason.as_deref()) {
        let _ = writeln!(text, "  do           {advice}");
    }
    if let Some(account) = &status.account {
        let _ = writeln!(text, "  account      {}", inline(account));
    }
    if let Some(server) = &status.server {
        let _ = writeln!(text, "  server       {}", inline(server));
    }
    if status.account.is_some() {
        let _ = writeln!(text, "  waiting      {}", waiting(status.pending));
        let _ = writeln!(text, "  conflicts    {}", conflicts(status.conflicts));
        let _ = writeln!(text, "  acknowledged {}", acknowledged(status.acknowledged_at));
        let _ = writeln!(text, "  agent        {}", if status.agent { "running" } else { "not running" });
    }
    if !status.workspaces.is_empty() {
        text.push_str("workspaces\n");
    }
    for workspace in &status.workspaces {
        write_workspace(&mut text, workspace, status, out);
    }
    text
}

/// The state in one line.
fn headline(status: &Status, out: Out) -> String {
    let state = format!("{} {}", dot(status.state, out), word(status.state));
    match &status.reason {
        Some(reason) => format!("{state}: {}", reason_words(reason)),
        None => state,
    }
}

fn write_workspace(text: &mut String, workspace: &WorkspaceStatus, overall: &Status, out: Out) {
    let is_scratch = workspace.id == "scratch";
    let (state, dot) = match (is_scratch, workspace.state) {
        (true, _) => ("on this device only", "○".to_owned()),
        (false, state) => (word(state), dot(state, out)),
    };
    let _ = write!(text, "  {dot} {}: {state}", inline(&workspace.name));
    if let Some(reason) = workspace.reason.as_ref().filter(|_| !is_scratch) {
        let _ = write!(text, " ({})", reason_words(reason));
    }
    if workspace.pending != Pending::default() {
        let _ = write!(text, ", {}", waiting(workspace.pending));
    }
    if workspace.drafts > 0 {
        let _ = write!(text, ", {} drafts", workspace.drafts);
    }
    if workspace.conflicts > 0 {
        let _ = write!(text, ", {} conflicts", workspace.conflicts);
    }
    text.push('\n');
    // What holds for all has been said above.
    let detail = workspace.detail.as_ref().filter(|_| !is_scratch && workspace.detail != overall.detail);
    if let Some(detail) = detail {
        let _ = writeln!(text, "      {}", inline(detail));
    }
    for aside in &workspace.set_aside {
        let name = aside.name.as_ref().unwrap_or(&aside.record);
        let _ =
            writeln!(text, "      set aside: {} ({}): {}", inline(name), aside.alarm, inline(&aside.detail));
    }
}

/// The word of a state.
pub(crate) fn word(state: State) -> &'static str {
    match state {
        State::InSync => "In sync",
        State::Syncing => "Syncing",
        State::Connecting => "Connecting",
        State::Offline => "Offline",
        State::Error => "Error",
    }
}

fn dot(state: State, out: Out) -> String {
    if !out.color {
        return "●".to_owned();
    }
    let color = match state {
        State::InSync => 32,
        State::Syncing | State::Connecting => 33,
        State::Offline => 90,
        State::Error => 31,
    };
    format!("\x1b[{color}m●\x1b[0m")
}

fn reason_words(reason: &str) -> String {
    match reason {
        "signed_out" => "signed out".to_owned(),
        "disconnected" => "disconnected".to_owned(),
        "app_limit" => "all places of the account are in use".to_owned(),
        "evicted" => "another app took this app's place".to_owned(),
        "certificate" => "the server's certificate is not trusted".to_owned(),
        "session_ended" => "the session was ended".to_owned(),
        "gone" => "it was deleted, or you are no member any more".to_owned(),
        other => inline(&other.replace('_', " ")),
    }
}

/// What to do about a state.
fn advice(state: State, reason: Option<&str>) -> Option<&'static str> {
    match (state, reason.unwrap_or_default()) {
        (State::InSync | State::Syncing | State::Connecting, _) => None,
        (_, "signed_out") => Some(
            "`satchel signin --server URL --email E` or `satchel signup …`; the Scratch Pad works without",
        ),
        (State::Offline, _) => {
            Some("edits are kept and sent later; `satchel sync` tries now, `satchel agent` stays connected")
        }
        (_, "app_limit" | "evicted") => {
            Some("nothing is lost; `satchel apps`, then `satchel apps take-place APP` takes a place back")
        }
        (_, "certificate") => {
            Some("check the URL; SATCHEL_CA_FILE names the certificate of an authority of your own")
        }
        (_, "session_ended") => {
            Some("nothing is lost; sign in again with `satchel signin --server URL --email E`")
        }
        (_, "gone") => Some(
            "what is here can still be read and exported; `satchel workspace delete NAME` removes it here",
        ),
        (_, "version") => Some("update the older of app and server; nothing is lost"),
        (_, "damaged") => Some("`satchel verify` says what; `satchel reload` fetches it again"),
        _ => Some("`satchel doctor` looks at every layer; nothing is lost, changes wait"),
    }
}

fn waiting(pending: Pending) -> String {
    match (pending.up, pending.down) {
        (0, 0) => "nothing".to_owned(),
        (up, 0) => format!("{up} to send"),
        (0, down) => format!("{down} to receive"),
        (up, down) => format!("{up} to send, {down} to receive"),
    }
}

fn conflicts(count: u64) -> String {
    if count == 0 { "none".to_owned() } else { format!("{count}; `satchel conflicts` lists them") }
}

fn acknowledged(at_ms: Option<u64>) -> String {
    let Some(at_ms) = at_ms else { return "none yet".to_owned() };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let ago_s = u64::try_from(now.as_millis()).unwrap_or(u64::MAX).saturating_sub(at_ms) / 1_000;
    format!("{} ({} ago)", time(at_ms), span(ago_s))
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A time as `2026-01-31 23:59:59 UTC`.
pub(crate) fn time(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(day);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// Year, month and day of a day since 1970, in the Gregorian calendar: eras of 400 years that begin in March.
fn civil(day: u64) -> (u64, u64, u64) {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: Out = Out { json: false, quiet: false, color: false };

    fn status(state: State, reason: Option<&str>) -> Status {
        let pending = Pending { up: 2, down: 0 };
        let workspace = WorkspaceStatus {
            id: "0a".to_owned(),
            name: "My Workspace".to_owned(),
            state,
            reason: reason.map(str::to_owned),
            detail: None,
            pending,
            conflicts: 1,
            set_aside: Vec::new(),
            seq: 7,
            role: None,
            kind: None,
            team: None,
            members: 0,
            drafts: 0,
        };
        Status {
            state,
            reason: reason.map(str::to_owned),
            detail: Some("connecting to http://s: refused".to_owned()),
            server: Some("http://s".to_owned()),
            account: Some("me@example.com".to_owned()),
            pending,
            conflicts: 1,
            acknowledged_at: None,
            workspaces: vec![workspace],
            agent: true,
            tries: vec![3],
        }
    }

    #[test]
    fn a_status_says_what_waits_why_and_what_to_do() {
        let expected = "● Offline: disconnected
  why          connecting to http://s: refused
  do           edits are kept and sent later; `satchel sync` tries now, `satchel agent` stays connected
  account      me@example.com
  server       http://s
  waiting      2 to send
  conflicts    1; `satchel conflicts` lists them
  acknowledged none yet
  agent        running
workspaces
  ● My Workspace: Offline (disconnected), 2 to send, 1 conflicts
";
        assert_eq!(text(&status(State::Offline, Some("disconnected")), OUT), expected);
    }

    #[test]
    fn every_state_has_its_text_beside_the_colour() {
        for state in [State::InSync, State::Syncing, State::Connecting, State::Offline, State::Error] {
            let colored = text(&status(state, None), Out { color: true, ..OUT });
            assert!(colored.starts_with("\x1b[") && colored.contains(word(state)), "{colored}");
        }
    }

    #[test]
    fn every_reason_of_an_error_has_advice() {
        for reason in ["app_limit", "evicted", "certificate", "session_ended", "version", "gone", "anything"]
        {
            assert!(advice(State::Error, Some(reason)).is_some(), "{reason}");
        }
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        let check = |ms: u64, expected: &str| assert_eq!(time(ms), expected);
        check(0, "1970-01-01 00:00:00 UTC");
        check(951_782_399_000, "2000-02-28 23:59:59 UTC");
        check(951_782_400_000, "2000-02-29 00:00:00 UTC");
        check(1_767_225_599_999, "2025-12-31 23:59:59 UTC");
        check(4_107_542_400_000, "2100-03-01 00:00:00 UTC");
    }
}
