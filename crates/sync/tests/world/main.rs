//! The engine in a world of apps around one small honest server.
//!
//! One binary for all files, so that each uses its part of the support and nothing of it is dead.

mod absent;
mod apart;
mod durable;
mod engine;
mod histories;
mod mended;
mod packs;
mod people;
mod purge;
mod restored;
mod support;
mod versions;
