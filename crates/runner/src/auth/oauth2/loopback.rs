//! The listener to which a browser comes back (RFC 8252, section 7.3).
//!
//! Invariants: it listens on loopback only, reads the head of a request up to a limit, and answers a page that
//! holds nothing of what was sent, so that nothing can be shown through it.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::build::url::{Url, decoded};

/// The longest head that is read.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How long one visitor may take; others wait meanwhile.
const VISIT: Duration = Duration::from_secs(5);

/// A listener for one authorization.
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    redirect_uri: String,
    path: String,
}

/// What the browser brought back.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Callback {
    /// The code to turn into a token.
    pub code: Option<String>,
    /// The state that was sent along.
    pub state: Option<String>,
    /// The error, where the server refused.
    pub error: Option<String>,
    /// The server's words on it.
    pub description: String,
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback").field("error", &self.error).finish_non_exhaustive()
    }
}

impl Loopback {
    /// Listens where a document's redirect address says, if that is on loopback; else at a free port.
    pub async fn open(wanted: &str) -> io::Result<Self> {
        let url = Url::parse(wanted);
        let is_loopback = matches!(url.host.to_lowercase().as_str(), "localhost" | "127.0.0.1" | "[::1]")
            && url.protocol.as_deref().is_none_or(|protocol| protocol.eq_ignore_ascii_case("http"));
        let (host, path) = if is_loopback {
            (url.host.as_str(), url.path.clone())
        } else {
            ("127.0.0.1", Some("callback".to_owned()))
        };
        let port =
            url.port.as_deref().filter(|_| is_loopback).and_then(|port| port.parse().ok()).unwrap_or(0);
        let address = if host == "[::1]" { "::1" } else { "127.0.0.1" };
        let listener = TcpListener::bind((address, port)).await?;
        let port = listener.local_addr()?.port();
        let path = format!("/{}", path.unwrap_or_default());
        Ok(Self { listener, redirect_uri: format!("http://{host}:{port}{path}"), path })
    }

    /// Where the browser is to be sent back to.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Waits for a visitor at the redirect address; others are turned away.
    pub async fn wait(&self) -> io::Result<Callback> {
        loop {
            let (mut stream, _) = self.listener.accept().await?;
            if let Ok(Ok(Some(callback))) = tokio::time::timeout(VISIT, self.visit(&mut stream)).await {
                return Ok(callback);
            }
        }
    }

    async fn visit(&self, stream: &mut TcpStream) -> io::Result<Option<Callback>> {
        let head = read_head(stream).await?;
        let target =
            head.strip_prefix("GET ").and_then(|rest| rest.split_once(' ')).map(|(target, _)| target);
        let (path, query) =
            target.unwrap_or_default().split_once('?').unwrap_or((target.unwrap_or_default(), ""));
        let callback = (path == self.path)
            .then(|| Callback::parse(query))
            .filter(|it| it.code.is_some() || it.error.is_some());
        let (status, text) = match &callback {
            None => ("404 Not Found", "Nothing is here."),
            Some(callback) if callback.error.is_some() => {
                ("200 OK", "The server refused. You can close this page.")
            }
            Some(_) => ("200 OK", "You are signed in. You can close this page."),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
             Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{text}",
            text.len()
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        Ok(callback)
    }
}

async fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let count = stream.read(&mut buffer).await?;
        head.extend_from_slice(&buffer[..count]);
        if count == 0 || head.len() > HEAD_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

impl Callback {
    fn parse(query: &str) -> Self {
        let mut callback = Self::default();
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = decoded(value, true);
            match key {
                "code" => callback.code = Some(value),
                "state" => callback.state = Some(value),
                "error" => callback.error = Some(value),
                "error_description" => callback.description = value,
                _ => {}
            }
        }
        callback
    }
}
