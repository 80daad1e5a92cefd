//! The server over real sockets, met by a tiny app that is built from wire and crypto alone.
//!
//! One binary, because linking takes longer than running. No sleeps, no fixed ports, no shared folders.

mod accounts;
mod edge;
mod process;
mod routes;
mod support;
mod sync;
