//! Files that come in: their bytes, within limits, and what to call them in messages.

use std::fs::File;
use std::io::{self, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::api::{ApiError, ErrorKind, Progress, Source};
use crate::ops::error::{failure, invalid, too_large};

/// The largest file that is read, in bytes.
pub(crate) const FILE_BYTES_MAX: u64 = 100 * 1024 * 1024;
const CHUNK_BYTES: u64 = 4 * 1024 * 1024;

/// The bytes of a source; the limit is checked before anything is read.
pub(crate) fn read(source: &Source, progress: &mut dyn FnMut(Progress)) -> Result<Vec<u8>, ApiError> {
    match source {
        Source::Path(path) => read_path(path, progress),
        Source::Base64 { name, content } => {
            let tried = format!("reading {name}");
            check_size(&tried, content.len() as u64 / 4 * 3)?;
            STANDARD.decode(content).map_err(|error| invalid(tried, error.to_string()))
        }
    }
}

/// What a source is called in messages.
pub(crate) fn name(source: &Source) -> &str {
    match source {
        Source::Path(path) => path,
        Source::Base64 { name, .. } => name,
    }
}

fn read_path(path: &str, progress: &mut dyn FnMut(Progress)) -> Result<Vec<u8>, ApiError> {
    let tried = format!("reading {path}");
    let file = File::open(path).map_err(|error| unreadable(&tried, &error))?;
    let about = file.metadata().map_err(|error| unreadable(&tried, &error))?;
    if about.is_dir() {
        return Err(invalid(tried, "that is a folder; name the file in it"));
    }
    check_size(&tried, about.len())?;
    let mut bytes = Vec::new();
    let mut file = file.take(FILE_BYTES_MAX + 1); // a pipe does not tell its length
    loop {
        let read = file.by_ref().take(CHUNK_BYTES).read_to_end(&mut bytes);
        let read = read.map_err(|error| unreadable(&tried, &error))?;
        check_size(&tried, bytes.len() as u64)?;
        progress(Progress { phase: "reading".to_owned(), done: bytes.len() as u64, total: about.len() });
        if read == 0 {
            return Ok(bytes);
        }
    }
}

fn check_size(tried: &str, bytes: u64) -> Result<(), ApiError> {
    if bytes <= FILE_BYTES_MAX {
        return Ok(());
    }
    let mebibytes = |bytes: u64| bytes.div_ceil(1024 * 1024);
    Err(too_large(
        tried,
        format!("the file has {} MiB; at most {} MiB are read", mebibytes(bytes), mebibytes(FILE_BYTES_MAX)),
    ))
}

fn unreadable(tried: &str, error: &io::Error) -> ApiError {
    match error.kind() {
        io::ErrorKind::NotFound => invalid(tried, "there is no such file"),
        io::ErrorKind::PermissionDenied => invalid(tried, "this user may not read that file"),
        io::ErrorKind::IsADirectory => invalid(tried, "that is a folder; name the file in it"),
        _ => failure(ErrorKind::Invalid, tried, error.to_string()),
    }
}
