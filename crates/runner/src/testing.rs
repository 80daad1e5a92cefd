//! A server for tests: real sockets, and the exact bytes of what came and what goes back.
//!
//! What it answers is a script of [`Act`]s, so that it can also do what no good server does. Each server has a
//! port of its own and ends when it is dropped.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

/// One thing that the server does.
#[derive(Debug, Clone)]
pub enum Act {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes for ever, until the other end leaves.
    Repeat(Vec<u8>),
    /// Closes in good order.
    Close,
    /// Breaks the connection off (a TCP reset).
    Reset,
    /// Does nothing more, and keeps the connection open.
    Hang,
    /// Speaks WebSocket from here on: sends back each message, and closes when asked to.
    EchoMessages,
    /// Joins the connection to another place, as a proxy does.
    Join(SocketAddr),
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The number of its connection, from 0.
    pub connection: usize,
    /// Its head, with the empty line.
    pub head: Vec<u8>,
    /// Its body as it was framed: with the chunk lines, if it was chunked.
    pub body: Vec<u8>,
}

impl Received {
    /// Head and body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&[&self.head[..], &self.body].concat()).into_owned()
    }

    /// The path and query of the request line.
    pub fn path(&self) -> String {
        let line = self.head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        String::from_utf8_lossy(line).split(' ').nth(1).unwrap_or_default().to_owned()
    }

    /// The values of a header.
    pub fn header(&self, name: &str) -> Vec<String> {
        let head = String::from_utf8_lossy(&self.head).into_owned();
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).collect()
    }
}

/// An answer with a length, after which the connection is kept.
pub fn answer(head: &str, body: impl AsRef<[u8]>) -> Vec<Act> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len());
    vec![Act::Send([head.as_bytes(), body].concat())]
}

/// These bytes and then the end.
pub fn raw(bytes: impl AsRef<[u8]>) -> Vec<Act> {
    vec![Act::Send(bytes.as_ref().to_vec()), Act::Close]
}

type Answerer = dyn Fn(&Received) -> Vec<Act> + Send + Sync;

/// The server.
pub struct TestServer {
    /// Where it listens, on loopback.
    pub address: SocketAddr,
    scheme: &'static str,
    received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl fmt::Debug for TestServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TestServer {
    /// Serves HTTP in the clear.
    pub async fn start(answerer: impl Fn(&Received) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self::serve("http", None, Arc::new(answerer)).await
    }

    /// Serves HTTP over TLS.
    pub async fn start_tls(
        identity: &Identity,
        answerer: impl Fn(&Received) -> Vec<Act> + Send + Sync + 'static,
    ) -> Self {
        let acceptor = TlsAcceptor::from(identity.config.clone());
        Self::serve("https", Some(acceptor), Arc::new(answerer)).await
    }

    /// Serves HTTP/2 (over TLS with an identity): each request is answered with its own head and body, as lines.
    ///
    /// The path `/reset` resets the stream, `/many` answers with more headers than anyone reads.
    pub async fn start_http2(identity: Option<&Identity>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let acceptor = identity.map(|it| TlsAcceptor::from(it.config.clone()));
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    match acceptor {
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => echo_http2(stream).await,
                            Err(_) => None,
                        },
                        None => echo_http2(stream).await,
                    }
                });
            }
        });
        Self { address, scheme, received: Arc::default(), task }
    }

    /// A URL on this server.
    pub fn url(&self, path: &str) -> String {
        let host = if self.scheme == "https" { "localhost" } else { "127.0.0.1" };
        format!("{}://{host}:{}{path}", self.scheme, self.address.port())
    }

    /// All requests so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The one request so far, as text, with the server's port told as `PORT`.
    pub fn only(&self) -> String {
        let received = self.received();
        assert_eq!(received.len(), 1, "one request: {received:?}");
        received[0].text().replace(&format!(":{}", self.address.port()), ":PORT")
    }

    async fn serve(scheme: &'static str, acceptor: Option<TlsAcceptor>, answerer: Arc<Answerer>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let received = Arc::<Mutex<Vec<_>>>::default();
        let log = received.clone();
        let task = tokio::spawn(async move {
            let mut connections = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let visit = Visit { connection: connections, answerer: answerer.clone(), log: log.clone() };
                connections += 1;
                let acceptor = acceptor.clone();
                // A connection whose other end has gone is over; the test sees its own end of it.
                tokio::spawn(async move {
                    match acceptor {
                        Some(acceptor) => visit.serve(acceptor.accept(stream).await.ok()?).await,
                        None => visit.serve(stream).await,
                    }
                });
            }
        });
        Self { address, scheme, received, task }
    }
}

/// One connection.
struct Visit {
    connection: usize,
    answerer: Arc<Answerer>,
    log: Arc<Mutex<Vec<Received>>>,
}

/// A stream that can break off.
trait Breaking {
    fn break_off(&self);
}

impl Breaking for TcpStream {
    fn break_off(&self) {
        let _ = self.set_zero_linger();
    }
}

impl Breaking for tokio_rustls::server::TlsStream<TcpStream> {
    fn break_off(&self) {
        self.get_ref().0.break_off();
    }
}

impl Visit {
    async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + Breaking>(self, mut stream: S) -> Option<()> {
        let mut buffer = Vec::new();
        loop {
            let received = self.receive(&mut stream, &mut buffer).await?;
            let acts = (self.answerer)(&received);
            self.log.lock().unwrap_or_else(PoisonError::into_inner).push(received);
            for act in acts {
                match act {
                    Act::Send(bytes) => stream.write_all(&bytes).await.ok()?,
                    Act::Repeat(bytes) => loop {
                        stream.write_all(&bytes).await.ok()?;
                    },
                    Act::Close => return stream.shutdown().await.ok(),
                    Act::Reset => {
                        stream.break_off();
                        return None;
                    }
                    Act::Hang => std::future::pending().await,
                    Act::EchoMessages => return echo_messages(stream).await,
                    Act::Join(address) => {
                        let mut other = TcpStream::connect(address).await.ok()?;
                        tokio::io::copy_bidirectional(&mut stream, &mut other).await.ok()?;
                        return None;
                    }
                }
            }
            stream.flush().await.ok()?;
        }
    }

    async fn receive(&self, stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<Received> {
        let end = b"\r\n\r\n";
        let head = read_past(stream, buffer, end).await?;
        let mut received = Received { connection: self.connection, head, body: Vec::new() };
        if let Some(length) =
            received.header("content-length").first().and_then(|it| it.parse::<usize>().ok())
        {
            while buffer.len() < length {
                more(stream, buffer).await?;
            }
            received.body = buffer.drain(..length).collect();
        } else if !received.header("transfer-encoding").is_empty() {
            received.body = read_past(stream, buffer, b"0\r\n\r\n").await?;
        }
        Some(received)
    }
}

async fn more(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<()> {
    let read = stream.read_buf(buffer).await.ok()?;
    (read > 0).then_some(())
}

/// Takes everything to the end of these bytes.
async fn read_past(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    end: &[u8],
) -> Option<Vec<u8>> {
    let mut scanned = 0_usize;
    loop {
        let from = scanned.saturating_sub(end.len());
        if let Some(found) = buffer[from..].windows(end.len()).position(|it| it == end) {
            return Some(buffer.drain(..from + found + end.len()).collect());
        }
        scanned = buffer.len();
        more(stream, buffer).await?;
    }
}

async fn echo_messages(stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<()> {
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    while let Some(Ok(message)) = socket.next().await {
        if message.is_text() || message.is_binary() {
            socket.send(message).await.ok()?;
        }
    }
    Some(())
}

async fn echo_http2(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Option<()> {
    let mut connection = h2::server::handshake(stream).await.ok()?;
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        tokio::spawn(async move {
            if request.uri().path() == "/reset" {
                respond.send_reset(h2::Reason::INTERNAL_ERROR);
                return None;
            }
            let mut told = format!("{} {}\n", request.method(), request.uri());
            for (name, value) in request.headers() {
                told.extend([name.as_str(), ": ", &String::from_utf8_lossy(value.as_bytes()), "\n"]);
            }
            let many = if request.uri().path() == "/many" { crate::limits::HEADERS + 1 } else { 1 };
            let mut body = request.into_body();
            while let Some(piece) = body.data().await {
                let piece = piece.ok()?;
                body.flow_control().release_capacity(piece.len()).ok()?;
                told += &String::from_utf8_lossy(&piece);
            }
            let mut response = http::Response::new(());
            for _ in 0..many {
                response.headers_mut().append("x-twice", http::HeaderValue::from_static("1"));
            }
            let mut stream = respond.send_response(response, false).ok()?;
            stream.send_data(Bytes::from(told), true).ok()
        });
    }
    Some(())
}

/// A server's certificate, and the authority that stands for it.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The authority, in PEM.
    pub authority: String,
    /// A certificate and key of a client, from the same authority, in PEM.
    pub client: (String, String),
    config: Arc<ServerConfig>,
}

impl Identity {
    /// One for `localhost`, in force.
    pub fn good() -> Self {
        Made::default().identity()
    }

    /// One for another host.
    pub fn of_another_host() -> Self {
        Made { name: "other.test", ..Made::default() }.identity()
    }

    /// One that has expired.
    pub fn expired() -> Self {
        Made { from: 2001, to: 2002, ..Made::default() }.identity()
    }

    /// One that is not in force yet.
    pub fn of_the_future() -> Self {
        Made { from: 4000, to: 4001, ..Made::default() }.identity()
    }

    /// One whose server wants a certificate of the client.
    pub fn demanding() -> Self {
        Made { demanding: true, ..Made::default() }.identity()
    }

    /// One that offers HTTP/2.
    pub fn with_http2() -> Self {
        Made { http2: true, ..Made::default() }.identity()
    }
}

/// What an identity is made of.
struct Made {
    name: &'static str,
    from: i32,
    to: i32,
    demanding: bool,
    http2: bool,
}

impl Default for Made {
    fn default() -> Self {
        Self { name: "localhost", from: 2000, to: 4000, demanding: false, http2: false }
    }
}

impl Made {
    fn identity(&self) -> Identity {
        let key = KeyPair::generate().expect("ring makes keys");
        let mut params = CertificateParams::new(Vec::new()).expect("no names are fine names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).expect("the key is its own");
        let issuer = Issuer::new(params, key);
        let (own, own_key) = self.signed(self.name, &issuer);
        let (client, client_key) = Self::default().signed("client.test", &issuer);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("ring has all versions");
        let builder = if self.demanding {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der().clone()).expect("an authority");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("there is a root"))
        } else {
            builder.with_no_client_auth()
        };
        let chain = vec![CertificateDer::from(own.der().to_vec())];
        let der = PrivateKeyDer::try_from(own_key.serialize_der()).expect("a key in PKCS#8");
        let mut config = builder.with_single_cert(chain, der).expect("the key is the certificate's");
        let offered: &[&[u8]] = if self.http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
        config.alpn_protocols = offered.iter().map(|it| it.to_vec()).collect();
        Identity {
            authority: authority.pem(),
            client: (client.pem(), client_key.serialize_pem()),
            config: Arc::new(config),
        }
    }

    fn signed(&self, name: &str, issuer: &Issuer<'_, KeyPair>) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().expect("ring makes keys");
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a DNS name");
        params.not_before = date_time_ymd(self.from, 1, 1);
        params.not_after = date_time_ymd(self.to, 1, 1);
        (params.signed_by(&key, issuer).expect("the issuer signs"), key)
    }
}

/// A SOCKS5 proxy that joins everything to one place, whatever it is asked for; it tells what it was asked.
pub async fn start_socks5(to: SocketAddr, asked: Arc<Mutex<Vec<u8>>>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let serve: Pin<Box<dyn Future<Output = Option<()>> + Send>> = Box::pin(async move {
        let (mut stream, _) = listener.accept().await.ok()?;
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).await.ok()?;
        stream.write_all(&[5, greeting[2]]).await.ok()?;
        if greeting[2] == 2 {
            let mut proof = vec![0; 64];
            let read = stream.read(&mut proof).await.ok()?;
            asked.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&proof[..read]);
            stream.write_all(&[1, 0]).await.ok()?;
        }
        let mut ask = vec![0; 300];
        let read = stream.read(&mut ask).await.ok()?;
        asked.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&ask[..read]);
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.ok()?;
        let mut other = TcpStream::connect(to).await.ok()?;
        tokio::io::copy_bidirectional(&mut stream, &mut other).await.ok()?;
        Some(())
    });
    tokio::spawn(serve);
    address
}
