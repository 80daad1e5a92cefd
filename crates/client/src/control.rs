//! Account requests on a short connection of their own, which holds no place.
//!
//! Why it exists: an app that lost its place, or that does not sync now, can still list apps, end a
//! session and sign out.

use satchel_sync::Disconnected;
use satchel_wire::{
    AppId, ClientFrame, ErrorCode, PROTOCOL_VERSION, Refusal, ServerFrame, Signature, Welcome,
};

use crate::credential::Credential;
use crate::server::Server;
use crate::transport::{Link, LinkEvent, TransportChoice};

/// How a connection is opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening {
    pub(crate) sync: bool,
    pub(crate) take_over: Option<AppId>,
    pub(crate) waiting: u64,
}

/// The answer to the greeting: the proof of who this app is.
pub(crate) fn greet(
    credential: &Credential,
    welcome: &Welcome,
    opening: Opening,
) -> Result<ClientFrame, Disconnected> {
    let (min, max) = (welcome.protocol_min, welcome.protocol_max);
    if !(min..=max).contains(&PROTOCOL_VERSION) {
        let detail = format!(
            "the server ({}) speaks versions {min} to {max} of the protocol, this app speaks {PROTOCOL_VERSION}",
            welcome.server
        );
        return Err(Disconnected::Refused(Refusal::new(ErrorCode::UnsupportedVersion, detail)));
    }
    let proof = credential.app_key().sign_open(welcome.nonce.as_bytes(), welcome.incarnation.as_bytes());
    Ok(ClientFrame::Open {
        protocol: PROTOCOL_VERSION,
        token: credential.token,
        proof: Signature::new(proof),
        sync: opening.sync,
        take_over: opening.take_over,
        waiting: u32::try_from(opening.waiting).unwrap_or(u32::MAX),
    })
}

/// Asks one thing and gives its answer.
pub(crate) async fn ask(
    server: Server,
    choice: TransportChoice,
    credential: &Credential,
    waiting: u64,
    question: ClientFrame,
) -> Result<ServerFrame, Disconnected> {
    let mut link = Link::open(server, choice);
    let answer = converse(&mut link, credential, waiting, &question).await;
    link.close().await;
    answer
}

async fn converse(
    link: &mut Link,
    credential: &Credential,
    waiting: u64,
    question: &ClientFrame,
) -> Result<ServerFrame, Disconnected> {
    loop {
        let frame = match link.next().await {
            LinkEvent::Frame(frame) | LinkEvent::PutBack(frame) => *frame,
            LinkEvent::FellBack | LinkEvent::Pack(..) => continue,
            LinkEvent::Closed(why) => return Err(why),
        };
        match frame {
            ServerFrame::Welcome(welcome) => {
                let opening = Opening { sync: false, take_over: None, waiting };
                link.send(&greet(credential, &welcome, opening)?);
            }
            ServerFrame::Opened(_) => link.send(question),
            ServerFrame::Refused(refusal) | ServerFrame::Failed { refusal, .. } => {
                return Err(Disconnected::Refused(refusal));
            }
            answer @ (ServerFrame::Apps { .. } | ServerFrame::Done { .. }) => return Ok(answer),
            _ => {}
        }
    }
}
