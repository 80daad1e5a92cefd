//! A member whose keys are in the attacker's hands: an account made by hand, driven by the engine itself.
//!
//! Why: a server that lies together with a member can sign what that member can sign. And what a removed
//! member can still open is asked of the keys that the member really had.
//!
//! Does not know: the client. It speaks the protocol over a WebSocket of its own.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use rand_core::{OsRng, RngCore};
use satchel_charter::{Joiner, make_join};
use satchel_crypto::{
    AccountKey, AppCertificate, AppKey, ClientRegistration, EnvelopePlace, EpochKey, IdentityKeys,
    InviteLink, RecoveryCode, open_envelope, seal_envelope,
};
use satchel_sync::{Engine, Identity, MemoryStore};
use satchel_wire::{
    AccountBundle, AccountId, AddedApp, AppId, AppKind, AppLogin, Bytes32, CharterOp, ClientFrame,
    CommitHeader, CommitId, Content, Head, MEDIA_TYPE, PROTOCOL_VERSION, Part, RecordId, ServerFrame,
    SignUpFinish, SignUpFinishReply, SignUpStart, SignUpStartReply, Signature, SignedHeader, Token,
    WorkspaceId, decode, encode,
};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::proxy::exchange;

/// The member, with every key that its apps have had.
pub(crate) struct Person {
    pub(crate) account: AccountId,
    pub(crate) app: AppId,
    pub(crate) identity: IdentityKeys,
    pub(crate) app_key: AppKey,
    certificate: Vec<u8>,
    token: Token,
    /// What its app holds.
    pub(crate) engine: Engine,
    store: MemoryStore,
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

async fn post(server: SocketAddr, route: &str, body: Vec<u8>) -> Vec<u8> {
    let stream = TcpStream::connect(server).await.expect("the server runs");
    let head = format!(
        "POST {route} HTTP/1.1\r\nhost: {server}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let (head, body) = exchange(stream, &head, &body).await.expect("it answers");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    body
}

impl Person {
    /// Makes an account, by hand.
    pub(crate) async fn sign_up(server: SocketAddr, email: &str, password: &[u8]) -> Self {
        let (state, request) = ClientRegistration::start(password, &mut OsRng).expect("it begins");
        let start = SignUpStart {
            protocol: PROTOCOL_VERSION,
            email: email.into(),
            registration_request: request.into(),
            invite: None,
        };
        let reply = post(server, "/v1/signup/start", encode(&start)).await;
        let reply: SignUpStartReply = decode("answer", &reply).expect("it is one");
        let (upload, export) =
            state.finish(password, &reply.registration_response, &mut OsRng).expect("it ends");
        let (account, app) = (AccountId::new(random()), AppId::new(random()));
        let (key, identity, app_key) =
            (AccountKey::make(&mut OsRng), IdentityKeys::make(&mut OsRng), AppKey::make(&mut OsRng));
        let (code, public) = (RecoveryCode::make(&mut OsRng), identity.public());
        let certificate =
            AppCertificate::issue(&identity, *account.as_bytes(), *app.as_bytes(), app_key.public());
        let bundle = AccountBundle {
            account,
            signing_key: Bytes32::new(public.signing),
            sealing_key: Bytes32::new(public.sealing),
            sealed_identity: key.seal_identity(&identity, account.as_bytes(), &mut OsRng).into(),
            wrapped_by_password: key.wrap_by_password(&export, account.as_bytes(), &mut OsRng).into(),
            wrapped_by_recovery: key.wrap_by_recovery(&code, account.as_bytes(), &mut OsRng).into(),
            recovery_key: Bytes32::new(code.recovery_key().public()),
        };
        let login = AppLogin {
            grant: None,
            app,
            name: "by hand".into(),
            kind: AppKind::CommandLine,
            certificate: certificate.clone().into(),
            take_over: None,
        };
        let finish =
            SignUpFinish { login: reply.login, registration_upload: upload.into(), bundle, app: login };
        let reply = post(server, "/v1/signup/finish", encode(&finish)).await;
        let reply: SignUpFinishReply = decode("answer", &reply).expect("it is one");
        let store = MemoryStore::default();
        let own = Identity {
            account,
            app,
            app_key: AppKey::from_secret(*app_key.expose_secret()),
            keys: IdentityKeys::from_secret(&identity.expose_secret()).expect("they were just made"),
            certificate: certificate.clone(),
        };
        let engine = Engine::open(Some(own), &store).expect("a memory store works");
        Self { account, app, identity, app_key, certificate, token: reply.token, engine, store }
    }

    /// Connects, sends these frames, and goes on until something is so.
    pub(crate) async fn run(
        &mut self,
        server: SocketAddr,
        send: Vec<ClientFrame>,
        until: impl Fn(&Engine) -> bool,
    ) {
        let stream = TcpStream::connect(server).await.expect("the server runs");
        let url = format!("ws://{server}/v1/ws");
        let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.expect("it opens");
        let mut send = Some(send);
        self.engine.handle_connecting();
        while let Some(Ok(message)) = socket.next().await {
            let Message::Binary(bytes) = message else { continue };
            let frame: ServerFrame = decode("frame", &bytes).expect("the server sends frames");
            let mut out = Vec::new();
            match &frame {
                ServerFrame::Welcome(welcome) => {
                    let proof =
                        self.app_key.sign_open(welcome.nonce.as_bytes(), welcome.incarnation.as_bytes());
                    out.push(ClientFrame::Open {
                        protocol: PROTOCOL_VERSION,
                        token: self.token,
                        proof: Signature::new(proof),
                        sync: true,
                        take_over: None,
                        waiting: 0,
                    });
                }
                ServerFrame::Opened(_) => out.extend(send.take().unwrap_or_default()),
                _ => {}
            }
            self.engine.handle_frame(frame, 0, &mut self.store).expect("a memory store works");
            while let Some(next) =
                self.engine.poll_transmit(&mut OsRng, &mut self.store).expect("a memory store works")
            {
                out.push(next);
            }
            for frame in out {
                socket.send(Message::Binary(encode(&frame).into())).await.expect("it is sent");
            }
            if until(&self.engine) {
                break;
            }
        }
        assert!(until(&self.engine), "the server ended the connection before");
        drop(socket.close(None).await);
    }

    /// Becomes a member by a link, and waits until its app may write as far as its role goes.
    pub(crate) async fn join(&mut self, server: SocketAddr, link: &str, name: &str) {
        let link = InviteLink::parse(link).expect("it is a link");
        let workspace = WorkspaceId::new(link.workspace);
        let joiner = Joiner { account: self.account, identity: &self.identity, name };
        let proof = make_join(&link, &joiner, &mut OsRng).expect("it is made");
        let (account, app) = (self.account, self.app);
        let join = ClientFrame::JoinInvite { request: 1, proof };
        let is_member = |engine: &Engine| {
            let charter = engine.charter(workspace);
            engine.is_live(workspace) && charter.is_some_and(|charter| charter.member(account).is_some())
        };
        self.run(server, vec![join], is_member).await;
        // An app of a viewer's has nothing to send, and would never be in the charter by itself.
        let added = AddedApp { certificate: self.certificate.clone().into() };
        let seen = self.engine.summary(workspace).expect("it is a member").head;
        let header = self.sign(&self.header(workspace, seen, Content::Charter(CharterOp::AddApp(added))));
        let commit = ClientFrame::Commit { header, envelopes: Vec::new() };
        self.run(server, vec![commit], |engine| {
            engine.is_live(workspace) && engine.charter(workspace).is_some_and(|charter| charter.knows(app))
        })
        .await;
    }

    /// A header of this member's app.
    pub(crate) fn header(&self, workspace: WorkspaceId, seen: Head, content: Content) -> CommitHeader {
        let commit = CommitId::new(random());
        let epoch = self.engine.charter(workspace).map_or(1, satchel_sync::Charter::epoch);
        CommitHeader { workspace, commit, epoch, author: self.account, app: self.app, seen, content }
    }

    /// Signs a header, whatever it says.
    pub(crate) fn sign(&self, header: &CommitHeader) -> SignedHeader {
        let bytes = header.encode();
        let signature = Signature::new(self.app_key.sign_commit(&bytes));
        SignedHeader { header: bytes.into(), signature }
    }

    /// The key of the newest epoch that its app has opened.
    pub(crate) fn epoch_key(&self, workspace: WorkspaceId) -> (&EpochKey, u32) {
        let keys = self.engine.keys(workspace).expect("it is a member");
        (keys.current(), keys.epoch())
    }

    /// Another state of a record, sealed as the member's app would: these bytes of it are replaced by those.
    pub(crate) fn reseal(
        &self,
        (workspace, record, part): (WorkspaceId, RecordId, Part),
        envelope: &[u8],
        parent: [u8; 32],
        (from, to): (&str, &str),
    ) -> Vec<u8> {
        let (key, epoch) = self.epoch_key(workspace);
        let place = place(workspace, record, part);
        let opened = open_envelope(key, &place, envelope).expect("a member reads it");
        let text = String::from_utf8_lossy(&opened.payload).replace(from, to);
        seal_envelope(key, epoch, &place, Some(parent), text.as_bytes(), &mut OsRng).expect("it is small")
    }

    /// The certificate of its app.
    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }
}

pub(crate) fn place(workspace: WorkspaceId, record: RecordId, part: Part) -> EnvelopePlace {
    EnvelopePlace { workspace: *workspace.as_bytes(), record: *record.as_bytes(), part: part as u8 }
}
