//! The client engine: local edits in, signed commits out; the server's feed in, local state out.
//!
//! Why it exists: everything that decides whether an edit is lost is here, and nothing here touches
//! the outside, so that the simulator can run years of faults in seconds. `handle_*` takes input,
//! `poll_*` gives output, storage and generator are arguments.
//!
//! Invariants: an edit is durable in the store before [`Engine::edit`] returns; a commit is kept in
//! the store before its frame goes out, and the same bytes go out after a crash; effects and cursor
//! move in one transaction; nothing is applied that does not verify; nothing waiting is dropped but
//! by the acknowledgement of just that change.
//!
//! This crate knows no clock, randomness, sockets, disks, threads or async.
#![deny(missing_docs)]

mod charter;
mod checkpoint;
pub mod conformance;
mod effects;
mod engine;
mod error;
mod fresh;
mod incoming;
mod memory;
mod mend;
mod outgoing;
mod packing;
pub mod planted;
mod purge;
mod rebase;
mod regress;
mod replica;
mod staging;
mod store;
mod verify;
mod versions;

pub use engine::{Change, Engine, Event, Identity};
pub use error::EngineError;
pub use memory::MemoryStore;
pub use purge::{BulkMark, is_bulk};
pub use replica::{Disconnected, Summary, SyncState, VerifyReport};
pub use store::{
    Alarm, Aside, BaseEntry, Batch, CHAINS_KEPT, InFlight, Kept, Key, Loaded, PendingEntry, SCRATCH, Store,
    Write,
};
pub use versions::{VerifiedVersion, Version, VersionAlarm, VersionState};
