//! HTTP/1.1 on a connection: the head as it is written, the body by length or in chunks, the answer by
//! [`Framing`].

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf};
use tokio::time::Instant;

use super::body::Payload;
use super::connect::Wire;
use super::exchange::{Exchange, Incoming, Left, drive};
use super::framing::{Framing, Piece};
use super::{Phase, SendError, Timeouts};
use crate::limits;

/// A request as it goes out.
pub(super) struct Outgoing<'a> {
    pub(super) head: &'a [u8],
    pub(super) payload: &'a Payload,
    pub(super) chunked: bool,
}

/// Sends and receives; `true` if the connection can serve another request.
pub(super) async fn exchange(
    wire: &mut Box<dyn Wire>,
    outgoing: Outgoing<'_>,
    framing: Framing,
    timeouts: Timeouts,
    exchange: &mut Exchange<'_>,
) -> Result<bool, SendError> {
    let (reading, mut writing) = tokio::io::split(wire);
    let written = AtomicU64::new(0);
    let mut incoming = Answer { reading, buffer: BytesMut::new(), framing, first_byte: None };
    let left =
        drive(&mut incoming, outgoing.write(&mut writing, &written), &written, timeouts, exchange).await?;
    Ok(left == Left::Whole && incoming.framing.reusable() && incoming.buffer.is_empty())
}

/// Sends a WebSocket's handshake and reads its answer; gives what came behind it.
pub(super) async fn switch(
    wire: &mut Box<dyn Wire>,
    outgoing: Outgoing<'_>,
    timeouts: Timeouts,
    exchange: &mut Exchange<'_>,
) -> Result<Vec<u8>, SendError> {
    let (reading, mut writing) = tokio::io::split(wire);
    let written = AtomicU64::new(0);
    let framing = Framing::for_switching();
    let mut incoming = Answer { reading, buffer: BytesMut::new(), framing, first_byte: None };
    drive(&mut incoming, outgoing.write(&mut writing, &written), &written, timeouts, exchange).await?;
    Ok(incoming.buffer.to_vec())
}

impl Outgoing<'_> {
    async fn write(self, wire: &mut (impl AsyncWrite + Unpin), written: &AtomicU64) -> Result<(), SendError> {
        let sent = |result: io::Result<()>| result.map_err(|source| SendError::reset(Phase::Sending, source));
        if let (Some(body), false) = (self.payload.small(), self.chunked) {
            let whole = [self.head, body].concat();
            sent(wire.write_all(&whole).await)?;
            written.store(body.len() as u64, Ordering::Relaxed);
            return sent(wire.flush().await);
        }
        sent(wire.write_all(self.head).await)?;
        let mut body = self.payload.open();
        while let Some(piece) = body.next().await? {
            if self.chunked {
                sent(wire.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await)?;
            }
            sent(wire.write_all(&piece).await)?;
            if self.chunked {
                sent(wire.write_all(b"\r\n").await)?;
            }
            written.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
        if self.chunked {
            sent(wire.write_all(b"0\r\n\r\n").await)?;
        }
        sent(wire.flush().await)
    }
}

/// The answer on its way in.
struct Answer<'a> {
    reading: ReadHalf<&'a mut Box<dyn Wire>>,
    buffer: BytesMut,
    framing: Framing,
    first_byte: Option<Instant>,
}

impl Incoming for &mut Answer<'_> {
    async fn piece(&mut self) -> Result<Piece, SendError> {
        loop {
            if self.first_byte.is_some()
                && let Some(piece) = self.framing.next(&mut self.buffer)?
            {
                return Ok(piece);
            }
            let phase = Incoming::phase(self);
            self.buffer.reserve(limits::READ_BYTES / 4);
            match self.reading.read_buf(&mut self.buffer).await {
                Ok(0) => return self.framing.end_of_stream(&self.buffer),
                Ok(_) => {
                    self.first_byte.get_or_insert_with(Instant::now);
                }
                // What TLS calls an end without a farewell is an end; `Framing` knows whether it may be.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return self.framing.end_of_stream(&self.buffer);
                }
                Err(source) => return Err(SendError::reset(phase, source)),
            }
        }
    }

    fn phase(&self) -> Phase {
        self.framing.phase(&self.buffer)
    }

    fn first_byte_at(&self) -> Option<Instant> {
        self.first_byte
    }
}
