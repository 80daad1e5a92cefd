//! A running server inside this process: opening its parts in order, and closing them in reverse.
//!
//! ```text
//!  certificate ▶ data folder (lock) ▶ store ▶ service ▶ port ▶ accept
//!  shutdown: no new connections ▶ GoingAway to each ▶ their ends ▶ writer drained
//! ```
//!
//! Invariants: a server that could not start leaves nothing running; a shutdown takes a bounded time,
//! and what was acknowledged before it is durable in any case.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rand_core::OsRng;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::config::{Clock, Config, SystemClock};
use crate::http;
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::server::{Server, Times};
use crate::service::Service;
use crate::store::StoreError;
use crate::store::sqlite::{DataDir, DataDirError, SqliteStore};

/// How often expired things are forgotten and old versions dropped.
const UPKEEP_INTERVAL: Duration = Duration::from_mins(1);
/// How often it is seen whether an operator's command has changed something.
const NOTICE_INTERVAL: Duration = Duration::from_secs(1);
/// How long a request's head may take to arrive.
const HEAD_TIME_MAX: Duration = Duration::from_secs(15);
/// A connection's first buffer, and the most that a request's head may take.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Files of a certificate chain and its key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// How to run a server.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the database.
    pub data: PathBuf,
    /// The address to listen on; port 0 for any free one.
    pub listen: SocketAddr,
    /// The certificate; none for plain HTTP.
    pub tls: Option<TlsFiles>,
    /// The rules that the operator chooses.
    pub config: Config,
    /// How long connections may take.
    pub times: Times,
    /// Whether the address of who asks is the last one in `X-Forwarded-For`.
    pub trusts_proxy: bool,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

impl Options {
    /// A server with a data folder, on any free port of loopback, and everything else as usual.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            config: Config::default(),
            times: Times::default(),
            trusts_proxy: false,
            clock: Arc::new(SystemClock),
        }
    }
}

/// Why a server could not start.
#[derive(Debug)]
pub enum ServeError {
    /// The certificate or its key cannot be read.
    Certificate {
        /// The file.
        file: PathBuf,
        /// The parser's or the system's reason.
        source: pem::Error,
    },
    /// The certificate and the key do not go together, or cannot be used.
    Pair {
        /// The certificate's file.
        file: PathBuf,
        /// The reason.
        source: rustls::Error,
    },
    /// The data folder cannot be used.
    Folder {
        /// The folder.
        data: PathBuf,
        /// The reason.
        source: DataDirError,
    },
    /// The database in the data folder cannot be opened.
    Store {
        /// The folder.
        data: PathBuf,
        /// The reason.
        source: StoreError,
    },
    /// The address cannot be listened on.
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate { file, .. } => {
                write!(f, "reading the certificate or key in {}", file.display())
            }
            Self::Pair { file, .. } => write!(f, "using the certificate in {} with its key", file.display()),
            Self::Folder { data, .. } => write!(f, "using the data folder {}", data.display()),
            Self::Store { data, .. } => write!(f, "opening the database in {}", data.display()),
            Self::Listen { address, .. } => write!(f, "listening at {address}"),
        }
    }
}

impl Error for ServeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Certificate { source, .. } => Some(source),
            Self::Pair { source, .. } => Some(source),
            Self::Folder { source, .. } => Some(source),
            Self::Store { source, .. } => Some(source),
            Self::Listen { source, .. } => Some(source),
        }
    }
}

/// A server that accepts connections. Dropping it ends it without waiting.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    scheme: &'static str,
    server: Arc<Server>,
    handle: Handle<SocketAddr>,
    accepting: JoinHandle<io::Result<()>>,
    upkeep: JoinHandle<()>,
}

/// Starts a server and returns once it accepts connections.
///
/// # Errors
/// [`ServeError`]; then nothing is left running.
pub async fn serve(options: Options) -> Result<Running, ServeError> {
    let tls = options.tls.as_ref().map(read_tls).transpose()?;
    let listener = bind(options.listen)?;
    let failed = |source| ServeError::Listen { address: options.listen, source };
    let address = listener.local_addr().map_err(failed)?;
    let opening = options.clone();
    let opened = tokio::task::spawn_blocking(move || open(&opening)).await;
    let server = opened.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
    let handle = Handle::new();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let accepting = accept(&server, listener, tls, handle.clone()).map_err(failed)?;
    let upkeep = tokio::spawn(keep_up(server.clone()));
    Ok(Running { address, scheme, server, handle, accepting, upkeep })
}

fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|source| ServeError::Listen { address, source })
}

fn open(options: &Options) -> Result<Arc<Server>, ServeError> {
    let failed = |source| ServeError::Store { data: options.data.clone(), source };
    let metrics = Arc::new(Metrics::new());
    let hub = Arc::new(Hub::new(metrics.clone()));
    let unusable = |source| ServeError::Folder { data: options.data.clone(), source };
    let folder = DataDir::lock(&options.data).map_err(unusable)?;
    let store = SqliteStore::open(folder, hub.clone(), &mut OsRng).map_err(failed)?;
    let service = Service::new(Arc::new(store), hub.clone(), options.config).map_err(failed)?;
    Ok(Arc::new(Server::new(service, hub, metrics, options)))
}

fn read_tls(files: &TlsFiles) -> Result<RustlsConfig, ServeError> {
    let unreadable = |file: &PathBuf| {
        let file = file.clone();
        move |source| ServeError::Certificate { file, source }
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable(&files.certificate))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unreadable(&files.key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|source| ServeError::Pair { file: files.certificate.clone(), source })?;
    // WebSockets are upgraded from HTTP/1.1.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}

fn accept(
    server: &Arc<Server>,
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    handle: Handle<SocketAddr>,
) -> io::Result<JoinHandle<io::Result<()>>> {
    let service = http::router(server.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let mut plain = axum_server::from_tcp(listener)?.handle(handle).acceptor(NoDelayAcceptor::new());
    let builder = plain.http_builder();
    // HTTP/2 would bring no WebSockets, and limits of its own to care for.
    *builder = builder.clone().http1_only();
    builder.http1().max_buf_size(HEAD_BYTES_MAX).header_read_timeout(HEAD_TIME_MAX);
    let plain = plain.first_request_timeout(HEAD_TIME_MAX);
    Ok(match tls {
        None => tokio::spawn(plain.serve(service)),
        Some(tls) => {
            let secure = plain.map(|plain| RustlsAcceptor::new(tls).acceptor(plain));
            tokio::spawn(secure.serve(service))
        }
    })
}

async fn keep_up(server: Arc<Server>) {
    loop {
        for _ in 0..UPKEEP_INTERVAL.as_secs() {
            tokio::time::sleep(NOTICE_INTERVAL).await;
            work_beside(&server, |server| server.service.notice()).await;
        }
        work_beside(&server, |server| server.service.upkeep(server.now_ms())).await;
    }
}

async fn work_beside(server: &Arc<Server>, work: fn(&Server) -> Result<(), StoreError>) {
    let server = server.clone();
    if let Ok(Err(error)) = tokio::task::spawn_blocking(move || work(&server)).await {
        tracing::warn!(error = %crate::store::Chained(&error), "upkeep failed, trying again later");
    }
}

impl Running {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, as an app is given it.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Waits until it ends by itself, which it does only if accepting connections fails.
    pub async fn wait_ended(&mut self) -> io::Result<()> {
        (&mut self.accepting).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// Ends it: tells every connection, waits a bounded time for them, and drains the writer.
    pub async fn shutdown(mut self) {
        let within = self.server.times.shutdown;
        self.upkeep.abort();
        self.handle.graceful_shutdown(Some(within));
        self.server.hub.stop();
        let ends = async {
            self.server.hub.wait_idle().await;
            // How accepting ended does not matter any more.
            let _ = (&mut self.accepting).await;
        };
        if timeout(within, ends).await.is_err() {
            tracing::warn!("some connections did not end in time");
            self.handle.shutdown();
        }
        let server = self.server.clone();
        if tokio::task::spawn_blocking(move || server.service.stop()).await.is_err() {
            tracing::error!("the store's writer did not stop well");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.upkeep.abort();
        self.handle.shutdown();
        self.server.hub.stop();
    }
}
