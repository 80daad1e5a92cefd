//! Real processes: the binary `satchel` against a real server, as a user and a script see it.

mod local;
mod stage;
mod synced;
