//! The client engine: local edits in, signed commits out; the server's feed in, local state out.
//!
//! Why it exists: everything that decides whether an edit is lost is here, and nothing here touches
//! the outside, so that the simulator can run years of faults in seconds. `handle_*` takes input,
//! `poll_*` gives output, storage and generator are arguments.
//!
//! Invariants: an edit is durable in the store once [`Engine::make_durable`] has returned after it, and
//! nobody is told of it before; what was made durable once goes out only in commits that are durable
//! themselves, so that the same bytes go out after a crash; effects and cursor move in one transaction;
//! nothing is applied that does not verify; nothing waiting is dropped but by the acknowledgement of just
//! that change.
//!
//! This crate knows no clock, randomness, sockets, disks, threads or async.
#![deny(missing_docs)]

mod bases;
mod charter;
mod checkpoint;
pub mod conformance;
mod effects;
mod engine;
mod error;
mod fresh;
mod held;
mod incoming;
mod memory;
mod mend;
mod outgoing;
mod packing;
mod people;
pub mod planted;
mod presence;
mod pruned;
mod purge;
mod read_set;
mod rebase;
mod recent;
mod regress;
mod replica;
mod staging;
mod store;
mod trail;
mod tries;
mod verify;
mod versions;

pub use checkpoint::{PackOpener, SealedPack};
pub use engine::{Change, Engine, Event, Founded, Identity};
pub use error::EngineError;
pub use memory::MemoryStore;
pub use people::{Act, ActError, RosterMember};
pub use purge::{BulkMark, is_bulk};
pub use replica::{Disconnected, Summary, SyncState, VerifyReport};
pub use satchel_charter::{Charter, CharterError, EpochKeys};
pub use store::{
    Alarm, Aside, BaseEntry, Batch, CHAINS_KEPT, InFlight, Kept, Key, Loaded, LoadedPack, PendingEntry,
    SCRATCH, Store, Write, merge_packs,
};
pub use tries::TRIES_COUNTED;
pub use versions::{VerifiedVersion, Version, VersionAlarm, VersionState};
