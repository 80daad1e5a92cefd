//! Scripts of calls and how their answers are written.
//!
//! A line is one call in the words of the command line; `'…'` keeps spaces together and `\n` in a
//! word is a line break. An answer is as short as it can be: only what a test is about.

use serde_json::Value as Json;

use super::Desk;
use crate::api::{
    ApiError, Call, ConflictView, FieldEdit, ImportMode, ItemView, Reply, Resolution, VariableEdit,
    VariableView,
};

/// Runs a script and compares all answers with the expected ones; both without their indentation.
pub(super) fn check(desk: &mut Desk, script: &str, expected: &str) {
    let got = run(desk, script);
    assert_eq!(outdented(&got), outdented(expected), "\n--- got\n{got}\n---");
}

/// Runs a script and gives all answers.
pub(super) fn run(desk: &mut Desk, script: &str) -> String {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| one(desk, line)).collect::<Vec<_>>().concat()
}

fn one(desk: &mut Desk, line: &str) -> String {
    let words = words(line);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let call = call(desk, &words);
    shown(desk.call(&call))
}

fn outdented(text: &str) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let indent = lines.iter().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    lines.iter().map(|line| line[indent..].trim_end()).collect::<Vec<_>>().join("\n")
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut any) = (String::new(), false, false);
    for letter in line.chars() {
        match letter {
            '\'' => (quoted, any) = (!quoted, true),
            ' ' if !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            letter => {
                word.push(letter);
                any = true;
            }
        }
    }
    if any {
        words.push(word);
    }
    words.into_iter().map(|word| word.replace("\\n", "\n")).collect()
}

fn field(word: &str) -> FieldEdit {
    match word.split_once('=') {
        Some((field, value)) => FieldEdit { field: field.to_owned(), value: Some(value.to_owned()) },
        None => FieldEdit { field: word.to_owned(), value: None },
    }
}

/// `KEY=VALUE`, with `!` before it for a secret, `!!` for a shared one, `~` for a current value.
fn variable(word: &str) -> VariableEdit {
    let (key, value) = word.split_once('=').expect("a variable has a value");
    let bare = key.trim_start_matches(['!', '~']);
    VariableEdit {
        key: bare.to_owned(),
        value: value.to_owned(),
        secret: key.starts_with('!').then_some(true),
        share: key.starts_with("!!"),
        current: key.starts_with('~'),
    }
}

fn call(desk: &Desk, words: &[&str]) -> Call {
    let own = |text: &str| text.to_owned();
    let env = |word: &str| (word != "-").then(|| word.to_owned());
    match words {
        ["new", kind, path, fields @ ..] => {
            Call::New { kind: own(kind), path: own(path), fields: fields.iter().map(|w| field(w)).collect() }
        }
        ["set", path, fields @ ..] => {
            Call::Set { path: own(path), fields: fields.iter().map(|w| field(w)).collect() }
        }
        ["mv", from, to] => Call::Move { from: own(from), to: own(to), before: None },
        ["mv", from, to, "before", sibling] => {
            Call::Move { from: own(from), to: own(to), before: Some(own(sibling)) }
        }
        ["cp", from, to] => Call::Copy { from: own(from), to: own(to) },
        ["rm", "bulk", paths @ ..] => {
            Call::Remove { paths: paths.iter().map(|w| own(w)).collect(), bulk: true }
        }
        ["rm", paths @ ..] => Call::Remove { paths: paths.iter().map(|w| own(w)).collect(), bulk: false },
        ["ls"] => Call::List { path: None, tree: false },
        ["ls", path] => Call::List { path: Some(own(path)), tree: false },
        ["tree"] => Call::List { path: None, tree: true },
        ["tree", path] => Call::List { path: Some(own(path)), tree: true },
        ["show", path] => Call::Show { path: own(path), secrets: false },
        ["show", path, "secrets"] => Call::Show { path: own(path), secrets: true },
        ["search", text] => Call::Search { text: own(text), limit: 10 },
        ["search", text, limit] => Call::Search { text: own(text), limit: limit.parse().expect("a number") },
        ["import", name, options @ ..] => Call::Import {
            source: desk.source(name),
            mode: options.iter().find_map(|word| mode(word)),
            dry_run: options.contains(&"dry"),
        },
        ["restore", name] => Call::RestoreBackup { source: desk.source(name) },
        ["envs"] => Call::Environments,
        ["use", name] => Call::UseEnvironment { environment: env(name) },
        ["env", name] => Call::ShowEnvironment { environment: env(name), secrets: false },
        ["env", name, "secrets"] => Call::ShowEnvironment { environment: env(name), secrets: true },
        ["setenv", name, variables @ ..] => Call::SetVariables {
            environment: env(name),
            variables: variables.iter().map(|word| variable(word)).collect(),
        },
        ["unset", name, keys @ ..] => {
            Call::UnsetVariables { environment: env(name), keys: keys.iter().map(|w| own(w)).collect() }
        }
        ["trash"] => Call::Trash,
        ["untrash", items @ ..] => Call::RestoreTrash { items: items.iter().map(|w| own(w)).collect() },
        ["restore-item", path] => Call::Restore { path: own(path), version: None },
        ["empty", "bulk"] => Call::EmptyTrash { items: Vec::new(), bulk: true },
        ["empty", items @ ..] => {
            Call::EmptyTrash { items: items.iter().map(|w| own(w)).collect(), bulk: false }
        }
        ["conflicts"] => Call::Conflicts,
        ["conflict", id] => Call::ShowConflict { id: own(id) },
        ["resolve", id, choice] => Call::Resolve { id: own(id), choice: resolution(choice), field: None },
        ["resolve", id, choice, field] => {
            Call::Resolve { id: own(id), choice: resolution(choice), field: Some(own(field)) }
        }
        ["workspaces"] => Call::Workspaces,
        ["workspace", "create", name] => Call::CreateWorkspace { name: own(name), team: None, open: false },
        ["workspace", "use", name] => Call::UseWorkspace { workspace: own(name) },
        ["workspace", "rename", workspace, name] => {
            Call::RenameWorkspace { workspace: own(workspace), name: own(name) }
        }
        other => panic!("the test's script has no call {other:?}"),
    }
}

fn mode(word: &str) -> Option<ImportMode> {
    match word {
        "copy" => Some(ImportMode::Copy),
        "merge" => Some(ImportMode::Merge),
        "replace" => Some(ImportMode::Replace),
        _ => None,
    }
}

fn resolution(word: &str) -> Resolution {
    match word {
        "local" => Resolution::Local,
        "server" => Resolution::Server,
        "both" => Resolution::Both,
        other => Resolution::Value(other.trim_start_matches('=').to_owned()),
    }
}

fn shown(answer: Result<Reply, ApiError>) -> String {
    match answer {
        Ok(Reply::Done) => "done\n".to_owned(),
        Ok(Reply::Changed { items, .. }) => {
            lines(items.iter().map(|item| format!("changed {}\n", brief(item))))
        }
        Ok(Reply::Items { items }) => items.iter().map(listed).collect(),
        Ok(Reply::Item { item, document }) => format!("{} {document}\n", brief(&item)),
        Ok(Reply::Found { hits, more }) => {
            let lines = hits.iter().map(|hit| format!("{}: {}: {}\n", hit.item.path, hit.field, hit.excerpt));
            lines.chain(more.then(|| "more\n".to_owned())).collect()
        }
        Ok(Reply::Imported(report)) => {
            let tops = report.items.iter().map(|item| item.path.as_str()).collect::<Vec<_>>().join(", ");
            let losses = report.losses.iter().map(|loss| format!("lost {loss}\n"));
            let (added, changed, trashed) = (report.added, report.changed, report.trashed);
            let dry = if report.dry_run { "would be " } else { "" };
            let first = format!("{dry}imported {tops}: +{added} ~{changed} -{trashed}\n");
            std::iter::once(first).chain(losses).collect()
        }
        Ok(Reply::Environments { environments, active }) => {
            let is_active = |item: &ItemView| Some(&item.id) == active.as_ref();
            let mark = |item| if is_active(item) { "* " } else { "" };
            lines(environments.iter().map(|item| format!("{}{}\n", mark(item), brief(item))))
        }
        Ok(Reply::Environment { item, variables }) => {
            let lines = variables.iter().map(|variable| format!("  {}\n", shown_variable(variable)));
            std::iter::once(format!("{}\n", brief(&item))).chain(lines).collect()
        }
        Ok(Reply::Trash { items }) => lines(
            items.iter().map(|one| format!("trashed {} +{} by {}\n", brief(&one.item), one.below, one.who)),
        ),
        Ok(Reply::Purged { items, .. }) => format!("purged {items}\n"),
        Ok(Reply::Conflicts { conflicts }) => conflicts.iter().map(shown_conflict).collect(),
        Ok(Reply::Conflict(conflict)) => shown_conflict(&conflict),
        Ok(Reply::Workspaces { workspaces }) => {
            let mark = |current| if current { "* " } else { "" };
            lines(
                workspaces.iter().map(|view| format!("{}{} {}\n", mark(view.current), view.name, view.items)),
            )
        }
        Ok(Reply::Workspace(view)) => format!("workspace {}\n", view.name),
        Ok(other) => format!("{other:?}\n"),
        Err(error) => shown_error(&error),
    }
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.collect()
}

fn shown_error(error: &ApiError) -> String {
    let kind = serde_json::to_value(error.kind).expect("a kind is a word");
    let candidates: Vec<_> =
        error.candidates.iter().map(|text| text.split(" (").next().unwrap_or_default()).collect();
    let candidates =
        if candidates.is_empty() { String::new() } else { format!(" [{}]", candidates.join(", ")) };
    let detail = if error.candidates.is_empty() { &error.detail } else { "" };
    let line = format!("! {}: {}: {detail}{candidates}", kind.as_str().unwrap_or_default(), error.tried);
    line.replace('\n', "\\n") + "\n"
}

fn brief(item: &ItemView) -> String {
    let method = item.method.as_deref().map(|method| format!("{method} ")).unwrap_or_default();
    format!("{} {method}{}", item.kind, item.path)
}

fn listed(item: &ItemView) -> String {
    let method = item.method.as_deref().map(|method| format!("{method} ")).unwrap_or_default();
    let conflicts = if item.conflicts > 0 { format!(" !{}", item.conflicts) } else { String::new() };
    format!("{}{} {method}{}{conflicts}\n", "  ".repeat(item.depth), item.kind, item.name)
}

fn shown_variable(variable: &VariableView) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let secret = match (variable.secret, variable.shared) {
        (false, _) => "",
        (true, false) => " secret",
        (true, true) => " shared secret",
    };
    let disabled = if variable.enabled { "" } else { " disabled" };
    format!("{}={} now {}{secret}{disabled}", variable.key, text(&variable.initial), text(&variable.current))
}

fn shown_conflict(conflict: &ConflictView) -> String {
    let value = |value: &Option<Json>| value.as_ref().map_or_else(|| "-".to_owned(), Json::to_string);
    let (base, local, server) = (value(&conflict.base), value(&conflict.local), value(&conflict.server));
    format!(
        "{} {}: {base} local {local} server {server} by {}\n",
        conflict.item.path, conflict.field, conflict.who
    )
}
