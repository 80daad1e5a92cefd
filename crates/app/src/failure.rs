//! Failures in words: what failed, why, what to do, and the exit code.
//!
//! Why it exists: this is the only place that turns an `ApiError` into words for a person. Every kind
//! has one row; the exit codes are the contract of DESIGN section 10.
//!
//! Knows nothing of how a failure is printed.

use std::fmt::Write as _;

use satchel_client::api::{ApiError, AppView, ErrorKind};
use serde_json::{Value, json};

/// Something failed, or the command line was wrong.
pub(crate) const FAILED: u8 = 1;
/// The command line cannot be meant.
pub(crate) const USAGE: u8 = 2;
/// A person must decide; the words name the flag.
pub(crate) const DECISION: u8 = 3;
/// Not in sync in time.
pub(crate) const NOT_IN_SYNC: u8 = 4;

/// A test of a script failed, or a script itself.
pub(crate) const TESTS_FAILED: u8 = 5;

/// A failure, ready to be printed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// A word for programs: the API's kind, or `usage`, `file`, `agent`.
    pub(crate) kind: String,
    /// What was tried and did not work.
    pub(crate) what: String,
    /// Why.
    pub(crate) why: String,
    /// What to do.
    pub(crate) remedy: String,
    /// The exit code.
    pub(crate) exit: u8,
    /// How many.
    pub(crate) count: u64,
    /// What is listed below the words.
    pub(crate) lists: Box<Lists>,
}

/// What is listed below the words of a failure.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    /// Who holds the places.
    pub(crate) apps: Vec<AppView>,
    /// What could be meant.
    pub(crate) candidates: Vec<String>,
    /// What had been done before, for several files.
    pub(crate) done: Vec<Value>,
}

impl Failure {
    fn new(
        kind: &str,
        exit: u8,
        what: impl Into<String>,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            kind: kind.to_owned(),
            what: what.into(),
            why: why.into(),
            remedy: remedy.into(),
            exit,
            count: 0,
            lists: Box::default(),
        }
    }

    /// The command line cannot be meant.
    pub(crate) fn usage(what: impl Into<String>, why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new("usage", USAGE, what, why, remedy)
    }

    /// A person must decide.
    pub(crate) fn decision(
        what: impl Into<String>,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new("needs_decision", DECISION, what, why, remedy)
    }

    /// A file outside of the home cannot be read or written.
    pub(crate) fn file(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new("file", FAILED, what, why, "check the path, its permissions and the room on the disk")
    }

    /// The agent did not do its part.
    pub(crate) fn agent(what: impl Into<String>, why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new("agent", FAILED, what, why, remedy)
    }

    /// A request has no answer, or a run could not begin.
    pub(crate) fn request(
        kind: &str,
        what: impl Into<String>,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(kind, FAILED, what, why, remedy)
    }

    /// Whether it is a failure of the API of this kind.
    pub(crate) fn is(&self, kind: ErrorKind) -> bool {
        self.kind == word(kind)
    }

    /// What clap found wrong.
    pub(crate) fn from_clap(error: &clap::Error) -> Self {
        let text = error.to_string();
        // The first paragraph says it, where arguments are missing in several lines.
        let said = text.lines().map(str::trim).take_while(|line| !line.is_empty());
        let why = said.collect::<Vec<_>>().join(" ");
        Self::usage(
            "reading the command line",
            why.strip_prefix("error: ").unwrap_or(&why),
            "`satchel --help` and `satchel COMMAND --help` show what can be said",
        )
    }

    /// For people, without colour: three lines, and lists below.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("error: {} failed\n  why: {}\n   do: {}\n", self.what, self.why, self.remedy);
        for candidate in &self.lists.candidates {
            let _ = writeln!(text, "       {candidate}");
        }
        for app in &self.lists.apps {
            let _ = writeln!(text, "       {}", crate::output::app_line(app));
        }
        text
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let mut error = json!({
            "kind": self.kind,
            "what": self.what,
            "why": self.why,
            "do": self.remedy,
            "exit_code": self.exit,
        });
        if self.count > 0 {
            error["count"] = self.count.into();
        }
        if !self.lists.candidates.is_empty() {
            error["candidates"] = self.lists.candidates.clone().into();
        }
        if !self.lists.apps.is_empty() {
            error["apps"] = json!(self.lists.apps);
        }
        let mut document = json!({ "error": error });
        if !self.lists.done.is_empty() {
            document["done"] = self.lists.done.clone().into();
        }
        document
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let row = row(error.kind);
        let what = if error.tried.is_empty() { "the command".to_owned() } else { error.tried };
        let detail = error.detail.trim().to_owned();
        let why = match (row.keeps_phrase, detail.is_empty()) {
            (_, true) => row.why.to_owned(),
            (true, false) => format!("{} ({detail})", row.why),
            (false, false) => detail,
        };
        let why = counted(error.kind, why, error.count);
        let failure = Self::new(&word(error.kind), row.exit, what, why, row.remedy);
        let lists = Lists { apps: error.apps, candidates: error.candidates, done: Vec::new() };
        Self { count: error.count, lists: Box::new(lists), ..failure }
    }
}

fn counted(kind: ErrorKind, why: String, count: u64) -> String {
    let noun = match kind {
        ErrorKind::ChangesWaiting => "waiting",
        ErrorKind::BulkNotMarked => "items",
        _ => return why,
    };
    if count == 0 || why.contains(&count.to_string()) { why } else { format!("{why}: {count} {noun}") }
}

/// The kind as a program reads it.
fn word(kind: ErrorKind) -> String {
    serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What is said about one kind.
struct Row {
    exit: u8,
    why: &'static str,
    remedy: &'static str,
    /// Whether `why` stands before the detail instead of only where there is none.
    keeps_phrase: bool,
}

/// A kind whose detail says it all.
const fn plain(exit: u8, why: &'static str, remedy: &'static str) -> Row {
    Row { exit, why, remedy, keeps_phrase: false }
}

/// A kind whose detail is what a layer below saw.
const fn layered(exit: u8, why: &'static str, remedy: &'static str) -> Row {
    Row { exit, why, remedy, keeps_phrase: true }
}

fn row(kind: ErrorKind) -> Row {
    match kind {
        ErrorKind::Invalid => plain(FAILED, "it is not usable", "correct it and try again"),
        ErrorKind::TooLarge => {
            plain(FAILED, "it is over a limit", "leave out or split what is too large; nothing was changed")
        }
        ErrorKind::NotFound => plain(
            FAILED,
            "there is no such thing",
            "check the name; `satchel ls --tree` and `satchel workspace list` show what is here",
        ),
        ErrorKind::Ambiguous => plain(FAILED, "several things have that name", "name one by its id:"),
        ErrorKind::Exists => plain(FAILED, "the name is taken", "choose another name"),
        ErrorKind::ImportExists => plain(
            DECISION,
            "it was imported before",
            "choose --mode merge (update, keep the rest), --mode replace (update, trash the rest) or --mode copy (a second time):",
        ),
        ErrorKind::BulkNotMarked => plain(
            DECISION,
            "that is a large part of the workspace",
            "add --bulk if you mean all of them; nothing was changed",
        ),
        ErrorKind::ChangesWaiting => plain(
            DECISION,
            "changes wait that the server has not acknowledged",
            "stay, and run `satchel sync`; or add --export FILE to keep everything in a file; or --discard to throw the changes away",
        ),
        ErrorKind::AppLimit => plain(
            DECISION,
            "all places of the account are in use",
            "name the app that makes room with `satchel signin … --take-over APP` (when signed in: `satchel apps take-place APP`):",
        ),
        ErrorKind::Evicted => layered(
            FAILED,
            "another app took this app's place",
            "nothing is lost, changes wait; `satchel apps` lists the apps, `satchel apps take-place APP` takes a place back",
        ),
        _ => account_row(kind),
    }
}

fn account_row(kind: ErrorKind) -> Row {
    match kind {
        ErrorKind::SignedOut => layered(
            FAILED,
            "this needs an account",
            "`satchel signin --server URL --email E`, or `satchel signup …` for a new account",
        ),
        ErrorKind::SignedIn => layered(
            FAILED,
            "this profile is signed in already",
            "`satchel signout` first, or set SATCHEL_HOME to another folder for another app",
        ),
        ErrorKind::Unauthorized => layered(
            FAILED,
            "the e-mail, the password or the recovery code is wrong",
            "check for a typing error; `satchel recover --server URL --email E` sets a new password",
        ),
        ErrorKind::SessionEnded => layered(
            FAILED,
            "the session was ended on the server",
            "nothing local is lost; sign in again with `satchel signin --server URL --email E`",
        ),
        ErrorKind::Throttled => layered(FAILED, "too many tries", "wait a minute, then try again"),
        ErrorKind::SignUpRefused => layered(
            FAILED,
            "the server makes no such account",
            "if you have an account: `satchel signin`; else use another e-mail, or ask the server's owner for an invitation (--invite)",
        ),
        _ => server_row(kind),
    }
}

fn server_row(kind: ErrorKind) -> Row {
    match kind {
        ErrorKind::Unreachable => layered(
            FAILED,
            "the server cannot be reached",
            "check the URL and the network; local changes are kept and sent later",
        ),
        ErrorKind::Certificate => layered(
            FAILED,
            "the server's certificate is not trusted",
            "check the URL; SATCHEL_CA_FILE names the certificate of an authority of your own",
        ),
        ErrorKind::NotSatchel => layered(
            FAILED,
            "what answers there is not a Satchel server",
            "check the URL and the port; it is the address that `satchel-server` prints",
        ),
        ErrorKind::Version => layered(
            FAILED,
            "the app and the server do not speak the same version",
            "update the older of the two; nothing is lost, changes wait",
        ),
        ErrorKind::Refused => layered(
            FAILED,
            "the server refused",
            "do what the reason says; `satchel status` shows what waits, nothing is lost",
        ),
        ErrorKind::ServerFull => layered(
            FAILED,
            "the server has no room or cannot write",
            "tell the server's owner; changes are kept here and sent later",
        ),
        ErrorKind::NotInSync => layered(
            NOT_IN_SYNC,
            "not everything is in sync",
            "`satchel status` shows what waits and why; a longer --timeout waits longer",
        ),
        ErrorKind::LyingServer => layered(
            FAILED,
            "the server shows another history than before",
            "keep a copy with `satchel backup create FILE`, and ask the server's owner whether it was restored from a backup",
        ),
        _ => local_row(kind),
    }
}

fn local_row(kind: ErrorKind) -> Row {
    match kind {
        ErrorKind::Damaged => layered(
            FAILED,
            "local data is damaged",
            "`satchel verify` says what, `satchel reload` fetches it from the server again; if the store does not open at all, move its two files (account.db with account.key, or scratch.db with scratch.key) out of SATCHEL_HOME, keep them, and sign in again or restore a backup",
        ),
        ErrorKind::LocalStore => layered(
            FAILED,
            "the local disk is full or cannot be written",
            "make room, and check the permissions of SATCHEL_HOME; what was stored before is still there",
        ),
        ErrorKind::Keyring => layered(
            FAILED,
            "the system's keyring does not give the other half of a local key; nothing was deleted",
            "unlock the keyring, or do this in the desktop session that has it. \
             If the keyring was reset for good: set SATCHEL_HOME to a new folder and sign in there",
        ),
        ErrorKind::Locked => layered(
            FAILED,
            "another process uses this profile",
            "wait until it ends and try again; `satchel agent status` tells whether an agent runs",
        ),
        ErrorKind::RoleTooLow => {
            layered(FAILED, "your role does not allow it", "ask an admin of the workspace for another role:")
        }
        ErrorKind::LastAdmin => plain(
            FAILED,
            "a workspace or team would be without an admin",
            "make another member an admin first, or delete it:",
        ),
        ErrorKind::InTeams => plain(FAILED, "the account is in teams", "leave the team first:"),
        ErrorKind::InviteGone => plain(
            FAILED,
            "the invitation was used, has ended, or never was",
            "ask for a new link: each is good for one person and seven days",
        ),
        ErrorKind::Unanswered => {
            plain(FAILED, "the request has no answer", "look at its URL, its settings and the server")
        }
        ErrorKind::NoHistory => plain(
            FAILED,
            "the Scratch Pad keeps no history",
            "sign in, and bring the item into a workspace that syncs; `satchel trash` works here, too",
        ),
        ErrorKind::CannotStandBoth => {
            plain(FAILED, "both values cannot stand", "choose --local, --server or --field NAME=VALUE")
        }
        _ => layered(FAILED, "a mistake in Satchel", "please report this with the words above"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: ErrorKind, detail: &str, count: u64) -> Failure {
        Failure::from(ApiError {
            kind,
            tried: "opening Shop".to_owned(),
            detail: detail.to_owned(),
            apps: Vec::new(),
            count,
            candidates: vec!["Shop (0a)".to_owned()],
        })
    }

    const KINDS: &[(ErrorKind, &str, u8)] = &[
        (ErrorKind::Invalid, "invalid", 1),
        (ErrorKind::TooLarge, "too_large", 1),
        (ErrorKind::NotFound, "not_found", 1),
        (ErrorKind::Ambiguous, "ambiguous", 1),
        (ErrorKind::Exists, "exists", 1),
        (ErrorKind::ImportExists, "import_exists", 3),
        (ErrorKind::BulkNotMarked, "bulk_not_marked", 3),
        (ErrorKind::ChangesWaiting, "changes_waiting", 3),
        (ErrorKind::AppLimit, "app_limit", 3),
        (ErrorKind::Evicted, "evicted", 1),
        (ErrorKind::SignedOut, "signed_out", 1),
        (ErrorKind::SignedIn, "signed_in", 1),
        (ErrorKind::Unauthorized, "unauthorized", 1),
        (ErrorKind::SessionEnded, "session_ended", 1),
        (ErrorKind::Throttled, "throttled", 1),
        (ErrorKind::SignUpRefused, "sign_up_refused", 1),
        (ErrorKind::Unreachable, "unreachable", 1),
        (ErrorKind::Certificate, "certificate", 1),
        (ErrorKind::NotSatchel, "not_satchel", 1),
        (ErrorKind::Version, "version", 1),
        (ErrorKind::Refused, "refused", 1),
        (ErrorKind::ServerFull, "server_full", 1),
        (ErrorKind::NotInSync, "not_in_sync", 4),
        (ErrorKind::LyingServer, "lying_server", 1),
        (ErrorKind::Damaged, "damaged", 1),
        (ErrorKind::LocalStore, "local_store", 1),
        (ErrorKind::Keyring, "keyring", 1),
        (ErrorKind::Locked, "locked", 1),
        (ErrorKind::NoHistory, "no_history", 1),
        (ErrorKind::CannotStandBoth, "cannot_stand_both", 1),
        (ErrorKind::RoleTooLow, "role_too_low", 1),
        (ErrorKind::LastAdmin, "last_admin", 1),
        (ErrorKind::InTeams, "in_teams", 1),
        (ErrorKind::InviteGone, "invite_gone", 1),
        (ErrorKind::Unanswered, "unanswered", 1),
        (ErrorKind::Internal, "internal", 1),
    ];

    #[test]
    fn every_kind_has_its_word_its_code_and_all_three_answers() {
        for (kind, word, exit) in KINDS {
            let failure = failure(*kind, "", 0);
            assert_eq!((failure.kind.as_str(), failure.exit), (*word, *exit));
            assert!(!failure.why.is_empty() && !failure.remedy.is_empty(), "{word}");
            assert_eq!(failure.why == "a mistake in Satchel", *kind == ErrorKind::Internal, "{word}");
        }
    }

    #[test]
    fn a_decision_names_its_flag() {
        let check = |kind, flag: &str| assert!(failure(kind, "", 0).remedy.contains(flag), "{flag}");
        check(ErrorKind::ImportExists, "--mode");
        check(ErrorKind::BulkNotMarked, "--bulk");
        check(ErrorKind::ChangesWaiting, "--export");
        check(ErrorKind::ChangesWaiting, "--discard");
        check(ErrorKind::AppLimit, "--take-over");
    }

    #[test]
    fn words_say_what_why_and_what_to_do() {
        let text = failure(ErrorKind::Ambiguous, "2 things have that name; use an id", 0).text();
        let expected = "error: opening Shop failed
  why: 2 things have that name; use an id
   do: name one by its id:
       Shop (0a)
";
        assert_eq!(text, expected);
    }

    #[test]
    fn waiting_changes_are_counted() {
        let failure = failure(ErrorKind::ChangesWaiting, "", 7);
        assert!(failure.why.contains('7'), "{}", failure.why);
        assert_eq!(failure.json()["error"]["count"], 7);
    }

    #[test]
    fn programs_get_the_same_as_people() {
        let json = failure(ErrorKind::Unreachable, "connection refused", 0).json();
        assert_eq!(json["error"]["kind"], "unreachable");
        assert_eq!(json["error"]["what"], "opening Shop");
        assert_eq!(json["error"]["why"], "the server cannot be reached (connection refused)");
        assert_eq!(json["error"]["exit_code"], 1);
        assert_eq!(json["error"]["candidates"][0], "Shop (0a)");
    }
}
