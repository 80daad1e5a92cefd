//! What must hold for any bytes: one target for each decoder, and a small driver that changes seeds.
//!
//! Why it exists: bytes from a network, a file or a clipboard are chosen by somebody else. Each target
//! takes bytes and panics where a promise of its decoder is broken (what was read is written and read
//! back equal; what is canonical has one form; nothing panics). Two drivers share the targets: the
//! [`driver`] here, in the ordinary tests, with a fixed number of inputs; and libFuzzer, by
//! `cargo xtask fuzz`, for as long as wanted (the package in the folder `fuzz`).
//!
//! Invariants: a target is a pure function of its bytes: the same input fails every time.
//!
//! This crate is for tests only: nothing in the product uses it.

#![deny(missing_docs)]

pub mod driver;
mod seeds;
mod targets;

pub use seeds::Seeds;

/// One decoder, its promise, and where to begin.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name on the command line and in the tests.
    pub name: &'static str,
    /// Panics where the promise is broken.
    pub run: fn(&[u8]),
    /// What is changed into inputs.
    pub seeds: Seeds,
    /// Inputs in the ordinary tests: fewer where one takes long.
    pub inputs: u32,
}

/// Every target by the crate it is about.
pub const TARGETS: &[Target] = targets::TARGETS;

/// The target of a name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
