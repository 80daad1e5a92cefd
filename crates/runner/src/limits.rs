//! Every limit of the transport, in one place. All of it is about what strangers send.

use std::time::Duration;

/// The longest URL.
pub const URL_BYTES: usize = 1024 * 1024;
/// The longest head of an answer.
pub const HEAD_BYTES: usize = 256 * 1024;
/// The most headers (or trailers) of an answer.
pub const HEADERS: usize = 2_000;
/// The most interim (1xx) answers before the real one.
pub const INTERIM: usize = 32;
/// The longest line that gives a chunk's size, extensions included.
pub const CHUNK_LINE_BYTES: usize = 4 * 1024;
/// The most encodings that a body may wear at once.
pub const ENCODINGS: usize = 4;
/// The window of a zstd body, as a power of two: 128 MiB, as the format recommends decoders to support.
pub const ZSTD_WINDOW_LOG: u32 = 27;
/// How many times larger than its encoded form a body that exceeds its limit is, to be called a bomb.
pub const BOMB_RATIO: u64 = 20;
/// The largest decoded body, unless the settings say otherwise.
pub const RESPONSE_BYTES: u64 = 100 * 1024 * 1024;
/// The most redirects, unless the settings say otherwise.
pub const REDIRECTS: u32 = 10;
/// How much of a redirecting answer's body is read to keep its connection.
pub const REDIRECT_BODY_BYTES: u64 = 256 * 1024;
/// How long a connection may take, unless the settings say otherwise.
pub const CONNECT_TIME: Duration = Duration::from_secs(30);
/// How long the first address has before the next is tried beside it.
pub const STAGGER: Duration = Duration::from_millis(250);
/// The most addresses of one name that are tried.
pub const ADDRESSES: usize = 8;
/// How long an unused connection is kept.
pub const KEEP_TIME: Duration = Duration::from_mins(1);
/// How many unused connections are kept in all.
pub const KEPT: usize = 64;
/// How many unused connections to one place are kept.
pub const KEPT_EACH: usize = 8;
/// How much is read at once.
pub const READ_BYTES: usize = 64 * 1024;
/// The longest answer of a proxy to CONNECT.
pub const PROXY_HEAD_BYTES: usize = 16 * 1024;
/// The longest server-sent event; a longer one is told cut off.
pub const EVENT_BYTES: usize = 1024 * 1024;
/// The most cookies kept in all.
pub const COOKIES: usize = 3_000;
/// The most cookies kept of one domain.
pub const COOKIES_EACH: usize = 180;
/// The longest name and value of a cookie together.
pub const COOKIE_BYTES: usize = 4_096;
/// The most `Set-Cookie` headers of one answer that are looked at.
pub const SET_COOKIES: usize = 200;
/// The largest message of a WebSocket.
pub const MESSAGE_BYTES: usize = 16 * 1024 * 1024;
/// The most parts of a form.
pub const FORM_PARTS: usize = 10_000;
/// How deep folders of a collection that is run may be nested.
pub const FOLDER_DEPTH: usize = 64;
/// The most iterations, and rows of data, of a run.
pub const ITERATIONS: u64 = 10_000_000;
/// The most iterations at the same time.
pub const LANES: usize = 64;
/// The most requests of one iteration, unless the plan says otherwise: scripts may lead it in circles.
pub const ITERATION_REQUESTS: u64 = 100_000;
/// How many failures of a run are kept; the rest are counted.
pub const FAILURES: usize = 1_000;
/// The longest text of a report: a name, a message, a line of the console.
pub const REPORT_TEXT_BYTES: usize = 64 * 1024;
/// The largest data file.
pub const DATA_BYTES: usize = 512 * 1024 * 1024;
