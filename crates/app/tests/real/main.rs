//! Real processes: the binary `satchel` against a real server, as a user and a script see it.

mod canaries;
mod history;
mod killed;
mod local;
mod merged;
mod people;
mod process;
mod send;
mod stage;
mod synced;
mod wiped;
mod wrong;
