//! Lists in words: items and trees, apps, workspaces, variables, hits.

use std::fmt::Write as _;

use satchel_client::api::{AppView, Hit, ItemView, VariableView, WorkspaceView};

use super::status::{time, word};
use super::{inline, lines};

/// Items below each other; a subtree as a tree.
pub(super) fn items(items: &[ItemView]) -> String {
    let mut text = String::with_capacity(items.len() * 64);
    let is_last = last_of_siblings(items);
    let mut open = Vec::new();
    for (item, is_last) in items.iter().zip(is_last) {
        open.truncate(item.depth);
        write_branches(&mut text, &open, item.depth, is_last);
        write_item(&mut text, item);
        text.push('\n');
        open.resize(item.depth, false);
        open.push(!is_last);
    }
    text
}

/// Whether each item of a depth-first list is the last below its parent, in one pass from the end.
fn last_of_siblings(items: &[ItemView]) -> Vec<bool> {
    let mut is_last = vec![false; items.len()];
    // For each depth: whether a later sibling was seen.
    let mut is_followed: Vec<bool> = Vec::new();
    for (index, item) in items.iter().enumerate().rev() {
        is_followed.truncate(item.depth + 1);
        is_followed.resize(item.depth + 1, false);
        is_last[index] = !is_followed[item.depth];
        is_followed[item.depth] = true;
    }
    is_last
}

fn write_branches(text: &mut String, open: &[bool], depth: usize, is_last: bool) {
    if depth == 0 {
        return;
    }
    for level in 1..depth {
        text.push_str(if open.get(level).copied().unwrap_or(false) { "│  " } else { "   " });
    }
    text.push_str(if is_last { "└─ " } else { "├─ " });
}

fn write_item(text: &mut String, item: &ItemView) {
    match (&item.method, item.kind.as_str()) {
        (Some(method), _) => {
            let _ = write!(text, "{:<6} ", inline(method));
        }
        (None, "folder") => {}
        (None, kind) => {
            let _ = write!(text, "[{kind}] ");
        }
    }
    text.push_str(&inline(&item.name));
    if item.kind == "folder" {
        text.push('/');
    }
    text.push_str(&marks(item));
}

fn marks(item: &ItemView) -> String {
    let conflicts = if item.conflicts > 0 { format!(" !{}", item.conflicts) } else { String::new() };
    format!("{conflicts}{}", if item.waiting { " *" } else { "" })
}

/// One item with its kind and path, as a line.
pub(super) fn item_line(item: &ItemView) -> String {
    format!("{:<11} {}{}  {}", item.kind, inline(&item.path), marks(item), item.id)
}

/// One app, as a line.
pub(crate) fn app_line(app: &AppView) -> String {
    let place = if app.connected { "connected" } else { "not connected" };
    let this = if app.this { " (this app)" } else { "" };
    let waiting = if app.waiting > 0 { format!(", {} changes waiting", app.waiting) } else { String::new() };
    let kind = app.kind.replace('_', " ");
    format!(
        "{}{this}  {kind}, {place}, last seen {}{waiting}  {}",
        inline(&app.name),
        time(app.last_seen),
        app.id
    )
}

/// Workspaces, the one in use marked.
pub(super) fn workspaces(workspaces: &[WorkspaceView]) -> String {
    lines(workspaces.iter().map(workspace_line))
}

/// One workspace, as a line.
pub(super) fn workspace_line(workspace: &WorkspaceView) -> String {
    let mark = if workspace.current { '*' } else { ' ' };
    let state = if workspace.id == "scratch" { "on this device only" } else { word(workspace.state) };
    format!("{mark} {}  {} items, {state}  {}", inline(&workspace.name), workspace.items, workspace.id)
}

/// Variables with their values, those of secrets only if they were asked for.
pub(super) fn variables(variables: &[VariableView]) -> String {
    let mut text = String::new();
    for variable in variables {
        let initial = variable.initial.as_deref().map_or_else(hidden, inline);
        let _ = write!(text, "{}={initial}", inline(&variable.key));
        if let Some(current) = &variable.current {
            let _ = write!(text, "  (current value on this device: {})", inline(current));
        }
        text.push_str(&qualities(variable));
        text.push('\n');
    }
    text
}

fn hidden() -> String {
    "••••".to_owned()
}

fn qualities(variable: &VariableView) -> String {
    let mut words = Vec::new();
    if variable.secret {
        words.push(if variable.shared { "secret, shared" } else { "secret, on this device only" });
    }
    if !variable.enabled {
        words.push("disabled");
    }
    if words.is_empty() { String::new() } else { format!("  [{}]", words.join(", ")) }
}

/// Search results.
pub(super) fn hits(hits: &[Hit], more: bool) -> String {
    let mut text = String::new();
    for hit in hits {
        let _ = writeln!(text, "{}", item_line(&hit.item));
        let _ = writeln!(text, "    {}: {}", inline(&hit.field), inline(&hit.excerpt));
    }
    if hits.is_empty() {
        text.push_str("nothing found\n");
    }
    if more {
        text.push_str("… and more; --limit N shows more\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(depth: usize, kind: &str, name: &str) -> ItemView {
        ItemView {
            id: "0a".to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            method: (kind == "request").then(|| "GET".to_owned()),
            path: name.to_owned(),
            depth,
            conflicts: u64::from(name == "Cart"),
            waiting: name == "Login",
        }
    }

    #[test]
    fn a_subtree_is_drawn_as_a_tree() {
        let listed = [
            item(0, "collection", "Shop"),
            item(1, "folder", "A"),
            item(2, "request", "Cart"),
            item(2, "request", "Login"),
            item(1, "request", "End\x1b"),
            item(0, "environment", "Dev"),
        ];
        let expected = "[collection] Shop
├─ A/
│  ├─ GET    Cart !1
│  └─ GET    Login *
└─ GET    End\u{fffd}
[environment] Dev
";
        assert_eq!(items(&listed), expected);
    }

    #[test]
    fn a_list_that_begins_deep_or_skips_a_depth_is_drawn_too() {
        let listed = [item(2, "request", "A"), item(5, "request", "B"), item(0, "folder", "C")];
        assert_eq!(items(&listed).lines().count(), 3);
    }

    #[test]
    fn a_hidden_value_is_not_shown() {
        let variable = VariableView {
            key: "token".to_owned(),
            initial: None,
            current: None,
            secret: true,
            shared: false,
            enabled: true,
        };
        assert_eq!(variables(&[variable]), "token=••••  [secret, on this device only]\n");
    }
}
