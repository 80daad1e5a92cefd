//! Checks: of the local copy against what the server signed off (`verify`), and of everything around
//! (`doctor`).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use satchel_sync::{EngineError, VerifyReport};
use satchel_wire::{RecordId, WorkspaceId};

use crate::api::{Check, SetAside, Verification};
use crate::core::Core;
use crate::home::is_private;
use crate::keys::{Place, place};
use crate::server::Server;
use crate::status::item_name;
use crate::store::StoreError;

const READY_TIME: Duration = Duration::from_secs(8);
/// A clock further off than this confuses certificates.
const CLOCK_OFF_MAX: u64 = 300;

/// What a check of all workspaces found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    records: u64,
    entries: u64,
    problems: Vec<SetAside>,
    rebuilt: Vec<String>,
    /// Envelopes that are damaged here, and fetched again with a connection.
    pub(crate) damaged: u64,
}

impl Found {
    /// The result, after `damaged_before` damaged envelopes were fetched again.
    pub(crate) fn result(self, damaged_before: u64) -> Verification {
        Verification {
            records: self.records,
            entries: self.entries,
            problems: self.problems,
            mended: damaged_before.saturating_sub(self.damaged),
            rebuilt: self.rebuilt,
        }
    }
}

impl Core {
    /// Checks every record of every workspace.
    pub(crate) fn verify_all(&mut self) -> Result<Found, EngineError<StoreError>> {
        let mut found = Found::default();
        for workspace in self.engine.workspaces() {
            let report = self.engine.verify(workspace, &mut self.store)?;
            self.note_report(workspace, &report, &mut found);
            self.check_waiting(workspace, &mut found);
        }
        self.check_waiting(satchel_sync::SCRATCH, &mut found);
        Ok(found)
    }

    fn note_report(&self, workspace: WorkspaceId, report: &VerifyReport, found: &mut Found) {
        found.records += report.records;
        found.entries += report.entries;
        found.damaged += report.damaged.len() as u64;
        for key in &report.damaged {
            let detail = "its local copy was damaged; it is fetched again from the server";
            found.problems.push(self.problem_with(workspace, key.record, detail.into()));
        }
        let name = crate::status::name(&self.engine, workspace);
        if let Some(why) = self.engine.mended(workspace) {
            let name = name.clone().unwrap_or_else(|| workspace.to_string());
            found.rebuilt.push(format!("{name}: {why}; everything was read again from the ledger"));
        }
        if let Some(why) = &report.distrusted {
            found.problems.push(SetAside {
                record: workspace.to_string(),
                name,
                alarm: "damaged".into(),
                detail: format!("{why}; the whole ledger is read again with the next connection"),
            });
        }
    }

    /// Opens what waits: it has no envelope yet, so nothing else checks it.
    fn check_waiting(&self, workspace: WorkspaceId, found: &mut Found) {
        let Some(nodes) = self.engine.nodes(workspace) else { return };
        for record in nodes.keys().filter(|record| self.engine.is_waiting(workspace, **record)) {
            found.records += 1;
            if let Err(error) = self.engine.body(workspace, *record, &self.store) {
                found.problems.push(self.problem_with(workspace, RecordId::new(record.0), error.to_string()));
            }
        }
    }

    fn problem_with(&self, workspace: WorkspaceId, record: RecordId, detail: String) -> SetAside {
        let name = item_name(&self.engine, workspace, record);
        SetAside { record: record.to_string(), name, alarm: "damaged".into(), detail }
    }

    /// The checks of `doctor` that need no network.
    pub(crate) fn look_around(&self) -> Vec<Check> {
        let mut checks = vec![self.check_home(), self.check_keys(), self.check_store()];
        let account = match &self.credential {
            Some(credential) => format!("{} on {}", credential.email, credential.server),
            None => "nobody is signed in; the Scratch Pad works without".into(),
        };
        checks.push(check("account", true, account));
        if let Some(halt) = &self.halt {
            checks.push(check("session", false, format!("{}: {}", halt.reason, halt.detail)));
        }
        checks
    }

    fn check_home(&self) -> Check {
        let shown = self.home.root().display();
        match self.home.is_private() {
            Ok(true) => check("home", true, format!("{shown}, private to this user")),
            Ok(false) => check("home", false, format!("others can read {shown}; run: chmod 700 {shown}")),
            Err(error) => check("home", false, format!("{shown}: {error}")),
        }
    }

    fn check_keys(&self) -> Check {
        for path in [self.home.scratch_key(), self.home.account_key()] {
            if is_private(&path).is_ok_and(|is_private| !is_private) {
                let shown = path.display();
                return check("keys", false, format!("others can read {shown}; run: chmod 600 {shown}"));
            }
        }
        let places: Vec<_> = [("scratch", self.home.scratch_key()), ("account", self.home.account_key())]
            .iter()
            .filter_map(|(name, path)| Some(format!("{name}: {}", said(place(path).ok()??))))
            .collect();
        check("keys", true, format!("private to this user; {}", places.join(", ")))
    }

    fn check_store(&self) -> Check {
        let files = std::iter::once(&self.store.scratch).chain(&self.store.account);
        let found: Result<Vec<_>, _> = files.map(crate::store::Database::quick_check).collect();
        match found.map(|found| found.concat()) {
            Ok(wrong) if wrong.is_empty() => check("store", true, "SQLite finds it in order".into()),
            Ok(wrong) => check("store", false, wrong.join("; ")),
            Err(error) => check("store", false, error.to_string()),
        }
    }
}

/// The checks of `doctor` over the network.
pub(crate) async fn check_server(server: Server) -> Vec<Check> {
    match server.ready(READY_TIME).await {
        Ok((is_ready, headers)) => {
            let detail = if is_ready { "it answers and is ready" } else { "it answers, but is not ready" };
            let date = headers.get(reqwest::header::DATE).and_then(|value| value.to_str().ok());
            let mut checks = vec![check("server", is_ready, detail.into())];
            checks.extend(date.and_then(parse_date).map(check_clock));
            checks
        }
        Err(why) => {
            let error = crate::problem::disconnected("", &why, None);
            vec![check("server", false, format!("{:?}: {}", error.kind, error.detail))]
        }
    }
}

fn check_clock(server_s: u64) -> Check {
    let here_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let off = here_s.abs_diff(server_s);
    let detail = format!("{off} s from the server's");
    check("clock", off <= CLOCK_OFF_MAX, detail)
}

/// Seconds since 1970 of an HTTP date: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
fn parse_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = words.as_slice() else { return None };
    let month = MONTHS.iter().position(|name| name == month)? as u64;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let mut clock = time.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if !(1970..10_000).contains(&year) || !(1..=31).contains(&day) {
        return None;
    }
    // Days by the civil calendar, with the year beginning in March.
    let (y, m) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    (days.checked_sub(719_468)? * 86_400 + hour * 3600 + minute * 60 + second).into()
}

fn said(place: Place) -> &'static str {
    match place {
        Place::File => "in its file alone",
        Place::FileAndKeyring(_) => "in its file and the system's keyring",
    }
}

fn check(name: &str, ok: bool, detail: String) -> Check {
    Check { name: name.into(), ok, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_dates_are_read() {
        assert_eq!(parse_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(parse_date("Sat, 29 Feb 2020 12:00:00 GMT"), Some(1_582_977_600));
        assert_eq!(parse_date("yesterday"), None);
    }
}
