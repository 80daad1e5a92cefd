//! The HTTP edge: one table of routes, and a thin layer over session and service.
//!
//! Why a table: who may call a route stands beside it, the router is built from nothing else, and the
//! tests walk through it, so that no route is without its row. Everything that is not in the table has
//! the same answer, whatever the method.
//!
//! Invariants: bodies are limited before they are read; errors are a `Refusal` with a fitting status;
//! nothing of a request is logged but its route, status and size.

mod account;
mod answer;
#[cfg(test)]
mod matrix;
mod pages;
mod poll;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use satchel_wire::{ErrorCode, Refusal};
use tokio::time::timeout;

use crate::server::Server;
use crate::service::Service;
use account::account;

pub(crate) use poll::Polls;

/// How long a request may take, its body and a long poll included.
const REQUEST_TIME_MAX: Duration = Duration::from_mins(2);

/// What a caller must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Nothing: the route tells nothing about an account, or begins a proof.
    Anyone,
    /// The id of a sign-up, sign-in or recovery under way, and its next message.
    Login,
    /// A grant: a fresh proof of the password or the recovery code.
    Grant,
    /// The secret of a connection, whose frames are checked one by one.
    Connection,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path.
    pub path: &'static str,
    /// Who may call it.
    pub caller: Caller,
    handler: fn() -> MethodRouter<Arc<Server>>,
}

const fn read(path: &'static str, handler: fn() -> MethodRouter<Arc<Server>>) -> Route {
    Route { method: "GET", path, caller: Caller::Anyone, handler }
}

const fn write(path: &'static str, caller: Caller, handler: fn() -> MethodRouter<Arc<Server>>) -> Route {
    Route { method: "POST", path, caller, handler }
}

/// Every route of the server.
pub const ROUTES: &[Route] = &[
    read("/", || get(pages::index)),
    read("/healthz", || get(pages::health)),
    read("/readyz", || get(pages::readiness)),
    read("/metrics", || get(pages::metrics)),
    read("/v1/ws", || get(socket::upgrade)),
    write("/v1/poll/open", Caller::Anyone, || post(poll::open)),
    write("/v1/poll", Caller::Connection, || poll::limited(post(poll::exchange))),
    write("/v1/signup/start", Caller::Anyone, || account(Service::sign_up_start)),
    write("/v1/signup/finish", Caller::Login, || account(Service::sign_up_finish)),
    write("/v1/signin/start", Caller::Anyone, || account(Service::sign_in_start)),
    write("/v1/signin/finish", Caller::Login, || account(Service::sign_in_finish)),
    write("/v1/signin/app", Caller::Grant, || account(Service::sign_in_app)),
    write("/v1/recover/start", Caller::Anyone, || account(Service::recover_start)),
    write("/v1/recover/finish", Caller::Login, || account(Service::recover_finish)),
    write("/v1/password/start", Caller::Grant, || {
        account(|service: &Service, from, request: &_, now_ms, _rng: &mut _| {
            service.password_start(from, request, now_ms)
        })
    }),
    write("/v1/password/finish", Caller::Grant, || account(Service::password_finish)),
    write("/v1/account/delete", Caller::Grant, || {
        account(|service: &Service, from, request: &_, now_ms, _rng: &mut _| {
            service.delete_account(from, request, now_ms)
        })
    }),
];

/// Builds the router from the table.
pub(crate) fn router(server: Arc<Server>) -> Router {
    let empty = Router::new();
    ROUTES
        .iter()
        .fold(empty, |router, route| router.route(route.path, (route.handler)().fallback(pages::missing)))
        .fallback(pages::missing)
        .layer(middleware::from_fn_with_state(server.clone(), watch))
        .with_state(server)
}

/// Bounds a request, counts it, and logs its route and status.
async fn watch(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = timeout(REQUEST_TIME_MAX, next.run(request))
        .await
        .unwrap_or_else(|_| answer::refuse(&Refusal::new(ErrorCode::TooSlow, "the request took too long")));
    let status = response.status().as_u16();
    server.metrics.answered(status);
    tracing::debug!(route = route.as_ref().map_or("", MatchedPath::as_str), status, "answered");
    response
}
