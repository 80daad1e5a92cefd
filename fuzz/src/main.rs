//! One libFuzzer program for all targets: `SATCHEL_FUZZ_TARGET` names the one that runs.
//!
//! One program, because the build of each would take longer than the run in CI.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use satchel_fuzz::Target;

/// Names the target.
const VARIABLE: &str = "SATCHEL_FUZZ_TARGET";

fn target() -> &'static Target {
    static TARGET: OnceLock<&'static Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let name = std::env::var(VARIABLE).unwrap_or_default();
        satchel_fuzz::find(&name).unwrap_or_else(|| panic!("{VARIABLE} names no target: {name:?}"))
    })
}

fuzz_target!(|bytes: &[u8]| (target().run)(bytes));
