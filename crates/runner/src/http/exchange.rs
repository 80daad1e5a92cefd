//! One exchange on one connection: the state that grows while an answer comes, and the loop that drives both ways.
//!
//! The state is owned outside the loop, so that what had come is still there when a clock or a fault ends it.

use std::future::Future;
use std::mem;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::decode::{Decoder, Stop};
use super::framing::Piece;
use super::head::Head;
use super::{Event, EventParser, Hop, Phase, Response, SendError, Settings, Timeouts, redirect};
use crate::limits;

/// Who is told what happens.
pub(super) type Listener<'l> = dyn FnMut(Event<'_>) + Send + 'l;

/// The pieces of an answer as they come. Dropping a pending `piece` loses nothing.
pub(super) trait Incoming: Send {
    fn piece(&mut self) -> impl Future<Output = Result<Piece, SendError>> + Send;
    /// What waiting for the next piece is waiting for.
    fn phase(&self) -> Phase;
    /// When the first byte came.
    fn first_byte_at(&self) -> Option<Instant>;
}

/// Measures one phase after the other.
#[derive(Debug)]
pub(super) struct Clock {
    begun: Instant,
    mark: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        let now = Instant::now();
        Self { begun: now, mark: now }
    }

    /// Microseconds since the last lap.
    pub(super) fn lap(&mut self) -> u64 {
        self.lap_at(Instant::now())
    }

    fn lap_at(&mut self, now: Instant) -> u64 {
        let past = now.saturating_duration_since(self.mark);
        self.mark = self.mark.max(now);
        micros(past)
    }

    fn total(&self) -> u64 {
        micros(self.begun.elapsed())
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// An answer in the making.
pub(super) struct Exchange<'e> {
    pub(super) response: Response,
    pub(super) clock: Clock,
    has_head: bool,
    /// The answer redirects and is followed: its body is of no interest.
    leads_on: bool,
    settings: &'e Settings,
    decoder: Option<Decoder>,
    /// The body as it came, while it is decoded.
    raw: Vec<u8>,
    fault: Option<Stop>,
    parser: Option<EventParser>,
    events: &'e mut Listener<'e>,
}

impl<'e> Exchange<'e> {
    pub(super) fn new(settings: &'e Settings, events: &'e mut Listener) -> Self {
        Self {
            response: Response::default(),
            clock: Clock::start(),
            has_head: false,
            leads_on: false,
            settings,
            decoder: None,
            raw: Vec::new(),
            fault: None,
            parser: None,
            events,
        }
    }

    /// Begins again for the next request of a chain; the hops stay.
    pub(super) fn restart(&mut self) {
        let redirects = mem::take(&mut self.response.redirects);
        self.response = Response { redirects, ..Response::default() };
        self.clock = Clock::start();
        self.has_head = false;
        self.leads_on = false;
        self.decoder = None;
        self.raw.clear();
        self.fault = None;
        self.parser = None;
    }

    /// Makes the answer so far a hop, and tells it.
    pub(super) fn hop(&mut self) {
        self.response.timings.total = self.clock.total();
        let hop = Hop {
            method: mem::take(&mut self.response.method),
            url: mem::take(&mut self.response.url),
            status: self.response.status,
            headers: mem::take(&mut self.response.headers),
            sent: mem::take(&mut self.response.sent),
            timings: self.response.timings,
        };
        (self.events)(Event::Redirected(&hop));
        self.response.redirects.push(hop);
    }

    pub(super) fn tell(&mut self, event: Event<'_>) {
        (self.events)(event);
    }

    /// Whether nothing of the answer has come.
    pub(super) fn is_untouched(&self) -> bool {
        !self.has_head
    }

    /// Whether the answer redirects and is to be followed.
    pub(super) fn leads_on(&self) -> bool {
        self.leads_on
    }

    /// The whole answer.
    pub(super) fn whole(mut self) -> Response {
        self.seal();
        self.response
    }

    /// What has come, if a head has.
    pub(super) fn partial(mut self) -> Option<Response> {
        self.seal();
        self.has_head.then_some(self.response)
    }

    fn seal(&mut self) {
        self.response.timings.total = self.clock.total();
        self.response.sizes.decoded_body = self.response.body.len() as u64;
    }

    fn on_sent(&mut self, body_bytes: u64) {
        self.response.timings.request_sent = self.clock.lap();
        self.response.sizes.sent_body = body_bytes;
        (self.events)(Event::RequestSent { head: &self.response.sent });
    }

    fn on_head(&mut self, head: Head, first_byte: Option<Instant>) {
        let first_byte = first_byte.unwrap_or_else(Instant::now);
        self.response.timings.first_byte = self.clock.lap_at(first_byte);
        self.has_head = true;
        self.response.sizes.received_head = head.length as u64;
        self.response.status = head.status;
        self.response.reason = head.reason;
        self.response.version = head.version;
        self.response.headers = head.headers;
        let location = redirect::location(self.response.status, &self.response.headers);
        self.leads_on = self.settings.follow_redirects && location.is_some();
        if !self.leads_on {
            (self.events)(Event::Head { status: self.response.status, headers: &self.response.headers });
            self.prepare_body();
        }
    }

    fn prepare_body(&mut self) {
        if self.settings.decompress {
            let headers = self.response.headers.iter();
            let named = headers.filter(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
            match Decoder::new(&named.map(|(_, value)| value.as_slice()).collect::<Vec<_>>()) {
                Ok(decoder) => self.decoder = decoder,
                Err(fault) => self.fault = Some(fault),
            }
        }
        let content_type = self.response.header("content-type").unwrap_or_default().to_ascii_lowercase();
        self.parser = content_type.starts_with(b"text/event-stream").then(EventParser::default);
    }

    fn on_data(&mut self, piece: &[u8]) -> Result<(), SendError> {
        self.response.sizes.encoded_body += piece.len() as u64;
        if self.leads_on {
            return Ok(());
        }
        let before = self.response.body.len();
        let stop = self.keep(piece);
        let news = self.response.body.get(before..).unwrap_or_default();
        if self.fault.is_none() && !news.is_empty() {
            (self.events)(Event::Chunk(news));
            for event in self.parser.iter_mut().flat_map(|parser| parser.push(news)) {
                (self.events)(Event::ServerSentEvent(&event));
            }
        }
        stop
    }

    /// Keeps a piece of the body, decoded where it is to be.
    fn keep(&mut self, piece: &[u8]) -> Result<(), SendError> {
        let limit = self.settings.max_response_bytes;
        let Some(decoder) = &mut self.decoder else {
            let room = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(self.response.body.len());
            self.response.body.extend_from_slice(&piece[..piece.len().min(room)]);
            return if piece.len() > room {
                Err(SendError::TooLarge { limit, partial: None })
            } else {
                Ok(())
            };
        };
        self.raw.extend_from_slice(piece);
        match decoder.push(piece, &mut self.response.body, limit) {
            Ok(()) if self.raw.len() as u64 <= limit => Ok(()),
            Ok(()) => Err(SendError::TooLarge { limit, partial: None }),
            Err(Stop::Full) => Err(overflow(limit, self.response.sizes.encoded_body)),
            Err(fault) => {
                self.give_up_decoding(fault);
                Ok(())
            }
        }
    }

    /// From here on the body is what came.
    fn give_up_decoding(&mut self, fault: Stop) {
        self.fault = Some(fault);
        self.decoder = None;
        self.response.body = mem::take(&mut self.raw);
    }

    fn on_end(&mut self) -> Result<(), SendError> {
        self.response.timings.download = self.clock.lap();
        if let Some(Err(fault)) = self.decoder.as_ref().map(Decoder::finish) {
            self.give_up_decoding(fault);
        }
        match self.fault.take() {
            Some(Stop::Fault { encoding, fault }) => {
                Err(SendError::Decoding { encoding, fault, partial: None })
            }
            _ => Ok(()),
        }
    }

    /// Whether enough of an uninteresting body has been read: the connection is not worth the rest.
    fn has_enough(&self) -> bool {
        self.leads_on && self.response.sizes.encoded_body > limits::REDIRECT_BODY_BYTES
    }
}

fn overflow(limit: u64, encoded: u64) -> SendError {
    if encoded.saturating_mul(limits::BOMB_RATIO) < limit {
        SendError::DecompressionBomb { limit, encoded, partial: None }
    } else {
        SendError::TooLarge { limit, partial: None }
    }
}

/// How an exchange left its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// Everything went out and everything came in.
    Whole,
    /// Something is still under way on it.
    Midway,
}

/// Writes the request and reads the answer at once: a server may answer before it has read everything, and then
/// stop reading.
pub(super) async fn drive(
    mut incoming: impl Incoming,
    outgoing: impl Future<Output = Result<(), SendError>> + Send,
    written: &AtomicU64,
    timeouts: Timeouts,
    exchange: &mut Exchange<'_>,
) -> Result<Left, SendError> {
    let mut outgoing = pin!(outgoing);
    let mut sending = true;
    let mut broken = None;
    loop {
        let phase = if sending { Phase::Sending } else { incoming.phase() };
        let limit = if phase == Phase::Waiting { timeouts.first_byte } else { timeouts.idle };
        let before = written.load(Ordering::Relaxed);
        tokio::select! {
            biased;
            result = &mut outgoing, if sending => {
                sending = false;
                match result {
                    Ok(()) => exchange.on_sent(written.load(Ordering::Relaxed)),
                    // The answer may already be on its way, and say why.
                    Err(fault @ SendError::Reset { .. }) => broken = Some(fault),
                    Err(fault) => return Err(fault),
                }
            }
            piece = incoming.piece() => match piece {
                Ok(piece) => {
                    if take_in(piece, incoming.first_byte_at(), exchange)? {
                        return Ok(if sending || broken.is_some() { Left::Midway } else { Left::Whole });
                    }
                    if exchange.has_enough() {
                        return Ok(Left::Midway);
                    }
                }
                Err(fault) => return Err(broken.filter(|_| exchange.is_untouched()).unwrap_or(fault)),
            },
            limit = expired(limit) => {
                if !sending || written.load(Ordering::Relaxed) == before {
                    return Err(SendError::timeout(phase, limit));
                }
            }
        }
    }
}

/// Takes a piece; `true` ends the answer.
fn take_in(
    piece: Piece,
    first_byte: Option<Instant>,
    exchange: &mut Exchange<'_>,
) -> Result<bool, SendError> {
    match piece {
        Piece::Interim(status) => exchange.tell(Event::Interim { status }),
        Piece::Head(head) => exchange.on_head(head, first_byte),
        Piece::Data(data) => exchange.on_data(&data)?,
        Piece::Trailers(trailers) => exchange.response.trailers = trailers,
        Piece::End => return exchange.on_end().map(|()| true),
    }
    Ok(false)
}

/// Waits for a limit, for ever without one.
async fn expired(limit: Option<Duration>) -> Duration {
    match limit {
        Some(limit) => {
            tokio::time::sleep(limit).await;
            limit
        }
        None => std::future::pending().await,
    }
}
