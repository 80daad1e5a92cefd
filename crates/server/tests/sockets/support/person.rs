//! A person with an account, and the apps they sign in.

use minicbor::bytes::ByteVec;
use rand_core::{OsRng, RngCore};
use satchel_crypto::{
    AccountKey, AppCertificate, AppKey, ClientLogin, ClientRegistration, EnvelopePlace, EpochKey,
    IdentityKeys, RecoveryCode, WrapContext, derive_revision, derive_workspace_id, seal_envelope,
};
use satchel_wire::{
    AccountBundle, AccountId, AddedApp, AppId, AppKind, AppLogin, AppLoginReply, Bytes32, Chain, CharterOp,
    ClientFrame, CommitHeader, CommitId, Content, Digest, Founding, GrantId, Head, Incarnation, KeyWrap,
    Manifest, Op, Opened, PROTOCOL_VERSION, Part, RecordId, Refusal, Revision, ServerFrame, SignInFinish,
    SignInFinishReply, SignInStart, SignInStartReply, SignUpFinish, SignUpFinishReply, SignUpStart,
    SignUpStartReply, Signature, SignedHeader, SignedManifest, Token, WorkspaceId, WorkspaceKind,
};

use super::link::{Link, Transport, post};

/// Random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

/// A person.
pub(crate) struct Person {
    pub(crate) address: String,
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) account: AccountId,
    pub(crate) identity: IdentityKeys,
    pub(crate) recovery: RecoveryCode,
}

/// One app, signed in.
pub(crate) struct TestApp {
    pub(crate) address: String,
    pub(crate) account: AccountId,
    pub(crate) app: AppId,
    pub(crate) key: AppKey,
    pub(crate) certificate: Vec<u8>,
    pub(crate) token: Token,
    pub(crate) incarnation: Incarnation,
}

impl Person {
    /// Signs up, with a first app.
    pub(crate) async fn sign_up(address: &str, email: &str) -> (Self, TestApp) {
        Self::try_sign_up(address, email, None).await.expect("the sign-up is accepted")
    }

    /// Signs up, perhaps with an invitation.
    pub(crate) async fn try_sign_up(
        address: &str,
        email: &str,
        invite: Option<String>,
    ) -> Result<(Self, TestApp), Refusal> {
        let password = format!("password of {email}");
        let (registration, request) =
            ClientRegistration::start(password.as_bytes(), &mut OsRng).expect("a registration starts");
        let start = SignUpStart {
            protocol: PROTOCOL_VERSION,
            email: email.to_owned(),
            registration_request: request.into(),
            invite,
        };
        let reply: SignUpStartReply = post(address, "/v1/signup/start", &start).await?;
        let (upload, export) = registration
            .finish(password.as_bytes(), &reply.registration_response, &mut OsRng)
            .expect("the server's answer is good");
        let (identity, key) = (IdentityKeys::make(&mut OsRng), AccountKey::make(&mut OsRng));
        let (recovery, account) = (RecoveryCode::make(&mut OsRng), random::<16>());
        let bundle = AccountBundle {
            account: AccountId::new(account),
            signing_key: Bytes32::new(identity.public().signing),
            sealing_key: Bytes32::new(identity.public().sealing),
            sealed_identity: key.seal_identity(&identity, &account, &mut OsRng).into(),
            wrapped_by_password: key.wrap_by_password(&export, &account, &mut OsRng).into(),
            wrapped_by_recovery: key.wrap_by_recovery(&recovery, &account, &mut OsRng).into(),
            recovery_key: Bytes32::new(recovery.recovery_key().public()),
        };
        let person = Self {
            address: address.to_owned(),
            email: email.to_owned(),
            password,
            account: AccountId::new(account),
            identity,
            recovery,
        };
        let (login, app_key) = person.make_login("first", None);
        let certificate = login.certificate.to_vec();
        let app = login.app;
        let finish =
            SignUpFinish { login: reply.login, registration_upload: upload.into(), bundle, app: login };
        let done: SignUpFinishReply = post(address, "/v1/signup/finish", &finish).await?;
        let app = TestApp {
            address: address.to_owned(),
            account: person.account,
            app,
            key: app_key,
            certificate,
            token: done.token,
            incarnation: done.incarnation,
        };
        Ok((person, app))
    }

    /// An app that asks to sign in, with its key.
    pub(crate) fn make_login(&self, name: &str, grant: Option<GrantId>) -> (AppLogin, AppKey) {
        let (app, key) = (random::<16>(), AppKey::make(&mut OsRng));
        let certificate = AppCertificate::issue(&self.identity, *self.account.as_bytes(), app, key.public());
        let login = AppLogin {
            grant,
            app: AppId::new(app),
            name: name.to_owned(),
            kind: AppKind::CommandLine,
            certificate: certificate.into(),
            take_over: None,
        };
        (login, key)
    }

    /// Proves a password.
    pub(crate) async fn prove(&self, password: &str) -> Result<SignInFinishReply, Refusal> {
        let (login, request) = ClientLogin::start(password.as_bytes(), &mut OsRng).expect("a sign-in starts");
        let start = SignInStart {
            protocol: PROTOCOL_VERSION,
            email: self.email.clone(),
            credential_request: request.into(),
        };
        let reply: SignInStartReply = post(&self.address, "/v1/signin/start", &start).await?;
        let proof = login.finish(password.as_bytes(), &reply.credential_response, &mut OsRng);
        // With a wrong password there is no proof; an app that sends something must not get further.
        let proof = proof.map_or_else(|_| vec![7; 64], |(proof, _)| proof);
        let finish = SignInFinish { login: reply.login, credential_finalization: proof.into() };
        post(&self.address, "/v1/signin/finish", &finish).await
    }

    /// Signs another app in.
    pub(crate) async fn sign_in(&self, name: &str) -> Result<TestApp, Refusal> {
        let proved = self.prove(&self.password).await?;
        self.sign_in_with(name, proved.grant, None).await
    }

    /// Signs another app in with a grant.
    pub(crate) async fn sign_in_with(
        &self,
        name: &str,
        grant: GrantId,
        take_over: Option<AppId>,
    ) -> Result<TestApp, Refusal> {
        let (login, key) = self.make_login(name, Some(grant));
        let login = AppLogin { take_over, ..login };
        let done: AppLoginReply = post(&self.address, "/v1/signin/app", &login).await?;
        Ok(TestApp {
            address: self.address.clone(),
            account: self.account,
            app: login.app,
            key,
            certificate: login.certificate.into(),
            token: done.token,
            incarnation: done.incarnation,
        })
    }
}

impl TestApp {
    /// What it says after this greeting.
    pub(crate) fn open_frame(
        &self,
        welcome: &satchel_wire::Welcome,
        sync: bool,
        take_over: Option<AppId>,
    ) -> ClientFrame {
        let proof = self.key.sign_open(welcome.nonce.as_bytes(), welcome.incarnation.as_bytes());
        ClientFrame::Open {
            protocol: PROTOCOL_VERSION,
            token: self.token,
            proof: Signature::new(proof),
            sync,
            take_over,
            waiting: 0,
        }
    }

    /// Opens a connection.
    pub(crate) async fn try_open(
        &self,
        transport: Transport,
        sync: bool,
        take_over: Option<AppId>,
    ) -> Result<(Link, Opened), Refusal> {
        let (mut link, welcome) = Link::connect(&self.address, transport).await;
        link.send(&self.open_frame(&welcome, sync, take_over)).await;
        match link.next().await {
            ServerFrame::Opened(opened) => Ok((link, opened)),
            ServerFrame::Refused(refusal) => Err(refusal),
            other => panic!("the second frame was {other:?}"),
        }
    }

    /// Opens a syncing connection, which must be accepted.
    pub(crate) async fn open(&self, transport: Transport) -> Link {
        self.try_open(transport, true, None).await.expect("the connection is accepted").0
    }

    /// Signs a commit.
    pub(crate) fn commit(&self, workspace: WorkspaceId, content: Content) -> (CommitId, SignedHeader) {
        let commit = CommitId::new(random());
        let header = CommitHeader {
            workspace,
            commit,
            epoch: 1,
            author: self.account,
            app: self.app,
            seen: Head::EMPTY,
            content,
        };
        (commit, self.sign(&header))
    }

    fn sign(&self, header: &CommitHeader) -> SignedHeader {
        let bytes = header.encode();
        let signature = Signature::new(self.key.sign_commit(&bytes));
        SignedHeader { header: bytes.into(), signature }
    }

    /// A founding of a new workspace.
    pub(crate) fn founding(&self, person: &Person) -> (WorkspaceId, EpochKey, ClientFrame) {
        let key = EpochKey::make(&mut OsRng);
        let public = person.identity.public();
        let mut founding = Founding {
            salt: random::<16>().to_vec().into(),
            owner: self.account,
            signing_key: Bytes32::new(public.signing),
            sealing_key: Bytes32::new(public.sealing),
            commitment: Bytes32::new(key.commitment()),
            wraps: Vec::new(),
            app: AddedApp { certificate: self.certificate.clone().into() },
            kind: WorkspaceKind::Personal,
            sealed_name: None,
        };
        let workspace = derive_workspace_id(&founding.identity_bytes());
        let context = WrapContext { workspace, epoch: 1, account: *self.account.as_bytes() };
        let wrap = key.wrap(&public.sealing, &context, &mut OsRng);
        founding.wraps.push(KeyWrap { account: self.account, wrap: wrap.into() });
        let workspace = WorkspaceId::new(workspace);
        let (_, header) = self.commit(workspace, Content::Charter(CharterOp::Found(founding)));
        (workspace, key, ClientFrame::Commit { header, envelopes: Vec::new() })
    }

    /// Founds a workspace on an open connection.
    pub(crate) async fn found(&self, link: &mut Link, person: &Person) -> (WorkspaceId, EpochKey) {
        let (workspace, key, frame) = self.founding(person);
        link.send(&frame).await;
        match link.next().await {
            ServerFrame::Accepted { workspace: of, seq: 1, .. } if of == workspace => (workspace, key),
            other => panic!("the founding was answered with {other:?}"),
        }
    }

    /// Adds this app to a workspace's charter.
    pub(crate) async fn join(&self, link: &mut Link, workspace: WorkspaceId) -> u64 {
        let added = AddedApp { certificate: self.certificate.clone().into() };
        let (id, header) = self.commit(workspace, Content::Charter(CharterOp::AddApp(added)));
        link.send(&ClientFrame::Commit { header, envelopes: Vec::new() }).await;
        link.until(|frame| match frame {
            ServerFrame::Accepted { commit, seq, .. } if commit == id => Some(seq),
            ServerFrame::Rejected { refusal, .. } => panic!("adding the app was rejected: {refusal:?}"),
            _ => None,
        })
        .await
    }

    /// A manifest of an empty workspace, well signed.
    pub(crate) fn manifest(&self, workspace: WorkspaceId) -> SignedManifest {
        let manifest = Manifest {
            workspace,
            author: self.account,
            app: self.app,
            head: Head { seq: 1, chain: Chain::new([1; 32]) },
            digest: Digest::new([0; 32]),
            epoch: 1,
            nodes: 0,
            bodies: 0,
            charter: Bytes32::new([0; 32]),
            packs: Vec::new(),
        };
        let bytes = manifest.encode();
        let signature = Signature::new(self.key.sign_manifest(&bytes));
        SignedManifest { manifest: bytes.into(), signature }
    }

    /// A commit that puts one record.
    pub(crate) fn put(&self, workspace: WorkspaceId, put: &Put<'_>) -> (CommitId, Revision, ClientFrame) {
        let place = EnvelopePlace {
            workspace: *workspace.as_bytes(),
            record: *put.record.as_bytes(),
            part: Part::Body as u8,
        };
        let parent = put.parent.map(|parent| *parent.as_bytes());
        let envelope = seal_envelope(put.key, 1, &place, parent, put.payload, &mut OsRng).expect("it seals");
        let revision = Revision::new(derive_revision(&place, &envelope));
        let op = Op { record: put.record, part: Part::Body, parent: put.parent, put: Some(revision) };
        let content = Content::Ops { ops: vec![op], expects: Vec::new(), bulk: false, returned: None };
        let (id, header) = self.commit(workspace, content);
        (id, revision, ClientFrame::Commit { header, envelopes: vec![ByteVec::from(envelope)] })
    }
}

/// What a commit puts.
pub(crate) struct Put<'a> {
    pub(crate) key: &'a EpochKey,
    pub(crate) record: RecordId,
    pub(crate) parent: Option<Revision>,
    pub(crate) payload: &'a [u8],
}
