//! Content encodings undone as the bytes come: gzip, deflate (with and without its zlib wrapper), brotli, zstd.
//!
//! A stage works through a fixed buffer, so that what a few bytes decode to is counted before it is kept.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{self, Operation};
use zstd::zstd_safe::DParameter;

use super::DecodeFault;
use crate::limits;

/// How much is decoded at once.
const STEP_BYTES: usize = 32 * 1024;

/// Why decoding stops.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// More than the limit comes out.
    Full,
    /// The body is not what it claims.
    Fault { encoding: String, fault: DecodeFault },
}

/// Undoes the encodings of one body.
pub(crate) struct Decoder {
    /// In the order of undoing: the last applied first.
    stages: Vec<Stage>,
}

struct Stage {
    name: &'static str,
    codec: Codec,
    begun: bool,
    ended: bool,
}

enum Codec {
    Gzip(Decompress),
    /// `deflate` until its first two bytes tell whether it has the wrapper.
    Undecided(Vec<u8>),
    Deflate(Decompress),
    Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
    Zstd(raw::Decoder<'static>),
}

/// What one step did.
struct Step {
    read: usize,
    written: usize,
    ended: bool,
}

impl Decoder {
    /// The decoder for a `Content-Encoding`; `None` if there is nothing to undo, or an encoding that is not known:
    /// such a body is shown as it came.
    pub(crate) fn new(values: &[&[u8]]) -> Result<Option<Self>, Stop> {
        let joined = values.join(&b',');
        let names = joined.split(|byte| *byte == b',').map(|name| name.trim_ascii().to_ascii_lowercase());
        let names: Vec<_> = names.filter(|name| !name.is_empty() && name != b"identity").collect();
        if names.len() > limits::ENCODINGS {
            let encoding = String::from_utf8_lossy(&joined[..joined.len().min(200)]).into_owned();
            return Err(Stop::Fault { encoding, fault: DecodeFault::TooMany });
        }
        let stages: Option<Vec<_>> = names.iter().rev().map(|name| Stage::named(name)).collect();
        Ok(stages.filter(|stages| !stages.is_empty()).map(|stages| Self { stages }))
    }

    /// Decodes a piece to the end of `decoded`, of which at most `limit` bytes are kept.
    pub(crate) fn push(&mut self, piece: &[u8], decoded: &mut Vec<u8>, limit: u64) -> Result<(), Stop> {
        let (last, before) = self.stages.split_last_mut().expect("a decoder has a stage");
        let mut input = piece.to_vec();
        for stage in before {
            let mut output = Vec::new();
            stage.push(&input, &mut output, limit)?;
            input = output;
        }
        last.push(&input, decoded, limit)
    }

    /// The body has ended: whether the encodings have, too.
    pub(crate) fn finish(&self) -> Result<(), Stop> {
        match self.stages.iter().find(|stage| stage.begun && !stage.ended) {
            Some(stage) => Err(stage.fault(DecodeFault::Truncated)),
            None => Ok(()),
        }
    }
}

impl Stage {
    fn named(name: &[u8]) -> Option<Self> {
        let (name, codec) = match name {
            b"gzip" | b"x-gzip" => ("gzip", Codec::Gzip(Decompress::new_gzip(15))),
            b"deflate" => ("deflate", Codec::Undecided(Vec::new())),
            b"br" => ("br", Codec::Brotli(brotli())),
            b"zstd" => ("zstd", Codec::Zstd(zstd()?)),
            _ => return None,
        };
        Some(Self { name, codec, begun: false, ended: false })
    }

    fn fault(&self, fault: DecodeFault) -> Stop {
        Stop::Fault { encoding: self.name.to_owned(), fault }
    }

    fn push(&mut self, piece: &[u8], decoded: &mut Vec<u8>, limit: u64) -> Result<(), Stop> {
        self.begun |= !piece.is_empty();
        let held;
        let mut input = piece;
        if let Codec::Undecided(first) = &mut self.codec {
            first.extend_from_slice(piece);
            let [one, two, ..] = first[..] else { return Ok(()) };
            // The wrapper's check (RFC 1950): method 8, and a multiple of 31.
            let wrapped = one & 0x0f == 8 && u16::from_be_bytes([one, two]).is_multiple_of(31);
            held = std::mem::take(first);
            input = &held;
            self.codec = Codec::Deflate(Decompress::new(wrapped));
        }
        self.run(input, decoded, limit)
    }

    fn run(&mut self, mut input: &[u8], decoded: &mut Vec<u8>, limit: u64) -> Result<(), Stop> {
        let mut buffer = vec![0; STEP_BYTES];
        loop {
            if self.ended && !self.next_member(input) {
                return Ok(());
            }
            let step =
                self.codec.step(input, &mut buffer).ok_or_else(|| self.fault(DecodeFault::Malformed))?;
            input = &input[step.read..];
            self.ended = step.ended;
            let room = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(decoded.len());
            decoded.extend_from_slice(&buffer[..step.written.min(room)]);
            if step.written > room {
                return Err(Stop::Full);
            }
            let full = step.written == buffer.len();
            if input.is_empty() && !full {
                return Ok(());
            }
            if step.read == 0 && step.written == 0 && !step.ended {
                return Err(self.fault(DecodeFault::Malformed));
            }
        }
    }

    /// After the end: begins the next member where the format has them; what else follows is ignored, as browsers do.
    fn next_member(&mut self, input: &[u8]) -> bool {
        match &mut self.codec {
            Codec::Gzip(inflate) if input.first() == Some(&0x1f) => {
                *inflate = Decompress::new_gzip(15);
                true
            }
            Codec::Zstd(_) => !input.is_empty(),
            _ => false,
        }
    }
}

impl Codec {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Option<Step> {
        match self {
            Self::Gzip(inflate) | Self::Deflate(inflate) => inflate_step(inflate, input, output),
            Self::Undecided(_) => None,
            Self::Brotli(state) => brotli_step(state, input, output),
            Self::Zstd(decoder) => {
                let status = decoder.run_on_buffers(input, output).ok()?;
                Some(Step {
                    read: status.bytes_read,
                    written: status.bytes_written,
                    ended: status.remaining == 0,
                })
            }
        }
    }
}

fn inflate_step(inflate: &mut Decompress, input: &[u8], output: &mut [u8]) -> Option<Step> {
    let (read, written) = (inflate.total_in(), inflate.total_out());
    let status = inflate.decompress(input, output, FlushDecompress::None).ok()?;
    Some(Step {
        read: usize::try_from(inflate.total_in() - read).ok()?,
        written: usize::try_from(inflate.total_out() - written).ok()?,
        ended: status == Status::StreamEnd,
    })
}

fn brotli() -> Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>> {
    let alloc = StandardAlloc::default;
    Box::new(BrotliState::new(alloc(), alloc(), alloc()))
}

fn brotli_step(
    state: &mut BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    input: &[u8],
    output: &mut [u8],
) -> Option<Step> {
    let (mut left, mut read, mut room, mut written, mut total) = (input.len(), 0, output.len(), 0, 0);
    let result = BrotliDecompressStream(
        &mut left,
        &mut read,
        input,
        &mut room,
        &mut written,
        output,
        &mut total,
        state,
    );
    match result {
        BrotliResult::ResultFailure => None,
        result => Some(Step { read, written, ended: matches!(result, BrotliResult::ResultSuccess) }),
    }
}

fn zstd() -> Option<raw::Decoder<'static>> {
    let mut decoder = raw::Decoder::new().ok()?;
    decoder.set_parameter(DParameter::WindowLogMax(limits::ZSTD_WINDOW_LOG)).ok()?;
    Some(decoder)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    /// [`PLAIN`] as Node's encoder writes it.
    const BROTLI: &[u8] = b"\x1b\x16\x00\xf8\x8d\x94\x6e\xde\x44\x55\x86\x96\x6c\x20\x6f\x21\x4f\x1c\xe0\x38";
    const PLAIN: &[u8] = b"hello hello hello hello";

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).expect("to memory");
        encoder.finish().expect("to memory")
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).expect("to memory");
        encoder.finish().expect("to memory")
    }

    fn deflate(plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).expect("to memory");
        encoder.finish().expect("to memory")
    }

    fn zstd(plain: &[u8]) -> Vec<u8> {
        ::zstd::encode_all(plain, 3).expect("to memory")
    }

    fn decode(encoding: &str, encoded: &[u8], size: usize, limit: u64) -> Result<Vec<u8>, Stop> {
        let mut decoder = Decoder::new(&[encoding.as_bytes()])?.expect("a known encoding");
        let mut decoded = Vec::new();
        for piece in encoded.chunks(size) {
            decoder.push(piece, &mut decoded, limit)?;
        }
        decoder.finish().map(|()| decoded)
    }

    fn check(encoding: &str, encoded: &[u8], expected: Result<&[u8], (&str, DecodeFault)>) {
        for size in [1, 2, 5, encoded.len().max(1)] {
            let expected = expected
                .map(<[u8]>::to_vec)
                .map_err(|(name, fault)| Stop::Fault { encoding: name.into(), fault });
            assert_eq!(decode(encoding, encoded, size, 1_000), expected, "{encoding} in pieces of {size}");
        }
    }

    #[test]
    fn each_encoding_is_undone() {
        check("gzip", &gzip(PLAIN), Ok(PLAIN));
        check("X-GZIP", &gzip(PLAIN), Ok(PLAIN));
        check("deflate", &zlib(PLAIN), Ok(PLAIN));
        check("deflate", &deflate(PLAIN), Ok(PLAIN));
        check("br", BROTLI, Ok(PLAIN));
        check("zstd", &zstd(PLAIN), Ok(PLAIN));
    }

    #[test]
    fn encodings_over_each_other_are_undone_from_the_last() {
        check("deflate, identity, gzip", &gzip(&zlib(PLAIN)), Ok(PLAIN));
        let stop = Decoder::new(&[b"gzip, gzip", b"gzip, gzip, br"]).err();
        let encoding = "gzip, gzip,gzip, gzip, br".to_owned();
        assert_eq!(stop, Some(Stop::Fault { encoding, fault: DecodeFault::TooMany }));
    }

    #[test]
    fn members_follow_each_other_and_rubbish_after_the_end_is_ignored() {
        check("gzip", &[gzip(b"one "), gzip(b"two")].concat(), Ok(b"one two"));
        check("gzip", &[gzip(PLAIN), vec![0; 20]].concat(), Ok(PLAIN));
        check("deflate", &[zlib(PLAIN), b"x".to_vec()].concat(), Ok(PLAIN));
        check("zstd", &[zstd(b"one "), zstd(b"two")].concat(), Ok(b"one two"));
    }

    #[test]
    fn an_empty_body_is_empty_whatever_its_encoding() {
        for encoding in ["gzip", "deflate", "br", "zstd"] {
            check(encoding, b"", Ok(b""));
        }
    }

    #[test]
    fn what_is_not_of_the_encoding_is_told() {
        for name in ["gzip", "zstd", "br", "deflate"] {
            check(name, b"\xff\xffplain text", Err((name, DecodeFault::Malformed)));
        }
    }

    #[test]
    fn what_ends_too_early_is_told() {
        for (name, whole) in [
            ("gzip", gzip(PLAIN)),
            ("deflate", zlib(PLAIN)),
            ("deflate", deflate(PLAIN)),
            ("br", BROTLI.to_vec()),
            ("zstd", zstd(PLAIN)),
        ] {
            check(name, &whole[..whole.len() - 1], Err((name, DecodeFault::Truncated)));
        }
        check("deflate", b"x", Err(("deflate", DecodeFault::Truncated)));
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let zeros = vec![0; 1_000_000];
        for (name, bomb) in [
            ("gzip", gzip(&zeros)),
            ("deflate", deflate(&zeros)),
            ("zstd", zstd(&zeros)),
            ("gzip, gzip", gzip(&gzip(&zeros))),
        ] {
            assert_eq!(decode(name, &bomb, 4_096, 100_000), Err(Stop::Full), "{name}");
            assert_eq!(decode(name, &bomb, 4_096, 1_000_000).map(|it| it.len()), Ok(1_000_000), "{name}");
        }
    }

    #[test]
    fn an_unknown_encoding_is_left_as_it_is() {
        assert!(Decoder::new(&[b"gzip, rot13"]).expect("few").is_none());
        assert!(Decoder::new(&[b"identity"]).expect("few").is_none());
    }
}
