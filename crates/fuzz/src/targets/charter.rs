//! Entries of a charter by who may sign them, with any content: nothing panics, an admin stays, what is
//! refused changes nothing, and the rules without signatures say the same.

use std::sync::OnceLock;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use satchel_charter::Charter;
use satchel_crypto::{AppCertificate, AppKey, EpochKey, IdentityKeys, derive_workspace_id};
use satchel_wire::{
    AccountId, AddedApp, AddedMember, AppId, Bytes32, CharterOp, CommitHeader, CommitId, Content, Founding,
    Head, InviteId, KeyWrap, NewInvite, Role, Rotation, Signature, SignedHeader, WorkspaceId, WorkspaceKind,
};

const OWNER: AccountId = AccountId::new([1; 16]);
const OTHER: AccountId = AccountId::new([2; 16]);
const APP: AppId = AppId::new([3; 16]);
const INVITE: InviteId = InviteId::new([4; 16]);

/// A workspace with its founder, whose app signs everything.
struct Founded {
    key: AppKey,
    workspace: WorkspaceId,
    certificate: Vec<u8>,
    charter: Charter,
}

fn founded() -> &'static Founded {
    static FOUNDED: OnceLock<Founded> = OnceLock::new();
    FOUNDED.get_or_init(|| {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let (identity, key) = (IdentityKeys::make(&mut rng), AppKey::make(&mut rng));
        let epoch = EpochKey::make(&mut rng);
        let certificate = AppCertificate::issue(&identity, *OWNER.as_bytes(), *APP.as_bytes(), key.public());
        let founding = Founding {
            salt: vec![5; 16].into(),
            owner: OWNER,
            signing_key: Bytes32::new(identity.public().signing),
            sealing_key: Bytes32::new(identity.public().sealing),
            commitment: Bytes32::new(epoch.commitment()),
            wraps: vec![KeyWrap { account: OWNER, wrap: vec![6; 81].into() }],
            app: AddedApp { certificate: certificate.clone().into() },
            kind: WorkspaceKind::Team(WorkspaceId::new([9; 16])),
            sealed_name: None,
        };
        let workspace = WorkspaceId::new(derive_workspace_id(&founding.identity_bytes()));
        let mut founded = Founded { key, workspace, certificate, charter: Charter::default() };
        let (header, signed) = founded.sign(1, CharterOp::Found(founding));
        founded.charter.apply(1, &header, &signed).expect("the founding is right");
        founded
    })
}

impl Founded {
    fn sign(&self, epoch: u32, op: CharterOp) -> (CommitHeader, SignedHeader) {
        let header = CommitHeader {
            workspace: self.workspace,
            commit: CommitId::new([8; 16]),
            epoch,
            author: OWNER,
            app: APP,
            seen: Head::EMPTY,
            content: Content::Charter(op),
        };
        let bytes = header.encode();
        let signature = Signature::new(self.key.sign_commit(&bytes));
        (header, SignedHeader { header: bytes.into(), signature })
    }
}

/// Operations one after another: two bytes of length, then the operation.
pub(super) fn charter(bytes: &[u8]) {
    let founded = founded();
    let mut charter = founded.charter.clone();
    for op in split(bytes) {
        let Ok(op) = satchel_wire::decode::<CharterOp>("an operation", op) else { continue };
        let (header, signed) = founded.sign(charter.epoch(), op);
        let (before, mut trusting) = (charter.clone(), charter.clone());
        let applied = charter.apply(2, &header, &signed);
        let replayed = trusting.replay(2, &header, &signed);
        match applied {
            Ok(()) => {
                assert_eq!(replayed, Ok(()));
                assert!(trusting == charter, "both ways lead to one state");
            }
            Err(_) => assert!(charter == before, "what is refused changes nothing"),
        }
        assert!(charter.members().any(|(_, member)| member.role == Role::Admin));
    }
}

fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut ops = Vec::new();
    while let Some((len, rest)) = bytes.split_first_chunk::<2>() {
        let len = usize::from(u16::from_be_bytes(*len)).min(rest.len());
        ops.push(&rest[..len]);
        bytes = &rest[len..];
    }
    ops
}

fn rotation(accounts: &[AccountId], epoch: u32) -> Rotation {
    let wrap = |account: &AccountId| KeyWrap { account: *account, wrap: vec![7; 81].into() };
    Rotation {
        epoch,
        commitment: Bytes32::new([1; 32]),
        wraps: accounts.iter().map(wrap).collect(),
        sealed_previous: vec![2; 73].into(),
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let member = |invite| {
        CharterOp::AddMember(AddedMember {
            account: OTHER,
            signing_key: Bytes32::new([1; 32]),
            sealing_key: Bytes32::new([2; 32]),
            role: Role::Admin,
            wrap: vec![3; 81].into(),
            invite,
            sealed_name: vec![4; 73].into(),
        })
    };
    let invite = CharterOp::Invite(NewInvite {
        invite: INVITE,
        key: Bytes32::new([1; 32]),
        role: Role::Admin,
        expires_ms: 5,
        sealed_name_key: vec![6; 73].into(),
    });
    let remove = CharterOp::RemoveMembers { accounts: vec![OTHER], rotation: rotation(&[OWNER], 2) };
    let demote = CharterOp::SetRole { account: OWNER, role: Role::Viewer };
    let add_app = CharterOp::AddApp(AddedApp { certificate: founded().certificate.clone().into() });
    vec![
        join(&[&invite, &member(Some(INVITE)), &CharterOp::SetRole { account: OTHER, role: Role::Editor }]),
        join(&[&member(None), &remove, &CharterOp::Rotate { rotation: rotation(&[OWNER], 3) }]),
        join(&[&member(None), &demote, &CharterOp::Leave, &add_app]),
        join(&[&invite, &CharterOp::RevokeInvite { invite: INVITE }, &CharterOp::RevokeApp { app: APP }]),
        join(&[&CharterOp::SetAccess { open: true }, &CharterOp::Leave]),
    ]
}

fn join(ops: &[&CharterOp]) -> Vec<u8> {
    let mut out = Vec::new();
    for op in ops {
        let bytes = satchel_wire::encode(*op);
        let len = u16::try_from(bytes.len()).expect("a seed is short");
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&bytes);
    }
    out
}
