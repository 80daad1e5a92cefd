//! The operator's commands about accounts, and what they print.
//!
//! It never sees content: the database has none that it could open.

use std::fmt::Write as _;
use std::path::Path;

use super::arguments::AdminTask;
use super::words::Failure;
use crate::store::StoreError;
use crate::store::sqlite::{self, AccountSummary, AdminError, Limits};

/// Does one of them.
pub(super) fn run(task: &AdminTask, data: &Path) -> Result<(), Failure> {
    let failed = |what: &'static str| move |error: AdminError| fail(what, data, &error);
    match task {
        AdminTask::Accounts { json } => {
            let accounts = sqlite::accounts(data).map_err(failed("listing the accounts"))?;
            print!("{}", if *json { as_json(&accounts) } else { as_table(&accounts) });
        }
        AdminTask::Disable { email } => {
            sqlite::set_disabled(data, email, true).map_err(failed("disabling the account"))?;
            println!("disabled; its sessions end within a second");
        }
        AdminTask::Enable { email } => {
            sqlite::set_disabled(data, email, false).map_err(failed("enabling the account"))?;
            println!("enabled; its apps have to sign in again");
        }
        AdminTask::Delete { email } => {
            let gone = sqlite::delete(data, email).map_err(failed("deleting the account"))?;
            println!(
                "deleted, with {} workspaces, {} records, {} older versions, {} commits, {} apps and {} bytes",
                gone.workspaces, gone.records, gone.versions, gone.commits, gone.apps, gone.bytes
            );
        }
        AdminTask::Limits { email, bytes, workspaces } => {
            let limits = Limits { bytes: *bytes, workspaces: *workspaces };
            let now =
                sqlite::set_limits(data, email.as_deref(), limits).map_err(failed("setting the limits"))?;
            println!("bytes: {}", as_limit(now.bytes));
            println!("workspaces: {}", as_limit(now.workspaces));
        }
        // It is the same as without `admin`, and done there.
        AdminTask::Invite => {}
    }
    Ok(())
}

fn fail(what: &str, data: &Path, error: &AdminError) -> Failure {
    match error {
        AdminError::NoAccount => {
            Failure::account(what, error, "satchel-server admin accounts lists them.".to_owned())
        }
        AdminError::Store(StoreError::InTeams(ids)) => Failure::account(what, error, named("Rosters", ids)),
        AdminError::Store(StoreError::LastAdmin(ids)) => {
            Failure::account(what, error, named("Workspaces", ids))
        }
        AdminError::Store(_) => Failure::task(what, data, error),
    }
}

fn named(what: &str, ids: &[satchel_wire::WorkspaceId]) -> String {
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    format!("{what}: {}", ids.join(" "))
}

fn as_limit(limit: Option<u64>) -> String {
    limit.filter(|max| *max > 0).map_or_else(|| "no limit".to_owned(), |max| max.to_string())
}

fn as_table(accounts: &[AccountSummary]) -> String {
    let width = accounts.iter().map(|one| one.email.chars().count()).max().unwrap_or(0).max(6);
    let mut text = format!("{:width$}  {:32}  apps  workspaces  bytes\n", "e-mail", "account");
    for one in accounts {
        let state = if one.is_disabled { "  disabled" } else { "" };
        let AccountSummary { email, account, apps, workspaces, bytes, .. } = one;
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{email:width$}  {account}  {apps:>4}  {workspaces:>10}  {bytes}{state}");
    }
    text
}

fn as_json(accounts: &[AccountSummary]) -> String {
    let one = |one: &AccountSummary| {
        let AccountSummary { email, account, apps, workspaces, bytes, is_disabled } = one;
        format!(
            r#"{{"email":"{}","account":"{account}","apps":{apps},"workspaces":{workspaces},"bytes":{bytes},"disabled":{is_disabled}}}"#,
            escape(email)
        )
    };
    let all: Vec<_> = accounts.iter().map(one).collect();
    format!("{{\"accounts\":[{}]}}\n", all.join(","))
}

/// A text in a JSON string. E-mails have no control characters.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use satchel_wire::AccountId;

    use super::*;

    #[test]
    fn accounts_are_a_table_or_one_document() {
        let account = AccountId::new([0xab; 16]);
        let email = "a\"b@example.org".to_owned();
        let one = AccountSummary { email, account, apps: 2, workspaces: 1, bytes: 12_345, is_disabled: true };
        let expected = "e-mail           account                           apps  workspaces  bytes\n\
                        a\"b@example.org  abababababababababababababababab     2           1  12345  disabled\n";
        assert_eq!(as_table(std::slice::from_ref(&one)), expected);
        let expected = r#"{"accounts":[{"email":"a\"b@example.org","account":"abababababababababababababababab","apps":2,"workspaces":1,"bytes":12345,"disabled":true}]}"#;
        assert_eq!(as_json(&[one]).trim_end(), expected);
    }
}
