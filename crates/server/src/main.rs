//! The binary `satchel-server`.

use std::process::ExitCode;

fn main() -> ExitCode {
    satchel_server::process::run()
}
