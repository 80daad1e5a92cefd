//! Every limit of the protocol, in one place.

/// Largest envelope, in bytes: one larger record is set aside on its app.
pub const ENVELOPE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Largest commit, in operations.
pub const COMMIT_OPS_MAX: usize = 256;
/// Largest commit, in bytes of envelopes; one larger envelope goes alone.
pub const COMMIT_BYTES_MAX: usize = 1024 * 1024;
/// Largest read set of a commit.
pub const COMMIT_EXPECTS_MAX: usize = 1024;
/// Most positions of an earlier life of the server that a commit names.
pub const RETURNED_TRAIL_MAX: usize = 1024;
/// Largest signed header, in bytes.
pub const HEADER_BYTES_MAX: usize = 256 * 1024;
/// Largest frame or request body, in bytes: the largest envelope with its header.
pub const FRAME_BYTES_MAX: usize = ENVELOPE_BYTES_MAX + HEADER_BYTES_MAX + 64 * 1024;
/// Largest body of a request before sign-in, in bytes.
pub const LOGIN_BYTES_MAX: usize = 64 * 1024;
/// Bytes of envelopes in one page of a catch-up, unless one envelope alone is larger.
pub const PAGE_BYTES: usize = 256 * 1024;
/// Envelopes in one page of a catch-up.
pub const PAGE_ENVELOPES: usize = 512;
/// Bytes of headers in one message of a catch-up.
pub const HEADERS_PAGE_BYTES: usize = 128 * 1024;
/// Bytes that may wait for one socket before the server drops it; it catches up by its cursor.
pub const SOCKET_QUEUE_BYTES_MAX: usize = 256 * 1024;
/// Initial WebSocket read and write buffers, in bytes.
pub const SOCKET_BUFFER_BYTES: usize = 4 * 1024;
/// Sockets of one account at a time, where its server says nothing else: places, control connections and
/// reconnects.
pub const SOCKETS_PER_ACCOUNT_MAX: usize = 32;
/// Requests of one address before sign-in, each minute.
pub const LOGIN_REQUESTS_PER_MINUTE: u32 = 120;
/// Failed sign-ins of one account or address before it must wait.
pub const LOGIN_FAILURES_MAX: u32 = 10;
/// Frames of one connection, each minute.
pub const FRAMES_PER_MINUTE: u32 = 60_000;
/// How long an empty long poll waits, in milliseconds.
pub const POLL_WAIT_MS: u64 = 25_000;
/// How often each side of a socket sends a ping, in milliseconds.
pub const PING_INTERVAL_MS: u64 = 20_000;
/// Silence after which a socket counts as dead, in milliseconds.
pub const SILENCE_MS_MAX: u64 = 50_000;
/// How long a grant lives, in milliseconds.
pub const GRANT_MS: u64 = 5 * 60 * 1000;
/// Longest e-mail address, in bytes (RFC 5321 section 4.5.3.1).
pub const EMAIL_BYTES_MAX: usize = 254;
/// Longest name of an app, in bytes.
pub const APP_NAME_BYTES_MAX: usize = 100;
/// Workspaces of one account.
pub const WORKSPACES_MAX: usize = 1_000;
/// Workspaces that a server may list to one account, its own and those of others: an app takes no longer list.
pub const WORKSPACES_LISTED_MAX: usize = 10_000;
/// Apps signed in to one account, connected or not.
pub const APPS_MAX: usize = 256;
/// Items that one commit may purge without the bulk mark.
pub const PURGE_OPS_FREE: usize = 20;
/// Versions in one answer to a question for history.
pub const VERSIONS_MAX: u32 = 100;
/// Commits that an app keeps under way at once in one workspace.
pub const COMMITS_IN_FLIGHT: usize = 4;
/// Largest number of records in a pack.
pub const PACK_RECORDS_MAX: usize = 256;
/// Bytes of payloads in a pack, unless one payload alone is larger.
pub const PACK_PAYLOAD_BYTES: usize = 512 * 1024;
/// Largest sealed pack, in bytes: the largest record alone, with what padding adds to it.
pub const PACK_BYTES_MAX: usize = ENVELOPE_BYTES_MAX + HEADER_BYTES_MAX + 16 * 1024;
/// Packs of one manifest.
pub const PACKS_MAX: usize = 8_192;
/// Largest manifest, in bytes.
pub const MANIFEST_BYTES_MAX: usize = 512 * 1024;
/// Packs that one request names.
pub const PACKS_FETCH_MAX: usize = 1_024;
/// Records of a workspace below which packs are not worth their while.
pub const PACKS_RECORDS_MIN: u64 = 500;
/// Commits behind the newest manifest from which the server asks the app that made it for a newer one: it
/// still knows its packs, and adds to them what changed.
pub const PACKS_TAIL_COMMITS_AUTHOR: u64 = 128;
/// Commits behind the newest manifest from which the server asks any app for a newer one.
pub const PACKS_TAIL_COMMITS: u64 = 2_000;
/// Changed records behind the newest manifest from which the server asks for a newer one, in percent of all.
pub const PACKS_TAIL_PERCENT: u64 = 10;
/// How long packs without a manifest are kept, in milliseconds.
pub const PACKS_LOOSE_MS: u64 = 60 * 60 * 1000;
/// Members of one workspace.
pub const MEMBERS_MAX: usize = 500;
/// Invitations of one workspace that are open at once.
pub const INVITES_OPEN_MAX: usize = 100;
/// Apps of one charter that may write.
pub const APPS_OF_CHARTER_MAX: usize = 5_000;
/// Key epochs of one workspace.
pub const EPOCHS_MAX: u32 = 65_536;
/// Longest name of a member, in bytes.
pub const MEMBER_NAME_BYTES_MAX: usize = 100;
/// Longest name of a member, sealed, in bytes.
pub const NAME_BYTES_MAX: usize = 256;
/// Longest wrap of an epoch key, in bytes.
pub const WRAP_BYTES_MAX: usize = 128;
/// Longest sealed key of the epoch before, in bytes.
pub const PREVIOUS_KEY_BYTES_MAX: usize = 128;
/// Longest sealed key of an invitation's names, in bytes.
pub const INVITE_NAME_KEY_BYTES_MAX: usize = 128;
/// Longest claim of an invitation, in bytes.
pub const JOIN_BYTES_MAX: usize = 1_024;
/// Longest presence before it is sealed, in bytes.
pub const PRESENCE_PLAIN_BYTES_MAX: usize = 63;
/// Longest sealed presence, in bytes.
pub const PRESENCE_BYTES_MAX: usize = 128;
