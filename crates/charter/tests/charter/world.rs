//! A workspace with five people, each with two apps, and real keys.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use satchel_charter::{
    Charter, CharterError, EpochKeys, Joiner, NewMember, make_invite, make_join, make_member, make_rotation,
    open_keys,
};
use satchel_crypto::{
    AppCertificate, AppKey, EpochKey, IdentityKeys, InviteLink, InviteSecret, WrapContext,
    derive_workspace_id,
};
use satchel_wire::{
    AccountId, AddedApp, AppId, Bytes32, CharterOp, CommitHeader, CommitId, Content, Founding, Head, KeyWrap,
    Op, Part, RecordId, Revision, Role, Signature, SignedHeader, WorkspaceId, WorkspaceKind,
};

pub(crate) const PEOPLE: usize = 5;
pub(crate) const ADA: usize = 0;
pub(crate) const BEN: usize = 1;
pub(crate) const CAT: usize = 2;
pub(crate) const DAN: usize = 3;
pub(crate) const ROSTER: WorkspaceId = WorkspaceId::new([77; 16]);

pub(crate) struct App {
    pub(crate) id: AppId,
    pub(crate) key: AppKey,
}

pub(crate) struct Person {
    pub(crate) account: AccountId,
    pub(crate) identity: IdentityKeys,
    pub(crate) apps: [App; 2],
}

pub(crate) struct World {
    pub(crate) rng: ChaCha20Rng,
    pub(crate) people: Vec<Person>,
    pub(crate) workspace: WorkspaceId,
    pub(crate) charter: Charter,
    /// Each entry that was accepted.
    pub(crate) entries: Vec<(u64, CommitHeader, SignedHeader)>,
    pub(crate) seq: u64,
}

pub(crate) fn account(person: usize) -> AccountId {
    AccountId::new([u8::try_from(person).expect("few people") + 1; 16])
}

fn make_person(person: usize, rng: &mut ChaCha20Rng) -> Person {
    let app = |n: u8| AppId::new([u8::try_from(person).expect("few people") * 2 + n + 100; 16]);
    Person {
        account: account(person),
        identity: IdentityKeys::make(rng),
        apps: [0, 1].map(|n| App { id: app(n), key: AppKey::make(rng) }),
    }
}

impl World {
    pub(crate) fn unfounded(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let people = (0..PEOPLE).map(|person| make_person(person, &mut rng)).collect();
        let workspace = WorkspaceId::new([0; 16]);
        Self { rng, people, workspace, charter: Charter::default(), entries: Vec::new(), seq: 0 }
    }

    /// A workspace that Ada founded.
    pub(crate) fn founded(kind: WorkspaceKind) -> Self {
        let mut world = Self::unfounded(1);
        let founding = world.make_founding(kind);
        world.push(ADA, CharterOp::Found(founding)).expect("a founding is accepted");
        world
    }

    /// A roster with Ada as admin, Ben as editor and Cat as viewer, each with one app.
    pub(crate) fn team() -> Self {
        let mut world = Self::founded(WorkspaceKind::Roster);
        world.add(ADA, BEN, Role::Editor).expect("Ben joins");
        world.add(ADA, CAT, Role::Viewer).expect("Cat joins");
        for person in [BEN, CAT] {
            world.add_app(person, 0).expect("their app is added");
        }
        world
    }

    pub(crate) fn make_founding(&mut self, kind: WorkspaceKind) -> Founding {
        let key = EpochKey::make(&mut self.rng);
        let mut salt = vec![0; 16];
        self.rng.fill_bytes(&mut salt);
        let (owner, public) = (self.people[ADA].account, self.people[ADA].identity.public());
        let mut founding = Founding {
            salt: salt.into(),
            owner,
            signing_key: Bytes32::new(public.signing),
            sealing_key: Bytes32::new(public.sealing),
            commitment: Bytes32::new(key.commitment()),
            wraps: Vec::new(),
            app: AddedApp { certificate: self.certificate(ADA, 0).into() },
            kind,
            sealed_name: None,
        };
        self.workspace = WorkspaceId::new(derive_workspace_id(&founding.identity_bytes()));
        let workspace = *self.workspace.as_bytes();
        let context = WrapContext { workspace, epoch: 1, account: *owner.as_bytes() };
        let wrap = key.wrap(&public.sealing, &context, &mut self.rng).into();
        founding.wraps.push(KeyWrap { account: owner, wrap });
        let name = key.seal_name(&workspace, owner.as_bytes(), "Ada", &mut self.rng);
        founding.sealed_name = Some(name.into());
        founding
    }

    pub(crate) fn certificate(&self, person: usize, app: usize) -> Vec<u8> {
        let person = &self.people[person];
        let app = &person.apps[app];
        AppCertificate::issue(
            &person.identity,
            *person.account.as_bytes(),
            *app.id.as_bytes(),
            app.key.public(),
        )
    }

    pub(crate) fn header(&mut self, person: usize, app: usize, content: Content) -> CommitHeader {
        let mut commit = [0; 16];
        self.rng.fill_bytes(&mut commit);
        CommitHeader {
            workspace: self.workspace,
            commit: CommitId::new(commit),
            epoch: self.charter.epoch().max(1),
            author: self.people[person].account,
            app: self.people[person].apps[app].id,
            seen: Head::EMPTY,
            content,
        }
    }

    pub(crate) fn sign(&self, person: usize, app: usize, header: &CommitHeader) -> SignedHeader {
        let bytes = header.encode();
        let signature = Signature::new(self.people[person].apps[app].key.sign_commit(&bytes));
        SignedHeader { header: bytes.into(), signature }
    }

    /// Applies an entry by someone's first app.
    pub(crate) fn push(&mut self, person: usize, op: CharterOp) -> Result<(), CharterError> {
        let header = self.header(person, 0, Content::Charter(op));
        self.push_header(person, 0, header)
    }

    pub(crate) fn push_header(
        &mut self,
        person: usize,
        app: usize,
        header: CommitHeader,
    ) -> Result<(), CharterError> {
        let signed = self.sign(person, app, &header);
        let before = self.charter.clone();
        let result = self.charter.apply(self.seq + 1, &header, &signed);
        if result.is_ok() {
            self.seq += 1;
            self.entries.push((self.seq, header, signed));
        } else {
            assert!(self.charter == before, "what is refused changes nothing");
        }
        result
    }

    pub(crate) fn add_app(&mut self, person: usize, app: usize) -> Result<(), CharterError> {
        let added = AddedApp { certificate: self.certificate(person, app).into() };
        let header = self.header(person, app, Content::Charter(CharterOp::AddApp(added)));
        self.push_header(person, app, header)
    }

    pub(crate) fn record_header(&mut self, person: usize, app: usize) -> CommitHeader {
        let put = Some(Revision::new([9; 32]));
        let op = Op { record: RecordId::new([8; 16]), part: Part::Node, parent: None, put };
        let content = Content::Ops { ops: vec![op], expects: Vec::new(), bulk: false, returned: None };
        self.header(person, app, content)
    }

    /// Checks a commit of records by someone's first app.
    pub(crate) fn write(&mut self, person: usize) -> Result<(), CharterError> {
        let header = self.record_header(person, 0);
        let signed = self.sign(person, 0, &header);
        self.charter.check(&header, &signed)
    }

    pub(crate) fn keys(&self, person: usize) -> Result<EpochKeys, CharterError> {
        let person = &self.people[person];
        open_keys(&self.charter, self.workspace, person.account, &person.identity)
    }

    /// The keys as an admin has them; those of the founder's time where nobody opens any.
    pub(crate) fn some_keys(&self) -> EpochKeys {
        (0..PEOPLE).find_map(|person| self.keys(person).ok()).expect("some member opens the keys")
    }

    pub(crate) fn invite(&mut self, by: usize, role: Role) -> Result<InviteSecret, CharterError> {
        let secret = InviteSecret::make(&mut self.rng);
        let keys = self.some_keys();
        let invite = make_invite(self.workspace, &keys, &secret, (role, 1_000), &mut self.rng);
        self.push(by, CharterOp::Invite(invite)).map(|()| secret)
    }

    /// Someone claims an invitation, and an admin's app confirms it.
    pub(crate) fn join(
        &mut self,
        by: usize,
        person: usize,
        secret: InviteSecret,
    ) -> Result<(), CharterError> {
        let proof = self.claim(person, secret);
        let claim = self.charter.check_join(&proof)?;
        let keys = self.some_keys();
        let name = self.charter.open_join_name(&keys, &claim)?;
        let role = self.charter.invite(claim.invite).ok_or(CharterError::Invite)?.role;
        let new = NewMember {
            account: claim.account,
            signing_key: claim.signing_key,
            sealing_key: claim.sealing_key,
            role,
            invite: Some(claim.invite),
            name: &name,
        };
        let added = make_member(self.workspace, &keys, &new, &mut self.rng)?;
        self.push(by, CharterOp::AddMember(added))
    }

    pub(crate) fn claim(&mut self, person: usize, secret: InviteSecret) -> satchel_wire::JoinProof {
        let server = "https://satchel.example".to_owned();
        let link = InviteLink { server, workspace: *self.workspace.as_bytes(), secret };
        let Person { account, identity, .. } = &self.people[person];
        let name = format!("person {person}");
        let joiner = Joiner { account: *account, identity, name: &name };
        make_join(&link, &joiner, &mut self.rng).expect("the name is fit")
    }

    pub(crate) fn add(&mut self, by: usize, person: usize, role: Role) -> Result<(), CharterError> {
        let secret = self.invite(by, role)?;
        self.join(by, person, secret)
    }

    /// Takes someone over from the roster.
    pub(crate) fn take_over(&mut self, by: usize, person: usize, role: Role) -> Result<(), CharterError> {
        let (account, public) = (self.people[person].account, self.people[person].identity.public());
        let new = NewMember {
            account,
            signing_key: Bytes32::new(public.signing),
            sealing_key: Bytes32::new(public.sealing),
            role,
            invite: None,
            name: "someone",
        };
        let keys = self.some_keys();
        let added = make_member(self.workspace, &keys, &new, &mut self.rng)?;
        self.push(by, CharterOp::AddMember(added))
    }

    pub(crate) fn set_role(&mut self, by: usize, person: usize, role: Role) -> Result<(), CharterError> {
        self.push(by, CharterOp::SetRole { account: account(person), role })
    }

    pub(crate) fn remove(&mut self, by: usize, people: &[usize]) -> Result<(), CharterError> {
        let accounts: Vec<_> = people.iter().map(|person| account(*person)).collect();
        let keys = self.some_keys();
        let (rotation, _) = make_rotation(&self.charter, &keys, &accounts, &mut self.rng)?;
        self.push(by, CharterOp::RemoveMembers { accounts, rotation })
    }

    pub(crate) fn rotate(&mut self, by: usize) -> Result<(), CharterError> {
        let keys = self.some_keys();
        let (rotation, _) = make_rotation(&self.charter, &keys, &[], &mut self.rng)?;
        self.push(by, CharterOp::Rotate { rotation })
    }

    pub(crate) fn leave(&mut self, person: usize) -> Result<(), CharterError> {
        self.push(person, CharterOp::Leave)
    }

    pub(crate) fn revoke_app(&mut self, by: usize, person: usize, app: usize) -> Result<(), CharterError> {
        let app = self.people[person].apps[app].id;
        self.push(by, CharterOp::RevokeApp { app })
    }
}
