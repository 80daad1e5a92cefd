//! Files that come in and go out.

use std::collections::HashSet;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use satchel_client::api::{Call, ExportedFile, Reply, Source};
use serde_json::{Value, json};

use super::{Session, absolute};
use crate::cli::{BackupCommand, BackupOptions, ExportOptions, Format, ImportOptions};
use crate::failure::Failure;
use crate::file::{self, Privacy};
use crate::output::{print, remark};

/// The most that is read from stdin; a little more than the largest file that an import takes, so that
/// the import itself says that it is too much.
const STDIN_BYTES_MAX: u64 = 101 * 1024 * 1024;

pub(super) fn import(session: &Session, options: &ImportOptions) -> Result<ExitCode, Failure> {
    let sources = options.files.iter().map(|file| source(file)).collect::<Result<Vec<_>, _>>()?;
    let is_one = sources.len() == 1;
    let mut host = session.open()?;
    let mut reports: Vec<Value> = Vec::new();
    for source in sources {
        let mode = options.mode.map(Into::into);
        let call = Call::Import { source, mode, dry_run: options.dry_run };
        let reply = match session.call(&mut host, call) {
            Ok(reply) => reply,
            Err(mut failure) => {
                failure.lists.done = reports;
                return Err(failure);
            }
        };
        if is_one || !session.out.json {
            session.out.reply(&reply);
        }
        reports.push(json!(reply));
    }
    if !is_one {
        session.out.document(&json!({ "reply": "imported", "files": reports }));
    }
    Ok(ExitCode::SUCCESS)
}

/// A file by its absolute path, for an agent works in another folder; stdin by its content.
fn source(file: &Path) -> Result<Source, Failure> {
    if file != Path::new("-") {
        let path = absolute(file)?;
        return match path.to_str() {
            Some(path) => Ok(Source::Path(path.to_owned())),
            None => Err(Failure::file(format!("reading {}", file.display()), "its name is not UTF-8")),
        };
    }
    if io::stdin().is_terminal() {
        return Err(Failure::usage(
            "reading stdin",
            "it is a terminal",
            "pipe a file into it, or name a file",
        ));
    }
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(STDIN_BYTES_MAX).read_to_end(&mut bytes);
    read.map_err(|error| Failure::file("reading stdin", error.to_string()))?;
    Ok(Source::Base64 { name: "stdin".to_owned(), content: STANDARD.encode(&bytes) })
}

pub(super) fn export(session: &Session, options: ExportOptions) -> Result<ExitCode, Failure> {
    let is_private = options.secrets || options.format == Format::Satchel;
    let privacy = if is_private { Privacy::Private } else { Privacy::Usual };
    let reply = session.ask(Call::Export {
        paths: options.paths,
        all: options.all,
        format: options.format.into(),
        secrets: options.secrets,
    })?;
    let Reply::Exported { files, omitted } = &reply else { return Err(no_files()) };
    match options.out.filter(|out| out != Path::new("-")) {
        Some(out) => write_files(session, files, omitted, &out, privacy),
        None if session.out.json => {
            session.out.reply(&reply);
            Ok(ExitCode::SUCCESS)
        }
        None => show_files(session, files, omitted),
    }
}

fn no_files() -> Failure {
    Failure::agent(
        "exporting",
        "it answered something else",
        "update the older of the agent and this program",
    )
}

fn show_files(session: &Session, files: &[ExportedFile], omitted: &[String]) -> Result<ExitCode, Failure> {
    match files {
        [] => {
            remark("there is nothing to export");
        }
        [file] => print(&content(file)?),
        several => {
            return Err(Failure::usage(
                "writing the export to stdout",
                format!("there are {} files", several.len()),
                "add --out DIR, or --format dump for a single file",
            ));
        }
    }
    remark_omitted(session, omitted);
    Ok(ExitCode::SUCCESS)
}

fn remark_omitted(session: &Session, omitted: &[String]) {
    if !session.out.quiet && !session.out.json {
        for what in omitted {
            remark(&format!("left out: {what}"));
        }
    }
}

fn write_files(
    session: &Session,
    files: &[ExportedFile],
    omitted: &[String],
    out: &Path,
    privacy: Privacy,
) -> Result<ExitCode, Failure> {
    let mut written = Vec::new();
    for (place, file) in places(files, out)?.into_iter().zip(files) {
        file::write(&place, &content(file)?, privacy)?;
        session.out.confirm(&format!("Wrote {}", place.display()));
        written.push(place.display().to_string());
    }
    remark_omitted(session, omitted);
    session.out.document(&json!({ "reply": "exported", "written": written, "omitted": omitted }));
    Ok(ExitCode::SUCCESS)
}

/// Where each file goes: one file to the name that is given, several into the folder of that name.
fn places(files: &[ExportedFile], out: &Path) -> Result<Vec<PathBuf>, Failure> {
    let is_folder = out.is_dir() || out.as_os_str().to_string_lossy().ends_with('/');
    if files.len() == 1 && !is_folder {
        return Ok(vec![out.to_owned()]);
    }
    std::fs::create_dir_all(out)
        .map_err(|error| Failure::file(format!("making the folder {}", out.display()), error.to_string()))?;
    let mut taken = HashSet::new();
    Ok(files.iter().map(|file| out.join(free_name(&file.name, &mut taken))).collect())
}

/// A name that is only a name and that no other file of this export has, on any file system.
fn free_name(wanted: &str, taken: &mut HashSet<String>) -> String {
    let name =
        Path::new(wanted).file_name().map_or_else(|| "export.json".into(), |name| name.to_string_lossy());
    let (stem, ending) = name.split_once('.').unwrap_or((&name, "json"));
    let numbered = |number: usize| match number {
        1 => name.to_string(),
        number => format!("{stem} {number}.{ending}"),
    };
    let mut names = (1..=taken.len() + 1).map(numbered);
    let free = names.find(|name| taken.insert(name.to_lowercase()));
    free.expect("there are more numbers than files")
}

fn content(file: &ExportedFile) -> Result<Vec<u8>, Failure> {
    if file.text {
        return Ok(file.content.clone().into_bytes());
    }
    STANDARD.decode(&file.content).map_err(|_| no_files())
}

pub(super) fn backup(session: &Session, options: &BackupOptions) -> Result<ExitCode, Failure> {
    match &options.command {
        BackupCommand::Create { file } => {
            let reply = session.ask(Call::CreateBackup)?;
            if file == Path::new("-") {
                let Reply::Exported { files, .. } = &reply else { return Err(no_files()) };
                files.iter().try_for_each(|file| content(file).map(|bytes| print(&bytes)))?;
                return Ok(ExitCode::SUCCESS);
            }
            let written = write_backup(&reply, file)?;
            let Reply::Exported { omitted, .. } = &reply else { return Err(no_files()) };
            remark_omitted(session, omitted);
            session.out.confirm(&format!("Wrote {}", written.display()));
            let written = [written.display().to_string()];
            session.out.document(&json!({ "reply": "exported", "written": written, "omitted": omitted }));
            Ok(ExitCode::SUCCESS)
        }
        BackupCommand::Restore { file } => session.answer(Call::RestoreBackup { source: source(file)? }),
    }
}

/// Writes a backup, readable for this user only.
pub(super) fn write_backup(reply: &Reply, to: &Path) -> Result<PathBuf, Failure> {
    let Reply::Exported { files, .. } = reply else { return Err(no_files()) };
    let [backup] = files.as_slice() else { return Err(no_files()) };
    let place =
        if to.is_dir() { to.join(free_name(&backup.name, &mut HashSet::new())) } else { to.to_owned() };
    file::write(&place, &content(backup)?, Privacy::Private)?;
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exported_files_never_overwrite_each_other_or_leave_the_folder() {
        let mut taken = HashSet::new();
        let mut check = |wanted: &str, expected: &str| assert_eq!(free_name(wanted, &mut taken), expected);
        check("Shop.postman_collection.json", "Shop.postman_collection.json");
        check("shop.postman_collection.json", "shop 2.postman_collection.json");
        check("Shop.postman_collection.json", "Shop 3.postman_collection.json");
        check("../../etc/passwd", "passwd");
        check("..", "export.json");
        check("", "export 2.json");
    }

    #[test]
    fn one_file_takes_the_name_and_several_a_folder() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let file = |name: &str| ExportedFile { name: name.to_owned(), content: "{}".to_owned(), text: true };
        let check = |files: &[ExportedFile], out: &str, expected: &[&str]| {
            let found = places(files, &folder.path().join(out)).expect("it can be made");
            let expected: Vec<_> = expected.iter().map(|name| folder.path().join(name)).collect();
            assert_eq!(found, expected);
        };
        check(&[file("a.json")], "b.json", &["b.json"]);
        check(&[file("a.json")], "", &["a.json"]);
        check(&[file("a.json")], "new/", &["new/a.json"]);
        check(&[file("a.json"), file("b.json")], "both", &["both/a.json", "both/b.json"]);
    }
}
