//! What a script may ask of the world, and who answers.

use std::fmt;
use std::sync::PoisonError;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use serde_json::Value as Json;

use super::context;
use crate::cookie::Place;
use crate::http::{Response, SharedJar};

/// Answers a script while it runs.
pub trait Host: Send + Sync {
    /// A line of the console. It may hold secrets: whoever shows it masks them.
    fn print(&self, line: ConsoleLine);

    /// Sends a request for `pm.sendRequest`, given as Postman's document. Several may be asked for at once.
    fn send(&self, request: Json) -> BoxFuture<'_, Result<Response, Refusal>>;

    /// The jar behind `pm.cookies.jar()`; none refuses it.
    fn jar(&self) -> Option<SharedJar>;
}

/// Why there is no answer, as the script sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The message of the error.
    pub message: String,
    /// Its `code`, such as `ECONNREFUSED`, if scripts know one.
    pub code: Option<String>,
}

impl Refusal {
    /// One without a code.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// How loud a line of the console is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// `console.log`.
    Log,
    /// `console.info`.
    Info,
    /// `console.warn`.
    Warn,
    /// `console.error`.
    Error,
    /// `console.debug`.
    Debug,
    /// `console.clear`: no text.
    Clear,
}

/// What a script printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleLine {
    /// How.
    pub level: Level,
    /// The words, values shown as node shows them; may have several lines.
    pub text: String,
}

impl ConsoleLine {
    pub(super) fn read(frame: &Json) -> Option<Self> {
        let level = match frame.get("level")?.as_str()? {
            "log" => Level::Log,
            "info" => Level::Info,
            "warn" => Level::Warn,
            "error" => Level::Error,
            "debug" => Level::Debug,
            "clear" => Level::Clear,
            _ => return None,
        };
        Some(Self { level, text: frame.get("text")?.as_str()?.to_owned() })
    }
}

/// What a call gives back: JSON, and a body beside it.
pub(super) type Answer = Result<(Json, Option<Vec<u8>>), Refusal>;

/// Answers a call of a script.
pub(super) async fn answer(host: &dyn Host, call: &Json) -> Answer {
    let method = call.get("method").and_then(Json::as_str).unwrap_or_default();
    if method == "send" {
        let request = call.get("request").cloned().unwrap_or_default();
        let response = host.send(request).await?;
        let told = context::response(&response);
        return Ok((told, Some(response.body)));
    }
    let Some(action) = method.strip_prefix("cookie.") else {
        return Err(Refusal::new(format!("{method} is not available in Satchel")));
    };
    cookies(host, action, call).map(|value| (value, None))
}

/// `pm.cookies.jar()`.
fn cookies(host: &dyn Host, action: &str, call: &Json) -> Result<Json, Refusal> {
    let field = |name| call.get(name).and_then(Json::as_str).unwrap_or_default();
    let jar = host.jar().ok_or_else(|| Refusal::new("there is no cookie jar in this run"))?;
    let place = Place::of(field("url"))
        .ok_or_else(|| Refusal::new(format!("`{}` is no URL that has cookies", field("url"))))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut jar = jar.lock().unwrap_or_else(PoisonError::into_inner);
    let found = |jar: &crate::cookie::Jar, name: &str| {
        jar.matching(&place, now).into_iter().find(|cookie| cookie.name == name).cloned()
    };
    match action {
        "all" => Ok(jar.matching(&place, now).into_iter().map(context::cookie).collect()),
        "get" => Ok(found(&jar, field("name")).as_ref().map(context::cookie).unwrap_or_default()),
        "set" => {
            let text = field("cookie");
            if !jar.set(&place, text.as_bytes(), now) {
                return Err(Refusal::new(format!("`{}` must not set this cookie", place.host)));
            }
            let name = text.split('=').next().unwrap_or_default().trim();
            Ok(found(&jar, name).as_ref().map(context::cookie).unwrap_or_default())
        }
        "unset" => {
            if let Some(cookie) = found(&jar, field("name")) {
                jar.remove(&cookie.domain, &cookie.name);
            }
            Ok(Json::Null)
        }
        "clear" => {
            let all: Vec<_> = jar.matching(&place, now).into_iter().cloned().collect();
            for cookie in all {
                jar.remove(&cookie.domain, &cookie.name);
            }
            Ok(Json::Null)
        }
        _ => Err(Refusal::new("the cookie jar cannot do that")),
    }
}
