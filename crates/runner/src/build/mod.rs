//! From a request's document to a request that can be sent.
//!
//! ```text
//! item + ancestors ─▶ auth, behaviour that count ─▶ variables replaced ─▶ Draft ─▶ signed ─▶ headers ─▶ http::Request
//!                                                                           ▲                              │
//!                                                                           └────── Built::answer ◀── 401 ─┘
//! ```
//! The documents are Postman's v2.1 JSON, as `satchel_model::format::postman::document` gives them. The rules are
//! newman's, so that the same bytes travel: what is encoded how, which headers come by themselves and in which
//! order, which body a method loses.
//!
//! Invariants: building never fails for what a document holds, it leaves out and says so ([`Warning`]); the only
//! files that are looked at are those that [`Files`] allows; nothing is sent here.
//!
//! Knows nothing of scripts, runs and sockets.

mod body;
mod comments;
pub(crate) mod draft;
mod files;
mod settings;
pub(crate) mod url;

use std::error::Error;
use std::fmt;

use serde_json::Value as Json;

use crate::auth::oauth2::Grant;
use crate::auth::{self, Auth, AuthError, Session, Surroundings};
use crate::build::draft::{Draft, Header, Payload, form_encoded};
use crate::build::settings::Behavior;
use crate::build::url::{Url, document_text, is_enabled};
use crate::http::{Body, Request, Response, Settings};
use crate::variable::{Dynamic, Problem, Replacer, Scopes, text_of};

pub use files::{FileFault, Files};

/// The documents that make a request.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The request's item: `{"name", "request": {…}, …}`.
    pub item: &'a Json,
    /// The items above it, the collection first, the nearest folder last.
    pub ancestors: &'a [&'a Json],
}

/// What the caller decides for all requests.
#[derive(Debug, Clone)]
pub struct Options {
    /// The settings under those of the documents.
    pub settings: Settings,
    /// What `User-Agent` says where the document does not.
    pub user_agent: String,
    /// Which files may be sent.
    pub files: Files,
}

/// A request that is ready, and what is needed to answer a challenge.
pub struct Built {
    /// What to send.
    pub request: Request,
    /// What was left out or not understood.
    pub warnings: Vec<Warning>,
    /// The request's document with its variables replaced; its URL is the text that was encoded. It holds secrets.
    pub document: Json,
    unsigned: Draft,
    auth: Option<Auth>,
    session: Session,
    finish: Finish,
}

impl fmt::Debug for Built {
    /// Without the request: it holds secrets in headers, parameters and body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Built").field("warnings", &self.warnings).finish_non_exhaustive()
    }
}

/// What goes onto a draft after signing.
#[derive(Debug)]
struct Finish {
    type_: Option<&'static str>,
    user_agent: String,
    settings: Settings,
    behavior: Behavior,
    boundary: String,
}

/// Something that was left out or not understood; the request goes all the same, as Postman sends it.
#[derive(Debug)]
pub enum Warning {
    /// A variable stays as it is written.
    Variable(Problem),
    /// The request is not signed.
    Auth(AuthError),
    /// A file is not sent.
    File {
        /// The path as the document has it.
        source: String,
        /// Why.
        fault: FileFault,
    },
    /// A form field is a file and names none.
    NoFile {
        /// The field.
        field: String,
    },
    /// A setting of the document has no effect here.
    Setting {
        /// Its name in Postman's files.
        setting: &'static str,
    },
}

/// Why no request could be made of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildError {
    /// The item holds no request.
    NotARequest,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the item holds no request")
    }
}

impl Error for BuildError {}

/// Makes the request of a document, signed where it can be.
pub fn build(
    source: Source<'_>,
    scopes: &Scopes,
    options: &Options,
    around: &mut Surroundings<'_>,
) -> Result<Built, BuildError> {
    let mut request = match source.item.get("request") {
        Some(Json::String(url)) => serde_json::json!({ "url": url }),
        Some(Json::Object(fields)) => Json::Object(fields.clone()),
        _ => return Err(BuildError::NotARequest),
    };
    let mut auth = auth::effective(&request, source.ancestors).cloned();
    let behavior = Behavior::of(source.ancestors.iter().copied().chain([source.item]));
    let mut warnings = Vec::new();
    let url = resolve(&mut request, auth.as_mut(), scopes, around, &mut warnings);
    let mut settings = options.settings.clone();
    behavior.apply(&mut settings, &mut warnings);

    let method = request
        .get("method")
        .map(text_of)
        .filter(|method| !method.is_empty())
        .unwrap_or_else(|| "GET".to_owned())
        .to_uppercase();
    let headers = headers(request.get("header"));
    let content_type = headers
        .iter()
        .rev()
        .find(|header| header.name.eq_ignore_ascii_case("content-type"))
        .map(|header| header.value.clone());
    let keeps_body = behavior.flag("disableBodyPruning");
    let made =
        body::make(&request, &method, keeps_body, content_type.as_deref(), &options.files, &mut warnings);
    let plain_url = behavior.flag("disableUrlEncoding");
    let mut draft = Draft { method, url: Url::parse(&url), plain_url, headers, payload: made.payload };
    if let Some(kind) = made.early_type.filter(|_| !behavior.leaves_out("content-type")) {
        add_if_absent(&mut draft, "Content-Type", kind);
    }
    let boundary = boundary(around);
    let finish =
        Finish { type_: made.type_, user_agent: options.user_agent.clone(), settings, behavior, boundary };
    let unsigned = draft.clone();
    let mut document = request;
    document["url"] = Json::String(url);
    let auth = auth.as_ref().and_then(Auth::from_document);
    let session = match auth.as_ref().map(|auth| auth::sign(auth, &mut draft, around)) {
        Some(Ok(session)) => session,
        Some(Err(error)) => {
            warnings.push(Warning::Auth(error));
            draft = unsigned.clone();
            Session::Done
        }
        None => Session::Done,
    };
    Ok(Built { request: finish.request(draft), warnings, document, unsigned, auth, session, finish })
}

impl Built {
    /// The request that answers a challenge of the server; none where there is nothing to answer.
    ///
    /// A failure is added to the warnings, and ends the talk.
    pub fn answer(&mut self, response: &Response, around: &mut Surroundings<'_>) -> Option<Request> {
        let auth = self.auth.as_ref()?;
        let mut draft = self.unsigned.clone();
        match auth::answer(auth, &mut self.session, &mut draft, response, around) {
            Ok(true) => Some(self.finish.request(draft)),
            Ok(false) => None,
            Err(error) => {
                self.session = Session::Done;
                self.warnings.push(Warning::Auth(error));
                None
            }
        }
    }

    /// How to get the token that the request lacks, if that is what it lacks.
    pub fn needed_grant(&self) -> Option<&Grant> {
        self.warnings.iter().find_map(|warning| match warning {
            Warning::Auth(AuthError::NeedsToken { grant }) => Some(grant.as_ref()),
            _ => None,
        })
    }
}

/// Replaces the variables of a request and its auth, and gives its URL's text.
fn resolve(
    request: &mut Json,
    auth: Option<&mut Json>,
    scopes: &Scopes,
    around: &mut Surroundings<'_>,
    warnings: &mut Vec<Warning>,
) -> String {
    let mut dynamic = Dynamic::new(&mut *around.rng, around.now_ms);
    let mut replacer = Replacer::new(scopes, &mut dynamic);
    // One text, parsed again afterwards: a variable may hold a whole address with path and query.
    let url = replacer.text(&document_text(request.get("url").unwrap_or(&Json::Null)));
    for part in ["method", "header", "body"] {
        if let Some(value) = request.get_mut(part) {
            replacer.document(value);
        }
    }
    if let Some(auth) = auth {
        replacer.document(auth);
    }
    warnings.extend(replacer.into_problems().into_iter().map(Warning::Variable));
    url
}

/// The enabled headers of a list or of a text with a line for each.
fn headers(document: Option<&Json>) -> Vec<Header> {
    let header = |name: String, value: String| (!name.is_empty()).then_some(Header { name, value });
    match document {
        Some(Json::Array(list)) => list
            .iter()
            .filter(|it| is_enabled(it))
            .filter_map(|it| match it {
                Json::String(line) => line
                    .split_once(':')
                    .and_then(|(name, value)| header(name.trim().to_owned(), value.trim().to_owned())),
                it => header(
                    it.get("key").map(text_of)?,
                    it.get("value").filter(|value| !value.is_null()).map(text_of).unwrap_or_default(),
                ),
            })
            .collect(),
        Some(Json::String(text)) => {
            let lines = text.lines().filter_map(|line| line.split_once(':'));
            lines
                .filter_map(|(name, value)| header(name.trim().to_owned(), value.trim().to_owned()))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn add_if_absent(draft: &mut Draft, name: &str, value: impl Into<String>) {
    if draft.header(name).is_none() {
        draft.headers.push(Header { name: name.to_owned(), value: value.into() });
    }
}

/// As the library that newman uses writes it: 26 hyphens and 24 digits.
fn boundary(around: &mut Surroundings<'_>) -> String {
    let digits = (0..24).map(|_| char::from(b'0' + (around.rng.next_u32() % 10) as u8));
    "--------------------------".chars().chain(digits).collect()
}

impl Finish {
    fn request(&self, mut draft: Draft) -> Request {
        if let Some(kind) = self.type_.filter(|_| {
            !self.behavior.leaves_out("content-type") && !matches!(draft.payload, Payload::File(_))
        }) {
            add_if_absent(&mut draft, "Content-Type", kind);
        }
        let url = draft.url.encoded(draft.plain_url);
        let automatic = [
            ("User-Agent", self.user_agent.as_str()),
            ("Accept", "*/*"),
            ("Cache-Control", "no-cache"),
            ("Host", &url.host),
            ("Accept-Encoding", "gzip, deflate, br"),
            ("Connection", "keep-alive"),
        ];
        for (name, value) in automatic {
            if !self.behavior.leaves_out(&name.to_lowercase()) && !value.is_empty() {
                add_if_absent(&mut draft, name, value);
            }
        }
        self.form_type(&mut draft);
        let headers = draft.headers.into_iter().map(|header| (header.name, header.value.into_bytes()));
        let body = match draft.payload {
            Payload::Empty => Body::Empty,
            Payload::Bytes(bytes) => Body::Bytes(bytes),
            Payload::UrlEncoded(params) => Body::Bytes(form_encoded(&params).into_bytes()),
            Payload::File(path) => Body::File(path),
            Payload::Form(parts) => Body::Form(parts),
        };
        Request {
            method: draft.method,
            url: url.href(),
            headers: headers.collect(),
            body,
            settings: self.settings.clone(),
        }
    }

    /// A form's content type replaces a wrong one where it stands, unless the document insists.
    fn form_type(&self, draft: &mut Draft) {
        let (kind, value) = match &draft.payload {
            Payload::UrlEncoded(_) => {
                ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded".to_owned())
            }
            Payload::Form(_) => {
                ("multipart/form-data", format!("multipart/form-data; boundary={}", self.boundary))
            }
            Payload::File(_) => {
                if let Some(kind) = self.type_ {
                    add_if_absent(draft, "Content-Type", kind);
                }
                return;
            }
            _ => return,
        };
        let is_switched_off = self.behavior.leaves_out("content-type");
        let is_multipart = matches!(draft.payload, Payload::Form(_));
        match draft.headers.iter_mut().find(|header| header.name.eq_ignore_ascii_case("content-type")) {
            Some(header) => {
                let is_right =
                    header.value.starts_with(kind) && (!is_multipart || header.value.contains("boundary="));
                if !is_right && !is_switched_off {
                    header.value = value;
                }
            }
            None if is_switched_off => {}
            None => draft.headers.push(Header { name: "Content-Type".to_owned(), value }),
        }
    }
}

#[cfg(test)]
mod tests;
