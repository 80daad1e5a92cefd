//! The child's side: a process that runs scripts and can do nothing else.
//!
//! The first thread reads frames and passes them on; at the end of the pipe it ends the process, even while a script
//! runs in the other one. Nothing here is started but by [`child_main`].
//!
//! Invariant: before the first line of a script is read, the process has locked itself in (`confine`).

mod confine;
mod engine;
mod library;
mod native;

use std::io;
use std::process::{ExitCode, exit};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::frame::{self, Inward};
use super::limits::{Limits, THREAD_BYTES};

/// What the hidden argument leads to: runs scripts from standard input until it closes. The last argument of the
/// command line is how much memory their values may take.
///
/// Call it first thing, before threads and runtimes: it locks the whole process in.
pub fn child_main() -> ExitCode {
    // The parent waits for the process, not for a thread of it.
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        exit(101);
    }));
    let told = std::env::args_os().next_back().and_then(|last| last.to_str()?.parse().ok());
    let memory_bytes = told.unwrap_or(Limits::default().memory_bytes);
    let (sender, receiver) = channel();
    confine::limit(memory_bytes);
    let scripts = thread::Builder::new().name("scripts".to_owned()).stack_size(THREAD_BYTES);
    match scripts.spawn(move || engine::serve(&receiver, memory_bytes)) {
        Ok(_) => read(&sender),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Passes frames on until the parent is gone.
fn read(sender: &Sender<Inward>) -> ExitCode {
    let mut source = io::stdin().lock();
    while let Ok(Some(inward)) = frame::read(&mut source) {
        if sender.send(inward).is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}
