//! Real faults: the binaries `satchel` and `satchel-server` as processes, killed, cut from power, on full
//! and failing disks, with flipped bits, and with a bad line between them.
//!
//! Why it exists: the simulator shows that the rules hold; this shows that the processes, `SQLite` and the
//! kernel's calls keep them. Each scenario is a number of histories, each with a seed of its own.
//!
//! Invariants: every acknowledgement is written down outside of the processes before anything else
//! happens; nothing waits by the clock (an operation count decides where a process dies); a violation
//! prints its seed and the command that runs that history again; counts go to `target/faults/ledger.jsonl`.
//!
//! `SATCHEL_FAULTS_HISTORIES=n` runs n times as many histories as CI does, `SATCHEL_FAULTS_SEED=n` begins
//! with another seed, `SATCHEL_FAULTS_WORLDS=n` plays so many worlds of a scenario at once; `cargo xtask soak`
//! sets all three. `SATCHEL_FAULTS_ONLY=1` runs one history.
//!
//! Does not know: what is inside of the files it damages, and any of the product's types but its JSON.

mod acks;
mod disk;
mod errors;
mod flips;
mod kills;
mod network;
mod power;
mod proxy;
mod seed;
mod shim;
mod undo;
mod world;
