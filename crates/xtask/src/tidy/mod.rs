//! `cargo xtask tidy`: the walls between the crates, the purity of the inner ones, and the truth of
//! the documents.
//!
//! Why it exists: what nobody checks stops being true. Each rule is a function of what was read into
//! memory (sources, metadata, documents) and returns findings; reading and printing are here.
//!
//! Knows nothing of Rust beyond words, brackets and attributes: a check that would need types is a lint.

mod conduct;
mod documents;
mod edges;
mod lengths;
mod purity;
mod source;
mod token;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use crate::failure::Failure;
use crate::shell;
use documents::{Document, Known};
use source::Source;

/// One line for the overview.
pub(crate) const SUMMARY: &str = "check walls, purity, conduct of the code and truth of the documents";

/// The text of `--help`.
pub(crate) const HELP: &str = "
usage: cargo xtask tidy

  walls      each crate uses only the internal crates that DESIGN section 4 allows; model, crypto, wire
             and sync build without any runtime, database or network crate
  purity     model, crypto, wire and sync use no clock, randomness, files, network, threads or async
  conduct    no `unwrap`, no `allow`, no ignored test, no unfinished code; documentation is demanded in
             every library; serde only at the edges; no file above 1,000 lines
  documents  every file, link, crate and command that a document names exists

Prints one line per finding and the longest functions and files. Exit code 1 if there is a finding.";

/// Something that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The file, with the line where it has one, or the crate.
    pub(crate) place: String,
    /// What is wrong and what to do.
    pub(crate) what: String,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }

    fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self::new(format!("{path}:{line}"), what)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Reads the repository, applies every rule, and fails if there is a finding.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(argument) = arguments.first() {
        return Err(Failure::usage(format!("tidy takes no argument, not {argument:?}")));
    }
    let root = shell::root();
    let files = source::list(&root)?;
    let sources = source::read_all(&root, &files)?;
    let metadata = edges::metadata()?;
    let findings = check(&root, files, &sources, &metadata)?;
    print!("{}", lengths::report(&sources));
    for finding in &findings {
        println!("tidy: {finding}");
    }
    match findings.len() {
        0 => {
            println!("tidy: {} source files, nothing to say", sources.len());
            Ok(())
        }
        count => Err(Failure::new(format!("{count} findings"))),
    }
}

fn check(
    root: &Path,
    files: BTreeSet<String>,
    sources: &[Source],
    metadata: &serde_json::Value,
) -> Result<BTreeSet<Finding>, Failure> {
    let packages = edges::packages(metadata);
    let crates = packages.iter().map(|package| package.name.clone()).collect();
    let known = Known::new(files, crates, source::command_words(sources));
    let mut findings = BTreeSet::new();
    findings.extend(edges::check_table(&packages));
    findings.extend(edges::check_pure_builds(metadata));
    findings.extend(purity::check(sources));
    findings.extend(conduct::check(sources));
    findings.extend(lengths::check(sources));
    for document in Document::read_all(root, &known)? {
        findings.extend(documents::check(&document, &known));
    }
    Ok(findings)
}
