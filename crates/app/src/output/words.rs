//! Every reply of the API in words.

use std::fmt::Write as _;

use satchel_client::api::{
    AccountView, Acknowledged, Check, ConflictView, ImportReport, ItemView, Reply, Verification,
};
use serde_json::Value;

use super::listing::{app_line, hits, item_line, items, variables, workspace_line, workspaces};
use super::{Out, history, inline, lines, people, safe, sent, status};

/// The words of a reply; what only confirms is empty when quiet.
pub(super) fn text(reply: &Reply, out: Out) -> String {
    match reply {
        // Sources are for who sends, never for showing: they hold secrets.
        Reply::Done | Reply::Sources(_) => String::new(),
        Reply::SignedUp { account, recovery_code } => signed_up(account, recovery_code),
        Reply::SignedIn { account, in_sync } => signed_in(account, *in_sync, out),
        Reply::Status(status) => status::text(status, out),
        Reply::Apps { apps } => lines(apps.iter().map(app_line)),
        Reply::Account(account) => account_text(account),
        Reply::AccountDeleted { receipt } => receipt_text(receipt),
        Reply::Workspaces { workspaces: listed } => workspaces(listed),
        Reply::Workspace(workspace) => format!("{}\n", workspace_line(workspace)),
        Reply::Imported(report) => imported(report, out),
        Reply::Exported { omitted, .. } => {
            lines(omitted.iter().map(|what| format!("left out: {}", inline(what))))
        }
        Reply::Items { items: listed } | Reply::Looked { items: listed, .. } => items(listed),
        Reply::Item { item, document } => shown(item, document),
        Reply::Found { hits: found, more } => hits(found, *more),
        Reply::Changed { items, acknowledged } => changed(items, *acknowledged, out),
        Reply::Environments { environments, active } => environments_text(environments, active.as_deref()),
        Reply::Environment { item, variables: listed } => {
            format!("{}\n{}", item_line(item), variables(listed))
        }
        Reply::Conflicts { conflicts } => conflicts_text(conflicts),
        Reply::Conflict(conflict) => conflict_text(conflict),
        Reply::History { item, versions, more } => history::versions(item.as_ref(), versions, *more),
        Reply::Difference { version, text, .. } => history::difference(version.as_ref(), text, out),
        Reply::Version { document, .. } => {
            document.as_ref().map(|one| format!("{one:#}\n")).unwrap_or_default()
        }
        Reply::Trash { items } => history::trash(items),
        Reply::Purged { items, acknowledged } => purged(*items, *acknowledged, out),
        Reply::Teams { .. }
        | Reply::Team(_)
        | Reply::Members { .. }
        | Reply::Invited { .. }
        | Reply::Invites { .. }
        | Reply::Joined { .. }
        | Reply::MemberRemoved { .. }
        | Reply::Fingerprint { .. }
        | Reply::Activity { .. }
        | Reply::Present { .. }
        | Reply::Discarded { .. } => people::text(reply, out),
        Reply::SentList { .. } | Reply::SentDetail(_) | Reply::RunList { .. } | Reply::RunDetail(_) => {
            sent::text(reply, out)
        }
        Reply::Verified(verification) => verified(verification),
        Reply::Diagnosis { checks } => checks.iter().map(check_line).collect(),
    }
}

fn signed_up(account: &AccountView, recovery_code: &str) -> String {
    format!(
        "Signed in as {} at {}; this app is called {}.

Recovery code, shown only now. Write it down: without the password it is the only way in.

    {recovery_code}
",
        inline(&account.email),
        inline(&account.server),
        inline(&account.app_name)
    )
}

fn signed_in(account: &AccountView, in_sync: bool, out: Out) -> String {
    if out.quiet {
        return String::new();
    }
    let state = if in_sync {
        "Everything is in sync."
    } else {
        "Not everything has arrived yet; `satchel sync` waits for it."
    };
    let name = inline(&account.app_name);
    format!(
        "Signed in as {} at {}; this app is called {name}.\n{state}\n",
        inline(&account.email),
        inline(&account.server)
    )
}

fn account_text(account: &AccountView) -> String {
    format!(
        "account  {}  {}\nserver   {}\nthis app {}  {}\n",
        inline(&account.email),
        account.id,
        inline(&account.server),
        inline(&account.app_name),
        account.app
    )
}

fn receipt_text(receipt: &[(String, u64)]) -> String {
    let mut text = String::from("The account is deleted. The server's receipt:\n");
    for (what, count) in receipt {
        let _ = writeln!(text, "  {count:>8} {}", inline(what));
    }
    text
}

/// `1 folder`, `2 folders`.
fn counted(count: u64, kind: &str) -> String {
    let ending = if count == 1 || kind.ends_with('s') { "" } else { "s" };
    format!("{count} {}{ending}", inline(kind))
}

fn imported(report: &ImportReport, out: Out) -> String {
    let losses = lines(report.losses.iter().map(|loss| format!("  not as it was: {}", inline(loss))));
    if out.quiet {
        return losses;
    }
    let counts: Vec<String> = report.counts.iter().map(|(kind, count)| counted(*count, kind)).collect();
    let verb = if report.dry_run { "Would import" } else { "Imported" };
    let mut text = format!("{verb} {}: {}\n", inline(&report.source), counts.join(", "));
    let _ = writeln!(
        text,
        "  {} added, {} changed, {} to the trash",
        report.added, report.changed, report.trashed
    );
    for item in &report.items {
        let _ = writeln!(text, "  {}", changed_line(item, report.acknowledged));
    }
    text.push_str(&losses);
    if report.dry_run {
        text.push_str("Nothing was changed.\n");
    } else {
        let _ = writeln!(text, "{}", acknowledged(report.acknowledged));
    }
    text
}

/// Which acknowledgement a change has.
fn acknowledged(acknowledged: Acknowledged) -> &'static str {
    match acknowledged {
        Acknowledged::Server => "Acknowledged by the server.",
        Acknowledged::Local => "Acknowledged by the local store, not by a server.",
    }
}

/// An item after its change; it was read before the acknowledgement, so a mark for waiting is old news.
fn changed_line(item: &ItemView, by: Acknowledged) -> String {
    item_line(&ItemView { waiting: item.waiting && by == Acknowledged::Local, ..item.clone() })
}

fn changed(items: &[ItemView], by: Acknowledged, out: Out) -> String {
    if out.quiet {
        return String::new();
    }
    let mut text = String::new();
    for item in items {
        let _ = writeln!(text, "{}", changed_line(item, by));
    }
    let _ = writeln!(text, "{}", acknowledged(by));
    text
}

fn purged(items: u64, by: Acknowledged, out: Out) -> String {
    match (out.quiet, items) {
        (true, _) => String::new(),
        (false, 0) => "The trash was empty.\n".to_owned(),
        (false, items) => format!("{} purged for good.\n{}\n", counted(items, "item"), acknowledged(by)),
    }
}

fn shown(item: &ItemView, document: &Value) -> String {
    format!("{}\n{}\n", item_line(item), safe(&format!("{document:#}")))
}

fn environments_text(environments: &[ItemView], active: Option<&str>) -> String {
    let mark = |item: &ItemView| if active == Some(item.id.as_str()) { '*' } else { ' ' };
    lines(environments.iter().map(|item| format!("{} {}", mark(item), item_line(item))))
}

fn conflicts_text(conflicts: &[ConflictView]) -> String {
    if conflicts.is_empty() {
        return "No conflicts.\n".to_owned();
    }
    let line = |conflict: &ConflictView| {
        let (path, field) = (inline(&conflict.item.path), inline(&conflict.field));
        format!(
            "{}  {path}  {field}\n    shows {}, not {}\n",
            conflict.id,
            short(conflict.server.as_ref()),
            short(conflict.local.as_ref())
        )
    };
    conflicts.iter().map(line).collect()
}

fn conflict_text(conflict: &ConflictView) -> String {
    format!(
        "{}  {}
field    {}
before   {}
server   {}   (this one shows)
local    {}   (of {}, found {})
Settle it: satchel conflicts resolve {} --server | --local | --both | --field NAME=VALUE
",
        conflict.id,
        inline(&conflict.item.path),
        inline(&conflict.field),
        value(conflict.base.as_ref()),
        value(conflict.server.as_ref()),
        value(conflict.local.as_ref()),
        inline(&conflict.who),
        status::time(conflict.when),
        conflict.id
    )
}

fn value(value: Option<&Value>) -> String {
    match value {
        None => "(nothing)".to_owned(),
        Some(Value::String(text)) => safe(text),
        Some(value) if value.get("place").is_some() => {
            format!("in {}", inline(value["place"].as_str().unwrap_or_default()))
        }
        Some(value) if value.get("who").is_some() && value.get("when_ms").is_some() => {
            format!("in the trash since {}", status::time(value["when_ms"].as_u64().unwrap_or_default()))
        }
        Some(value) => safe(&value.to_string()),
    }
}

fn short(found: Option<&Value>) -> String {
    let text = inline(&value(found));
    if text.chars().count() <= 60 { text } else { text.chars().take(60).chain(['…']).collect() }
}

fn verified(verification: &Verification) -> String {
    let (records, entries) = (verification.records, verification.entries);
    let mut text = format!("Checked {records} records and {entries} entries of the ledger.\n");
    if verification.mended > 0 {
        let _ = writeln!(text, "{} records were damaged here and fetched again.", verification.mended);
    }
    for rebuilt in &verification.rebuilt {
        let _ = writeln!(text, "Mended: {}.", inline(rebuilt));
    }
    for problem in &verification.problems {
        let name = problem.name.as_ref().unwrap_or(&problem.record);
        let _ = writeln!(text, "{}: {}: {}", problem.alarm, inline(name), inline(&problem.detail));
    }
    if verification.problems.is_empty() {
        text.push_str("Everything is well.\n");
    }
    text
}

fn check_line(check: &Check) -> String {
    let mark = if check.ok { "ok  " } else { "FAIL" };
    format!("{mark} {}: {}\n", inline(&check.name), inline(&check.detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: Out = Out { json: false, quiet: false, color: false };

    fn item() -> ItemView {
        ItemView {
            id: "0a1b".to_owned(),
            kind: "request".to_owned(),
            name: "Cart".to_owned(),
            method: Some("GET".to_owned()),
            path: "Shop/Cart".to_owned(),
            depth: 0,
            conflicts: 0,
            waiting: false,
        }
    }

    fn check(reply: &Reply, expected: &str) {
        assert_eq!(text(reply, OUT), expected);
    }

    #[test]
    fn a_change_says_which_acknowledgement_it_has() {
        let reply = |acknowledged| Reply::Changed { items: vec![item()], acknowledged };
        check(&reply(Acknowledged::Server), "request     Shop/Cart  0a1b\nAcknowledged by the server.\n");
        check(
            &reply(Acknowledged::Local),
            "request     Shop/Cart  0a1b\nAcknowledged by the local store, not by a server.\n",
        );
        assert_eq!(text(&reply(Acknowledged::Local), Out { quiet: true, ..OUT }), "");
    }

    #[test]
    fn an_import_reports_its_losses() {
        let report = ImportReport {
            source: "a Postman collection v1.0.0".to_owned(),
            items: vec![item()],
            counts: vec![("collection".to_owned(), 1), ("request".to_owned(), 2)],
            losses: vec!["Shop: two events of one kind".to_owned()],
            dry_run: true,
            added: 3,
            changed: 0,
            trashed: 0,
            acknowledged: Acknowledged::Local,
        };
        check(
            &Reply::Imported(report),
            "Would import a Postman collection v1.0.0: 1 collection, 2 requests
  3 added, 0 changed, 0 to the trash
  request     Shop/Cart  0a1b
  not as it was: Shop: two events of one kind
Nothing was changed.
",
        );
    }

    #[test]
    fn a_conflict_shows_all_three_values_and_the_way_out() {
        let conflict = ConflictView {
            id: "c1".to_owned(),
            item: item(),
            field: "request.url".to_owned(),
            base: None,
            local: Some(Value::from("http://a")),
            server: Some(Value::from(7)),
            who: "me@example.com".to_owned(),
            when: 0,
        };
        check(
            &Reply::Conflict(conflict),
            "c1  Shop/Cart
field    request.url
before   (nothing)
server   7   (this one shows)
local    http://a   (of me@example.com, found 1970-01-01 00:00:00 UTC)
Settle it: satchel conflicts resolve c1 --server | --local | --both | --field NAME=VALUE
",
        );
    }
}
