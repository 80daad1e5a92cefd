//! Whole flows of clients against the real server, in this process.
//!
//! Each proves the wiring of one promise; the logic below has its own tests in its own crate.

mod accounts;
mod faults;
mod history;
mod parting;
mod people;
mod places;
mod restored;
mod support;
mod syncing;
mod versions;
