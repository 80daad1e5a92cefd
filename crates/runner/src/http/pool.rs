//! Connections kept for the next request to the same place under the same rules.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::body::is_silent;
use super::connect::Wire;
use super::proxy::Proxy;
use super::{HttpVersion, Settings, Target, http2};
use crate::limits;
use crate::tls::{ClientCertificate, ExtraRoots, TlsSummary};

/// Everything that makes two connections the same: a request never goes over one that was made under other rules.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own, and any mix of them occurs")]
pub(super) struct Key {
    secure: bool,
    host: String,
    port: u16,
    proxy: Option<Proxy>,
    version: HttpVersion,
    verify: bool,
    tls12: bool,
    tls13: bool,
    certificate: Option<Arc<ClientCertificate>>,
    roots: Option<Arc<ExtraRoots>>,
}

impl Key {
    pub(super) fn new(target: &Target, settings: &Settings) -> Self {
        Self {
            secure: target.secure,
            host: target.host.clone(),
            port: target.port,
            proxy: settings.proxies.for_target(target).cloned(),
            version: settings.http_version,
            verify: settings.verify_tls,
            tls12: settings.tls12,
            tls13: settings.tls13,
            certificate: settings.client_certificate.clone(),
            roots: settings.extra_roots.clone(),
        }
    }
}

/// What is known of a connection.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) remote_address: Option<SocketAddr>,
    pub(super) tls: Option<TlsSummary>,
    pub(super) proxied: bool,
}

/// A connection in use or kept.
pub(super) enum Connection {
    Http1(Box<dyn Wire>),
    Http2(http2::Sender),
}

struct Kept {
    key: Key,
    peer: Peer,
    connection: Connection,
    since: Instant,
}

/// The kept connections, the latest last.
#[derive(Default)]
pub(super) struct Pool {
    kept: Mutex<Vec<Kept>>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Pool {
    /// Takes a connection that is still open, as far as that can be seen. HTTP/2 is shared and stays.
    pub(super) fn take(&self, key: &Key) -> Option<(Connection, Peer)> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        kept.retain(|it| now.saturating_duration_since(it.since) < limits::KEEP_TIME);
        while let Some(place) = kept.iter().rposition(|it| it.key == *key) {
            if let Connection::Http2(sender) = &kept[place].connection {
                return Some((Connection::Http2(sender.clone()), kept[place].peer.clone()));
            }
            let mut found = kept.remove(place);
            if let Connection::Http1(wire) = &mut found.connection
                && is_silent(wire)
            {
                return Some((found.connection, found.peer));
            }
        }
        None
    }

    /// Keeps a connection.
    pub(super) fn put(&self, key: Key, connection: Connection, peer: Peer) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Connection::Http2(_) = &connection {
            kept.retain(|it| it.key != key || matches!(it.connection, Connection::Http1(_)));
        }
        if kept.iter().filter(|it| it.key == key).count() >= limits::KEPT_EACH {
            return;
        }
        if kept.len() >= limits::KEPT {
            kept.remove(0);
        }
        kept.push(Kept { key, peer, connection, since: Instant::now() });
    }

    /// Forgets the HTTP/2 connection to a place: it has failed.
    pub(super) fn forget_http2(&self, key: &Key) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|it| it.key != *key || matches!(it.connection, Connection::Http1(_)));
    }
}
