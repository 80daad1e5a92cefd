//! The binary `satchel-server`.

use std::process::ExitCode;

const _: () = assert!(!satchel_crypto::IS_STUB, "a server without cryptography must not be built");
const _: () = assert!(!satchel_server::planted::IS_ON, "a server with planted bugs must not be built");

fn main() -> ExitCode {
    satchel_server::process::run()
}
