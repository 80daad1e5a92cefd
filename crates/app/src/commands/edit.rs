//! Editing a document in the user's editor.
//!
//! ```text
//! show ──▶ private file ──▶ editor ──▶ replace (merged with what changed meanwhile)
//! ```
//! Invariants: the profile is not held while the editor is open; the file is private, and deleted as
//! soon as its content is stored; what could not be stored is kept, and the failure says where.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::{Command, ExitCode};

use satchel_client::api::{Acknowledged, Call, Reply};
use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Session;
use crate::cli::EditOptions;
use crate::failure::Failure;
use crate::file::Draft;
use crate::output::remark;

pub(super) fn edit(session: &Session, options: EditOptions) -> Result<ExitCode, Failure> {
    let Reply::Item { item, document } = session.ask(Call::Show { path: options.path, secrets: true })?
    else {
        return Err(Failure::agent("opening the item", "it answered something else", "restart the agent"));
    };
    let text = format!("{document:#}\n");
    let mut draft = Draft::new(&text)
        .map_err(|error| Failure::file("making a file for the editor", error.to_string()))?;
    let changed = match edited(&mut draft)? {
        changed if changed == document => {
            let reply = Reply::Changed { items: vec![item], acknowledged: Acknowledged::Local };
            session.out.document(&json!(reply));
            session.out.confirm("Nothing was changed.");
            return Ok(ExitCode::SUCCESS);
        }
        changed => changed,
    };
    let call = Call::Replace { path: item.id, base: document, document: changed };
    session.answer(call).map_err(|failure| kept(failure, &mut draft))
}

/// The document after the editor; on a terminal a broken one is opened again.
fn edited(draft: &mut Draft) -> Result<Value, Failure> {
    loop {
        open_editor(draft.path()).map_err(|failure| kept(failure, draft))?;
        let text = std::fs::read_to_string(draft.path()).map_err(|error| {
            Failure::file(format!("reading {}", draft.path().display()), error.to_string())
        })?;
        let error = match serde_json::from_str(&text) {
            Ok(document) => return Ok(document),
            Err(error) => error,
        };
        if !io::stdin().is_terminal() || !is_opened_again(&error) {
            let failure = Failure::file("reading what was edited", format!("it is not JSON: {error}"));
            return Err(kept(failure, draft));
        }
    }
}

fn is_opened_again(error: &serde_json::Error) -> bool {
    remark(&format!("That is not JSON: {error}. Press Enter to edit it again, or type n to stop:"));
    let mut typed = String::new();
    io::stdin().read_line(&mut typed).is_ok_and(|bytes| bytes > 0) && typed.trim().is_empty()
}

fn kept(failure: Failure, draft: &mut Draft) -> Failure {
    let place = draft.keep().display();
    let remedy = format!("your text is kept in {place}; {}", failure.remedy);
    Failure { remedy, ..failure }
}

/// Runs the editor, which may be a command with options, on the file.
fn open_editor(file: &Path) -> Result<(), Failure> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let failed = |why: String| {
        Failure::usage(
            format!("running the editor `{editor}`"),
            why,
            "set VISUAL or EDITOR to an editor that waits",
        )
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let runtime = runtime.map_err(|error| failed(error.to_string()))?;
    let _entered = runtime.enter();
    let _ignored = ignore_interrupts().map_err(|error| failed(error.to_string()))?;
    let script = format!("{editor} \"$1\"");
    let status = Command::new("sh").args(["-c", &script, "satchel"]).arg(file).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(format!("it ended with {status}"))),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Keys that interrupt are for the editor: this process must live to delete the file.
fn ignore_interrupts() -> io::Result<[Signal; 2]> {
    Ok([signal(SignalKind::interrupt())?, signal(SignalKind::quit())?])
}
