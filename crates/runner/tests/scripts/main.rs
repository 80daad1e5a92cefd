//! Scripts in their child process: every member that `docs/scripts.md` lists, and scripts that mean harm.

mod fixture;
mod hostile;
mod members;
mod runs;
