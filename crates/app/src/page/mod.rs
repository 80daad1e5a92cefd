//! The page on loopback: who may come in, and its files.
//!
//! ```text
//! satchel app ──#code──▶ browser ──POST /session──▶ cookie and key ──/host: cookie, Origin, key──▶ bridge
//! ```
//! Why it exists: a loopback port is open to every program and, through the browser, to every site. So each
//! request must name this host exactly, whatever acts must come from this origin, and a code that works once is
//! the only way to a session (docs/decisions/0033-a-page-on-loopback.md).
//!
//! Invariants: no token is ever in a URL's path or query; every answer carries the policy; sessions live in memory only.
//!
//! Knows nothing of calls.

mod bridge;
mod deeds;
mod runs;
mod serving;

use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts as _, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::agent;
use crate::failure::Failure;
use crate::link::LINE_BYTES_MAX;
use crate::{host, output};

/// The page's files; none where the page was not built before the program was.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));
/// What is shown in place of a page that is not in the program.
const ABSENT: &str = "This satchel was built without its page.\n\
    Run `npm ci && npm run build` in the folder ui, build satchel again, and start `satchel app`.\n";
/// The largest body of an exchange.
const BODY_BYTES_MAX: usize = 1024;
/// Sessions at a time; there is one code, so one is the rule.
const SESSIONS_MAX: usize = 8;
/// Sockets of pages at a time: a page has one.
const SOCKETS_MAX: usize = 32;
/// How long the body of an exchange may take.
const BODY_TIME_MAX: Duration = Duration::from_secs(5);
/// The browser is told what the page may do, whatever the page says.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";
/// What every answer carries.
const HEADERS: &[(&str, &str)] = &[
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// A browser that came in with the code.
struct Session {
    cookie: String,
    key: String,
}

/// What every request shares.
struct Gate {
    home: PathBuf,
    port: u16,
    code: Mutex<Option<String>>,
    sessions: Mutex<Vec<Session>>,
    sockets: Arc<Semaphore>,
}

/// Serves the page until a signal; holds the profile open itself where no agent does.
pub(crate) fn serve(home: &Path, port: Option<u16>, is_opened: bool) -> Result<(), Failure> {
    let has_agent = agent::about(home).is_some();
    let listener = bind(home, port)?;
    host::runtime()?.block_on(async {
        let code = random().map_err(|error| failure("drawing a random code", &error))?;
        let port = listener.local_addr().map_err(|error| failure("opening the page's port", &error))?.port();
        let url = format!("http://127.0.0.1:{port}/#code={code}");
        let served = listen(listener, Gate::new(home, port, code))?;
        output::print(format!("{url}\n").as_bytes());
        if is_opened {
            open_browser(home, &url);
        }
        if !has_agent {
            return agent::serve_profile(home).await;
        }
        tokio::select! {
            _ = tokio::signal::ctrl_c() => Ok(()),
            _ = served => Ok(()),
        }
    })
}

fn failure(what: &str, error: &std::io::Error) -> Failure {
    Failure::agent(what, error.to_string(), "choose another port with --port, or none")
}

/// The port that was asked for; else the last one, since the browser keeps drafts by port; else a free one.
fn bind(home: &Path, port: Option<u16>) -> Result<std::net::TcpListener, Failure> {
    let at = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port));
    if let Some(port) = port {
        return at(port).map_err(|error| failure(&format!("opening port {port} on 127.0.0.1"), &error));
    }
    let kept = home.join("page-port");
    let last: Option<u16> = std::fs::read_to_string(&kept).ok().and_then(|text| text.trim().parse().ok());
    if let Some(listener) = last.and_then(|port| at(port).ok()) {
        return Ok(listener);
    }
    let listener = at(0).map_err(|error| failure("opening a port on 127.0.0.1", &error))?;
    if let (None, Ok(address)) = (last, listener.local_addr()) {
        // Where it cannot be kept, the next start takes another port.
        drop(write_private(&kept, &address.port().to_string()));
    }
    Ok(listener)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// 256 bits of the system's randomness, in hexadecimal.
fn random() -> std::io::Result<String> {
    let mut bytes = [0_u8; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}

/// Arguments of a process are open to every user, so the browser gets a private file that leads to the URL.
fn open_browser(home: &Path, url: &str) {
    let file = home.join("open.html");
    let text =
        format!("<!doctype html><meta http-equiv=\"refresh\" content=\"0;url={url}\"><title>Satchel</title>");
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let opened = write_private(&file, &text).and_then(|()| {
        let mut command = std::process::Command::new(program);
        command
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        command.arg(&file).spawn()
    });
    if opened.is_err() {
        output::print(b"no browser could be started: open the address above\n");
    }
}

fn listen(listener: std::net::TcpListener, gate: Gate) -> Result<tokio::task::JoinHandle<()>, Failure> {
    let tried = "opening the page's port";
    listener.set_nonblocking(true).map_err(|error| failure(tried, &error))?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| failure(tried, &error))?;
    let gate = Arc::new(gate);
    Ok(tokio::spawn(serving::serve(listener, move |request| enter(gate.clone(), request))))
}

async fn enter(gate: Arc<Gate>, request: Request<Body>) -> Response<Body> {
    let mut response = match gate.admit(request.method(), request.uri().path(), request.headers()) {
        Err(status) => (status, [(header::CONNECTION, "close")], "refused\n").into_response(),
        Ok(()) => gate.answer(request).await,
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    response
}

impl Gate {
    fn new(home: &Path, port: u16, code: String) -> Self {
        let sockets = Arc::new(Semaphore::new(SOCKETS_MAX));
        let (code, sessions) = (Mutex::new(Some(code)), Mutex::new(Vec::new()));
        Self { home: home.to_owned(), port, code, sessions, sockets }
    }

    /// Whether a request may be looked at: by its Host, and for what acts by its Origin.
    fn admit(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), StatusCode> {
        let host = only(headers, &header::HOST).ok_or(StatusCode::MISDIRECTED_REQUEST)?;
        let names = [format!("127.0.0.1:{}", self.port), format!("localhost:{}", self.port)];
        if !names.iter().any(|name| name == host) {
            return Err(StatusCode::MISDIRECTED_REQUEST);
        }
        let is_acting = method != Method::GET || path == "/host";
        let has_origin = headers.contains_key(header::ORIGIN);
        let is_own = only(headers, &header::ORIGIN).is_some_and(|origin| origin == format!("http://{host}"));
        if (is_acting || has_origin) && !is_own {
            return Err(StatusCode::FORBIDDEN);
        }
        Ok(())
    }

    async fn answer(self: Arc<Self>, request: Request<Body>) -> Response<Body> {
        match (request.method(), request.uri().path()) {
            (&Method::POST, "/session") => self.exchange(request).await,
            // A browser does not tell a page why its WebSocket was refused: it may ask here.
            (&Method::GET, "/session") => {
                let is_known = self.key(request.headers()).is_some();
                let status = if is_known { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED };
                (status, [(header::CACHE_CONTROL, "no-store")]).into_response()
            }
            (&Method::GET, "/host") => self.upgrade(request).await,
            (&Method::GET, path) => file(FILES, path),
            _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        }
    }

    /// The code for a cookie and a key. The cookie goes to every port of this host; the key stays in the
    /// storage of this one origin, so that neither is worth anything alone.
    async fn exchange(&self, request: Request<Body>) -> Response<Body> {
        #[derive(Deserialize)]
        struct Exchange {
            code: String,
        }
        let is_json =
            only(request.headers(), &header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
        if !is_json {
            return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
        }
        let body = match timeout(BODY_TIME_MAX, to_bytes(request.into_body(), BODY_BYTES_MAX)).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
        };
        let Ok(Exchange { code }) = serde_json::from_slice(&body) else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        let (Ok(cookie), Ok(key)) = (random(), random()) else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        if !self.spend(&code) {
            return StatusCode::FORBIDDEN.into_response();
        }
        let name = self.cookie_name();
        let set = format!("{name}={cookie}; HttpOnly; SameSite=Strict; Path=/");
        let body = format!("{{\"key\":\"{key}\"}}");
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.truncate(SESSIONS_MAX - 1);
        sessions.insert(0, Session { cookie, key });
        let kind = (header::CONTENT_TYPE, "application/json".to_owned());
        ([kind, (header::CACHE_CONTROL, "no-store".to_owned()), (header::SET_COOKIE, set)], body)
            .into_response()
    }

    fn spend(&self, code: &str) -> bool {
        let mut kept = self.code.lock().unwrap_or_else(PoisonError::into_inner);
        let is_right = kept.as_ref().is_some_and(|kept| is_same(kept, code));
        if is_right {
            *kept = None;
        }
        is_right
    }

    fn cookie_name(&self) -> String {
        format!("satchel_{}", self.port)
    }

    /// The key that belongs to the request's cookie.
    fn key(&self, headers: &HeaderMap) -> Option<String> {
        let name = self.cookie_name();
        let cookies = only(headers, &header::COOKIE)?;
        let pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.into_iter().find(|(found, _)| *found == name)?;
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.iter().find(|session| is_same(&session.cookie, value)).map(|session| session.key.clone())
    }

    async fn upgrade(self: Arc<Self>, request: Request<Body>) -> Response<Body> {
        let (mut parts, _) = request.into_parts();
        let Some(key) = self.key(&parts.headers) else { return StatusCode::UNAUTHORIZED.into_response() };
        let Ok(place) = self.sockets.clone().try_acquire_owned() else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        let size = usize::try_from(LINE_BYTES_MAX).unwrap_or(usize::MAX);
        match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
            Err(refusal) => refusal.into_response(),
            Ok(upgrade) => {
                upgrade.max_message_size(size).max_frame_size(size).on_upgrade(move |socket| async move {
                    bridge::run(socket, &self.home, &key).await;
                    drop(place);
                })
            }
        }
    }
}

/// A header that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Compares secrets in a time that depends on their lengths alone.
fn is_same(kept: &str, given: &str) -> bool {
    kept.as_bytes().ct_eq(given.as_bytes()).into()
}

fn file(files: &'static [(&'static str, &'static [u8])], path: &str) -> Response<Body> {
    let name = if path == "/" { "/index.html" } else { path };
    if files.is_empty() && path == "/" {
        return ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], ABSENT).into_response();
    }
    let Some((_, bytes)) = files.iter().find(|(found, _)| *found == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // The names in `assets` are made from a hash of what is in the files.
    let keeping =
        if name.starts_with("/assets/") { "public, max-age=31536000, immutable" } else { "no-store" };
    ([(header::CONTENT_TYPE, kind(name)), (header::CACHE_CONTROL, keeping)], *bytes).into_response()
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
