//! Bodies of the HTTP requests around accounts: sign-up, sign-in, recovery, password, deletion.
//!
//! OPAQUE messages (RFC 9807), wrapped keys and certificates are opaque bytes here; `satchel_crypto`
//! makes and reads them. Each struct is the body of one `POST`, or its answer; the route stands in
//! its first line.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::{AccountId, AppId, Bytes32, GrantId, Incarnation, LoginId, Nonce, Signature, Token};

/// What kind of app it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum AppKind {
    /// The command line, with or without its agent.
    #[n(0)]
    CommandLine,
    /// The workbench that a local agent serves.
    #[n(1)]
    Desktop,
    /// The web version.
    #[n(2)]
    Web,
}

/// One app of an account, as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AppEntry {
    /// The app.
    #[n(0)]
    pub app: AppId,
    /// Its name, as its user or machine chose it.
    #[n(1)]
    pub name: String,
    /// Its kind.
    #[n(2)]
    pub kind: AppKind,
    /// When the server last heard of it, milliseconds since 1970 by the server's clock.
    #[n(3)]
    pub last_seen_ms: u64,
    /// How many changes it last said were waiting.
    #[n(4)]
    pub waiting: u32,
    /// Whether it holds a place now.
    #[n(5)]
    pub connected: bool,
}

/// The keys of an account, as the server keeps them: public, wrapped or sealed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AccountBundle {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// The identity signing key (Ed25519).
    #[n(1)]
    pub signing_key: Bytes32,
    /// The identity encryption key (X25519).
    #[n(2)]
    pub sealing_key: Bytes32,
    /// Both identity secrets, sealed under the account key.
    #[n(3)]
    pub sealed_identity: ByteVec,
    /// The account key, wrapped by the password's export key.
    #[n(4)]
    pub wrapped_by_password: ByteVec,
    /// The account key, wrapped by the recovery code.
    #[n(5)]
    pub wrapped_by_recovery: ByteVec,
    /// The key (Ed25519) whose secret the recovery code gives.
    #[n(6)]
    pub recovery_key: Bytes32,
}

/// `POST /v1/signup/start`: an OPAQUE registration request.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignUpStart {
    /// The protocol version of the app.
    #[n(0)]
    pub protocol: u16,
    /// The e-mail, as typed; the server compares it trimmed and in lower case.
    #[n(1)]
    pub email: String,
    /// The OPAQUE registration request.
    #[n(2)]
    pub registration_request: ByteVec,
    /// The invitation to this server, where sign-up needs one.
    #[n(3)]
    pub invite: Option<String>,
}

/// The answer to [`SignUpStart`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignUpStartReply {
    /// Names this sign-up in the next request.
    #[n(0)]
    pub login: LoginId,
    /// The OPAQUE registration response.
    #[n(1)]
    pub registration_response: ByteVec,
}

/// `POST /v1/signup/finish`: makes the account and signs its first app in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignUpFinish {
    /// From [`SignUpStartReply`].
    #[n(0)]
    pub login: LoginId,
    /// The OPAQUE registration upload.
    #[n(1)]
    pub registration_upload: ByteVec,
    /// The new account's keys.
    #[n(2)]
    pub bundle: AccountBundle,
    /// The app.
    #[n(3)]
    pub app: AppLogin,
}

/// The answer to [`SignUpFinish`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignUpFinishReply {
    /// The app's token.
    #[n(0)]
    pub token: Token,
    /// The server's present life.
    #[n(1)]
    pub incarnation: Incarnation,
}

/// `POST /v1/signin/start`: the first OPAQUE message (KE1).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignInStart {
    /// The protocol version of the app.
    #[n(0)]
    pub protocol: u16,
    /// The e-mail.
    #[n(1)]
    pub email: String,
    /// OPAQUE KE1.
    #[n(2)]
    pub credential_request: ByteVec,
}

/// The answer to [`SignInStart`], of the same shape for a known and an unknown e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignInStartReply {
    /// Names this sign-in in the next request.
    #[n(0)]
    pub login: LoginId,
    /// OPAQUE KE2.
    #[n(1)]
    pub credential_response: ByteVec,
}

/// `POST /v1/signin/finish`: the last OPAQUE message (KE3).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignInFinish {
    /// From [`SignInStartReply`].
    #[n(0)]
    pub login: LoginId,
    /// OPAQUE KE3.
    #[n(1)]
    pub credential_finalization: ByteVec,
}

/// The answer to [`SignInFinish`] and to [`RecoverFinish`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignInFinishReply {
    /// Stands for the fresh proof in one of the next requests; lives five minutes, used once.
    #[n(0)]
    pub grant: GrantId,
    /// The account's keys.
    #[n(1)]
    pub bundle: AccountBundle,
}

/// An app that signs in: part of [`SignUpFinish`], and with a grant `POST /v1/signin/app`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AppLogin {
    /// The fresh proof; none inside [`SignUpFinish`].
    #[n(0)]
    pub grant: Option<GrantId>,
    /// The app.
    #[n(1)]
    pub app: AppId,
    /// Its name.
    #[n(2)]
    pub name: String,
    /// Its kind.
    #[n(3)]
    pub kind: AppKind,
    /// Its certificate, signed by the account's identity key.
    #[n(4)]
    pub certificate: ByteVec,
    /// The app whose place it takes, when all are in use. A refusal with
    /// [`crate::ErrorCode::AppLimit`] does not use the grant up.
    #[n(5)]
    pub take_over: Option<AppId>,
}

/// The answer to `POST /v1/signin/app`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AppLoginReply {
    /// The app's token.
    #[n(0)]
    pub token: Token,
    /// The server's present life.
    #[n(1)]
    pub incarnation: Incarnation,
}

/// `POST /v1/recover/start`: asks for a challenge.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RecoverStart {
    /// The protocol version of the app.
    #[n(0)]
    pub protocol: u16,
    /// The e-mail.
    #[n(1)]
    pub email: String,
}

/// The answer to [`RecoverStart`], the same for a known and an unknown e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RecoverStartReply {
    /// Names this recovery in the next request.
    #[n(0)]
    pub login: LoginId,
    /// What to sign.
    #[n(1)]
    pub challenge: Nonce,
}

/// `POST /v1/recover/finish`: proves the recovery code; answered by [`SignInFinishReply`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RecoverFinish {
    /// From [`RecoverStartReply`].
    #[n(0)]
    pub login: LoginId,
    /// The recovery key's signature over `"satchel recover 1" | challenge`.
    #[n(1)]
    pub proof: Signature,
}

/// `POST /v1/password/start`: an OPAQUE registration request for a new password.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PasswordStart {
    /// The fresh proof; not used up by this request.
    #[n(0)]
    pub grant: GrantId,
    /// The OPAQUE registration request.
    #[n(1)]
    pub registration_request: ByteVec,
}

/// The answer to [`PasswordStart`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PasswordStartReply {
    /// The OPAQUE registration response.
    #[n(0)]
    pub registration_response: ByteVec,
}

/// What a change of password or recovery code replaces in an [`AccountBundle`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct BundleUpdate {
    /// The account key, wrapped by the new password's export key.
    #[n(0)]
    pub wrapped_by_password: ByteVec,
    /// A new recovery code's wrap and key; none keeps the present code.
    #[n(1)]
    pub recovery: Option<(ByteVec, Bytes32)>,
}

/// `POST /v1/password/finish`: sets the new password; answered by a [`SignInFinishReply`] with a new
/// grant, so that an app can sign in after a recovery.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PasswordFinish {
    /// The fresh proof, used up here.
    #[n(0)]
    pub grant: GrantId,
    /// The OPAQUE registration upload.
    #[n(1)]
    pub registration_upload: ByteVec,
    /// The keys that change.
    #[n(2)]
    pub update: BundleUpdate,
    /// The app that stays signed in; every other session ends. None (after a recovery) ends all.
    #[n(3)]
    pub keep: Option<AppId>,
}

/// `POST /v1/account/delete`: deletes the account for good.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct DeleteAccount {
    /// The fresh proof, used up here.
    #[n(0)]
    pub grant: GrantId,
}

/// The answer to [`DeleteAccount`]: what is gone from the live store.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct DeletionReceipt {
    /// Workspaces.
    #[n(0)]
    pub workspaces: u64,
    /// Current records, nodes and bodies counted apart.
    #[n(1)]
    pub records: u64,
    /// Older versions.
    #[n(2)]
    pub versions: u64,
    /// Ledger entries.
    #[n(3)]
    pub commits: u64,
    /// Apps with their sessions and tokens.
    #[n(4)]
    pub apps: u64,
    /// Bytes of envelopes.
    #[n(5)]
    pub bytes: u64,
}
