//! A WebSocket request: lines in, messages out.
//!
//! It is built as any other request, with auth and variables; Postman has no scripts for it.

use rand_core::OsRng;
use satchel_runner::auth::Surroundings;
use satchel_runner::build::{self, Source};
use satchel_runner::http::Client;
use satchel_runner::variable::Masker;
use satchel_runner::websocket::{Message, Socket};
use serde_json::Value as Json;
use tokio::sync::mpsc;

use super::{Changes, Ground, How, now_ms, words};
use crate::failure::Failure;

/// The code of an ordinary end.
const NORMAL: u16 = 1000;

/// Whether a request opens a WebSocket, its variables replaced.
pub(crate) fn is_one(ground: &Ground, item: &Json, how: &How) -> bool {
    built(ground, item, how).is_ok_and(|(built, _)| is_socket_url(&built.request.url))
}

fn is_socket_url(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("ws" | "wss"))
}

/// A request that is ready, and what hides its secrets.
pub(crate) fn built(ground: &Ground, item: &Json, how: &How) -> Result<(build::Built, Masker), Failure> {
    let means = ground.means(how);
    let scopes = ground.scopes(&how.locals);
    let ancestors: Vec<&Json> = ground.sources.ancestors.iter().map(|it| &it.document).collect();
    let source = Source { item, ancestors: &ancestors };
    let mut rng = OsRng;
    let mut around = Surroundings { now_ms: now_ms(), rng: &mut rng, tokens: &means.tokens };
    let mut masker = scopes.masker();
    means.tokens.secrets().iter().for_each(|secret| masker.add(secret));
    let built = build::build(source, &scopes, &means.options, &mut around).map_err(|error| {
        Failure::request(
            "invalid",
            "making the request",
            error.to_string(),
            "look at it with `satchel show PATH`",
        )
    })?;
    Ok((built, masker))
}

/// What is told of a WebSocket.
pub(crate) enum Said<'a> {
    /// It is open.
    Open {
        /// The subprotocol, if one was chosen.
        subprotocol: Option<String>,
        /// What was left out of the request.
        warnings: Vec<String>,
    },
    /// A message came.
    Message(&'a Message),
    /// It ended.
    Closed {
        /// The code.
        code: u16,
        /// The reason.
        reason: String,
    },
}

/// Opens the WebSocket, sends what comes until there is no more, and tells what comes back until the other end
/// has closed. Gives what to keep.
pub(crate) async fn talk(
    ground: &Ground,
    item: &Json,
    how: &How,
    mut lines: mpsc::Receiver<String>,
    ear: &mut (dyn FnMut(Said<'_>) + Send),
) -> Result<satchel_client::api::Call, Failure> {
    let (built, masker) = built(ground, item, how)?;
    let means = ground.means(how);
    let client = Client::new(means.jar.clone());
    let what = format!("opening {}", masker.mask(&built.request.url));
    let warnings =
        built.warnings.iter().map(words::warning).map(|text| masker.mask(&text).into_owned()).collect();
    let opened = Socket::open(&client, built.request, &[], &mut |_| {}).await;
    let mut socket = opened.map_err(|error| {
        let failure = words::send_failure(what, &error);
        Failure { why: masker.mask(&failure.why).into_owned(), ..failure }
    })?;
    let subprotocol = socket.subprotocol().map(|it| String::from_utf8_lossy(it).into_owned());
    ear(Said::Open { subprotocol, warnings });
    let broken = |fault: &dyn std::fmt::Display| {
        let remedy = "try again; look at the server";
        Failure::request("reset", "talking over the WebSocket", fault.to_string(), remedy)
    };
    let mut is_sending = true;
    loop {
        tokio::select! {
            line = lines.recv(), if is_sending => {
                is_sending = line.is_some();
                let end = || Message::Close { code: NORMAL, reason: String::new() };
                let message = line.map_or_else(end, Message::Text);
                socket.send(message).await.map_err(|fault| broken(&fault))?;
            }
            () = how.stop.stopped(), if is_sending => {
                is_sending = false;
                let message = Message::Close { code: NORMAL, reason: String::new() };
                socket.send(message).await.map_err(|fault| broken(&fault))?;
            }
            message = socket.next() => match message {
                Some(Ok(Message::Close { code, reason })) => ear(Said::Closed { code, reason }),
                Some(Ok(message)) => ear(Said::Message(&message)),
                Some(Err(fault)) => return Err(broken(&fault)),
                None => break,
            },
        }
    }
    Ok(Changes::default().call(ground, &means, how.keeps_cookies, Vec::new()))
}
