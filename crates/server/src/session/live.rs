//! What connections hear when people come and go.

use satchel_wire::{CharterOp, ClientFrame, Content, InviteId, JoinProof, Role, ServerFrame, WorkspaceId};

use super::matrix::{End, World, claim, secret};
use crate::store::conformance::{Author, ops, put};

/// Everyone's connection to one server, reading the workspace.
struct Stage {
    world: World,
    server: std::sync::Arc<crate::server::Server>,
    workspace: WorkspaceId,
}

impl Stage {
    fn new() -> Self {
        let world = World::new();
        let (server, workspace) = (world.server(), world.own.workspace);
        Self { world, server, workspace }
    }

    fn author(&self, person: usize) -> &Author {
        &self.world.people.authors[person - 1]
    }

    async fn open(&self, person: usize) -> End {
        End::open(&self.server, self.author(person)).await
    }

    /// A connection that reads the workspace and has nothing else waiting.
    async fn reader(&self, author: &Author) -> End {
        let mut end = End::open(&self.server, author).await;
        end.read(self.workspace).await;
        while end.session.outbox.try_next().is_some() {}
        end
    }

    async fn push(&self, end: &mut End, person: usize, op: CharterOp) {
        let author = self.author(person);
        end.send(&self.world.commit(author, self.workspace, Content::Charter(op), Vec::new())).await;
    }
}

/// What a connection hears up to now, in short.
async fn heard(end: &mut End) -> String {
    end.send(&ClientFrame::Ping).await;
    let mut words = Vec::new();
    loop {
        let word = match end.next_frame().await {
            ServerFrame::Pong => return words.join(", "),
            ServerFrame::Entry { .. } => "entry".to_owned(),
            ServerFrame::Accepted { .. } => "accepted".to_owned(),
            ServerFrame::Rejected { refusal, .. } | ServerFrame::Failed { refusal, .. } => {
                format!("{:?}", refusal.code)
            }
            ServerFrame::WorkspaceRemoved { .. } => "lost".to_owned(),
            ServerFrame::WorkspaceAdded(_) => "got".to_owned(),
            ServerFrame::Joins { proofs, .. } => format!("{} wait", proofs.len()),
            ServerFrame::Done { .. } => "done".to_owned(),
            ServerFrame::PresenceOf { account, sealed, .. } => {
                format!("{} says {}", account.as_bytes()[0], sealed.len())
            }
            other => format!("{other:?}"),
        };
        words.push(word);
    }
}

#[tokio::test]
async fn who_is_removed_hears_that_and_nothing_after_it() {
    let stage = Stage::new();
    let mut admin = stage.reader(stage.author(1)).await;
    let mut other = stage.reader(stage.author(2)).await;
    let mut removed = stage.reader(stage.author(4)).await;
    let accounts = vec![stage.author(4).account];
    let rotation = stage.world.people.rotation(stage.world.own, &[1, 2, 3]);
    stage.push(&mut admin, 1, CharterOp::RemoveMembers { accounts, rotation }).await;
    assert_eq!(heard(&mut admin).await, "accepted");
    assert_eq!(heard(&mut other).await, "entry");
    assert_eq!(heard(&mut removed).await, "lost");
    removed.send(&ClientFrame::ListJoins { request: 1, workspace: stage.workspace }).await;
    assert_eq!(heard(&mut removed).await, "NotFound");
    let opened = stage.server.service.joins_for(
        removed.session.peer.as_ref().expect("it is open"),
        stage.workspace,
        crate::store::conformance::NOW,
    );
    assert_eq!(opened, None);
}

#[tokio::test]
async fn who_leaves_hears_that_it_was_accepted_and_then_that_the_workspace_is_gone() {
    let stage = Stage::new();
    let mut other = stage.reader(stage.author(1)).await;
    let mut leaves = stage.reader(stage.author(3)).await;
    let second = Author::new(3, 30);
    let mut of_the_same = stage.reader(&second).await;
    stage.push(&mut leaves, 3, CharterOp::Leave).await;
    assert_eq!(heard(&mut leaves).await, "accepted, lost");
    assert_eq!(heard(&mut of_the_same).await, "lost");
    assert_eq!(heard(&mut other).await, "entry");
}

#[tokio::test]
async fn a_claim_is_told_to_admins_and_its_confirmation_to_who_made_it() {
    let stage = Stage::new();
    let mut owner = stage.open(1).await;
    let mut editor = stage.reader(stage.author(3)).await;
    let mut joiner = stage.open(6).await;
    let frame = claim(stage.author(6), stage.workspace, 6);
    joiner.send(&frame).await;
    assert_eq!(heard(&mut joiner).await, "done");
    assert_eq!(heard(&mut owner).await, "2 wait", "also where it does not read the workspace");
    joiner.send(&frame).await;
    assert_eq!(heard(&mut joiner).await, "done");
    assert_eq!(heard(&mut owner).await, "", "told once");
    let mut admin = stage.open(2).await;
    admin
        .send(&ClientFrame::Subscribe {
            workspace: stage.workspace,
            cursor: stage.world.own.head,
            pages_after: 0,
        })
        .await;
    loop {
        if let ServerFrame::Joins { proofs, .. } = admin.next_frame().await {
            assert_eq!(proofs.len(), 2);
            break;
        }
    }
    let mut added = stage.world.people.added(6, Role::Viewer, None);
    added.invite = Some(InviteId::new(secret(6).derive_id()));
    stage.push(&mut owner, 1, CharterOp::AddMember(added)).await;
    assert_eq!(heard(&mut owner).await, "accepted");
    assert_eq!(heard(&mut joiner).await, "got");
    assert_eq!(heard(&mut editor).await, "entry");
    joiner.send(&frame).await;
    assert_eq!(heard(&mut joiner).await, "done", "a member who asks again is one already");
}

#[tokio::test]
async fn a_claim_that_does_not_verify_waits_for_nobody() {
    let stage = Stage::new();
    let mut joiner = stage.open(6).await;
    let check = async |joiner: &mut End, change: &dyn Fn(&mut JoinProof), expected: &str| {
        let ClientFrame::JoinInvite { request, mut proof } = claim(stage.author(6), stage.workspace, 6)
        else {
            unreachable!("a claim is one")
        };
        change(&mut proof);
        joiner.send(&ClientFrame::JoinInvite { request, proof }).await;
        assert_eq!(heard(joiner).await, expected);
    };
    let other = |proof: &mut JoinProof| proof.invite_signature = proof.identity_signature;
    check(&mut joiner, &other, "BadSignature").await;
    let other = |proof: &mut JoinProof| proof.identity_signature = proof.invite_signature;
    check(&mut joiner, &other, "BadSignature").await;
    check(&mut joiner, &|proof| proof.claim = vec![1; 9].into(), "BadRequest").await;
    let stolen = |proof: &mut JoinProof| {
        let ClientFrame::JoinInvite { proof: of_another, .. } = claim(stage.author(8), stage.workspace, 6)
        else {
            unreachable!("a claim is one")
        };
        *proof = of_another;
    };
    check(&mut joiner, &stolen, "Forbidden").await;
    check(&mut joiner, &|_| {}, "done").await;
}

#[tokio::test]
async fn presence_is_relayed_once_a_second_and_ends_with_the_connection() {
    let stage = Stage::new();
    let mut watches = stage.reader(stage.author(1)).await;
    let mut elsewhere = stage.open(2).await;
    let mut present = stage.reader(stage.author(4)).await;
    let (workspace, sealed) = (stage.workspace, |bytes: usize| vec![1; bytes].into());
    present.send(&ClientFrame::Presence { workspace, sealed: sealed(81) }).await;
    present.send(&ClientFrame::Presence { workspace, sealed: sealed(82) }).await;
    assert_eq!(heard(&mut watches).await, "4 says 81", "the second came too early");
    assert_eq!(heard(&mut elsewhere).await, "", "it does not read the workspace");
    assert_eq!(heard(&mut present).await, "");
    drop(present);
    assert_eq!(heard(&mut watches).await, "4 says 0");
    let mut large = stage.reader(stage.author(4)).await;
    large.send(&ClientFrame::Presence { workspace, sealed: sealed(1_000) }).await;
    assert_eq!(heard(&mut watches).await, "");
}

#[tokio::test]
async fn a_deleted_workspace_is_gone_for_every_member() {
    let stage = Stage::new();
    let mut owner = stage.reader(stage.author(1)).await;
    let mut viewer = stage.reader(stage.author(4)).await;
    let mut outsider = stage.open(8).await;
    owner.send(&ClientFrame::DeleteWorkspace { request: 1, workspace: stage.workspace }).await;
    assert_eq!(heard(&mut owner).await, "lost, done");
    assert_eq!(heard(&mut viewer).await, "lost");
    assert_eq!(heard(&mut outsider).await, "");
    let content = ops(vec![put(stage.workspace, 1, None, b"x")]);
    owner.send(&stage.world.commit(stage.author(1), stage.workspace, content, vec![b"x".to_vec()])).await;
    assert_eq!(heard(&mut owner).await, "NotFound");
}
