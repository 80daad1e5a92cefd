//! Where inputs begin: the fixtures of the repository, or bytes that a target makes itself.

use std::fs;
use std::path::{Path, PathBuf};

/// A larger file is no seed: mutation of it would be as slow as it is blind.
const SEED_BYTES_MAX: u64 = 16 * 1024;

/// The seeds of a target.
#[derive(Debug, Clone, Copy)]
pub enum Seeds {
    /// Sections of hexadecimal files, named from the folder of fixtures.
    Hex(&'static [&'static str]),
    /// The small files of folders, named from the folder of fixtures.
    Folders(&'static [&'static str]),
    /// Made by the target.
    Made(fn() -> Vec<Vec<u8>>),
}

impl Seeds {
    /// The seeds, in an order that does not depend on the machine; the empty one is always there.
    ///
    /// # Panics
    /// Where a fixture cannot be read: without it, the target would test nothing.
    pub fn load(self) -> Vec<Vec<u8>> {
        let mut seeds = vec![Vec::new()];
        match self {
            Self::Hex(files) => seeds.extend(files.iter().flat_map(|file| sections(&fixture(file)))),
            Self::Folders(folders) => seeds.extend(folders.iter().flat_map(|folder| files(&fixture(folder)))),
            Self::Made(make) => seeds.extend(make()),
        }
        seeds
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

/// The bytes of each section of a golden file.
fn sections(file: &Path) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut found: Vec<Vec<u8>> = Vec::new();
    for line in text.lines() {
        if line.starts_with('#') {
            found.push(Vec::new());
        } else if let Some(section) = found.last_mut() {
            section.extend(line.trim().as_bytes().chunks(2).filter_map(hex_byte));
        }
    }
    found
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let small =
        |path: &PathBuf| fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() <= SEED_BYTES_MAX);
    paths.into_iter().filter(small).filter_map(|path| fs::read(path).ok()).collect()
}
