//! Postman's data dumps: everything of an account in one JSON file or in a ZIP archive.
//!
//! ```text
//! {"version", "collections": […], "environments": […], "headerPresets": […], "globals": […]}
//! archive.json {"collection": {ID: true}, "environment": {ID: true}}, collection/ID.json, environment/ID.json
//! ```
//! Invariants: one broken part of a JSON dump costs only that part, and the losses name it; an archive
//! is never unpacked beyond its limits, whatever its headers say.

use std::collections::HashSet;
use std::fmt;
use std::io::{Cursor, Read, Write};

use serde_json::{Map, Value as Json, json};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::format::json::{TEXT_BYTES_MAX, to_text};
use crate::format::postman::build::Drafts;
use crate::format::postman::detect::{self, Found};
use crate::format::postman::losses::counted;
use crate::format::postman::{self, ImportError};
use crate::{Item, Kind, RecordId};

/// The most files that an archive may have.
pub const ENTRIES_MAX: usize = 10_000;
/// The most bytes that an archive may unpack to, all files together.
pub const UNPACKED_BYTES_MAX: usize = 2 * TEXT_BYTES_MAX;

const INDEX: &str = "archive.json";

/// Why an archive could not be written.
#[derive(Debug)]
pub struct ArchiveError {
    source: ZipError,
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "writing the archive: {}", self.source)
    }
}

impl std::error::Error for ArchiveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl From<ZipError> for ArchiveError {
    fn from(source: ZipError) -> Self {
        Self { source }
    }
}

impl From<std::io::Error> for ArchiveError {
    fn from(error: std::io::Error) -> Self {
        Self { source: error.into() }
    }
}

/// A data dump in one JSON value.
///
/// Takes the items of any number of subtrees one after the other, each as [`postman::export`] does.
pub fn export<'a>(items: impl IntoIterator<Item = &'a Item>) -> Json {
    let (mut collections, mut environments, mut globals) = (Vec::new(), Vec::new(), Vec::new());
    for (kind, json) in tops(items) {
        match kind {
            Kind::Environment => environments.push(json),
            Kind::Globals => globals.extend(json["values"].as_array().cloned().unwrap_or_default()),
            _ => collections.push(json),
        }
    }
    json!({
        "version": 1,
        "collections": collections,
        "environments": environments,
        "headerPresets": [],
        "globals": globals,
    })
}

/// A data dump as a ZIP archive, of the same items as [`export`].
pub fn export_zip<'a>(items: impl IntoIterator<Item = &'a Item>) -> Result<Vec<u8>, ArchiveError> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let mut index = json!({ "collection": {}, "environment": {} });
    for (number, (kind, json)) in tops(items).into_iter().enumerate() {
        let folder = match kind {
            Kind::Environment => "environment",
            Kind::Globals => "globals",
            _ => "collection",
        };
        let id = entry_id(&json, number, &index[folder]);
        index[folder][&id] = json!(true);
        write_entry(&mut writer, &format!("{folder}/{id}.json"), &json)?;
    }
    write_entry(&mut writer, INDEX, &index)?;
    Ok(writer.finish()?.into_inner())
}

/// The JSON of each subtree; an item whose parent has not come before it begins a new one.
fn tops<'a>(items: impl IntoIterator<Item = &'a Item>) -> Vec<(Kind, Json)> {
    let mut subtrees: Vec<Vec<&Item>> = Vec::new();
    let mut seen: HashSet<RecordId> = HashSet::new();
    for item in items {
        match subtrees.last_mut() {
            Some(subtree) if seen.contains(&item.node.position.parent) => {
                if seen.insert(item.id) {
                    subtree.push(item);
                }
            }
            _ => {
                seen = HashSet::from([item.id]);
                subtrees.push(vec![item]);
            }
        }
    }
    let json = |subtree: Vec<&Item>| {
        let kind = subtree.first()?.node.kind.clone();
        Some((kind, postman::export(subtree)?))
    };
    subtrees.into_iter().filter_map(json).collect()
}

/// The file's own id where it can be a file name and is free, else a number.
fn entry_id(json: &Json, number: usize, taken: &Json) -> String {
    let id = json.get("info").and_then(|info| info.get("_postman_id")).or_else(|| json.get("id"));
    let id = id.and_then(Json::as_str).unwrap_or_default();
    let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if id.is_empty() || id.len() > 64 || !is_plain || taken.get(id).is_some() {
        format!("{:08}", number + 1)
    } else {
        id.to_owned()
    }
}

fn write_entry(writer: &mut ZipWriter<Cursor<Vec<u8>>>, name: &str, json: &Json) -> Result<(), ArchiveError> {
    writer.start_file(name, SimpleFileOptions::default())?;
    writer.write_all(to_text(json).as_bytes())?;
    Ok(())
}

/// Drafts what is in a JSON dump.
pub(crate) fn draft(mut fields: Map<String, Json>, drafts: &mut Drafts) -> Result<(), ImportError> {
    let mut list = |name: &str| match fields.remove(name) {
        Some(Json::Array(values)) => values,
        Some(Json::Object(fields)) => vec![Json::Object(fields)],
        _ => Vec::new(),
    };
    let (collections, environments) = (list("collections"), list("environments"));
    let (globals, presets) = (list("globals"), list("headerPresets"));
    for (at, json) in collections.into_iter().enumerate() {
        draft_part("collection", at, json, drafts)?;
    }
    for (at, json) in environments.into_iter().enumerate() {
        draft_part("environment", at, json, drafts)?;
    }
    if !globals.is_empty() {
        let is_whole = globals.iter().all(|json| json.get("values").is_some());
        let parts = if is_whole { globals } else { vec![Json::Array(globals)] };
        for (at, json) in parts.into_iter().enumerate() {
            draft_part("globals", at, json!({ "globals": json }), drafts)?;
        }
    }
    if !presets.is_empty() {
        let presets = counted(presets.len(), "header preset was", "header presets were");
        drafts.losses.add(format!("{presets} left out"));
    }
    Ok(())
}

/// Drafts one part; one that is not understood is a loss, one over a limit ends the import.
fn draft_part(what: &str, at: usize, json: Json, drafts: &mut Drafts) -> Result<(), ImportError> {
    let found = match detect::classify(json) {
        Ok(Found::Dump(_)) => Err("it is a data dump itself".to_owned()),
        Ok(found) => Ok(found),
        Err(error) => Err(error.to_string()),
    };
    match found {
        Ok(found) => found.draft(drafts),
        Err(why) => {
            drafts.losses.add(format!("{what} {} of the data dump was left out: {why}", at + 1));
            Ok(())
        }
    }
}

/// Whether bytes are a ZIP archive.
pub(crate) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// Drafts what is in an archive.
pub(crate) fn read_zip(bytes: &[u8], drafts: &mut Drafts) -> Result<(), ImportError> {
    let archive = ZipArchive::new(Cursor::new(bytes));
    let archive = archive.map_err(|source| ImportError::Archive { entry: None, source })?;
    if archive.len() > ENTRIES_MAX {
        return Err(ImportError::ArchiveTooLarge { limit: format!("{ENTRIES_MAX} files") });
    }
    let mut unpack = Unpack { archive, left: UNPACKED_BYTES_MAX };
    let mut index = None;
    let mut seen = Vec::new();
    for at in 0..unpack.archive.len() {
        let Some((name, content)) = unpack.entry(at)? else { continue };
        if name == INDEX || name.ends_with("/archive.json") {
            index =
                crate::format::json::text(&content).ok().and_then(|text| serde_json::from_str(&text).ok());
        } else {
            draft_entry(&name, &content, drafts)?;
            seen.push(name);
        }
    }
    note_missing(index.as_ref(), &seen, drafts);
    Ok(())
}

struct Unpack<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    left: usize,
}

impl Unpack<'_> {
    /// The name and content of a JSON file in the archive; none for folders and other files.
    fn entry(&mut self, at: usize) -> Result<Option<(String, Vec<u8>)>, ImportError> {
        let failed = |entry, source| ImportError::Archive { entry, source };
        let file = self.archive.by_index(at).map_err(|source| failed(None, source))?;
        let name = file.name().map_err(|source| failed(None, source))?.into_owned();
        let is_hidden = name.starts_with("__MACOSX/") || name.split('/').any(|part| part.starts_with('.'));
        if !name.to_ascii_lowercase().ends_with(".json") || is_hidden {
            return Ok(None);
        }
        let limit = self.left.min(TEXT_BYTES_MAX);
        let mut content = Vec::new();
        let read = file.take(limit as u64 + 1).read_to_end(&mut content);
        read.map_err(|error| failed(Some(name.clone()), error.into()))?;
        if content.len() > limit {
            let limit = format!("{} MiB unpacked", UNPACKED_BYTES_MAX / 1024 / 1024);
            return Err(ImportError::ArchiveTooLarge { limit });
        }
        self.left -= content.len();
        Ok(Some((name, content)))
    }
}

/// Drafts one file of an archive; a broken one ends the import, one that is something else is a loss.
fn draft_entry(name: &str, content: &[u8], drafts: &mut Drafts) -> Result<(), ImportError> {
    let found = match postman::read(content, drafts) {
        Ok(found) => found,
        Err(error @ (ImportError::Foreign(_) | ImportError::Unrecognised { .. })) => {
            drafts.losses.add(format!("{name} of the archive was left out: {error}"));
            return Ok(());
        }
        Err(error) => return Err(ImportError::Entry { name: name.to_owned(), source: Box::new(error) }),
    };
    found.draft(drafts)
}

/// The id in the name `…folder/ID.json`.
fn id_in<'a>(name: &'a str, folder: &str) -> Option<&'a str> {
    let (folders, file) = name.rsplit_once('/')?;
    let id = file.strip_suffix(".json")?;
    (folders.rsplit('/').next() == Some(folder)).then_some(id)
}

/// Notes what an archive's list of contents names and the archive does not have.
fn note_missing(index: Option<&Json>, seen: &[String], drafts: &mut Drafts) {
    for folder in ["collection", "environment"] {
        let Some(Json::Object(ids)) = index.and_then(|index| index.get(folder)) else { continue };
        let seen: HashSet<&str> = seen.iter().filter_map(|name| id_in(name, folder)).collect();
        let missing = ids.keys().filter(|id| !seen.contains(id.as_str())).count();
        if missing > 0 {
            drafts
                .losses
                .add(format!("files of kind {folder} that the archive names but does not have: {missing}"));
        }
    }
}
