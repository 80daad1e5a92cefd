//! From a target to a connection: name lookup, TCP, proxy, TLS; with the time of each.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::exchange::Clock;
use super::proxy::{ProxyKind, socks5, tunnel};
use super::{HttpVersion, Phase, SendError, Settings, Target, Timings};
use crate::limits;
use crate::tls::{Tls, TlsFault, TlsSummary};

/// Both ways of a connection, whatever it is made of.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection, ready for HTTP.
pub(super) struct Line {
    pub(crate) wire: Box<dyn Wire>,
    pub(crate) remote_address: Option<SocketAddr>,
    pub(crate) tls: Option<TlsSummary>,
    /// The other end is a proxy that reads the requests: it needs whole URLs, and its authorization in each.
    pub(crate) proxied: bool,
    /// HTTP/2 was agreed on.
    pub(crate) http2: bool,
}

/// Makes connections.
#[derive(Debug, Default)]
pub(crate) struct Connector {
    tls: Tls,
}

impl Connector {
    /// Connects within the time that the settings give.
    pub(super) async fn connect(
        &self,
        target: &Target,
        settings: &Settings,
        clock: &mut Clock,
        timings: &mut Timings,
    ) -> Result<Line, SendError> {
        let connecting = self.connect_untimed(target, settings, clock, timings);
        match settings.timeouts.connect {
            None => connecting.await,
            Some(limit) => timeout(limit, connecting)
                .await
                .unwrap_or_else(|_| Err(SendError::timeout(Phase::Connecting, limit))),
        }
    }

    async fn connect_untimed(
        &self,
        target: &Target,
        settings: &Settings,
        clock: &mut Clock,
        timings: &mut Timings,
    ) -> Result<Line, SendError> {
        let proxy = settings.proxies.for_target(target);
        let (host, port, address) = match proxy {
            Some(proxy) => (proxy.host.as_str(), proxy.port, proxy.address()),
            None => (target.host.as_str(), target.port, target.address()),
        };
        let addresses = look_up(host, port).await?;
        timings.dns = clock.lap();
        let stream = dial(addresses).await.map_err(|source| dial_fault(address, source))?;
        // Small requests go out at once; a system that cannot promise that still works.
        let _ = stream.set_nodelay(true);
        let remote_address = stream.peer_addr().ok();
        let mut wire: Box<dyn Wire> = Box::new(stream);
        let mut proxied = false;
        if let Some(proxy) = proxy {
            if proxy.kind == ProxyKind::Https {
                let offer = Offer { host: &proxy.host, versions: &[] };
                wire = self.encrypt(wire, offer, settings).await?.0;
            }
            match proxy.kind {
                ProxyKind::Socks5 => socks5(&mut wire, proxy, target).await?,
                // A WebSocket goes through a tunnel even without TLS, as browsers do it.
                _ if target.secure || target.websocket => tunnel(&mut wire, proxy, target).await?,
                _ => proxied = true,
            }
        }
        timings.connect = clock.lap();
        let mut line = Line { wire, remote_address, tls: None, proxied, http2: false };
        if target.secure {
            let offer = Offer { host: &target.host, versions: versions(target, settings) };
            let (wire, summary) = self.encrypt(line.wire, offer, settings).await?;
            line.http2 = summary.alpn.as_deref() == Some("h2");
            line = Line { wire, tls: Some(summary), ..line };
            timings.tls = clock.lap();
        } else {
            line.http2 = settings.http_version == HttpVersion::Http2 && !target.websocket;
        }
        if settings.http_version == HttpVersion::Http2 && !line.http2 && !target.websocket {
            return Err(SendError::http2("the server does not offer it"));
        }
        Ok(line)
    }

    async fn encrypt(
        &self,
        wire: Box<dyn Wire>,
        offer: Offer<'_>,
        settings: &Settings,
    ) -> Result<(Box<dyn Wire>, TlsSummary), SendError> {
        let (config, judge) = self.tls.config(settings, offer.versions)?;
        let fault = |fault| SendError::Tls { host: offer.host.to_owned(), fault };
        let name = ServerName::try_from(offer.host.to_owned()).map_err(|_| fault(TlsFault::WrongHost))?;
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, wire);
        let stream = connecting.await.map_err(|error| fault(TlsFault::of(&error)))?;
        let summary = TlsSummary::of(stream.get_ref().1, &judge);
        Ok((Box::new(stream), summary))
    }
}

/// What the client's side of a TLS handshake says.
struct Offer<'a> {
    host: &'a str,
    versions: &'static [&'static [u8]],
}

fn versions(target: &Target, settings: &Settings) -> &'static [&'static [u8]] {
    match settings.http_version {
        _ if target.websocket => &[b"http/1.1"],
        HttpVersion::Auto => &[b"h2", b"http/1.1"],
        HttpVersion::Http1 => &[b"http/1.1"],
        HttpVersion::Http2 => &[b"h2"],
    }
}

async fn look_up(host: &str, port: u16) -> Result<VecDeque<SocketAddr>, SendError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok([SocketAddr::new(address, port)].into());
    }
    let fault = |source| SendError::Dns { host: host.to_owned(), source };
    let found: Vec<_> = tokio::net::lookup_host((host, port)).await.map_err(fault)?.collect();
    if found.is_empty() {
        return Err(fault(io::Error::new(io::ErrorKind::NotFound, "the name has no address")));
    }
    Ok(interleaved(&found))
}

/// Alternates the families, beginning with the system's preference, so that a family that is broken here costs
/// one [`limits::STAGGER`] and not one for each address.
fn interleaved(found: &[SocketAddr]) -> VecDeque<SocketAddr> {
    let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (mut one, mut other): (VecDeque<_>, VecDeque<_>) =
        found.iter().copied().partition(|address| address.is_ipv6() == first_is_v6);
    let mut order = VecDeque::new();
    while order.len() < limits::ADDRESSES && !(one.is_empty() && other.is_empty()) {
        order.extend(one.pop_front());
        order.extend(other.pop_front());
    }
    order
}

/// Tries one address after the other, each beside those before it that have not answered yet.
async fn dial(mut addresses: VecDeque<SocketAddr>) -> io::Result<TcpStream> {
    let mut attempts = FuturesUnordered::new();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address");
    loop {
        if let Some(address) = addresses.pop_front() {
            attempts.push(TcpStream::connect(address));
        } else if attempts.is_empty() {
            return Err(last);
        }
        tokio::select! {
            Some(result) = attempts.next() => match result {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            },
            () = tokio::time::sleep(limits::STAGGER), if !addresses.is_empty() => {}
        }
    }
}

fn dial_fault(address: String, source: io::Error) -> SendError {
    if source.kind() == io::ErrorKind::ConnectionRefused {
        SendError::Refused { address, source }
    } else {
        SendError::Unreachable { address, source }
    }
}
