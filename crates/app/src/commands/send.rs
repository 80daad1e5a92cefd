//! `satchel send`: one request, its answer on stdout, everything about it on stderr.

use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use satchel_client::api::{Call, EnvironmentChoice, Reply, SentResponse};
use satchel_runner::build::Files;
use satchel_runner::curl::{self, Shell};
use satchel_runner::http::{Proxies, Proxy, Settings};
use satchel_runner::run::{Browser, Stop};
use satchel_runner::tls::{ClientCertificate, ExtraRoots};
use satchel_runner::websocket::Message;
use serde_json::{Value as Json, json};

use super::Session;
use crate::cli::{SendOptions, TravelOptions};
use crate::failure::{Failure, TESTS_FAILED};
use crate::host::Host;
use crate::output::{self, milliseconds, remark, size, test_lines};
use crate::sending::{self, Ground, How, Outcome, Told, socket};

/// The largest body that is given on the command line.
const DATA_BYTES_MAX: u64 = 100 * 1024 * 1024;
/// The longest body of an answer in `--json`: all of it.
const JSON_BODY_BYTES_MAX: usize = usize::MAX;

pub(super) fn send(session: &Session, options: &SendOptions) -> Result<ExitCode, Failure> {
    let asked = Asked::read(options)?;
    for loss in &asked.losses {
        note(session, loss);
    }
    let mut how = how(&options.travel)?;
    how.locals.clone_from(&options.variables);
    how.keeps_cookies = !options.no_save_cookies;
    how.browser = Some(browser());
    if let Some(limit) = options.timeout.or(asked.total) {
        how.settings.timeouts.total = Some(limit);
    }
    let mut ground = Ground::new(sources(session, options, &asked)?)?;
    if asked.path.is_none() {
        // A request that was typed has no scripts, whatever workspace it is sent from.
        how.files.outside = true;
    }
    let item = match (&ground.sources.item, asked.item) {
        (Some(found), _) if found.item.kind != "request" => {
            let what = format!("sending {}", found.item.path);
            let why = format!("it is a {}, not a request", found.item.kind);
            return Err(Failure::usage(what, why, "`satchel run PATH` runs all requests in it"));
        }
        (Some(found), _) => found.document.clone(),
        (None, Some(item)) => item,
        (None, None) => unreachable!("a path has an item, and everything else makes one"),
    };
    let item = changed(item, options)?;
    if options.trust {
        ground.sources.trusted = true;
    }
    if options.as_curl {
        return as_curl(session, &ground, &item, &how, options.reveal);
    }
    if socket::is_one(&ground, &item, &how) {
        return talk(session, &ground, &item, &how);
    }
    exchange(session, options, &ground, &item, &how)
}

/// Asks the profile, and lets go of it: a long answer must not keep other commands waiting.
fn sources(
    session: &Session,
    options: &SendOptions,
    asked: &Asked,
) -> Result<satchel_client::api::SourcesView, Failure> {
    let environment = match &options.environment {
        Some(name) => EnvironmentChoice::Named(name.clone()),
        None if options.no_env => EnvironmentChoice::Off,
        None => EnvironmentChoice::Active,
    };
    let mut host = session.open()?;
    if options.trust {
        sending::ask(&mut host, session.workspace.as_deref(), Call::Trust { trusted: true })?;
    }
    sending::sources(&mut host, session.workspace.as_deref(), asked.path.as_deref(), environment, false)
}

/// What to send.
struct Asked {
    /// An item of the profile.
    path: Option<String>,
    /// Or a request that was typed.
    item: Option<Json>,
    /// What of a command line of curl was not understood.
    losses: Vec<String>,
    /// The time that it names.
    total: Option<std::time::Duration>,
}

impl Asked {
    fn read(options: &SendOptions) -> Result<Self, Failure> {
        if let Some(text) = &options.curl {
            let read = curl::read(text).map_err(|error| {
                let remedy = "give the whole command, in quotes, beginning with curl";
                Failure::usage("reading the command line of curl", error.to_string(), remedy)
            })?;
            let (item, total) = (Some(read.item), read.extras.total);
            return Ok(Self { path: None, item, losses: read.losses, total });
        }
        let (path, item) = match options.words.as_slice() {
            [method, url] => (None, Some(typed(method, url))),
            [word] if word.contains("://") => {
                (None, Some(typed(if options.data.is_some() { "POST" } else { "GET" }, word)))
            }
            [path] => (Some(path.clone()), None),
            _ => unreachable!("the command line has one word or two"),
        };
        Ok(Self { path, item, losses: Vec::new(), total: None })
    }
}

fn typed(method: &str, url: &str) -> Json {
    json!({ "name": url, "request": { "method": method, "url": url, "header": [] } })
}

/// The item with what the command line says otherwise.
fn changed(mut item: Json, options: &SendOptions) -> Result<Json, Failure> {
    if item.get("request").is_some_and(Json::is_string) {
        item["request"] = json!({ "url": item["request"] });
    }
    let data = options.data.as_deref().map(data).transpose()?;
    let Some(Json::Object(request)) = item.get_mut("request") else { return Ok(item) };
    if !options.headers.is_empty() {
        let list = request.entry("header").or_insert_with(|| json!([]));
        if !list.is_array() {
            *list = json!([]);
        }
        let Json::Array(list) = list else { return Ok(item) };
        for (name, _) in &options.headers {
            let is_same = |it: &Json| it["key"].as_str().is_some_and(|key| key.eq_ignore_ascii_case(name));
            list.retain(|it| !is_same(it));
        }
        list.extend(options.headers.iter().map(|(key, value)| json!({ "key": key, "value": value })));
    }
    if let Some(text) = data {
        let language =
            if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() { "json" } else { "text" };
        let body = json!({ "mode": "raw", "raw": text, "options": { "raw": { "language": language } } });
        request.insert("body".to_owned(), body);
    }
    Ok(item)
}

/// The text itself, or that of the file.
fn data(text: &str) -> Result<String, Failure> {
    let Some(file) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    let tried = format!("reading {file}");
    let mut read = Vec::new();
    let done = if file == "-" {
        io::stdin().lock().take(DATA_BYTES_MAX + 1).read_to_end(&mut read)
    } else {
        File::open(file).and_then(|opened| opened.take(DATA_BYTES_MAX + 1).read_to_end(&mut read))
    };
    done.map_err(|error| Failure::file(&tried, error.to_string()))?;
    if read.len() as u64 > DATA_BYTES_MAX {
        return Err(Failure::file(tried, format!("it has more than {DATA_BYTES_MAX} bytes")));
    }
    String::from_utf8(read).map_err(|_| {
        let why = "it is no text; a request with a body of mode `file` sends any bytes";
        Failure::file(tried, why)
    })
}

/// How requests travel, as the command line says.
pub(super) fn how(options: &TravelOptions) -> Result<How, Failure> {
    let usual = How::default();
    let mut settings = Settings {
        verify_tls: !options.insecure,
        follow_redirects: !options.ignore_redirects,
        ..usual.settings.clone()
    };
    if let Some(proxy) = &options.proxy {
        let parsed = Proxy::parse(proxy).ok_or_else(|| {
            Failure::usage(
                "reading --proxy",
                format!("`{proxy}` is no proxy"),
                "write http://host:port or socks5://host:port",
            )
        })?;
        settings.proxies = Proxies::all(parsed);
    }
    let invalid = |file: &Path, error: &dyn std::fmt::Display| {
        Failure::file(format!("reading {}", file.display()), error.to_string())
    };
    if let (Some(certificate), Some(key)) = (&options.ssl_client_cert, &options.ssl_client_key) {
        let read = ClientCertificate::from_pem(&pem(certificate)?, &pem(key)?);
        settings.client_certificate = Some(Arc::new(read.map_err(|error| invalid(certificate, &error))?));
    }
    if let Some(file) = &options.ssl_extra_ca_certs {
        let read = ExtraRoots::from_pem(&pem(file)?).map_err(|error| invalid(file, &error))?;
        settings.extra_roots = Some(Arc::new(read));
    }
    let files = match &options.working_dir {
        Some(folder) => Files { folder: Some(folder.clone()), outside: false },
        None => Files::none(),
    };
    Ok(How { settings, files, ..usual })
}

fn pem(file: &PathBuf) -> Result<Vec<u8>, Failure> {
    std::fs::read(file)
        .map_err(|error| Failure::file(format!("reading {}", file.display()), error.to_string()))
}

/// Opens an address in a browser, and tells it for where there is none.
pub(super) fn browser() -> Browser {
    Arc::new(|address| {
        remark(&format!("Agree in the browser, to get a token:\n  {address}"));
        let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        let mut command = std::process::Command::new(program);
        let quiet = std::process::Stdio::null;
        command.arg(address).stdin(quiet()).stdout(quiet()).stderr(quiet());
        // Without a browser the address above is the way.
        drop(command.spawn());
    })
}

/// Runs a future; Ctrl-C says the word to stop.
pub(super) fn block<T>(stop: &Stop, work: impl Future<Output = T>) -> Result<T, Failure> {
    let stop = stop.clone();
    Ok(sending::runtime()?.block_on(async {
        let interrupt = tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.stop();
            }
        });
        let done = work.await;
        interrupt.abort();
        done
    }))
}

fn exchange(
    session: &Session,
    options: &SendOptions,
    ground: &Ground,
    item: &Json,
    how: &How,
) -> Result<ExitCode, Failure> {
    let mut sink = Sink::new(session, options, how.stop.clone());
    let mut outcome = block(&how.stop, sending::send(ground, item, how, &mut |told| sink.hear(&told)))?;
    let keep = std::mem::replace(&mut outcome.keep, Call::Status);
    let failed = outcome.has_failed_tests();
    // What was changed is kept even where the body could not be written.
    let written = outcome.answer.as_ref().map_or(Ok(()), |shown| sink.finish(&shown.came().body));
    let body_max = if session.out.json { JSON_BODY_BYTES_MAX } else { 0 };
    let response = outcome.answer.as_ref().ok().map(|shown| shown.response(body_max));
    let kept = after(session, ground, options, &outcome, keep);
    tell(session, options, &outcome, response.as_ref());
    if let Err(failure) = kept {
        if options.save_example.is_some() && outcome.answer.is_ok() {
            return Err(failure);
        }
        note(session, &sending::not_kept(&failure));
    }
    written?;
    if let (Some(response), true) = (&response, session.out.json) {
        let response = serde_json::to_value(response).expect("answers have text keys and plain values only");
        session.out.document(&response);
    }
    match outcome.answer {
        Err(failure) if failure.kind == "skipped" => {
            note(session, &failure.why);
            session.out.document(&json!({ "skipped": true, "tests": outcome.tests, "log": outcome.log }));
            Ok(if failed { ExitCode::from(TESTS_FAILED) } else { ExitCode::SUCCESS })
        }
        // As with any command, a closed pipe is the reader's choice and no failure.
        Err(_) if sink.is_closed => Ok(ExitCode::SUCCESS),
        Err(mut failure) => {
            if session.out.json
                && !(outcome.tests.is_empty() && outcome.log.is_empty() && outcome.warnings.is_empty())
            {
                let (tests, log, warnings) = (outcome.tests, outcome.log, outcome.warnings);
                failure.lists.done.push(json!({ "tests": tests, "log": log, "warnings": warnings }));
            }
            Err(failure)
        }
        Ok(_) if failed => Ok(ExitCode::from(TESTS_FAILED)),
        Ok(_) => Ok(ExitCode::SUCCESS),
    }
}

/// Gives the profile what is to be kept. What it does not take is a note, but for the example that was asked for.
fn after(
    session: &Session,
    ground: &Ground,
    options: &SendOptions,
    outcome: &Outcome,
    keep: Call,
) -> Result<(), Failure> {
    let mut host = session.open()?;
    if let Err(failure) = sending::ask(&mut host, Some(&ground.sources.workspace), keep) {
        note(session, &sending::not_kept(&failure));
    }
    if let (Some(name), Ok(shown)) = (&options.save_example, &outcome.answer) {
        let response = shown.response(JSON_BODY_BYTES_MAX);
        save_example(session, &mut host, ground, name, &response, |text| shown.mask(text))?;
    }
    Ok(())
}

/// Keeps the answer as an example of its request. It syncs, so secret values are masked in it.
fn save_example(
    session: &Session,
    host: &mut Host,
    ground: &Ground,
    name: &str,
    response: &SentResponse,
    mask: impl Fn(&str) -> String,
) -> Result<(), Failure> {
    let tried = format!("saving the example {name}");
    let request = ground.sources.item.as_ref().ok_or_else(|| {
        Failure::usage(
            &tried,
            "a request that was typed has no examples",
            "save the request first, with `satchel new`",
        )
    })?;
    let text =
        response.body.text.as_ref().ok_or_else(|| {
            Failure::usage(&tried, "the body is no text", "keep it as a file with --out FILE")
        })?;
    let workspace = Some(ground.sources.workspace.clone());
    let ask = |host: &mut Host, call: Call| {
        let request =
            satchel_client::api::Request { workspace: workspace.clone(), wait_ms: session.wait_ms, call };
        host.call(request, &mut |_| ())
    };
    let path = format!("{}/{}", request.item.path, satchel_model::path::format(&[name]));
    let made = ask(host, Call::New { kind: "example".to_owned(), path, fields: Vec::new() })?;
    let Reply::Changed { items, .. } = made else { return Ok(()) };
    let Some(example) = items.last() else { return Ok(()) };
    let shown = ask(host, Call::Show { path: example.id.clone(), secrets: false })?;
    let Reply::Item { document: base, .. } = shown else { return Ok(()) };
    let mut document = base.clone();
    document["originalRequest"] = request.document.get("request").cloned().unwrap_or_default();
    document["status"] = json!(response.status_text);
    document["code"] = json!(response.status);
    // A session of this person is nothing for the others.
    let headers = response.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("set-cookie"));
    let headers = headers.map(|(key, value)| json!({ "key": key, "value": value }));
    document["header"] = headers.collect();
    document["body"] = json!(mask(text));
    ask(host, Call::Replace { path: example.id.clone(), base, document })?;
    Ok(())
}

/// Says how it went, on stderr.
fn tell(session: &Session, options: &SendOptions, outcome: &Outcome, response: Option<&SentResponse>) {
    if session.out.json || session.out.quiet {
        return;
    }
    if let Some(response) = response {
        if options.verbose {
            heads(response);
        }
        let status = format!("{} {}", response.status, response.status_text);
        let (bytes, took) = (size(response.sizes.decoded_body), milliseconds(response.timings.total));
        remark(&format!("{}  {bytes}  {took}", status.trim_end()));
        if options.verbose {
            remark(&format!("  {}", output::phases(&response.timings)));
        }
    }
    let tests = test_lines(&outcome.tests, &outcome.log);
    if !tests.is_empty() {
        remark(tests.trim_end());
    }
    let warnings = match (&outcome.answer, response) {
        (Ok(shown), Some(_)) => shown.all_warnings(shown.came()),
        _ => outcome.warnings.clone(),
    };
    for warning in warnings {
        note(session, &warning);
    }
}

fn heads(response: &SentResponse) {
    let request = &response.request;
    remark(&format!("> {} {}", request.method, request.url));
    for (name, value) in &request.headers {
        remark(&format!("> {name}: {value}"));
    }
    remark(&format!("< {} {} {}", response.version, response.status, response.status_text));
    for (name, value) in &response.headers {
        remark(&format!("< {name}: {value}"));
    }
}

fn note(session: &Session, text: &str) {
    if !session.out.quiet {
        remark(&format!("note: {text}"));
    }
}

/// Where the body goes.
enum Way {
    /// Nowhere: it is in the JSON document.
    Nowhere,
    /// A file that is made when something comes: a request that fails must not empty the one of before.
    Later(PathBuf),
    /// A file, or stdout that is no terminal: the bytes as they are.
    Bytes(Box<dyn Write + Send>),
    /// A terminal: text, without what steers it.
    Terminal,
}

/// Writes the body as it comes.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a thing of its own that happened or was asked for"
)]
struct Sink {
    way: Way,
    include: bool,
    head: String,
    /// Whether pieces are written as they come: not those of an answer that may be followed by another.
    streams: bool,
    written: bool,
    /// The beginning of a letter whose end has not come.
    rest: Vec<u8>,
    failure: Option<Failure>,
    /// Whoever read it has gone.
    is_closed: bool,
    stop: Stop,
}

impl Sink {
    fn new(session: &Session, options: &SendOptions, stop: Stop) -> Self {
        let way = match &options.out {
            Some(file) => Way::Later(file.clone()),
            None if session.out.json => Way::Nowhere,
            None if io::stdout().is_terminal() => Way::Terminal,
            None => Way::Bytes(Box::new(io::stdout())),
        };
        let include = options.include;
        Self {
            way,
            include,
            head: String::new(),
            streams: false,
            written: false,
            rest: Vec::new(),
            failure: None,
            is_closed: false,
            stop,
        }
    }

    fn hear(&mut self, told: &Told<'_>) {
        match told {
            Told::Head { status, headers } => {
                let lines = headers
                    .iter()
                    .map(|(name, value)| format!("{name}: {}\r\n", String::from_utf8_lossy(value)));
                self.head = format!("HTTP {status}\r\n{}\r\n", lines.collect::<Vec<_>>().concat());
                self.streams = !matches!(status, 300..=399 | 401 | 403 | 407);
            }
            Told::Chunk(bytes) if self.streams => {
                self.written = true;
                self.write(bytes);
            }
            Told::Chunk(_) => {}
        }
    }

    /// Writes what was held back.
    fn finish(&mut self, body: &[u8]) -> Result<(), Failure> {
        if !self.written {
            self.write(body);
        }
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.put(&String::from_utf8_lossy(&rest).into_owned().into_bytes());
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    fn write(&mut self, bytes: &[u8]) {
        if std::mem::take(&mut self.include) && !matches!(self.way, Way::Nowhere) {
            let head = std::mem::take(&mut self.head);
            self.put(head.as_bytes());
        }
        if !matches!(self.way, Way::Terminal) {
            return self.put(bytes);
        }
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&all) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => all.len(),
        };
        self.rest = all.split_off(whole);
        self.put(output::safe(&String::from_utf8_lossy(&all)).as_bytes());
    }

    fn put(&mut self, bytes: &[u8]) {
        if let Way::Later(path) = &self.way {
            match File::create(path) {
                Ok(file) => self.way = Way::Bytes(Box::new(file)),
                Err(error) => {
                    let tried = format!("writing {}", path.display());
                    self.failure = Some(Failure::file(tried, error.to_string()));
                    self.way = Way::Nowhere;
                }
            }
        }
        let written = match &mut self.way {
            Way::Nowhere | Way::Later(_) => Ok(()),
            Way::Bytes(file) => file.write_all(bytes).and_then(|()| file.flush()),
            Way::Terminal => io::stdout().lock().write_all(bytes).and_then(|()| io::stdout().flush()),
        };
        let Err(error) = written else { return };
        self.way = Way::Nowhere;
        if error.kind() == io::ErrorKind::BrokenPipe {
            // Nobody reads any more: what is still to come is not needed.
            self.is_closed = true;
            self.stop.stop();
        } else {
            self.failure = Some(Failure::file("writing the body", error.to_string()));
        }
    }
}

fn as_curl(
    session: &Session,
    ground: &Ground,
    item: &Json,
    how: &How,
    reveal: bool,
) -> Result<ExitCode, Failure> {
    let (built, masker) = socket::built(ground, item, how)?;
    for warning in &built.warnings {
        note(session, &masker.mask(&sending::warning(warning)));
    }
    let written = curl::write(&built.request, Shell::Posix).map_err(|error| {
        Failure::request(
            "invalid",
            "writing the request for curl",
            error.to_string(),
            "send it with `satchel send`",
        )
    })?;
    let text = if reveal { written } else { masker.mask(&written).into_owned() };
    session.out.document(&json!({ "curl": text }));
    session.out.text(&output::safe(&format!("{text}\n")));
    Ok(ExitCode::SUCCESS)
}

/// Lines of stdin out, messages in.
fn talk(session: &Session, ground: &Ground, item: &Json, how: &How) -> Result<ExitCode, Failure> {
    let (sender, lines) = tokio::sync::mpsc::channel(16);
    // It ends with stdin, or with this process.
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    let mut hear = |said: socket::Said<'_>| match said {
        socket::Said::Open { subprotocol, warnings } => {
            for warning in &warnings {
                note(session, warning);
            }
            let protocol = subprotocol.map(|it| format!(", subprotocol {it}")).unwrap_or_default();
            if !session.out.quiet && !session.out.json {
                remark(&format!("open{protocol}; lines go out as messages, an end of input closes"));
            }
        }
        socket::Said::Message(message) => show_message(session, message),
        socket::Said::Closed { code, reason } => {
            session.out.document_line(&json!({ "closed": code, "reason": reason }));
            if !session.out.quiet && !session.out.json {
                remark(format!("closed: {code} {reason}").trim_end());
            }
        }
    };
    let keep = block(&how.stop, socket::talk(ground, item, how, lines, &mut hear))??;
    let kept =
        session.open().and_then(|mut host| sending::ask(&mut host, Some(&ground.sources.workspace), keep));
    if let Err(failure) = kept {
        note(session, &sending::not_kept(&failure));
    }
    Ok(ExitCode::SUCCESS)
}

/// A message in a line.
fn show_message(session: &Session, message: &Message) {
    let encode = |bytes: &[u8]| STANDARD.encode(bytes);
    match message {
        Message::Text(text) => {
            session.out.document_line(&json!({ "text": text }));
            let is_terminal = io::stdout().is_terminal();
            let text = if is_terminal { output::safe(text) } else { text.clone() };
            session.out.text(&format!("{text}\n"));
        }
        Message::Binary(bytes) => {
            session.out.document_line(&json!({ "base64": encode(bytes) }));
            session.out.text(&format!("base64:{}\n", encode(bytes)));
        }
        _ => {}
    }
}
