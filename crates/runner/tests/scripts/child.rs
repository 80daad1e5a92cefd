//! The process that the tests of scripts start.

use std::process::ExitCode;

fn main() -> ExitCode {
    satchel_runner::script::child_main()
}
