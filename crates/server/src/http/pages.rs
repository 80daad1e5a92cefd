//! What people, probes and collectors see.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::server::Server;

const INDEX: &str = include_str!("index.html");

const SAFE: [(HeaderName, &str); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// A page for people who open the address in a browser.
pub(crate) async fn index() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], SAFE, INDEX).into_response()
}

/// The process runs.
pub(crate) async fn health() -> &'static str {
    "ok\n"
}

/// The process runs, and its store can be written.
pub(crate) async fn readiness(State(server): State<Arc<Server>>) -> Response {
    let ready = tokio::task::spawn_blocking(move || server.service.check_ready()).await;
    match ready {
        Ok(Ok(())) => "ready\n".into_response(),
        Ok(Err(error)) => {
            tracing::warn!(error = %crate::store::Chained(&error), "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "not ready, the server's log says why\n").into_response()
        }
        Err(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "not ready, the server's log says why\n").into_response()
        }
    }
}

/// The counters, for Prometheus.
pub(crate) async fn metrics(State(server): State<Arc<Server>>) -> Response {
    let (_, places) = server.service.connection_counts();
    server.metrics.places.set(i64::try_from(places).unwrap_or(i64::MAX));
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], server.metrics.encode()).into_response()
}

/// Everything else.
pub(crate) async fn missing() -> Response {
    (StatusCode::NOT_FOUND, "not found\n").into_response()
}
