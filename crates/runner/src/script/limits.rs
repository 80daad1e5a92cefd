//! Every limit of a script, in one place.

use std::time::Duration;

/// What a script may use; the rest of this file is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long it may take, with its waits. newman has no limit unless told; here there is always one.
    pub time: Duration,
    /// How much memory its values may take.
    pub memory_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_mins(1), memory_bytes: 256 * 1024 * 1024 }
    }
}

/// How long after [`Limits::time`] the child is killed, if it has not stopped the script itself: the interpreter asks
/// for the time between instructions, not within a native function.
pub(super) const GRACE: Duration = Duration::from_millis(100);
/// How long a child may take to begin a script.
pub(super) const START: Duration = Duration::from_secs(20);
/// The longest JSON of a frame to the child: variables and requests.
pub(super) const INWARD_BYTES: usize = 64 * 1024 * 1024;
/// The longest tail of a frame to the child: a response's body.
pub(super) const BODY_BYTES: usize = 512 * 1024 * 1024;
/// The longest frame from the child.
pub(super) const OUTWARD_BYTES: usize = 16 * 1024 * 1024;
/// The most that one script may send in all, but for its end.
pub(super) const OUTPUT_BYTES: usize = 32 * 1024 * 1024;
/// The most frames that one script may send: tests, lines of the console, calls.
pub(super) const FRAMES: usize = 25_000;
/// The most requests and cookie calls of one script at once.
pub(super) const CALLS_AT_ONCE: usize = 64;
/// The stack of JavaScript; the thread's is larger.
pub(super) const STACK_BYTES: usize = 2 * 1024 * 1024;
/// The stack of the thread that runs scripts.
pub(super) const THREAD_BYTES: usize = 16 * 1024 * 1024;
/// What the child may use beyond the script's values: bodies, frames, its own code's data.
#[cfg(unix)]
pub(super) const BESIDE_BYTES: u64 = 1024 * 1024 * 1024;
/// The most random bytes of one call.
pub(super) const RANDOM_BYTES: usize = 1024 * 1024;
