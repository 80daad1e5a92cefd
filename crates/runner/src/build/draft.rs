//! A request between its document and the wire: resolved, not yet encoded, open to signing.
//!
//! Knows nothing of where it comes from.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use crate::build::url::{Param, Url, strict};
use crate::http::FormPart;

/// A header as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// A request that is being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) method: String,
    pub(crate) url: Url,
    /// Whether the URL stays as it is written (`disableUrlEncoding`).
    pub(crate) plain_url: bool,
    pub(crate) headers: Vec<Header>,
    pub(crate) payload: Payload,
}

/// A body that can still be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload {
    Empty,
    Bytes(Vec<u8>),
    UrlEncoded(Vec<Param>),
    File(PathBuf),
    Form(Vec<FormPart>),
}

impl Draft {
    /// The first header of a name in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value.as_str())
    }

    /// Takes out all headers of a name in any case.
    pub(crate) fn remove_header(&mut self, name: &str) {
        self.headers.retain(|header| !header.name.eq_ignore_ascii_case(name));
    }

    /// Takes out all headers of a name and puts a new one at the end.
    pub(crate) fn set_header(&mut self, name: &str, value: impl Into<String>) {
        self.remove_header(name);
        self.headers.push(Header { name: name.to_owned(), value: value.into() });
    }

    /// Takes out all parameters of a name and puts a new one at the end.
    pub(crate) fn set_param(&mut self, key: &str, value: &str) {
        self.url.query.retain(|param| param.key != key);
        self.url.query.push(Param { key: key.to_owned(), value: Some(value.to_owned()) });
    }
}

/// A body that could not be read to be signed.
#[derive(Debug)]
pub(crate) struct NotRead {
    pub(crate) path: PathBuf,
    pub(crate) source: std::io::Error,
}

impl Payload {
    /// Gives the bytes that travel piece by piece and says whether there are any that can be known beforehand: a
    /// form's cannot, as its boundary is made later.
    pub(crate) fn feed(&self, eat: &mut dyn FnMut(&[u8])) -> Result<bool, NotRead> {
        match self {
            Self::Empty | Self::Form(_) => return Ok(false),
            Self::Bytes(bytes) => eat(bytes),
            Self::UrlEncoded(params) => eat(form_encoded(params).as_bytes()),
            Self::File(path) => {
                feed_file(path, eat).map_err(|source| NotRead { path: path.clone(), source })?;
            }
        }
        Ok(true)
    }
}

fn feed_file(path: &std::path::Path, eat: &mut dyn FnMut(&[u8])) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        eat(&buffer[..count]);
    }
}

/// A form as it travels: repeated names stand together where the first of them stands, and names that are whole
/// numbers come first in their order, since Postman collects a form in a JavaScript object.
pub(crate) fn form_encoded(params: &[Param]) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for param in params {
        let at = *places.entry(param.key.as_str()).or_insert(groups.len());
        if at == groups.len() {
            groups.push((&param.key, Vec::new()));
        }
        groups[at].1.push(param.value.as_deref().unwrap_or_default());
    }
    groups.sort_by_key(|(key, _)| array_index(key).unwrap_or(u64::MAX));
    let pairs = groups.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
    pairs.map(|(key, value)| format!("{}={}", strict(key), strict(value))).collect::<Vec<_>>().join("&")
}

/// The number that a name is, if JavaScript takes it for a place in an array.
fn array_index(key: &str) -> Option<u64> {
    let number: u64 = key.parse().ok()?;
    (number < u64::from(u32::MAX) && number.to_string() == key).then_some(number)
}
