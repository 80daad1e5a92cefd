//! The repository's files, and Rust sources ready for the rules.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::token::{self, Comment, Token};
use crate::failure::Failure;

/// Folders that are never part of the repository's own text.
const FOREIGN: &[&str] = &["target", "node_modules", ".git"];
/// Folders nested deeper than this are a mistake, or a link in a circle.
const DEPTH_MAX: usize = 24;

/// One Rust source.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its path from the root, with `/`.
    pub(crate) path: String,
    /// Its lines, counted.
    pub(crate) lines: usize,
    /// All of it but comments.
    pub(crate) tokens: Vec<Token>,
    /// Its comments.
    pub(crate) comments: Vec<Comment>,
    /// The tokens that are built into the product: none in a file of tests.
    pub(crate) product: Vec<Token>,
}

impl Source {
    /// Splits a source. Files in `tests`, `benches` and `examples` are files of tests.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (tokens, comments) = token::split(text);
        let of_tests =
            path.split('/').any(|part| ["tests", "benches", "examples", "tests.rs"].contains(&part))
                || token::begins(&tokens, &["#", "!", "[", "cfg", "(", "test", ")"]);
        let product = if of_tests { Vec::new() } else { token::without_tests(&tokens) };
        Self { path: path.to_owned(), lines: text.lines().count(), tokens, comments, product }
    }

    /// The folder's name of its crate: `model` for `crates/model/src/lib.rs`.
    pub(crate) fn crate_name(&self) -> &str {
        self.path.strip_prefix("crates/").and_then(|rest| rest.split('/').next()).unwrap_or("")
    }

    /// Its path below its crate: `src/lib.rs`.
    pub(crate) fn inner_path(&self) -> &str {
        self.path.splitn(3, '/').nth(2).unwrap_or("")
    }

    /// The path without `.rs` (or `/mod.rs`, `/lib.rs`, `/main.rs`): the folder of its submodules.
    fn module_folder(&self) -> &str {
        let stem = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let root = ["/mod", "/lib", "/main"].iter().find_map(|end| stem.strip_suffix(end));
        root.unwrap_or(stem)
    }
}

/// Every file of the repository, as paths from the root with `/`, and every folder with a `/` at its end.
pub(crate) fn list(root: &Path) -> Result<BTreeSet<String>, Failure> {
    let mut files = BTreeSet::new();
    list_into(root, "", 0, &mut files)?;
    Ok(files)
}

/// The Rust sources of the crates.
pub(crate) fn read_all(root: &Path, files: &BTreeSet<String>) -> Result<Vec<Source>, Failure> {
    let is_source = |path: &&String| {
        path.starts_with("crates/") && Path::new(path).extension().is_some_and(|extension| extension == "rs")
    };
    let mut sources = Vec::new();
    for path in files.iter().filter(is_source) {
        sources.push(Source::new(path, &read(root, path)?));
    }
    leave_out_test_modules(&mut sources);
    Ok(sources)
}

/// Reads one text of the repository.
pub(crate) fn read(root: &Path, path: &str) -> Result<String, Failure> {
    let bytes =
        fs::read(root.join(path)).map_err(|error| Failure::new(format!("reading {path}: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The words of the command line's source in lower case, `SignUp` also as `sign-up`; none if `app` has
/// no such file yet.
pub(crate) fn command_words(sources: &[Source]) -> Option<BTreeSet<String>> {
    let cli: Vec<&Source> =
        sources.iter().filter(|source| source.path.starts_with("crates/app/src/cli")).collect();
    if cli.is_empty() {
        return None;
    }
    let words = cli.iter().flat_map(|source| &source.product).flat_map(|token| {
        let lower = token.text.to_lowercase();
        [kebab(&token.text), lower]
    });
    Some(words.collect())
}

/// Modules that only tests build are files of tests, wherever they lie.
fn leave_out_test_modules(sources: &mut [Source]) {
    let mut folders = Vec::new();
    for source in sources.iter() {
        for name in token::test_modules(&source.tokens) {
            folders.push(format!("{}/{name}", source.module_folder()));
        }
    }
    for source in sources {
        let path = source.module_folder();
        if folders.iter().any(|folder| path == folder || path.starts_with(&format!("{folder}/"))) {
            source.product.clear();
        }
    }
}

fn list_into(root: &Path, below: &str, depth: usize, files: &mut BTreeSet<String>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("listing {}/{below}: {error}", root.display()));
    for entry in fs::read_dir(root.join(below)).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        if FOREIGN.contains(&name.as_str()) || depth > DEPTH_MAX {
            continue;
        }
        if is_folder {
            let folder = format!("{below}{name}/");
            let before = files.len();
            list_into(root, &folder, depth + 1, files)?;
            // An empty folder is not in a clone.
            if files.len() > before {
                files.insert(folder);
            }
        } else {
            files.insert(format!("{below}{name}"));
        }
    }
    Ok(())
}

fn kebab(word: &str) -> String {
    let mut text = String::new();
    for (index, letter) in word.chars().enumerate() {
        if letter.is_uppercase() && index > 0 {
            text.push('-');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_tests_has_no_product() {
        let check = |path: &str, text: &str, expected: bool| {
            assert_eq!(Source::new(path, text).product.is_empty(), expected, "{path}");
        };
        check("crates/sync/src/engine.rs", "fn f() {}", false);
        check("crates/sync/tests/laws.rs", "fn f() {}", true);
        check("crates/sync/src/engine/tests.rs", "fn f() {}", true);
        check("crates/sync/src/proofs.rs", "#![cfg(test)] fn f() {}", true);
    }

    #[test]
    fn a_module_that_only_tests_build_has_no_product() {
        let mut sources = [
            Source::new("crates/sync/src/lib.rs", "mod engine; #[cfg(test)] mod proofs;"),
            Source::new("crates/sync/src/engine.rs", "fn f() {}"),
            Source::new("crates/sync/src/proofs.rs", "fn f() {}"),
            Source::new("crates/sync/src/proofs/more.rs", "fn f() {}"),
        ];
        leave_out_test_modules(&mut sources);
        let empty: Vec<bool> = sources.iter().map(|source| source.product.is_empty()).collect();
        assert_eq!(empty, [false, false, true, true]);
    }

    #[test]
    fn commands_are_known_in_both_spellings() {
        let sources = [Source::new("crates/app/src/cli.rs", "enum Command { Signup, TakeOver }")];
        let words = command_words(&sources).expect("there is a cli.rs");
        assert!(["signup", "take-over"].iter().all(|word| words.contains(*word)), "{words:?}");
        assert_eq!(command_words(&[]), None);
    }

    #[test]
    fn a_path_knows_its_crate() {
        let source = Source::new("crates/client/src/api/reply.rs", "");
        assert_eq!((source.crate_name(), source.inner_path()), ("client", "src/api/reply.rs"));
    }
}
