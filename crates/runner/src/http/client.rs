//! The client: redirects, cookies, kept connections, and the clock over all of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::time::timeout;

use super::body::Payload;
use super::connect::{Connector, Line};
use super::exchange::{Exchange, Listener};
use super::framing::Framing;
use super::http1::{self, Outgoing};
use super::pool::{Connection, Key, Peer, Pool};
use super::request::find;
use super::{Event, HeadFault, Phase, Request, Response, SendError, Target, UrlFault, head, http2, redirect};
use crate::cookie::{Jar, Place};

/// A jar that a client shares with scripts and whoever keeps it.
pub type SharedJar = Arc<Mutex<Jar>>;

/// Sends requests over connections that it keeps.
///
/// Many sends may run at once. Dropping the future of a send cancels it and closes its connection.
#[derive(Debug, Default)]
pub struct Client {
    pub(crate) connector: Connector,
    pool: Pool,
    jar: SharedJar,
}

impl Client {
    /// A client without connections over a jar.
    pub fn new(jar: SharedJar) -> Self {
        Self { jar, ..Self::default() }
    }

    /// The jar.
    pub fn jar(&self) -> &SharedJar {
        &self.jar
    }

    /// Sends a request and reads its answer to the end, following redirects by the settings.
    ///
    /// `events` is told what happens meanwhile; the pieces of the body, too.
    pub async fn send(
        &self,
        request: Request,
        events: &mut (dyn FnMut(Event<'_>) + Send),
    ) -> Result<Response, SendError> {
        let settings = request.settings.clone();
        let mut exchange = Exchange::new(&settings, events);
        let following = self.follow(request, &mut exchange);
        let result = match settings.timeouts.total {
            None => following.await,
            Some(limit) => {
                let late = |_| Err(SendError::timeout(Phase::Total, limit));
                timeout(limit, following).await.unwrap_or_else(late)
            }
        };
        match result {
            Ok(()) => Ok(exchange.whole()),
            Err(fault) => Err(fault.with_partial(exchange.partial())),
        }
    }

    async fn follow(&self, mut request: Request, exchange: &mut Exchange<'_>) -> Result<(), SendError> {
        let mut target = Target::parse(&request.url)?;
        if target.websocket {
            return Err(SendError::BadUrl { url: request.url, fault: UrlFault::Scheme });
        }
        let mut left = request.settings.max_redirects;
        loop {
            self.send_once(&request, &target, exchange).await?;
            if !exchange.leads_on() {
                return Ok(());
            }
            let limit = request.settings.max_redirects;
            left = left.checked_sub(1).ok_or(SendError::TooManyRedirects { limit, partial: None })?;
            (request, target) = redirect::next(&request, &target, &exchange.response)?;
            exchange.hop();
            exchange.restart();
        }
    }

    /// One request and its answer, over a kept connection or a new one.
    async fn send_once(
        &self,
        request: &Request,
        target: &Target,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), SendError> {
        exchange.response.url.clone_from(&request.url);
        exchange.response.method.clone_from(&request.method);
        let payload = Payload::new(&request.body, request.header("content-type"))?;
        let headers = self.headers(request, target, &payload);
        head::check(&request.method, &headers)?;
        let ready = Ready { request, target, headers, payload, key: Key::new(target, &request.settings) };
        exchange.response.timings.queued = exchange.clock.lap();
        if let Some((connection, peer)) = self.pool.take(&ready.key) {
            exchange.response.reused = true;
            let result = self.run(&ready, connection, peer, exchange).await;
            // A kept connection that was closed meanwhile says nothing about the server: once more, on a new one.
            let again = matches!(&result, Err(fault) if may_repeat(fault, &request.method));
            if !again || !exchange.is_untouched() {
                return self.finish(target, &request.settings, exchange, result);
            }
            exchange.response.reused = false;
        }
        let line = {
            let Exchange { clock, response, .. } = exchange;
            self.connector.connect(target, &request.settings, clock, &mut response.timings).await?
        };
        let Line { wire, remote_address, tls, proxied, http2 } = line;
        let peer = Peer { remote_address, tls, proxied };
        let connection = if http2 {
            let sender = http2::open(wire).await?;
            self.pool.put(ready.key.clone(), Connection::Http2(sender.clone()), peer.clone());
            Connection::Http2(sender)
        } else {
            Connection::Http1(wire)
        };
        let result = self.run(&ready, connection, peer, exchange).await;
        self.finish(target, &request.settings, exchange, result)
    }

    /// Sends the handshake of a WebSocket; the connection comes back with what has been read beyond the answer.
    pub(crate) async fn switch(
        &self,
        request: Request,
        accept: &str,
        events: &mut Listener<'_>,
    ) -> Result<(Response, Box<dyn super::Wire>, Vec<u8>), SendError> {
        let mut settings = request.settings.clone();
        // A redirected handshake is an answer like any other that is not a WebSocket.
        settings.follow_redirects = false;
        let mut exchange = Exchange::new(&settings, events);
        let switching = self.switch_once(&request, accept, &mut exchange);
        let result = match settings.timeouts.total {
            None => switching.await,
            Some(limit) => {
                let late = |_| Err(SendError::timeout(Phase::Total, limit));
                timeout(limit, switching).await.unwrap_or_else(late)
            }
        };
        match result {
            Ok((wire, early)) => Ok((exchange.whole(), wire, early)),
            Err(fault) => Err(fault.with_partial(exchange.partial())),
        }
    }

    async fn switch_once(
        &self,
        request: &Request,
        accept: &str,
        exchange: &mut Exchange<'_>,
    ) -> Result<(Box<dyn super::Wire>, Vec<u8>), SendError> {
        let settings = &request.settings;
        let target = Target { websocket: true, ..Target::parse(&request.url)? };
        exchange.response.url.clone_from(&request.url);
        exchange.response.method = "GET".into();
        let headers = self.headers(request, &target, &Payload::default());
        head::check("GET", &headers)?;
        exchange.response.timings.queued = exchange.clock.lap();
        let line = {
            let Exchange { clock, response, .. } = exchange;
            self.connector.connect(&target, settings, clock, &mut response.timings).await?
        };
        exchange.response.remote_address = line.remote_address;
        exchange.response.insecure = line.tls.is_some() && !settings.verify_tls;
        exchange.response.tls = line.tls;
        exchange.tell(Event::Connected { address: line.remote_address, reused: false });
        let head = head::write("GET", &target.path, &headers);
        exchange.response.sizes.sent_head = head.len() as u64;
        exchange.response.sent.clone_from(&head);
        let mut wire = line.wire;
        let outgoing = Outgoing { head: &head, payload: &Payload::default(), chunked: false };
        let early = http1::switch(&mut wire, outgoing, settings.timeouts, exchange).await?;
        self.finish(&target, settings, exchange, Ok(()))?;
        if exchange.response.status != 101 {
            return Err(SendError::head(HeadFault::WebSocketRefused));
        }
        if exchange.response.header("sec-websocket-accept") != Some(accept.as_bytes()) {
            return Err(SendError::head(HeadFault::WebSocketAccept));
        }
        Ok((wire, early))
    }

    async fn run(
        &self,
        ready: &Ready<'_>,
        connection: Connection,
        peer: Peer,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), SendError> {
        let settings = &ready.request.settings;
        exchange.response.remote_address = peer.remote_address;
        exchange.response.insecure = peer.tls.is_some() && !settings.verify_tls;
        exchange.response.tls.clone_from(&peer.tls);
        let reused = exchange.response.reused;
        exchange.tell(Event::Connected { address: peer.remote_address, reused });
        match connection {
            Connection::Http1(mut wire) => {
                let reusable = ready.over_http1(&mut wire, &peer, exchange).await?;
                if reusable {
                    self.pool.put(ready.key.clone(), Connection::Http1(wire), peer);
                }
                Ok(())
            }
            Connection::Http2(sender) => {
                let result = ready.over_http2(sender, exchange).await;
                if matches!(result, Err(SendError::Reset { .. } | SendError::Http2 { .. })) {
                    self.pool.forget_http2(&ready.key);
                }
                result
            }
        }
    }

    /// Keeps the cookies of the answer, also of one that is not whole.
    fn finish(
        &self,
        target: &Target,
        settings: &super::Settings,
        exchange: &Exchange<'_>,
        result: Result<(), SendError>,
    ) -> Result<(), SendError> {
        if settings.store_cookies {
            self.lock_jar().take_from(&place(target), &exchange.response.headers, now());
        }
        result.map_err(|fault| fault.told_by_tls(&target.host))
    }

    fn lock_jar(&self) -> MutexGuard<'_, Jar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The headers as they go out: what the request needs and does not have is added at the end.
    fn headers(&self, request: &Request, target: &Target, payload: &Payload) -> Vec<(String, Vec<u8>)> {
        let mut headers = request.headers.clone();
        let mut add = |name: &str, value: Option<Vec<u8>>| {
            if let Some(value) = value.filter(|_| find(&request.headers, name).is_none()) {
                headers.push((name.to_owned(), value));
            }
        };
        add("Host", Some(target.authority.clone().into_bytes()));
        add("Authorization", target.credentials.as_ref().map(|both| basic(both)));
        add("Content-Type", payload.boundary.as_ref().map(|it| form_type(it)));
        let chunked = find(&request.headers, "transfer-encoding").is_some();
        // Other methods say that there is no body (RFC 9110, 8.6), as newman and node do.
        let says = payload.present || !WITHOUT_LENGTH.contains(&request.method.to_uppercase().as_str());
        let counted = says && !chunked;
        add("Content-Length", counted.then(|| payload.length.to_string().into_bytes()));
        if let Some(boundary) = &payload.boundary {
            complete_form_type(&mut headers, boundary);
        }
        if request.settings.send_cookies {
            add_cookies(&mut headers, self.lock_jar().header(&place(target), now()));
        }
        headers
    }
}

/// The methods that without a body have no `Content-Length`.
const WITHOUT_LENGTH: [&str; 6] = ["GET", "HEAD", "TRACE", "DELETE", "CONNECT", "OPTIONS"];

/// A request with all that it takes to send it.
struct Ready<'a> {
    request: &'a Request,
    target: &'a Target,
    headers: Vec<(String, Vec<u8>)>,
    payload: Payload,
    key: Key,
}

impl Ready<'_> {
    async fn over_http1(
        &self,
        wire: &mut Box<dyn super::Wire>,
        peer: &Peer,
        exchange: &mut Exchange<'_>,
    ) -> Result<bool, SendError> {
        let method = &self.request.method;
        let head = if peer.proxied {
            let mut headers = self.headers.clone();
            let proxy = self.request.settings.proxies.for_target(self.target);
            if let Some(value) = proxy.and_then(super::Proxy::authorization)
                && find(&headers, "proxy-authorization").is_none()
            {
                headers.push(("Proxy-Authorization".into(), value));
            }
            head::write(method, &self.target.absolute(), &headers)
        } else {
            head::write(method, &self.target.path, &self.headers)
        };
        exchange.response.sizes.sent_head = head.len() as u64;
        exchange.response.sent.clone_from(&head);
        let outgoing = Outgoing { head: &head, payload: &self.payload, chunked: self.is_chunked() };
        let timeouts = self.request.settings.timeouts;
        let reusable = http1::exchange(wire, outgoing, Framing::new(method), timeouts, exchange).await?;
        Ok(reusable && self.frames_itself_truly())
    }

    async fn over_http2(&self, sender: http2::Sender, exchange: &mut Exchange<'_>) -> Result<(), SendError> {
        let (request, sent) = http2::request(&self.request.method, self.target, &self.headers)?;
        exchange.response.sizes.sent_head = sent.len() as u64;
        exchange.response.sent = sent;
        http2::exchange(sender, request, &self.payload, self.request.settings.timeouts, exchange).await
    }

    fn is_chunked(&self) -> bool {
        let coding = find(&self.headers, "transfer-encoding");
        coding.is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(b"chunked"))
    }

    /// Whether the framing that the headers tell is the body's own. One written by hand goes out as written, but
    /// nothing may follow it on the connection: the server may take it for a part of this request, or the reverse.
    fn frames_itself_truly(&self) -> bool {
        let named = |name: &str| {
            let same = self.headers.iter().filter(|(written, _)| written.eq_ignore_ascii_case(name));
            same.map(|(_, value)| value.as_slice()).collect::<Vec<_>>()
        };
        let truth = self.payload.length.to_string();
        match (&named("content-length")[..], &named("transfer-encoding")[..]) {
            ([], []) => !self.payload.present,
            ([length], []) => *length == truth.as_bytes(),
            ([], [_]) => self.is_chunked(),
            _ => false,
        }
    }
}

/// Whether a request that failed so on a kept connection may be sent again: it did not go out, or twice is like once.
fn may_repeat(fault: &SendError, method: &str) -> bool {
    const LIKE_ONCE: &[&str] = &["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"];
    match fault {
        SendError::Reset { phase, .. } => *phase == Phase::Sending || LIKE_ONCE.contains(&method),
        _ => false,
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |past| past.as_secs())
}

pub(crate) fn place(target: &Target) -> Place {
    Place { host: target.host.clone(), path: target.path_only().to_owned(), secure: target.secure }
}

fn basic(both: &[u8]) -> Vec<u8> {
    // `user@host` has no password, and still a colon.
    let joined = if both.contains(&b':') { both.to_vec() } else { [both, b":"].concat() };
    format!("Basic {}", STANDARD.encode(joined)).into_bytes()
}

fn form_type(boundary: &str) -> Vec<u8> {
    format!("multipart/form-data; boundary={boundary}").into_bytes()
}

/// Adds the boundary to a content type that was written without one.
fn complete_form_type(headers: &mut [(String, Vec<u8>)], boundary: &str) {
    let written = headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if let Some((_, value)) = written
        && value.to_ascii_lowercase().starts_with(b"multipart/")
        && !value.to_ascii_lowercase().windows(9).any(|it| it == b"boundary=")
    {
        value.extend_from_slice(format!("; boundary={boundary}").as_bytes());
    }
}

/// Adds the jar's cookies, behind those that were written by hand.
fn add_cookies(headers: &mut Vec<(String, Vec<u8>)>, cookies: Option<Vec<u8>>) {
    let Some(cookies) = cookies else { return };
    match headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("cookie")) {
        Some((_, written)) if !written.is_empty() => {
            written.extend_from_slice(b"; ");
            written.extend_from_slice(&cookies);
        }
        Some((_, written)) => *written = cookies,
        None => headers.push(("Cookie".into(), cookies)),
    }
}
