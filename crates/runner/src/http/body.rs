//! A request's body as segments of memory and files, with the headers that it needs.
//!
//! Files are opened for each send, so that a body can be sent again after a redirect or a lost connection.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

use super::{Body, SendError, multipart};
use crate::limits;

/// A stretch of a body.
#[derive(Debug, Clone)]
pub(super) enum Segment {
    Bytes(Bytes),
    File { path: PathBuf, length: u64 },
}

impl Segment {
    pub(super) fn file(path: &Path) -> Result<Self, SendError> {
        let fault = |source| SendError::File { path: path.to_owned(), source };
        let metadata = std::fs::metadata(path).map_err(fault)?;
        if !metadata.is_file() {
            return Err(fault(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file")));
        }
        Ok(Self::File { path: path.to_owned(), length: metadata.len() })
    }

    fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
        }
    }
}

/// A body ready to be sent, any number of times.
#[derive(Debug, Clone, Default)]
pub(super) struct Payload {
    segments: Vec<Segment>,
    pub(super) length: u64,
    /// There is a body, be it empty.
    pub(super) present: bool,
    /// The boundary of a form.
    pub(super) boundary: Option<String>,
}

impl Payload {
    /// Makes the body ready. `content_type` is the one that the request's headers name.
    pub(super) fn new(body: &Body, content_type: Option<&[u8]>) -> Result<Self, SendError> {
        let mut boundary = None;
        let segments = match body {
            Body::Empty => return Ok(Self::default()),
            Body::Bytes(bytes) => vec![Segment::Bytes(Bytes::copy_from_slice(bytes))],
            Body::File(path) => vec![Segment::file(path)?],
            Body::Form(parts) => {
                if parts.len() > limits::FORM_PARTS {
                    let detail = format!("a form of more than {} parts", limits::FORM_PARTS);
                    return Err(SendError::Settings { detail });
                }
                let named = content_type.and_then(multipart::named_boundary);
                let boundary = boundary.insert(named.unwrap_or_else(multipart::make_boundary));
                multipart::segments(parts, boundary)?
            }
        };
        let length = segments.iter().map(Segment::length).sum();
        Ok(Self { segments, length, present: true, boundary })
    }

    /// Reads the body from its begin.
    pub(super) fn open(&self) -> Reader {
        Reader { segments: self.segments.iter().cloned().collect(), file: None }
    }

    /// The body as one piece, if it is in memory and small enough to go out with the head.
    pub(super) fn small(&self) -> Option<&[u8]> {
        match &self.segments[..] {
            [] => Some(&[]),
            [Segment::Bytes(bytes)] if bytes.len() <= limits::READ_BYTES => Some(bytes),
            _ => None,
        }
    }
}

/// A body being read.
#[derive(Debug)]
pub(super) struct Reader {
    segments: VecDeque<Segment>,
    file: Option<(PathBuf, File, u64)>,
}

impl Reader {
    /// The next piece; empty pieces do not come.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, SendError> {
        loop {
            if let Some((path, file, left)) = &mut self.file {
                if *left > 0 {
                    let piece = read_some(file, *left).await;
                    let piece = piece.map_err(|source| SendError::File { path: path.clone(), source })?;
                    *left -= piece.len() as u64;
                    return Ok(Some(piece));
                }
                self.file = None;
            }
            match self.segments.pop_front() {
                None => return Ok(None),
                Some(Segment::Bytes(bytes)) if bytes.is_empty() => {}
                Some(Segment::Bytes(mut bytes)) => {
                    let piece = bytes.split_to(bytes.len().min(limits::READ_BYTES));
                    self.segments.push_front(Segment::Bytes(bytes));
                    return Ok(Some(piece));
                }
                Some(Segment::File { path, length }) => {
                    let file = File::open(&path).await;
                    let file = file.map_err(|source| SendError::File { path: path.clone(), source })?;
                    self.file = Some((path, file, length));
                }
            }
        }
    }
}

/// Reads at most `left` bytes; a file that has become shorter than the length told is an error.
async fn read_some(file: &mut File, left: u64) -> io::Result<Bytes> {
    let mut buffer = BytesMut::with_capacity(limits::READ_BYTES);
    let read = file.take(left).read_buf(&mut buffer).await?;
    if read == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it became shorter while it was sent"));
    }
    Ok(buffer.freeze())
}

/// Whether nothing has come on a connection that should be silent: neither bytes nor its end.
pub(super) fn is_silent(io: &mut (impl AsyncRead + Unpin + ?Sized)) -> bool {
    let mut byte = [0];
    let mut buffer = ReadBuf::new(&mut byte);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::Pin::new(io).poll_read(&mut context, &mut buffer).is_pending()
}
