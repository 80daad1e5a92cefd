//! Whole collections against a server with real sockets.

mod bails;
mod fixture;
mod judge;
mod lanes;
mod order;
mod reports;
mod sends;
