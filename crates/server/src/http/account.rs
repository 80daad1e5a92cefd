//! Requests around accounts: read the body, ask the service on a thread that may block, answer.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::routing::{MethodRouter, post};
use minicbor::{Decode, Encode};
use rand_core::OsRng;
use satchel_wire::Refusal;
use satchel_wire::limits::LOGIN_BYTES_MAX;

use super::answer;
use crate::server::Server;
use crate::service::{Address, Service};
use crate::session::internal;

/// The route of one function of the service.
pub(crate) fn account<Q, A, F>(call: F) -> MethodRouter<Arc<Server>>
where
    Q: for<'b> Decode<'b, ()> + Send + 'static,
    A: Encode<()> + Send + 'static,
    F: Fn(&Service, Address, &Q, u64, &mut OsRng) -> Result<A, Refusal> + Copy + Send + Sync + 'static,
{
    let handler = async move |State(server): State<Arc<Server>>,
                              peer: ConnectInfo<SocketAddr>,
                              headers: HeaderMap,
                              body: Result<Bytes, BytesRejection>| {
        let request = match answer::read::<Q>(&headers, body, LOGIN_BYTES_MAX) {
            Ok(request) => request,
            Err(refusal) => return answer::refuse(&refusal),
        };
        let from = answer::address(&server, peer, &headers);
        let asked = tokio::task::spawn_blocking(move || {
            call(&server.service, from, &request, server.now_ms(), &mut OsRng)
        });
        answer::respond(asked.await.unwrap_or_else(|_| Err(internal())))
    };
    post(handler).layer(DefaultBodyLimit::max(LOGIN_BYTES_MAX))
}
