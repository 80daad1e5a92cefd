//! Bytes between app and server: what is read is written and read back equal; what is signed has one
//! form.

use std::fmt::Debug;

use minicbor::{Decode, Encode};
use satchel_wire::{
    AccountBundle, AccountId, AppId, AppLogin, AppLoginReply, Bytes32, CharterOp, ClientFrame, CommitHeader,
    Content, DeleteAccount, DeletionReceipt, Digest, Head, JoinClaim, JoinProof, Manifest, PackId, PackRef,
    PackedRecord, Part, PasswordFinish, PasswordStart, PasswordStartReply, PollOpen, PollReply, PollRequest,
    Presence, RecordId, RecoverFinish, RecoverStart, RecoverStartReply, Refusal, Revision, ServerFrame,
    SignInFinish, SignInFinishReply, SignInStart, SignInStartReply, SignUpFinish, SignUpFinishReply,
    SignUpStart, SignUpStartReply, WorkspaceId, decode, decode_pack, encode, encode_pack,
};

/// What is read is written and read back equal.
fn message<T>(bytes: &[u8])
where
    T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + Debug,
{
    let Ok(read) = decode::<T>("a message", bytes) else { return };
    let again = decode::<T>("a message", &encode(&read)).expect("what was written is read");
    assert_eq!(again, read);
}

pub(super) fn client_frame(bytes: &[u8]) {
    message::<ClientFrame>(bytes);
}

pub(super) fn server_frame(bytes: &[u8]) {
    message::<ServerFrame>(bytes);
    message::<Refusal>(bytes);
}

pub(super) fn poll(bytes: &[u8]) {
    message::<PollOpen>(bytes);
    message::<PollRequest>(bytes);
    message::<PollReply>(bytes);
}

pub(super) fn account(bytes: &[u8]) {
    message::<AccountBundle>(bytes);
    message::<AppLogin>(bytes);
    message::<AppLoginReply>(bytes);
    message::<DeleteAccount>(bytes);
    message::<DeletionReceipt>(bytes);
    message::<PasswordStart>(bytes);
    message::<PasswordStartReply>(bytes);
    message::<PasswordFinish>(bytes);
    message::<RecoverStart>(bytes);
    message::<RecoverStartReply>(bytes);
    message::<RecoverFinish>(bytes);
    message::<SignInStart>(bytes);
    message::<SignInStartReply>(bytes);
    message::<SignInFinish>(bytes);
    message::<SignInFinishReply>(bytes);
    message::<SignUpStart>(bytes);
    message::<SignUpStartReply>(bytes);
    message::<SignUpFinish>(bytes);
    message::<SignUpFinishReply>(bytes);
}

pub(super) fn commit_header(bytes: &[u8]) {
    let Ok(header) = CommitHeader::decode(bytes) else { return };
    assert_eq!(header.encode(), bytes, "a signed header has one form");
    if let Content::Charter(CharterOp::Found(founding)) = &header.content {
        // A founding that fails its check is refused; the check itself takes any founding.
        drop(founding.check());
        assert!(!founding.identity_bytes().is_empty());
    }
}

pub(super) fn join(bytes: &[u8]) {
    if let Ok(claim) = JoinClaim::decode(bytes) {
        assert_eq!(claim.encode(), bytes, "a claim has one form");
    }
    if let Ok(presence) = Presence::decode(bytes) {
        assert_eq!(presence.encode(), bytes, "a presence has one form");
    }
    message::<JoinProof>(bytes);
}

pub(super) fn manifest(bytes: &[u8]) {
    let Ok(manifest) = Manifest::decode(bytes) else { return };
    assert_eq!(manifest.encode(), bytes, "a manifest has one form");
}

pub(super) fn manifest_seeds() -> Vec<Vec<u8>> {
    let pack = |part, records| PackRef { pack: PackId::new([7; 32]), part, records, bytes: 9 };
    let manifest = Manifest {
        workspace: WorkspaceId::new([1; 16]),
        author: AccountId::new([2; 16]),
        app: AppId::new([3; 16]),
        head: Head::EMPTY,
        digest: Digest::new([4; 32]),
        epoch: 1,
        nodes: 3,
        bodies: 2,
        charter: Bytes32::new([5; 32]),
        packs: vec![pack(Part::Node, 1), pack(Part::Node, 2), pack(Part::Body, 2)],
    };
    vec![manifest.encode()]
}

/// Two bytes that say how long the names are; the names; the payloads.
pub(super) fn pack_content(bytes: &[u8]) {
    let Some((length, bytes)) = bytes.split_first_chunk() else { return };
    let Some((names, rest)) = bytes.split_at_checked(usize::from(u16::from_le_bytes(*length))) else {
        return;
    };
    let Some(records) = decode_pack(names, rest) else { return };
    assert_eq!(encode_pack(&records), (names.to_vec(), rest.to_vec()), "a pack has one form");
}

pub(super) fn pack_seeds() -> Vec<Vec<u8>> {
    let record = |byte: u8, payload: &[u8]| PackedRecord {
        record: RecordId::new([byte; 16]),
        revision: Revision::new([byte; 32]),
        seq: u64::from(byte) * 1_000,
        conflicts: u32::from(byte),
        payload: payload.to_vec(),
    };
    let (names, rest) = encode_pack(&[record(1, b"{}"), record(2, b""), record(3, b"{\"name\":\"x\"}")]);
    let length = u16::try_from(names.len()).expect("three names are short").to_le_bytes();
    vec![[&length, names.as_slice(), &rest].concat()]
}
