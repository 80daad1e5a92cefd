//! Frames between the two processes: a kind, a JSON text, and bytes that are no JSON.
//!
//! ```text
//! kind (1) │ JSON length (4, little-endian) │ tail length (4) │ JSON │ tail
//! ```

use std::io::{self, Read, Write};

use super::limits::{BODY_BYTES, INWARD_BYTES, OUTWARD_BYTES};

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// To the child: a script and its context; the tail is the answer's body.
    Run,
    /// To the child: the answer of a call; the tail is a body.
    Reply,
    /// From the child: the script begins now.
    Started,
    /// A line of the console.
    Console,
    /// A test has a result.
    Test,
    /// The script wants something of the host.
    Call,
    /// The script has ended.
    Done,
    /// Its time was over; the child ends itself.
    Late,
    /// The engine failed; the child ends itself.
    Broken,
}

const KINDS: [Kind; 9] = [
    Kind::Run,
    Kind::Reply,
    Kind::Started,
    Kind::Console,
    Kind::Test,
    Kind::Call,
    Kind::Done,
    Kind::Late,
    Kind::Broken,
];
const HEAD: usize = 9;

impl Kind {
    /// The kinds that `pm` itself sends, by their names there.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "console" => Some(Self::Console),
            "test" => Some(Self::Test),
            "call" => Some(Self::Call),
            "done" => Some(Self::Done),
            _ => None,
        }
    }
}

/// Writes a frame in one piece, so that nothing comes between.
pub(super) fn encoded(kind: Kind, json: &[u8], tail: &[u8]) -> Option<Vec<u8>> {
    let number = KINDS.iter().position(|it| *it == kind)?;
    let mut bytes = Vec::with_capacity(HEAD + json.len() + tail.len());
    bytes.push(u8::try_from(number).ok()?);
    bytes.extend_from_slice(&u32::try_from(json.len()).ok()?.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(tail.len()).ok()?.to_le_bytes());
    bytes.extend_from_slice(json);
    bytes.extend_from_slice(tail);
    Some(bytes)
}

/// A frame's head.
struct Head {
    kind: Kind,
    json: usize,
    tail: usize,
}

impl Head {
    fn parse(head: [u8; HEAD]) -> Option<Self> {
        let length = |at| usize::try_from(u32::from_le_bytes(*head.get(at..)?.first_chunk()?)).ok();
        let kind = KINDS.get(usize::from(head[0])).copied()?;
        Some(Self { kind, json: length(1)?, tail: length(5)? })
    }
}

/// Bytes that arrive, and the frames within; for the side that must not trust them.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    bytes: Vec<u8>,
    start: usize,
}

/// The child wrote something that is no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

impl Decoder {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame from the child, which sends no tails.
    pub(super) fn next(&mut self) -> Result<Option<(Kind, Vec<u8>)>, Malformed> {
        let Some(head) = self.bytes.get(self.start..).and_then(|rest| rest.first_chunk::<HEAD>()) else {
            return Ok(None);
        };
        let head = Head::parse(*head).ok_or(Malformed)?;
        if head.json > OUTWARD_BYTES || head.tail != 0 || matches!(head.kind, Kind::Run | Kind::Reply) {
            return Err(Malformed);
        }
        let from = self.start + HEAD;
        let Some(json) = self.bytes.get(from..from + head.json) else { return Ok(None) };
        let json = json.to_vec();
        self.start = from + head.json;
        Ok(Some((head.kind, json)))
    }
}

/// A frame of the parent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Inward {
    pub(super) kind: Kind,
    pub(super) json: Vec<u8>,
    /// A response's body.
    pub(super) body: Vec<u8>,
}

/// Reads a frame of the parent; none at the end of the pipe.
pub(super) fn read(source: &mut impl Read) -> io::Result<Option<Inward>> {
    let mut head = [0; HEAD];
    match source.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let head = Head::parse(head).ok_or_else(malformed)?;
    if head.json > INWARD_BYTES || head.tail > BODY_BYTES {
        return Err(malformed());
    }
    let mut json = vec![0; head.json];
    source.read_exact(&mut json)?;
    let mut body = vec![0; head.tail];
    source.read_exact(&mut body)?;
    Ok(Some(Inward { kind: head.kind, json, body }))
}

/// Writes a frame and sees it off.
pub(super) fn write(sink: &mut impl Write, kind: Kind, json: &[u8]) -> io::Result<()> {
    let bytes = encoded(kind, json, &[]).ok_or(io::ErrorKind::InvalidData)?;
    sink.write_all(&bytes)?;
    sink.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_survives_the_way_in_any_pieces() {
        let bytes = encoded(Kind::Console, br#"{"text":"x"}"#, b"").expect("short");
        for cut in 0..bytes.len() {
            let mut decoder = Decoder::default();
            decoder.push(&bytes[..cut]);
            assert_eq!(decoder.next(), Ok(None), "cut at {cut}");
            decoder.push(&bytes[cut..]);
            decoder.push(&bytes);
            for _ in 0..2 {
                assert_eq!(decoder.next(), Ok(Some((Kind::Console, br#"{"text":"x"}"#.to_vec()))));
            }
            assert_eq!(decoder.next(), Ok(None));
        }
    }

    #[test]
    fn the_child_reads_what_the_parent_writes() {
        let bytes = encoded(Kind::Run, b"{}", b"body").expect("short");
        let read = read(&mut bytes.as_slice()).expect("readable");
        let expected = Inward { kind: Kind::Run, json: b"{}".to_vec(), body: b"body".to_vec() };
        assert_eq!(read, Some(expected));
        assert_eq!(super::read(&mut [].as_slice()).expect("the end"), None);
    }

    #[test]
    fn what_is_no_frame_is_refused_without_reserving_its_length() {
        let check = |bytes: &[u8]| {
            let mut decoder = Decoder::default();
            decoder.push(bytes);
            assert_eq!(decoder.next(), Err(Malformed), "{bytes:?}");
        };
        check(&[200, 0, 0, 0, 0, 0, 0, 0, 0]);
        check(&[3, 255, 255, 255, 255, 0, 0, 0, 0]);
        check(&[3, 0, 0, 0, 0, 1, 0, 0, 0]);
        check(&[0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert!(super::read(&mut [0, 255, 255, 255, 255, 0, 0, 0, 0].as_slice()).is_err());
    }
}
