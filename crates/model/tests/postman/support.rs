//! Real files and the published schema, for tests of the Postman formats.

use std::fs;
use std::path::{Path, PathBuf};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use satchel_model::format::postman::{ImportError, ImportedFile, export, import};
use satchel_model::{Item, RecordId};
use serde_json::{Map, Value, json};

pub(crate) const ROOT: RecordId = RecordId([9; 16]);

pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/postman")).join(name)
}

/// The JSON files of a folder with their names, in the order of the names.
pub(crate) fn files(name: &str) -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<_> = fs::read_dir(folder(name))
        .expect("the fixtures are there")
        .map(|entry| entry.expect("the folder is readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    let name = |path: &Path| path.file_name().expect("it is a file").to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read(path).expect("the file is readable"))).collect()
}

pub(crate) fn read(bytes: &[u8]) -> Result<ImportedFile, ImportError> {
    import(bytes, ROOT, &mut ChaCha8Rng::seed_from_u64(1))
}

pub(crate) fn items(file: &ImportedFile) -> Vec<Item> {
    file.items.iter().map(|imported| imported.item.clone()).collect()
}

/// What an import followed by an export gives.
pub(crate) fn round_trip(bytes: &[u8]) -> Value {
    let file = read(bytes).unwrap_or_else(|error| panic!("{error}"));
    export(&items(&file)).expect("a file has a top item")
}

/// Judges by the published schema of collections v2.1.0.
pub(crate) fn judge() -> jsonschema::Validator {
    let mut schema = schema(&folder("schemas/v2.1.0/collection.json"));
    let definitions: Map<String, Value> = files("schemas/v2.1.0/collection")
        .into_iter()
        .map(|(name, _)| {
            let definition = self::schema(&folder("schemas/v2.1.0/collection").join(&name));
            (name.trim_end_matches(".json").to_owned(), definition)
        })
        .collect();
    schema["definitions"] = Value::Object(definitions);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    jsonschema::validator_for(&schema).expect("the published schema is one")
}

/// A schema without comments and without ids of its own: all definitions are put into one document.
fn schema(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("the schema is readable");
    let lines: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut schema: Value =
        serde_json::from_str(&lines.join("\n")).expect("the schema is JSON with comments");
    for name in ["$id", "$schema"] {
        schema.as_object_mut().expect("a schema is an object").remove(name);
    }
    schema
}

pub(crate) fn check_valid(judge: &jsonschema::Validator, name: &str, json: &Value) {
    let faults: Vec<_> = judge
        .iter_errors(json)
        .map(|error| format!("{}: {:.300}", error.instance_path(), error.to_string()))
        .collect();
    assert!(faults.is_empty(), "{name}: {}", faults.join("\n"));
}
