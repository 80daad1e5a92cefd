//! A curl command line as a Postman v2.1 request document.
//!
//! The body's bytes stay: a form becomes a list of fields only where that list makes the very same bytes.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::build::draft::form_encoded;
use crate::build::url::{Param, Url, decoded, percent, strict};
use crate::curl::{CurlError, TEXT_BYTES_MAX, words};
use crate::http::HttpVersion;

/// What a command line says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Imported {
    /// An item of a v2.1 collection, with a name and a request.
    pub item: Json,
    /// What of it belongs to the sending and has no place in a document.
    pub extras: Extras,
    /// What was not understood or could not be carried over, in words.
    pub losses: Vec<String>,
}

/// What of a command line belongs to the sending and has no place in a document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extras {
    /// `--proxy`.
    pub proxy: Option<String>,
    /// `--cert`.
    pub certificate: Option<PathBuf>,
    /// `--key`.
    pub key: Option<PathBuf>,
    /// `--cacert`.
    pub roots: Option<PathBuf>,
    /// `--max-time`.
    pub total: Option<Duration>,
    /// `--connect-timeout`.
    pub connect: Option<Duration>,
    /// `--http1.1`, `--http2`.
    pub version: Option<HttpVersion>,
    /// `--noproxy`.
    pub no_proxy: Option<String>,
}

/// What a flag does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flag {
    Method,
    Url,
    UrlQuery,
    Header,
    UserAgent,
    Referer,
    Cookie,
    Data,
    DataRaw,
    DataBinary,
    DataUrlencode,
    Json,
    Form,
    FormString,
    Upload,
    User,
    Bearer,
    Get,
    Head,
    Insecure,
    Location,
    LocationTrusted,
    MaxRedirects,
    KeepMethod,
    Digest,
    Ntlm,
    Basic,
    Aws,
    Proxy,
    NoProxy,
    Cert,
    Key,
    Roots,
    MaxTime,
    ConnectTimeout,
    Http1,
    Http2,
    Next,
    /// Has no effect on the request; without a value.
    Ignored,
    /// The same, with a value.
    IgnoredValue,
    /// Has an effect that cannot be carried over; without a value.
    Lost,
    /// The same, with a value.
    LostValue,
}

impl Flag {
    fn takes_value(self) -> bool {
        !matches!(
            self,
            Self::Get
                | Self::Head
                | Self::Insecure
                | Self::Location
                | Self::LocationTrusted
                | Self::KeepMethod
                | Self::Digest
                | Self::Ntlm
                | Self::Basic
                | Self::Http1
                | Self::Http2
                | Self::Next
                | Self::Ignored
                | Self::Lost
        )
    }
}

const FLAGS: &[(&str, char, Flag)] = &[
    ("request", 'X', Flag::Method),
    ("url", '\0', Flag::Url),
    ("url-query", '\0', Flag::UrlQuery),
    ("header", 'H', Flag::Header),
    ("user-agent", 'A', Flag::UserAgent),
    ("referer", 'e', Flag::Referer),
    ("cookie", 'b', Flag::Cookie),
    ("data", 'd', Flag::Data),
    ("data-ascii", '\0', Flag::Data),
    ("data-raw", '\0', Flag::DataRaw),
    ("data-binary", '\0', Flag::DataBinary),
    ("data-urlencode", '\0', Flag::DataUrlencode),
    ("json", '\0', Flag::Json),
    ("form", 'F', Flag::Form),
    ("form-string", '\0', Flag::FormString),
    ("upload-file", 'T', Flag::Upload),
    ("user", 'u', Flag::User),
    ("oauth2-bearer", '\0', Flag::Bearer),
    ("get", 'G', Flag::Get),
    ("head", 'I', Flag::Head),
    ("insecure", 'k', Flag::Insecure),
    ("location", 'L', Flag::Location),
    ("location-trusted", '\0', Flag::LocationTrusted),
    ("max-redirs", '\0', Flag::MaxRedirects),
    ("post301", '\0', Flag::KeepMethod),
    ("post302", '\0', Flag::KeepMethod),
    ("post303", '\0', Flag::KeepMethod),
    ("digest", '\0', Flag::Digest),
    ("ntlm", '\0', Flag::Ntlm),
    ("basic", '\0', Flag::Basic),
    ("aws-sigv4", '\0', Flag::Aws),
    ("proxy", 'x', Flag::Proxy),
    ("noproxy", '\0', Flag::NoProxy),
    ("cert", 'E', Flag::Cert),
    ("key", '\0', Flag::Key),
    ("cacert", '\0', Flag::Roots),
    ("max-time", 'm', Flag::MaxTime),
    ("connect-timeout", '\0', Flag::ConnectTimeout),
    ("http1.1", '\0', Flag::Http1),
    ("http1.0", '0', Flag::Lost),
    ("http2", '\0', Flag::Http2),
    ("http2-prior-knowledge", '\0', Flag::Http2),
    ("http3", '\0', Flag::Lost),
    ("next", ':', Flag::Next),
    ("anyauth", '\0', Flag::Lost),
    ("negotiate", '\0', Flag::Lost),
    ("config", 'K', Flag::LostValue),
    ("cookie-jar", 'c', Flag::LostValue),
    ("resolve", '\0', Flag::LostValue),
    ("connect-to", '\0', Flag::LostValue),
    ("interface", '\0', Flag::LostValue),
    ("unix-socket", '\0', Flag::LostValue),
    ("range", 'r', Flag::LostValue),
    ("continue-at", 'C', Flag::LostValue),
    ("proxy-user", 'U', Flag::LostValue),
    ("ciphers", '\0', Flag::LostValue),
    ("tls-max", '\0', Flag::LostValue),
    ("pass", '\0', Flag::LostValue),
    ("cert-type", '\0', Flag::LostValue),
    ("key-type", '\0', Flag::LostValue),
    ("limit-rate", '\0', Flag::LostValue),
    ("netrc", 'n', Flag::Lost),
    ("netrc-file", '\0', Flag::LostValue),
    ("time-cond", 'z', Flag::LostValue),
    ("compressed", '\0', Flag::Ignored),
    ("silent", 's', Flag::Ignored),
    ("show-error", 'S', Flag::Ignored),
    ("verbose", 'v', Flag::Ignored),
    ("include", 'i', Flag::Ignored),
    ("show-headers", '\0', Flag::Ignored),
    ("fail", 'f', Flag::Ignored),
    ("fail-with-body", '\0', Flag::Ignored),
    ("no-buffer", 'N', Flag::Ignored),
    ("progress-bar", '#', Flag::Ignored),
    ("no-progress-meter", '\0', Flag::Ignored),
    ("remote-name", 'O', Flag::Ignored),
    ("remote-header-name", 'J', Flag::Ignored),
    ("globoff", 'g', Flag::Ignored),
    ("path-as-is", '\0', Flag::Ignored),
    ("disable", 'q', Flag::Ignored),
    ("tcp-nodelay", '\0', Flag::Ignored),
    ("no-keepalive", '\0', Flag::Ignored),
    ("ipv4", '4', Flag::Ignored),
    ("ipv6", '6', Flag::Ignored),
    ("no-alpn", '\0', Flag::Ignored),
    ("create-dirs", '\0', Flag::Ignored),
    ("tlsv1.2", '\0', Flag::Ignored),
    ("tlsv1.3", '\0', Flag::Ignored),
    ("tlsv1", '1', Flag::Ignored),
    ("ssl-no-revoke", '\0', Flag::Ignored),
    ("retry-connrefused", '\0', Flag::Ignored),
    ("retry-all-errors", '\0', Flag::Ignored),
    ("parallel", 'Z', Flag::Ignored),
    ("output", 'o', Flag::IgnoredValue),
    ("output-dir", '\0', Flag::IgnoredValue),
    ("write-out", 'w', Flag::IgnoredValue),
    ("dump-header", 'D', Flag::IgnoredValue),
    ("stderr", '\0', Flag::IgnoredValue),
    ("trace", '\0', Flag::IgnoredValue),
    ("trace-ascii", '\0', Flag::IgnoredValue),
    ("retry", '\0', Flag::IgnoredValue),
    ("retry-delay", '\0', Flag::IgnoredValue),
    ("retry-max-time", '\0', Flag::IgnoredValue),
    ("speed-limit", 'Y', Flag::IgnoredValue),
    ("speed-time", 'y', Flag::IgnoredValue),
    ("keepalive-time", '\0', Flag::IgnoredValue),
    ("max-filesize", '\0', Flag::IgnoredValue),
    ("proto", '\0', Flag::IgnoredValue),
    ("proto-default", '\0', Flag::IgnoredValue),
    ("rate", '\0', Flag::IgnoredValue),
];

/// Reads a command line.
pub fn read(text: &str) -> Result<Imported, CurlError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(CurlError::TooLong);
    }
    let text = text.trim().trim_start_matches("$ ");
    let (all, has_more) = words::split(text, words::shell_of(text))?;
    let mut all = all.into_iter();
    let program = all.next().unwrap_or_default();
    let program = program.rsplit(['/', '\\']).next().unwrap_or_default();
    if !matches!(program, "curl" | "curl.exe") {
        return Err(CurlError::NotCurl);
    }
    let mut reader = Reader::default();
    if has_more {
        reader.lose("what stands after the command");
    }
    reader.all(all)?;
    reader.finish()
}

#[derive(Debug, Default)]
struct Reader {
    urls: Vec<String>,
    queries: Vec<String>,
    method: Option<String>,
    headers: Vec<(String, String)>,
    left_out: Vec<String>,
    data: Vec<Piece>,
    form: Vec<Json>,
    upload: Option<String>,
    user: Option<String>,
    bearer: Option<String>,
    scheme: Option<Flag>,
    aws: String,
    is_json: bool,
    get: bool,
    head: bool,
    behavior: Map<String, Json>,
    extras: Extras,
    losses: Vec<String>,
}

#[derive(Debug, PartialEq)]
enum Piece {
    Text(String),
    File(String),
}

impl Reader {
    fn lose(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.losses.contains(&what) {
            self.losses.push(what);
        }
    }

    fn all(&mut self, mut words: impl Iterator<Item = String>) -> Result<(), CurlError> {
        let mut only_urls = false;
        while let Some(word) = words.next() {
            if only_urls || !word.starts_with('-') || word == "-" {
                self.urls.push(word);
            } else if word == "--" {
                only_urls = true;
            } else if let Some(long) = word.strip_prefix("--") {
                if !self.long(long, &mut words)? {
                    break;
                }
            } else if !self.short(&word[1..], &mut words)? {
                break;
            }
        }
        if words.next().is_some() {
            self.lose("the requests after --next");
        }
        Ok(())
    }

    /// Takes a long flag; gives false at the end of the first request.
    fn long(&mut self, word: &str, words: &mut impl Iterator<Item = String>) -> Result<bool, CurlError> {
        let (name, inline) =
            word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value.to_owned())));
        let find = |name: &str| FLAGS.iter().find(|(long, _, _)| *long == name).map(|(_, _, flag)| *flag);
        let Some(flag) = find(name) else {
            if name.strip_prefix("no-").and_then(find).is_none() {
                self.lose(format!("--{name}"));
            }
            return Ok(true);
        };
        self.take(flag, &format!("--{name}"), inline, words)
    }

    /// Takes a cluster of short flags, the last perhaps with its value.
    fn short(&mut self, cluster: &str, words: &mut impl Iterator<Item = String>) -> Result<bool, CurlError> {
        for (at, sign) in cluster.char_indices() {
            let Some((_, _, flag)) = FLAGS.iter().find(|(_, short, _)| *short == sign) else {
                self.lose(format!("-{sign}"));
                continue;
            };
            let rest = &cluster[at + sign.len_utf8()..];
            let inline = (flag.takes_value() && !rest.is_empty()).then(|| rest.to_owned());
            if !self.take(*flag, &format!("-{sign}"), inline, words)? {
                return Ok(false);
            }
            if flag.takes_value() {
                break;
            }
        }
        Ok(true)
    }

    fn take(
        &mut self,
        flag: Flag,
        name: &str,
        inline: Option<String>,
        words: &mut impl Iterator<Item = String>,
    ) -> Result<bool, CurlError> {
        if !flag.takes_value() {
            return Ok(self.switch(flag, name));
        }
        let value =
            inline.or_else(|| words.next()).ok_or_else(|| CurlError::NoValue { flag: name.to_owned() })?;
        self.value(flag, name, value);
        Ok(true)
    }

    fn switch(&mut self, flag: Flag, name: &str) -> bool {
        let mut behave =
            |key: &str, value: bool| drop(self.behavior.insert(key.to_owned(), Json::Bool(value)));
        match flag {
            Flag::Get => self.get = true,
            Flag::Head => self.head = true,
            Flag::Insecure => behave("strictSSL", false),
            Flag::Location => behave("followRedirects", true),
            Flag::LocationTrusted => {
                behave("followRedirects", true);
                behave("followAuthorizationHeader", true);
            }
            Flag::KeepMethod => behave("followOriginalHttpMethod", true),
            Flag::Digest | Flag::Ntlm => self.scheme = Some(flag),
            Flag::Basic => self.scheme = None,
            Flag::Http1 => self.extras.version = Some(HttpVersion::Http1),
            Flag::Http2 => self.extras.version = Some(HttpVersion::Http2),
            Flag::Next => return false,
            Flag::Lost => self.lose(name),
            _ => {}
        }
        true
    }

    fn value(&mut self, flag: Flag, name: &str, value: String) {
        match flag {
            Flag::Method => self.method = Some(value),
            Flag::Url => self.urls.push(value),
            Flag::UrlQuery => self.queries.push(query_piece(&value)),
            Flag::Header => self.header(&value),
            Flag::UserAgent => self.headers.push(("User-Agent".to_owned(), value)),
            Flag::Referer => {
                self.headers.push(("Referer".to_owned(), value.trim_end_matches(";auto").to_owned()));
            }
            Flag::Cookie if value.contains('=') => self.headers.push(("Cookie".to_owned(), value)),
            Flag::Data | Flag::DataBinary => match value.strip_prefix('@') {
                Some(path) => self.data.push(Piece::File(path.to_owned())),
                None if flag == Flag::Data => self.data.push(Piece::Text(value)),
                None => self.data.push(Piece::Text(value)),
            },
            Flag::DataRaw => self.data.push(Piece::Text(value)),
            Flag::DataUrlencode => match url_encoded(&value) {
                Some(text) => self.data.push(Piece::Text(text)),
                None => self.lose(format!("{name} {value}")),
            },
            Flag::Json => {
                self.is_json = true;
                self.value(Flag::Data, name, value);
            }
            Flag::Form => self.form(&value),
            Flag::FormString => {
                let (key, value) = value.split_once('=').unwrap_or((&value, ""));
                self.form.push(json!({ "key": key, "value": value, "type": "text" }));
            }
            Flag::Upload => self.upload = Some(value),
            Flag::User => self.user = Some(value),
            Flag::Bearer => self.bearer = Some(value),
            Flag::Aws => {
                self.scheme = Some(flag);
                self.aws = value;
            }
            Flag::MaxRedirects => match value.parse::<i64>() {
                Ok(most) => drop(self.behavior.insert(
                    "maxRedirects".to_owned(),
                    u64::try_from(most).unwrap_or(u64::from(u32::MAX)).into(),
                )),
                Err(_) => self.lose(name),
            },
            Flag::Proxy => self.extras.proxy = Some(value),
            Flag::NoProxy => self.extras.no_proxy = Some(value),
            Flag::Cert => self.extras.certificate = Some(value.into()),
            Flag::Key => self.extras.key = Some(value.into()),
            Flag::Roots => self.extras.roots = Some(value.into()),
            Flag::MaxTime | Flag::ConnectTimeout => {
                let time = value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                let slot =
                    if flag == Flag::MaxTime { &mut self.extras.total } else { &mut self.extras.connect };
                *slot = time.filter(|time| !time.is_zero());
            }
            Flag::IgnoredValue => {}
            _ => self.lose(name),
        }
    }

    /// `Name: value`, `Name;` for an empty value, `Name:` to leave one out that comes by itself.
    fn header(&mut self, line: &str) {
        if line.starts_with('@') {
            return self.lose(format!("-H {line}"));
        }
        match (line.split_once(':'), line.strip_suffix(';')) {
            (Some((name, value)), _) if !value.trim().is_empty() => {
                self.headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            (Some((name, _)), _) => self.left_out.push(name.trim().to_lowercase()),
            (None, Some(name)) => self.headers.push((name.trim().to_owned(), String::new())),
            (None, None) => self.lose(format!("-H {line}")),
        }
    }

    /// `name=value`, `name=@file;type=…;filename=…`.
    fn form(&mut self, text: &str) {
        let Some((key, value)) = text.split_once('=') else { return self.lose(format!("-F {text}")) };
        if value.starts_with('<') {
            return self.lose(format!("-F {text}"));
        }
        let mut parts = form_parts(value.strip_prefix('@').unwrap_or(value)).into_iter();
        let first = parts.next().unwrap_or_default();
        let mut field = if value.starts_with('@') {
            json!({ "key": key, "type": "file", "src": first })
        } else {
            json!({ "key": key, "value": first, "type": "text" })
        };
        for part in parts {
            match part.split_once('=').map(|(name, value)| (name.trim(), value)) {
                Some(("type", kind)) => field["contentType"] = json!(kind),
                Some(("filename", name)) => field["fileName"] = json!(name),
                _ => self.lose(format!("-F …;{part}")),
            }
        }
        self.form.push(field);
    }

    fn finish(mut self) -> Result<Imported, CurlError> {
        let mut urls = std::mem::take(&mut self.urls).into_iter();
        let mut url = urls.next().ok_or(CurlError::NoUrl)?;
        if urls.next().is_some() {
            self.lose("all URLs but the first");
        }
        let mut queries = std::mem::take(&mut self.queries);
        if self.get {
            queries.extend(std::mem::take(&mut self.data).into_iter().filter_map(|piece| match piece {
                Piece::Text(text) => Some(text),
                Piece::File(_) => None,
            }));
        }
        for query in queries {
            url = with_query(&url, &query);
        }
        let mut request = Map::new();
        let body = self.body();
        let method = self.method.take().unwrap_or_else(|| {
            match () {
                () if self.head => "HEAD",
                () if self.upload.is_some() => "PUT",
                () if body.is_some() => "POST",
                () => "GET",
            }
            .to_owned()
        });
        if body.is_some()
            && matches!(method.to_uppercase().as_str(), "GET" | "HEAD" | "COPY" | "PURGE" | "UNLOCK")
        {
            self.behavior.insert("disableBodyPruning".to_owned(), Json::Bool(true));
        }
        if !self.left_out.is_empty() {
            let names = self.left_out.iter().map(|name| (name.clone(), Json::Bool(true)));
            self.behavior.insert("disabledSystemHeaders".to_owned(), Json::Object(names.collect()));
        }
        request.insert("method".to_owned(), json!(method));
        let headers = self.headers.iter().map(|(key, value)| json!({ "key": key, "value": value }));
        request.insert("header".to_owned(), headers.collect());
        request.extend(self.auth().map(|auth| ("auth".to_owned(), auth)));
        request.extend(body.map(|body| ("body".to_owned(), body)));
        request.insert("url".to_owned(), json!(url));
        let mut item = json!({ "name": name(&url), "request": request });
        if !self.behavior.is_empty() {
            item["protocolProfileBehavior"] = Json::Object(self.behavior);
        }
        Ok(Imported { item, extras: self.extras, losses: self.losses })
    }

    fn auth(&mut self) -> Option<Json> {
        let pairs = |kind: &str, pairs: &[(&str, &str)]| {
            let list: Vec<_> = pairs
                .iter()
                .map(|(key, value)| json!({ "key": key, "value": value, "type": "string" }))
                .collect();
            json!({ "type": kind, kind: list })
        };
        if let Some(token) = &self.bearer {
            return Some(pairs("bearer", &[("token", token)]));
        }
        let user = self.user.clone()?;
        let (name, password) = user.split_once(':').unwrap_or((&user, ""));
        Some(match self.scheme {
            Some(Flag::Digest) => pairs("digest", &[("username", name), ("password", password)]),
            Some(Flag::Ntlm) => pairs("ntlm", &[("username", name), ("password", password)]),
            Some(Flag::Aws) => {
                let mut parts = self.aws.split(':').skip(2);
                let (region, service) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                pairs(
                    "awsv4",
                    &[("accessKey", name), ("secretKey", password), ("region", region), ("service", service)],
                )
            }
            _ => pairs("basic", &[("username", name), ("password", password)]),
        })
    }

    fn body(&mut self) -> Option<Json> {
        if let Some(path) = &self.upload {
            return Some(json!({ "mode": "file", "file": { "src": path } }));
        }
        if !self.form.is_empty() {
            return Some(json!({ "mode": "formdata", "formdata": std::mem::take(&mut self.form) }));
        }
        let data = std::mem::take(&mut self.data);
        let text = match data.as_slice() {
            [] => return None,
            [Piece::File(path)] => {
                self.default_type("application/x-www-form-urlencoded");
                return Some(json!({ "mode": "file", "file": { "src": path } }));
            }
            pieces => {
                let between = if self.is_json { "" } else { "&" };
                let texts: Vec<_> = pieces
                    .iter()
                    .filter_map(|piece| match piece {
                        Piece::Text(text) => Some(text.as_str()),
                        Piece::File(_) => None,
                    })
                    .collect();
                if texts.len() < pieces.len() {
                    self.lose("a file among several pieces of data");
                }
                texts.join(between)
            }
        };
        if self.is_json {
            self.default_type("application/json");
            if !self.has_header("accept") {
                self.headers.push(("Accept".to_owned(), "application/json".to_owned()));
            }
        }
        Some(self.text_body(&text))
    }

    fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    fn default_type(&mut self, kind: &str) {
        if !self.has_header("content-type") {
            self.headers.push(("Content-Type".to_owned(), kind.to_owned()));
        }
    }

    fn text_body(&mut self, text: &str) -> Json {
        let kind = self
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            .map(|(_, value)| value.to_lowercase());
        if kind.as_deref().is_none_or(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
            if let Some(fields) = fields(text) {
                return json!({ "mode": "urlencoded", "urlencoded": fields });
            }
            self.default_type("application/x-www-form-urlencoded");
        }
        let kind = kind.unwrap_or_default();
        let known = [("json", "json"), ("xml", "xml"), ("html", "html"), ("javascript", "javascript")];
        let language = known.iter().find(|(part, _)| kind.contains(part)).map(|(_, language)| *language);
        match language {
            // Postman takes comments out of JSON; a body that has something like one must stay as it is.
            Some("json") if text.contains("//") || text.contains("/*") => {
                json!({ "mode": "raw", "raw": text, "options": { "raw": { "language": "text" } } })
            }
            Some(language) => {
                json!({ "mode": "raw", "raw": text, "options": { "raw": { "language": language } } })
            }
            None => json!({ "mode": "raw", "raw": text }),
        }
    }
}

/// The fields of a form whose encoding is this text; none if no list makes these bytes.
fn fields(text: &str) -> Option<Vec<Json>> {
    let pairs = text.split('&').map(|pair| pair.split_once('='));
    let pairs: Vec<_> = pairs.collect::<Option<_>>()?;
    let params: Vec<_> = pairs
        .iter()
        .map(|(key, value)| Param { key: decoded(key, false), value: Some(decoded(value, false)) })
        .collect();
    let has_variables = text.contains("{{");
    if has_variables || form_encoded(&params) != text {
        return None;
    }
    Some(params.into_iter().map(|param| json!({ "key": param.key, "value": param.value })).collect())
}

/// `--data-urlencode`: `content`, `=content`, `name=content`; what is read from a file is not known here.
fn url_encoded(text: &str) -> Option<String> {
    match text.find(['=', '@']) {
        Some(at) if text[at..].starts_with('@') => None,
        Some(0) => Some(strict(&text[1..])),
        Some(at) => Some(format!("{}={}", &text[..at], strict(&text[at + 1..]))),
        None => Some(strict(text)),
    }
}

fn query_piece(text: &str) -> String {
    text.strip_prefix('+').map_or_else(|| url_encoded(text).unwrap_or_else(|| text.to_owned()), str::to_owned)
}

fn with_query(url: &str, query: &str) -> String {
    let (url, hash) =
        url.split_once('#').map_or((url, String::new()), |(url, hash)| (url, format!("#{hash}")));
    let between = if !url.contains('?') {
        "?"
    } else if url.ends_with(['?', '&']) {
        ""
    } else {
        "&"
    };
    format!("{url}{between}{}{hash}", percent(query, |byte| !byte.is_ascii_graphic() || byte == b'#'))
}

/// The parts of a form's value at its semicolons, those in quotation marks aside.
fn form_parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut in_quotes = false;
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        let part = parts.last_mut().expect("there is always a last part");
        match sign {
            '\\' if in_quotes => part.extend(signs.next()),
            '"' if in_quotes || part.is_empty() || part.ends_with('=') => in_quotes = !in_quotes,
            ';' if !in_quotes => parts.push(String::new()),
            sign => part.push(sign),
        }
    }
    parts
}

/// A name for the request: host and path.
fn name(url: &str) -> String {
    let url = Url::parse(url);
    let path = url.path.filter(|path| !path.is_empty()).map(|path| format!("/{path}")).unwrap_or_default();
    let name: String =
        format!("{}{path}", url.host).chars().filter(|sign| !sign.is_control()).take(200).collect();
    if name.is_empty() { "curl".to_owned() } else { name }
}
