//! Golden bytes of every message: what version 1 of the protocol looks like for ever.
//!
//! The bytes are in `fixtures/wire`, as hexadecimal; a changed file is a changed protocol.

use std::fmt::{Debug, Write};

use expect_test::{ExpectFile, expect_file};
use minicbor::{Decode, Encode};
use satchel_wire::{
    AccountBundle, AccountId, AddedApp, AppEntry, AppId, AppKind, AppLogin, AppLoginReply, BundleUpdate,
    Bytes32, Chain, CharterEntry, CharterOp, ClientFrame, CommitHeader, CommitId, Content, DeleteAccount,
    DeletionReceipt, Digest, ErrorCode, Expect, Founding, GrantId, Head, Incarnation, InviteId, JoinProof,
    KeyWrap, LoginId, Manifest, Nonce, Op, Opened, PackId, PackRef, Part, Passed, PasswordFinish,
    PasswordStart, PasswordStartReply, PollId, PollOpen, PollReply, PollRequest, RecordId, RecoverFinish,
    RecoverStart, RecoverStartReply, Refusal, Returned, ReturnedOp, Revision, ServerFrame, SignInFinish,
    SignInFinishReply, SignInStart, SignInStartReply, SignUpFinish, SignUpFinishReply, SignUpStart,
    SignUpStartReply, Signature, SignedHeader, SignedManifest, StaleRecord, StoredEnvelope, StoredVersion,
    Token, Welcome, WorkspaceEntry, WorkspaceId, WorkspaceKind, decode, encode,
};

const WORKSPACE: WorkspaceId = WorkspaceId::new([1; 16]);
const RECORD: RecordId = RecordId::new([2; 16]);
const COMMIT: CommitId = CommitId::new([3; 16]);
const ACCOUNT: AccountId = AccountId::new([4; 16]);
const APP: AppId = AppId::new([5; 16]);
const INVITE: InviteId = InviteId::new([50; 16]);
const LOGIN: LoginId = LoginId::new([6; 16]);
const GRANT: GrantId = GrantId::new([7; 32]);
const INCARNATION: Incarnation = Incarnation::new([8; 16]);
const TOKEN: Token = Token::new([9; 32]);
const REVISION: Revision = Revision::new([10; 32]);
const SIGNATURE: Signature = Signature::new([11; 64]);
const HEAD: Head = Head { seq: 300, chain: Chain::new([12; 32]) };

/// A section of a golden file: a name, and bytes in hexadecimal.
fn section(name: &str, bytes: &[u8]) -> String {
    let mut text = format!("# {name}\n");
    for line in bytes.chunks(40) {
        for byte in line {
            write!(text, "{byte:02x}").expect("writing to a text does not fail");
        }
        text.push('\n');
    }
    text
}

/// Sections of a golden file: the name of a message, and its bytes.
struct Golden(String);

impl Golden {
    /// Adds a message, whose bytes must decode to it, and not with a byte more or less.
    fn add<T>(mut self, name: &str, message: &T) -> Self
    where
        T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + Debug,
    {
        let bytes = encode(message);
        assert_eq!(&decode::<T>("a message", &bytes).expect("what was encoded decodes"), message);
        let longer = [&bytes[..], &[0]].concat();
        assert!(decode::<T>("a message", &longer).is_err(), "{name} takes trailing bytes");
        for cut in 0..bytes.len() {
            assert!(decode::<T>("a message", &bytes[..cut]).is_err(), "{name} takes {cut} bytes");
        }
        self.0 += &section(name, &bytes);
        self
    }

    fn check(self, file: &ExpectFile) {
        file.assert_eq(&self.0);
    }
}

fn golden() -> Golden {
    Golden(String::new())
}

fn app_entry() -> AppEntry {
    AppEntry {
        app: APP,
        name: "laptop".into(),
        kind: AppKind::CommandLine,
        last_seen_ms: 1_700_000_000_000,
        waiting: 3,
        connected: true,
    }
}

fn bundle() -> AccountBundle {
    AccountBundle {
        account: ACCOUNT,
        signing_key: Bytes32::new([13; 32]),
        sealing_key: Bytes32::new([14; 32]),
        sealed_identity: vec![15; 3].into(),
        wrapped_by_password: vec![16; 3].into(),
        wrapped_by_recovery: vec![17; 3].into(),
        recovery_key: Bytes32::new([18; 32]),
    }
}

fn app_login(grant: Option<GrantId>) -> AppLogin {
    let (name, certificate) = ("laptop".into(), vec![19; 4].into());
    AppLogin { grant, app: APP, name, kind: AppKind::Desktop, certificate, take_over: Some(APP) }
}

fn founding() -> Founding {
    Founding {
        salt: vec![20; 16].into(),
        owner: ACCOUNT,
        signing_key: Bytes32::new([13; 32]),
        sealing_key: Bytes32::new([14; 32]),
        commitment: Bytes32::new([21; 32]),
        wraps: vec![KeyWrap { account: ACCOUNT, wrap: vec![22; 5].into() }],
        app: AddedApp { certificate: vec![19; 4].into() },
        kind: WorkspaceKind::Personal,
        sealed_name: None,
    }
}

fn header(content: Content) -> CommitHeader {
    CommitHeader {
        workspace: WORKSPACE,
        commit: COMMIT,
        epoch: 1,
        author: ACCOUNT,
        app: APP,
        seen: HEAD,
        content,
    }
}

fn ops() -> Content {
    Content::Ops {
        ops: vec![
            Op { record: RECORD, part: Part::Node, parent: None, put: Some(REVISION) },
            Op { record: RECORD, part: Part::Body, parent: Some(REVISION), put: None },
        ],
        expects: vec![Expect { record: RECORD, part: Part::Node, revision: None }],
        bulk: true,
        returned: None,
    }
}

fn returned_ops() -> Content {
    let returned = [ReturnedOp { seq: 200, exact: true }, ReturnedOp { seq: 300, exact: false }];
    let trail = vec![Passed { seq: 299, chain: 7 }, Passed { seq: 300, chain: u64::MAX }];
    let returned = Returned { incarnation: INCARNATION, ops: returned.to_vec(), trail };
    match ops() {
        Content::Ops { ops, expects, bulk, .. } => {
            Content::Ops { ops, expects, bulk, returned: Some(returned) }
        }
        charter @ Content::Charter(_) => charter,
    }
}

fn signed() -> SignedHeader {
    SignedHeader { header: header(ops()).encode().into(), signature: SIGNATURE }
}

fn refusal() -> Refusal {
    Refusal {
        code: ErrorCode::AppLimit,
        detail: "three apps are connected".into(),
        retry_ms: Some(1_000),
        apps: vec![app_entry()],
    }
}

fn welcome() -> Welcome {
    let nonce = Nonce::new([23; 32]);
    Welcome { protocol_min: 1, protocol_max: 1, nonce, incarnation: INCARNATION, server: "0.1.0".into() }
}

fn stored() -> StoredEnvelope {
    StoredEnvelope { record: RECORD, part: Part::Body, seq: 300, envelope: vec![24; 6].into() }
}

#[test]
fn signed_headers_keep_their_bytes() {
    let contents = [
        ("operations", ops()),
        ("operations that bring back", returned_ops()),
        ("founding", Content::Charter(CharterOp::Found(founding()))),
        ("add app", Content::Charter(CharterOp::AddApp(AddedApp { certificate: vec![19; 4].into() }))),
    ];
    let mut text = String::new();
    for (name, content) in contents {
        let header = header(content);
        let bytes = header.encode();
        assert_eq!(CommitHeader::decode(&bytes).expect("what was encoded decodes"), header);
        text += &section(name, &bytes);
    }
    text += &section("identity bytes of the founding", &founding().identity_bytes());
    expect_file!["../../../fixtures/wire/headers.hex"].assert_eq(&text);
}

#[test]
fn sign_up_and_sign_in_keep_their_bytes() {
    let email = String::from("ada@example.com");
    golden()
        .add(
            "SignUpStart",
            &SignUpStart {
                protocol: 1,
                email: email.clone(),
                registration_request: vec![25; 4].into(),
                invite: Some("invite".into()),
            },
        )
        .add(
            "SignUpStartReply",
            &SignUpStartReply { login: LOGIN, registration_response: vec![26; 4].into() },
        )
        .add(
            "SignUpFinish",
            &SignUpFinish {
                login: LOGIN,
                registration_upload: vec![27; 4].into(),
                bundle: bundle(),
                app: app_login(None),
            },
        )
        .add("SignUpFinishReply", &SignUpFinishReply { token: TOKEN, incarnation: INCARNATION })
        .add("SignInStart", &SignInStart { protocol: 1, email, credential_request: vec![28; 4].into() })
        .add("SignInStartReply", &SignInStartReply { login: LOGIN, credential_response: vec![29; 4].into() })
        .add("SignInFinish", &SignInFinish { login: LOGIN, credential_finalization: vec![30; 4].into() })
        .add("SignInFinishReply", &SignInFinishReply { grant: GRANT, bundle: bundle() })
        .add("AppLogin", &app_login(Some(GRANT)))
        .add("AppLoginReply", &AppLoginReply { token: TOKEN, incarnation: INCARNATION })
        .check(&expect_file!["../../../fixtures/wire/login.hex"]);
}

#[test]
fn recovery_password_and_deletion_keep_their_bytes() {
    let update = BundleUpdate {
        wrapped_by_password: vec![16; 3].into(),
        recovery: Some((vec![17; 3].into(), Bytes32::new([18; 32]))),
    };
    let receipt = DeletionReceipt {
        workspaces: 1,
        records: 20,
        versions: 300,
        commits: 4_000,
        apps: 3,
        bytes: 5_000_000,
    };
    golden()
        .add("RecoverStart", &RecoverStart { protocol: 1, email: "ada@example.com".into() })
        .add("RecoverStartReply", &RecoverStartReply { login: LOGIN, challenge: Nonce::new([23; 32]) })
        .add("RecoverFinish", &RecoverFinish { login: LOGIN, proof: SIGNATURE })
        .add("PasswordStart", &PasswordStart { grant: GRANT, registration_request: vec![25; 4].into() })
        .add("PasswordStartReply", &PasswordStartReply { registration_response: vec![26; 4].into() })
        .add(
            "PasswordFinish",
            &PasswordFinish {
                grant: GRANT,
                registration_upload: vec![27; 4].into(),
                update,
                keep: Some(APP),
            },
        )
        .add("DeleteAccount", &DeleteAccount { grant: GRANT })
        .add("DeletionReceipt", &receipt)
        .add("Refusal", &refusal())
        .check(&expect_file!["../../../fixtures/wire/account.hex"]);
}

#[test]
fn frames_of_the_app_keep_their_bytes() {
    let open = ClientFrame::Open {
        protocol: 1,
        token: TOKEN,
        proof: SIGNATURE,
        sync: true,
        take_over: Some(APP),
        waiting: 3,
    };
    let poll = PollRequest {
        poll: PollId::new([31; 32]),
        first: 4,
        frames: vec![encode(&ClientFrame::Ping).into()],
        read: 2,
        wait_ms: 25_000,
    };
    let envelopes = vec![vec![24; 6].into()];
    let records = vec![(RECORD, Part::Body)];
    let (workspace, record, part) = (WORKSPACE, RECORD, Part::Node);
    let versions =
        ClientFrame::Versions { request: 6, workspace, record, part, before: Some(300), limit: 50 };
    golden()
        .add("Open", &open)
        .add("Subscribe", &ClientFrame::Subscribe { workspace: WORKSPACE, cursor: HEAD, pages_after: 7 })
        .add("Commit", &ClientFrame::Commit { header: signed(), envelopes })
        .add("Waiting", &ClientFrame::Waiting { count: 3 })
        .add("ListApps", &ClientFrame::ListApps { request: 1 })
        .add("DisconnectApp", &ClientFrame::DisconnectApp { request: 2, app: APP })
        .add("SignOut", &ClientFrame::SignOut { request: 3 })
        .add("DeleteWorkspace", &ClientFrame::DeleteWorkspace { request: 4, workspace: WORKSPACE })
        .add("Fetch", &ClientFrame::Fetch { request: 5, workspace: WORKSPACE, records })
        .add("Ping", &ClientFrame::Ping)
        .add("Versions", &versions)
        .add("Bootstrap", &ClientFrame::Bootstrap { workspace, have: vec![PackId::new([41; 32])] })
        .add(
            "FetchPacks",
            &ClientFrame::FetchPacks { request: 7, workspace, packs: vec![PackId::new([41; 32])] },
        )
        .add("ReadHeaders", &ClientFrame::ReadHeaders { request: 8, workspace, after: 300 })
        .add("PutPack", &ClientFrame::PutPack { request: 9, workspace, pack: vec![42; 5].into() })
        .add("PutManifest", &ClientFrame::PutManifest { request: 10, manifest: signed_manifest() })
        .add("JoinInvite", &ClientFrame::JoinInvite { request: 11, proof: proof() })
        .add("ListJoins", &ClientFrame::ListJoins { request: 12, workspace })
        .add("RefuseJoin", &ClientFrame::RefuseJoin { request: 13, workspace, invite: INVITE })
        .add("Presence", &ClientFrame::Presence { workspace, sealed: vec![44; 5].into() })
        .add("PollRequest", &poll)
        .check(&expect_file!["../../../fixtures/wire/client.hex"]);
}

fn proof() -> JoinProof {
    let (invite_signature, identity_signature) = (SIGNATURE, SIGNATURE);
    JoinProof { claim: vec![45; 5].into(), invite_signature, identity_signature }
}

fn manifest() -> Manifest {
    let pack = |part, records| PackRef { pack: PackId::new([41; 32]), part, records, bytes: 70_000 };
    Manifest {
        workspace: WORKSPACE,
        author: ACCOUNT,
        app: APP,
        head: HEAD,
        digest: Digest::new([32; 32]),
        epoch: 1,
        nodes: 256,
        bodies: 255,
        charter: Bytes32::new([43; 32]),
        packs: vec![pack(Part::Node, 256), pack(Part::Body, 255)],
    }
}

fn signed_manifest() -> SignedManifest {
    SignedManifest { manifest: manifest().encode().into(), signature: SIGNATURE }
}

fn charter_entries() -> Vec<CharterEntry> {
    vec![CharterEntry { seq: 1, header: signed() }]
}

#[test]
fn a_manifest_keeps_its_bytes() {
    let bytes = manifest().encode();
    assert_eq!(Manifest::decode(&bytes).expect("it is canonical"), manifest());
    expect_file!["../../../fixtures/wire/manifest.hex"].assert_eq(&section("Manifest", &bytes));
}

#[test]
fn frames_of_the_server_keep_their_bytes() {
    let (workspace, commit) = (WORKSPACE, COMMIT);
    let listed = WorkspaceEntry { workspace, head: HEAD };
    let stale = vec![StaleRecord { record: RECORD, part: Part::Node, revision: Some(REVISION) }];
    let envelopes = vec![vec![24; 6].into()];
    let version =
        |envelope| StoredVersion { seq: 300, received_ms: 1_700_000_000_000, header: signed(), envelope };
    let past = ServerFrame::PastHeaders {
        request: 8,
        workspace,
        first_seq: 301,
        headers: vec![signed()],
        received_ms: vec![1_700_000_000_000],
    };
    let versions = vec![version(Some(vec![24; 6].into())), version(None)];
    golden()
        .add("Welcome", &ServerFrame::Welcome(welcome()))
        .add("Opened", &ServerFrame::Opened(Opened { workspaces: vec![listed.clone()] }))
        .add("Refused", &ServerFrame::Refused(refusal()))
        .add("Headers", &ServerFrame::Headers { workspace, first_seq: 300, headers: vec![signed()] })
        .add("Page", &ServerFrame::Page { workspace, envelopes: vec![stored()] })
        .add("CaughtUp", &ServerFrame::CaughtUp { workspace, head: HEAD, digest: Digest::new([32; 32]) })
        .add("Entry", &ServerFrame::Entry { workspace, seq: 300, header: signed(), envelopes })
        .add("Accepted", &ServerFrame::Accepted { workspace, commit, seq: 300 })
        .add("Stale", &ServerFrame::Stale { workspace, commit, head: HEAD, records: stale })
        .add("Rejected", &ServerFrame::Rejected { workspace, commit: None, refusal: refusal() })
        .add("WorkspaceAdded", &ServerFrame::WorkspaceAdded(listed))
        .add("WorkspaceRemoved", &ServerFrame::WorkspaceRemoved { workspace })
        .add("Apps", &ServerFrame::Apps { request: 1, apps: vec![app_entry()] })
        .add("Done", &ServerFrame::Done { request: 2 })
        .add("Failed", &ServerFrame::Failed { request: 3, refusal: refusal() })
        .add("Fetched", &ServerFrame::Fetched { request: 5, workspace, envelopes: vec![stored()] })
        .add("Pong", &ServerFrame::Pong)
        .add("Versions", &ServerFrame::Versions { request: 6, workspace, versions, more: true })
        .add(
            "Manifest",
            &ServerFrame::Manifest { workspace, manifest: signed_manifest(), charter: charter_entries() },
        )
        .add("Pack", &ServerFrame::Pack { workspace, pack: vec![42; 5].into() })
        .add("PastHeaders", &past)
        .add("PacksWanted", &ServerFrame::PacksWanted { workspace })
        .add("Joins", &ServerFrame::Joins { workspace, proofs: vec![proof()] })
        .add(
            "PresenceOf",
            &ServerFrame::PresenceOf { workspace, account: ACCOUNT, app: APP, sealed: vec![44; 5].into() },
        )
        .add("Checkpoint", &ServerFrame::Checkpoint { workspace, manifest: signed_manifest() })
        .add("Links", &ServerFrame::Links { workspace, first_seq: 2, links: vec![Bytes32::new([45; 32]); 2] })
        .add("PollOpen", &PollOpen { poll: PollId::new([31; 32]), welcome: welcome() })
        .add("PollReply", &PollReply { first: 2, frames: vec![encode(&ServerFrame::Pong).into()] })
        .check(&expect_file!["../../../fixtures/wire/server.hex"]);
}
