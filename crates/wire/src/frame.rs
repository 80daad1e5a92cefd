//! The frames of a connection, the same over a WebSocket and over plain HTTPS requests.
//!
//! ```text
//!  app                                   server
//!   |  GET /v1/ws  (or POST /v1/poll/open)  |
//!   |<------------- Welcome ----------------|  nonce, versions, incarnation
//!   |-------------- Open ------------------>|  token, proof by the app key
//!   |<------------- Opened / Refused -------|  a place is held from here
//!   |-------------- Subscribe ------------->|  one per workspace, with the cursor
//!   |<---- Headers* Page* CaughtUp ---------|  one snapshot
//!   |<------- Entry / Accepted -------------|  live, gapless, in the order of seq
//!   |-------------- Commit ---------------->|
//!   |<------- Accepted / Stale / Rejected --|
//! ```
//!
//! Order is a promise: on one connection the entries of a workspace come in the order of `seq`
//! without a gap, the app's own commits as `Accepted` in their place; and before `Stale{head}` comes
//! every entry up to `head`, so the app has merged what made its commit stale when it reads the answer.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::account::AppEntry;
use crate::error::{Refusal, WireError};
use crate::limits::FRAME_BYTES_MAX;
use crate::{
    AccountId, AppId, Bytes32, Chain, CharterEntry, CommitId, Digest, Incarnation, InviteId, JoinProof,
    Nonce, PackId, Part, PollId, RecordId, Revision, Signature, SignedHeader, SignedManifest, Token,
    WorkspaceId,
};

/// A point in a ledger: how many entries, and the chain over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Head {
    /// The position of the newest entry, 0 before the first.
    #[n(0)]
    pub seq: u64,
    /// The chain up to and with that entry, all zeros before the first.
    #[n(1)]
    pub chain: Chain,
}

impl Head {
    /// The head of an empty ledger.
    pub const EMPTY: Self = Self { seq: 0, chain: Chain::new([0; 32]) };
}

/// The server's greeting.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Welcome {
    /// The oldest protocol version that it speaks.
    #[n(0)]
    pub protocol_min: u16,
    /// The newest protocol version that it speaks.
    #[n(1)]
    pub protocol_max: u16,
    /// What the app key signs in [`ClientFrame::Open`].
    #[n(2)]
    pub nonce: Nonce,
    /// The server's present life.
    #[n(3)]
    pub incarnation: Incarnation,
    /// The server's version, for people.
    #[n(4)]
    pub server: String,
}

/// A workspace that the account may read.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct WorkspaceEntry {
    /// The workspace.
    #[n(0)]
    pub workspace: WorkspaceId,
    /// Its newest entry.
    #[n(1)]
    pub head: Head,
}

/// An open connection.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Opened {
    /// Every workspace that the account may read.
    #[n(0)]
    pub workspaces: Vec<WorkspaceEntry>,
}

/// A current envelope.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct StoredEnvelope {
    /// The record.
    #[n(0)]
    pub record: RecordId,
    /// Which part of it.
    #[n(1)]
    pub part: Part,
    /// The entry that put it.
    #[n(2)]
    pub seq: u64,
    /// Its bytes.
    #[n(3)]
    pub envelope: ByteVec,
}

/// One version of one part of a record, with the commit that made it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct StoredVersion {
    /// The entry that made it.
    #[n(0)]
    pub seq: u64,
    /// When the server took that entry, by its own clock: unsigned, for people only.
    #[n(1)]
    pub received_ms: u64,
    /// The entry's header.
    #[n(2)]
    pub header: SignedHeader,
    /// The envelope, none where the entry purged the record.
    #[n(3)]
    pub envelope: Option<ByteVec>,
}

/// A record whose revision was not the one that a commit was based on, or expected.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct StaleRecord {
    /// The record.
    #[n(0)]
    pub record: RecordId,
    /// Which part of it.
    #[n(1)]
    pub part: Part,
    /// Its present revision, none where it does not exist.
    #[n(2)]
    pub revision: Option<Revision>,
}

/// What an app sends.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum ClientFrame {
    /// Opens the connection; the first frame.
    #[n(0)]
    Open {
        /// The protocol version of the app.
        #[n(0)]
        protocol: u16,
        /// The session's token.
        #[n(1)]
        token: Token,
        /// The app key's signature over `"satchel open 1" | nonce | incarnation`.
        #[n(2)]
        proof: Signature,
        /// Whether to hold a place and sync; otherwise only account requests are allowed.
        #[n(3)]
        sync: bool,
        /// The app whose place to take.
        #[n(4)]
        take_over: Option<AppId>,
        /// How many changes wait in this app.
        #[n(5)]
        waiting: u32,
    },
    /// Starts the feed of a workspace from a cursor.
    #[n(1)]
    Subscribe {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
        /// The newest entry that the app has applied.
        #[n(1)]
        cursor: Head,
        /// Envelopes put at or before this entry were received before the connection broke: do not
        /// send them again. Pages come in the order of seq, so that this is enough to go on; 0 for all.
        #[n(2)]
        pages_after: u64,
    },
    /// Pushes a commit. A founding creates its workspace and subscribes to it.
    #[n(2)]
    Commit {
        /// The signed header.
        #[n(0)]
        header: SignedHeader,
        /// The envelopes of its puts, in the order of its operations.
        #[n(1)]
        envelopes: Vec<ByteVec>,
    },
    /// Says how many changes wait in this app.
    #[n(3)]
    Waiting {
        /// How many.
        #[n(0)]
        count: u32,
    },
    /// Asks for the account's apps.
    #[n(4)]
    ListApps {
        /// Names the answer.
        #[n(0)]
        request: u32,
    },
    /// Ends another app's session, or frees its place.
    #[n(5)]
    DisconnectApp {
        /// Names the answer.
        #[n(0)]
        request: u32,
        /// The app.
        #[n(1)]
        app: AppId,
    },
    /// Ends this app's session: its token, its place and its entry in the list.
    #[n(6)]
    SignOut {
        /// Names the answer.
        #[n(0)]
        request: u32,
    },
    /// Deletes a workspace with everything in it, for everyone.
    #[n(7)]
    DeleteWorkspace {
        /// Names the answer.
        #[n(0)]
        request: u32,
        /// The workspace.
        #[n(1)]
        workspace: WorkspaceId,
    },
    /// Asks for current envelopes again, to mend a damaged local copy.
    #[n(8)]
    Fetch {
        /// Names the answer.
        #[n(0)]
        request: u32,
        /// The workspace.
        #[n(1)]
        workspace: WorkspaceId,
        /// The records, at most [`crate::limits::COMMIT_OPS_MAX`].
        #[n(2)]
        records: Vec<(RecordId, Part)>,
    },
    /// Keeps the connection alive where the transport has no ping of its own.
    #[n(9)]
    Ping,
    /// Asks for the versions of one part of a record that the server keeps, the newest first.
    #[n(10)]
    Versions {
        /// Names the answer.
        #[n(0)]
        request: u32,
        /// The workspace.
        #[n(1)]
        workspace: WorkspaceId,
        /// The record; it may be purged.
        #[n(2)]
        record: RecordId,
        /// Which part of it.
        #[n(3)]
        part: Part,
        /// Only versions before this entry; none begins at the newest.
        #[n(4)]
        before: Option<u64>,
        /// At most so many, and never more than [`crate::limits::VERSIONS_MAX`].
        #[n(5)]
        limit: u32,
    },
    /// Starts the feed of a workspace that the app has nothing of, from the newest manifest. Answered
    /// by [`ServerFrame::Manifest`], the packs of nodes, and the tail as in a catch-up; where there is no
    /// manifest, like [`ClientFrame::Subscribe`] from the beginning.
    #[n(16)]
    Bootstrap {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
        /// Packs of nodes that were received before the connection broke.
        #[n(1)]
        have: Vec<PackId>,
    },
    /// Asks for packs of the newest manifest, at most [`crate::limits::PACKS_FETCH_MAX`]. Each comes as
    /// [`ServerFrame::Pack`], then `Done`; `Failed` if one is not there any more.
    #[n(17)]
    FetchPacks {
        /// Names the answer.
        #[n(0)]
        request: u32,
        /// The workspace.
        #[n(1)]
        workspace: WorkspaceId,
        /// The packs.
        #[n(2)]
        packs: Vec<PackId>,
    },
    /// Asks for headers of the past, to verify a manifest by them; answered with one
    /// [`ServerFrame::PastHeaders`].
    #[n(18)]
    ReadHeaders {
        /// Names the answer.
        #[n(0)]
        request: u32,
        /// The workspace.
        #[n(1)]
        workspace: WorkspaceId,
        /// The entry before the first one wanted.
        #[n(2)]
        after: u64,
    },
    /// Uploads a pack, to be named by a manifest later. Answered by `Done` when it is durable.
    #[n(19)]
    PutPack {
        /// Names the answer.
        #[n(0)]
        request: u32,
        /// The workspace.
        #[n(1)]
        workspace: WorkspaceId,
        /// The sealed pack.
        #[n(2)]
        pack: ByteVec,
    },
    /// Uploads the manifest over packs that are all there. Answered by `Done`; the packs that it does not
    /// name are dropped.
    #[n(20)]
    PutManifest {
        /// Names the answer.
        #[n(0)]
        request: u32,
        /// The signed manifest; it names its workspace.
        #[n(1)]
        manifest: SignedManifest,
    },
    /// Asks to become a member by an invitation. `Done` says that the claim waits for an admin's app, which
    /// adds the member ([`ServerFrame::WorkspaceAdded`]) or refuses; the same claim may be sent again.
    #[n(21)]
    JoinInvite {
        /// Names the answer.
        #[n(0)]
        request: u32,
        /// The claim; it names its workspace.
        #[n(1)]
        proof: JoinProof,
    },
    /// Asks for the claims that wait in a workspace: [`ServerFrame::Joins`], then `Done`. For admins.
    #[n(22)]
    ListJoins {
        /// Names the answer.
        #[n(0)]
        request: u32,
        /// The workspace.
        #[n(1)]
        workspace: WorkspaceId,
    },
    /// Drops the claim that waits under an invitation, which stays open. For admins.
    #[n(23)]
    RefuseJoin {
        /// Names the answer.
        #[n(0)]
        request: u32,
        /// The workspace.
        #[n(1)]
        workspace: WorkspaceId,
        /// The invitation.
        #[n(2)]
        invite: InviteId,
    },
    /// Tells the other apps of a workspace where this one is. Not answered, kept nowhere.
    #[n(24)]
    Presence {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
        /// A [`crate::Presence`], sealed, at most [`crate::limits::PRESENCE_BYTES_MAX`].
        #[n(1)]
        sealed: ByteVec,
    },
}

/// What a server sends.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum ServerFrame {
    /// The greeting; the first frame.
    #[n(0)]
    Welcome(#[n(0)] Welcome),
    /// The connection is open.
    #[n(1)]
    Opened(#[n(0)] Opened),
    /// The connection is refused or ended; the last frame.
    #[n(2)]
    Refused(#[n(0)] Refusal),
    /// Headers of a catch-up, from the cursor on, in the order of seq.
    #[n(3)]
    Headers {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
        /// The seq of the first header here.
        #[n(1)]
        first_seq: u64,
        /// The headers.
        #[n(2)]
        headers: Vec<SignedHeader>,
    },
    /// Newest envelopes of the records changed since the cursor. Never before the headers that
    /// name them.
    #[n(4)]
    Page {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
        /// The envelopes.
        #[n(1)]
        envelopes: Vec<StoredEnvelope>,
    },
    /// The catch-up is complete; live entries follow.
    #[n(5)]
    CaughtUp {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
        /// The snapshot's head.
        #[n(1)]
        head: Head,
        /// The digest of the whole state at that head.
        #[n(2)]
        digest: Digest,
    },
    /// A commit of another app, live.
    #[n(6)]
    Entry {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
        /// Its position.
        #[n(1)]
        seq: u64,
        /// Its header.
        #[n(2)]
        header: SignedHeader,
        /// The envelopes of its puts, in the order of its operations.
        #[n(3)]
        envelopes: Vec<ByteVec>,
    },
    /// This app's commit is durable, at this position. Also the answer to a commit that was
    /// accepted before; then `seq` may be behind the cursor.
    #[n(7)]
    Accepted {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
        /// The commit.
        #[n(1)]
        commit: CommitId,
        /// Its position.
        #[n(2)]
        seq: u64,
    },
    /// The commit was based on older revisions; nothing was changed. Comes after every entry up to `head`.
    #[n(8)]
    Stale {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
        /// The commit.
        #[n(1)]
        commit: CommitId,
        /// The ledger's head when it was compared.
        #[n(2)]
        head: Head,
        /// Every record that failed.
        #[n(3)]
        records: Vec<StaleRecord>,
    },
    /// The commit or the subscription cannot be accepted as it is.
    #[n(9)]
    Rejected {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
        /// The commit, none for a subscription.
        #[n(1)]
        commit: Option<CommitId>,
        /// Why.
        #[n(2)]
        refusal: Refusal,
    },
    /// A workspace that this account may read since now.
    #[n(10)]
    WorkspaceAdded(#[n(0)] WorkspaceEntry),
    /// A workspace that this account may read no more, deleted or left.
    #[n(11)]
    WorkspaceRemoved {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
    },
    /// The answer to [`ClientFrame::ListApps`].
    #[n(12)]
    Apps {
        /// The request.
        #[n(0)]
        request: u32,
        /// The account's apps.
        #[n(1)]
        apps: Vec<AppEntry>,
    },
    /// A request was done.
    #[n(13)]
    Done {
        /// The request.
        #[n(0)]
        request: u32,
    },
    /// A request was refused.
    #[n(14)]
    Failed {
        /// The request.
        #[n(0)]
        request: u32,
        /// Why.
        #[n(1)]
        refusal: Refusal,
    },
    /// The answer to [`ClientFrame::Fetch`]; records that do not exist are absent.
    #[n(15)]
    Fetched {
        /// The request.
        #[n(0)]
        request: u32,
        /// The workspace.
        #[n(1)]
        workspace: WorkspaceId,
        /// The envelopes.
        #[n(2)]
        envelopes: Vec<StoredEnvelope>,
    },
    /// The answer to [`ClientFrame::Ping`].
    #[n(16)]
    Pong,
    /// The answer to [`ClientFrame::Versions`].
    #[n(17)]
    Versions {
        /// The request.
        #[n(0)]
        request: u32,
        /// The workspace.
        #[n(1)]
        workspace: WorkspaceId,
        /// The versions, the newest first.
        #[n(2)]
        versions: Vec<StoredVersion>,
        /// Older ones are there: ask again before the last one here.
        #[n(3)]
        more: bool,
    },
    /// The newest manifest of a workspace, with all entries of the charter: who became a member after that
    /// point has keys only by the later ones.
    #[n(20)]
    Manifest {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
        /// The manifest.
        #[n(1)]
        manifest: SignedManifest,
        /// The charter's entries, in the order of seq. Those behind the manifest's point come again in the tail.
        #[n(2)]
        charter: Vec<CharterEntry>,
    },
    /// A pack.
    #[n(21)]
    Pack {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
        /// The sealed pack; its hash is its name.
        #[n(1)]
        pack: ByteVec,
    },
    /// The answer to [`ClientFrame::ReadHeaders`]: as many as one frame holds, none behind the head.
    #[n(22)]
    PastHeaders {
        /// The request.
        #[n(0)]
        request: u32,
        /// The workspace.
        #[n(1)]
        workspace: WorkspaceId,
        /// The seq of the first header here.
        #[n(2)]
        first_seq: u64,
        /// The headers.
        #[n(3)]
        headers: Vec<SignedHeader>,
        /// When the server took each of them, by its own clock: unsigned, for people only. Empty where it
        /// does not say.
        #[n(4)]
        received_ms: Vec<u64>,
    },
    /// The server would like packs and a manifest of this workspace, when there is nothing else to do.
    #[n(23)]
    PacksWanted {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
    },
    /// Claims that wait for an admin's app: pushed to those when one comes and, where some wait, when they
    /// have subscribed; and the answer to [`ClientFrame::ListJoins`].
    #[n(24)]
    Joins {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
        /// Every claim that waits.
        #[n(1)]
        proofs: Vec<JoinProof>,
    },
    /// Where another app of the workspace is.
    #[n(25)]
    PresenceOf {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
        /// The account.
        #[n(1)]
        account: AccountId,
        /// The app.
        #[n(2)]
        app: AppId,
        /// A [`crate::Presence`], sealed; empty where the app is gone.
        #[n(3)]
        sealed: ByteVec,
    },
    /// A feed from the beginning of a ledger whose old headers are not all kept begins with this: up to the
    /// manifest's point some entries come as [`ServerFrame::Links`].
    #[n(26)]
    Checkpoint {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
        /// The newest manifest.
        #[n(1)]
        manifest: SignedManifest,
    },
    /// Entries of a catch-up whose headers are not kept any more, in their place among the headers.
    #[n(27)]
    Links {
        /// The workspace.
        #[n(0)]
        workspace: WorkspaceId,
        /// The seq of the first one here.
        #[n(1)]
        first_seq: u64,
        /// The SHA-256 of each header, which is what the chain is made of.
        #[n(2)]
        links: Vec<Bytes32>,
    },
}

/// The answer to `POST /v1/poll/open` (whose body is empty): a connection without a socket.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PollOpen {
    /// Names the connection in every [`PollRequest`].
    #[n(0)]
    pub poll: PollId,
    /// The greeting, as [`ServerFrame::Welcome`].
    #[n(1)]
    pub welcome: Welcome,
}

/// `POST /v1/poll`: frames of the app, in order. With no frames it waits for the server's.
///
/// An app has at most one request with frames and one without under way.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PollRequest {
    /// The connection.
    #[n(0)]
    pub poll: PollId,
    /// The number of the first frame, counted from 0, so that a repeated request is taken once.
    #[n(1)]
    pub first: u64,
    /// The frames, each encoded.
    #[n(2)]
    pub frames: Vec<ByteVec>,
    /// How many frames of the server the app has read; the server repeats later ones.
    #[n(3)]
    pub read: u64,
    /// How long to wait for frames, in milliseconds, at most [`crate::limits::POLL_WAIT_MS`].
    #[n(4)]
    pub wait_ms: u64,
}

/// The answer to [`PollRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PollReply {
    /// The number of the first frame here, counted from 0.
    #[n(0)]
    pub first: u64,
    /// The frames, each encoded.
    #[n(1)]
    pub frames: Vec<ByteVec>,
}

/// Encodes a message.
pub fn encode<T: Encode<()>>(message: &T) -> Vec<u8> {
    minicbor::to_vec(message).expect("writing to a vector does not fail")
}

/// Decodes a message of at most [`FRAME_BYTES_MAX`] bytes.
///
/// # Errors
/// See [`decode_limited`].
pub fn decode<'b, T: Decode<'b, ()>>(what: &'static str, bytes: &'b [u8]) -> Result<T, WireError> {
    decode_limited(what, bytes, FRAME_BYTES_MAX)
}

/// Decodes a message of at most `max` bytes.
///
/// # Errors
/// [`WireError`] if the bytes are too long, not of that shape, or go on after it.
pub fn decode_limited<'b, T: Decode<'b, ()>>(
    what: &'static str,
    bytes: &'b [u8],
    max: usize,
) -> Result<T, WireError> {
    if bytes.len() > max {
        return Err(WireError::TooLong { what, bytes: bytes.len(), max });
    }
    let mut decoder = minicbor::Decoder::new(bytes);
    let message = decoder.decode().map_err(|source| WireError::Malformed { what, source })?;
    if decoder.position() == bytes.len() { Ok(message) } else { Err(WireError::Trailing { what }) }
}
