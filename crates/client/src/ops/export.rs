//! Files that go out: Postman's for each item, one data dump, or Satchel's own backup.
//!
//! Invariants: a file follows from the records alone, so that two apps in the same state write the same
//! bytes; no value of a secret variable is in it unless it was asked for, and no current value ever is;
//! what is not in the files is said in words.

use std::collections::HashSet;

use satchel_model::format::{dump, json, postman};
use satchel_model::path::RECOVERED;
use satchel_model::{Body, Item, Kind, Node, RecordId, Value};
use satchel_wire::WorkspaceId;
use serde_json::Value as Json;

use crate::api::{ApiError, ExportFormat, ExportedFile, Progress, Reply};
use crate::ops::backup;
use crate::ops::document::fresh_root;
use crate::ops::error::invalid;
use crate::ops::local::{for_each_secret, is_blank, remove_shared, whole_body};
use crate::ops::profile::Profile;
use crate::ops::view::{View, kind_word};

const STEM_BYTES_MAX: usize = 120;
const DUMP_NAME: &str = "satchel.postman_dump.json";
/// Names that Windows keeps for devices.
const RESERVED: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
    "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// What to export and how.
pub(crate) struct Asked<'a> {
    pub(crate) paths: &'a [String],
    pub(crate) all: bool,
    pub(crate) format: ExportFormat,
    pub(crate) secrets: bool,
}

/// Exports items.
pub(crate) fn export(
    profile: &dyn Profile,
    workspace: WorkspaceId,
    asked: &Asked<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Reply, ApiError> {
    let tried = "exporting";
    if asked.all != asked.paths.is_empty() {
        return Err(invalid(tried, "name what to export, or ask for everything, and not both"));
    }
    if asked.format == ExportFormat::Satchel {
        if !asked.all {
            return Err(invalid(
                tried,
                "a backup holds everything; ask for everything, or choose another format",
            ));
        }
        return backup::write(profile, asked.secrets, progress);
    }
    let view = View::open(profile, workspace);
    let tops = if asked.all { all_tops(&view) } else { named_tops(&view, asked.paths)? };
    let mut gathered = Gathered { profile, workspace, view: &view, asked, left_out: LeftOut::default() };
    let mut exports = Vec::with_capacity(tops.len());
    let total = tops.len() as u64;
    for (done, top) in (1..).zip(&tops) {
        exports.push(gathered.items(top)?);
        progress(Progress { phase: "reading".to_owned(), done, total });
    }
    let mut left_out = gathered.left_out;
    exports.retain(|items| left_out.keep(&items[0].node));
    let files = match asked.format {
        ExportFormat::Dump => vec![file(DUMP_NAME.to_owned(), &dump::export(exports.iter().flatten()))],
        _ => postman_files(&exports),
    };
    Ok(Reply::Exported { files, omitted: left_out.in_words(asked.all.then_some(&view)) })
}

/// What becomes one file, or one member of a dump.
enum Top {
    /// An item with everything below it; what is no collection becomes one of its name.
    Whole(RecordId),
    /// Folders and requests whose collection is gone.
    Recovered(Vec<RecordId>),
}

fn all_tops(view: &View<'_>) -> Vec<Top> {
    let mut tops: Vec<_> = view.tree().children(view.root()).iter().map(|id| Top::Whole(*id)).collect();
    let is_part = |id: &&RecordId| matches!(view.node_of(**id).kind, Kind::Folder | Kind::Request);
    let (parts, others): (Vec<RecordId>, Vec<RecordId>) = view.tree().recovered().iter().partition(is_part);
    tops.extend(others.into_iter().map(Top::Whole));
    if !parts.is_empty() {
        tops.push(Top::Recovered(parts));
    }
    tops
}

fn named_tops(view: &View<'_>, paths: &[String]) -> Result<Vec<Top>, ApiError> {
    let mut seen = HashSet::new();
    let ids = paths.iter().map(|path| view.resolve(path)).collect::<Result<Vec<_>, _>>()?;
    Ok(ids.into_iter().filter(|id| seen.insert(*id)).map(Top::Whole).collect())
}

/// What the files do not hold.
#[derive(Default)]
struct LeftOut {
    secrets: u64,
    current: u64,
    conflicts: u64,
    kinds: Vec<String>,
    unread: Vec<String>,
}

impl LeftOut {
    /// Whether a file can hold a top item; notes it where none can.
    fn keep(&mut self, top: &Node) -> bool {
        let fits = !matches!(top.kind, Kind::Workspace | Kind::Unknown(_));
        if !fits {
            self.kinds.push(format!("the {} {}: no file holds one", kind_word(&top.kind), top.name));
        }
        fits
    }

    fn in_words(self, everything: Option<&View<'_>>) -> Vec<String> {
        let mut words = Vec::new();
        let mut tell = |count: u64, one: &str, several: &str, why: &str| match count {
            0 => {}
            1 => words.push(format!("1 {one}: {why}")),
            count => words.push(format!("{count} {several}: {why}")),
        };
        tell(
            self.secrets,
            "value of a secret variable",
            "values of secret variables",
            "they were not asked for",
        );
        tell(self.current, "current value", "current values", "they stay on this device");
        tell(
            self.conflicts,
            "conflict",
            "conflicts",
            "the value that shows is in the file, the other one is not",
        );
        let trashed = everything.map_or(0, View::count_trashed);
        tell(trashed, "item in the trash", "items in the trash", "restore them to export them");
        words.extend(self.kinds);
        words.extend(self.unread);
        words
    }
}

/// Reads the items of an export.
struct Gathered<'a> {
    profile: &'a dyn Profile,
    workspace: WorkspaceId,
    view: &'a View<'a>,
    asked: &'a Asked<'a>,
    left_out: LeftOut,
}

impl Gathered<'_> {
    /// A top item and everything below it, parents first.
    fn items(&mut self, top: &Top) -> Result<Vec<Item>, ApiError> {
        match top {
            Top::Whole(id) => self.subtree(*id),
            Top::Recovered(parts) => {
                let root = fresh_root(RECOVERED, self.view.root());
                let parent = root.id;
                let mut gathered = vec![root];
                for part in parts {
                    let at = gathered.len();
                    gathered.extend(self.subtree(*part)?);
                    gathered[at].node.position.parent = parent;
                }
                Ok(gathered)
            }
        }
    }

    fn subtree(&mut self, id: RecordId) -> Result<Vec<Item>, ApiError> {
        std::iter::once(id).chain(self.view.below(id)).map(|id| self.item(id)).collect()
    }

    fn item(&mut self, id: RecordId) -> Result<Item, ApiError> {
        let node = self.view.node_of(id).clone();
        let body = self.body(id, &node)?;
        self.left_out.conflicts += (node.conflicts.len() + body.conflicts.len()) as u64;
        Ok(Item { id, node, body })
    }

    fn body(&mut self, id: RecordId, node: &Node) -> Result<Body, ApiError> {
        let known = match self.profile.body(self.workspace, id) {
            Ok(known) => known,
            Err(error) => {
                self.left_out.unread.push(format!("the content of {}: {}", node.name, error.detail));
                return Ok(Body::default());
            }
        };
        if known.is_none() {
            self.left_out.unread.push(format!("the content of {}: it has not been received yet", node.name));
            return Ok(Body::default());
        }
        let whole = whole_body(self.profile, self.workspace, id)?;
        let current = whole.local.values().filter(|value| value.current.is_some()).count();
        self.left_out.current += current as u64;
        let mut body = whole.body;
        remove_shared(&mut body);
        if !self.asked.secrets {
            for_each_secret(&mut body, |value| {
                self.left_out.secrets += u64::from(!is_blank(value));
                *value = Value::String(String::new());
            });
        }
        Ok(body)
    }
}

/// One file for each top item.
fn postman_files(exports: &[Vec<Item>]) -> Vec<ExportedFile> {
    let mut taken = HashSet::new();
    let mut written = |items: &Vec<Item>| {
        let (stem, suffix) = name_of(&items[0].node);
        let content = postman::export(items)?;
        Some(file(free(&stem, suffix, &mut taken), &content))
    };
    exports.iter().filter_map(&mut written).collect()
}

fn name_of(top: &Node) -> (String, &'static str) {
    match top.kind {
        Kind::Environment => (stem(&top.name), "postman_environment.json"),
        Kind::Globals => ("workspace".to_owned(), "postman_globals.json"),
        _ => (stem(&top.name), "postman_collection.json"),
    }
}

fn file(name: String, content: &Json) -> ExportedFile {
    ExportedFile { name, content: json::to_text(content), text: true }
}

/// A name that no file of the export has, whether or not letters' case counts.
fn free(stem: &str, suffix: &str, taken: &mut HashSet<String>) -> String {
    let numbered = (2_u64..).map(|number| format!("{stem} {number}.{suffix}"));
    let names = std::iter::once(format!("{stem}.{suffix}")).chain(numbered);
    let mut free = names.filter(|name| taken.insert(name.to_lowercase()));
    free.next().expect("there are more numbers than files")
}

/// A part of a file name that is safe on every system: no separators, no devices, nothing hidden.
fn stem(name: &str) -> String {
    let safe = |letter: char| {
        if letter.is_control() || "<>:\"/\\|?*".contains(letter) { '_' } else { letter }
    };
    let mut stem: String = name.chars().map(safe).collect();
    let mut end = stem.len().min(STEM_BYTES_MAX);
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    stem.truncate(end);
    let stem = stem.trim().trim_start_matches(['.', '-', '~']).trim_end_matches(['.', ' ']).trim_start();
    let device = stem.split('.').next().unwrap_or_default().trim().to_lowercase();
    if stem.is_empty() || RESERVED.contains(&device.as_str()) {
        return format!("_{stem}");
    }
    stem.to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{free, stem};

    #[test]
    fn a_file_name_is_safe_everywhere() {
        let check = |name: &str, expected: &str| assert_eq!(stem(name), expected, "{name:?}");
        check("Shop", "Shop");
        check("a/b\\c:d", "a_b_c_d");
        check("../../etc/passwd", "_.._etc_passwd");
        check(".bashrc", "bashrc");
        check("-rf", "rf");
        check("con", "_con");
        check("NUL.txt", "_NUL.txt");
        check("name. .", "name");
        check("...", "_");
        check("line\nbreak", "line_break");
        check(&"ä".repeat(200), &"ä".repeat(60));
    }

    #[test]
    fn two_files_never_share_a_name() {
        let mut taken = HashSet::new();
        let names: Vec<_> = ["a", "A", "a"].map(|stem| free(stem, "json", &mut taken)).to_vec();
        assert_eq!(names, ["a.json", "A 2.json", "a 3.json"]);
    }
}
