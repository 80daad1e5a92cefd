//! Fifty names and values are planted; none of them may be read by the server, on the wire, or in a home.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Value, json};

use crate::process::{Server, files, holds};
use crate::stage::{App, EMAIL};

/// Where values are planted in each of ten requests.
const REQUESTS: usize = 10;

fn planted(place: &str, number: usize) -> String {
    format!("plantedQ7{place}{number:02}xK")
}

/// The places outside the requests.
const SINGLE: [&str; 10] = [
    "workspace",
    "collection",
    "folder",
    "environment",
    "variable",
    "value",
    "secret",
    "shared",
    "script",
    "password",
];
const EACH: [&str; 4] = ["name", "url", "header", "body"];

fn everything() -> Vec<String> {
    let each = EACH.iter().flat_map(|place| (0..REQUESTS).map(|number| planted(place, number)));
    SINGLE.iter().map(|place| planted(place, 0)).chain(each).collect()
}

fn file() -> String {
    let request = |number: usize| {
        json!({
            "name": planted("name", number),
            "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": [planted("script", 0)]}}],
            "request": {
                "method": "POST",
                "header": [{"key": planted("header", number), "value": planted("header", number)}],
                "url": {"raw": format!("https://{}.example.com", planted("url", number)), "protocol": "https",
                        "host": [planted("url", number), "example", "com"]},
                "body": {"mode": "raw", "raw": planted("body", number)},
            },
            "response": [],
        })
    };
    let items: Vec<Value> = (0..REQUESTS).map(request).collect();
    json!({
        "info": {"name": planted("collection", 0),
                 "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
        "item": [{"name": planted("folder", 0), "item": items}],
    })
    .to_string()
}

#[test]
fn nothing_planted_is_seen_over_a_web_socket() {
    check("websocket");
}

#[test]
fn nothing_planted_is_seen_over_plain_requests() {
    check("polling");
}

fn check(transport: &str) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let server = Server::start(&folder.path().join("server"));
    let recorder = Recorder::start(server.address());
    let first = App::at(folder.path().join("first"), &recorder.url);
    let second = App::at(folder.path().join("second"), &recorder.url);
    plant(&first, transport, &folder.path().join("file.json"), &recorder.url);
    sign(&second, transport, "signin", &recorder.url);
    run(&second, transport, &["sync"], "");
    run(&second, transport, &["workspace", "use", &planted("workspace", 0)], "");
    let there = run(&second, transport, &["export", "--all", "--format", "dump"], "");
    let workspace = planted("workspace", 0);
    let there = there
        + &run(&second, transport, &["env", "show", "--secrets", &planted("environment", 0)], "")
        + &run(&second, transport, &["workspace", "list"], "");
    for text in
        everything().iter().filter(|text| **text != planted("password", 0) && **text != planted("secret", 0))
    {
        assert!(there.contains(text.as_str()), "{text} has not arrived in {there}");
    }
    assert!(there.contains(&workspace));
    let captured = recorder.captured();
    // The recorder hears: the e-mail is what a server must know, in what an app sends and is sent.
    assert!(holds(&captured, EMAIL.as_bytes()), "nothing was recorded");
    assert_eq!(seen_in(&captured), Vec::<String>::new(), "on the wire");
    for place in ["server", "first", "second"] {
        for (path, bytes) in files(&folder.path().join(place)) {
            let name = path.display().to_string();
            assert_eq!(seen_in(&bytes), Vec::<String>::new(), "in {name}");
            assert_eq!(seen_in(name.as_bytes()), Vec::<String>::new(), "in a file's name");
            let is_home = place != "server";
            assert!(!is_home || !holds(&bytes, EMAIL.as_bytes()), "the e-mail is in {name}");
        }
    }
    assert!(!files(&folder.path().join("server").join("data")).is_empty());
}

fn plant(app: &App, transport: &str, at: &Path, url: &str) {
    std::fs::write(at, file()).expect("it can be written");
    sign(app, transport, "signup", url);
    let name = planted("workspace", 0);
    run(app, transport, &["workspace", "create", &name], "");
    run(app, transport, &["workspace", "use", &name], "");
    run(app, transport, &["import", at.to_str().expect("it is UTF-8")], "");
    let environment = planted("environment", 0);
    let set = |word: String, more: &[&str]| {
        let mut words = vec!["env", "set", "--env", &environment, &word];
        words.extend(more);
        run(app, transport, &words, "");
    };
    set(format!("{}={}", planted("variable", 0), planted("value", 0)), &[]);
    set(format!("one={}", planted("secret", 0)), &["--secret"]);
    set(format!("two={}", planted("shared", 0)), &["--secret", "--share"]);
}

fn sign(app: &App, transport: &str, how: &str, url: &str) {
    let words = [how, "--server", url, "--email", EMAIL, "--password-stdin"];
    run(app, transport, &words, &format!("{}\n", planted("password", 0)));
}

fn run(app: &App, transport: &str, words: &[&str], input: &str) -> String {
    let mut command = app.command(words);
    let mut child =
        command.env("SATCHEL_TRANSPORT", transport).stdin(Stdio::piped()).spawn().expect("it can be started");
    let mut stdin = child.stdin.take().expect("it is piped");
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    let ended = child.wait_with_output().expect("it can be waited for");
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{words:?}: {text}{}", String::from_utf8_lossy(&ended.stderr));
    text
}

/// What of the planted is in these bytes: as it is, in base64 at each alignment, in hexadecimal.
fn seen_in(bytes: &[u8]) -> Vec<String> {
    let is_seen = |text: &String| forms(text).iter().any(|form| holds(bytes, form));
    everything().into_iter().filter(is_seen).collect()
}

fn forms(text: &str) -> Vec<Vec<u8>> {
    let hexadecimal = text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let mut forms =
        vec![text.as_bytes().to_vec(), hexadecimal.to_uppercase().into_bytes(), hexadecimal.into_bytes()];
    for engine in [STANDARD, URL_SAFE] {
        forms.extend((0..3).map(|before| {
            let padded = [vec![0; before], text.as_bytes().to_vec()].concat();
            let whole = padded.len() / 3 * 3;
            // Letters that also depend on the bytes around are left out.
            let skipped = if before == 0 { 0 } else { 4 };
            engine.encode(&padded[..whole]).as_bytes()[skipped..].to_vec()
        }));
    }
    forms
}

#[test]
fn the_search_finds_every_form() {
    let text = planted("secret", 0);
    for around in 0..3 {
        let within = [&b"abc"[..around], text.as_bytes(), b"xyz"].concat();
        assert_eq!(seen_in(&within), [text.as_str()]);
        assert_eq!(seen_in(STANDARD.encode(&within).as_bytes()), [text.as_str()]);
    }
}

/// A way to the server that keeps every byte of both directions, a list for each direction of a connection.
struct Recorder {
    url: String,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Recorder {
    fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let url = format!("http://{}", listener.local_addr().expect("it listens"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (server, record) = (server.to_owned(), heard.clone());
        std::thread::spawn(move || {
            for app in listener.incoming().flatten() {
                let Ok(there) = TcpStream::connect(&server) else { continue };
                let (Ok(app_too), Ok(there_too)) = (app.try_clone(), there.try_clone()) else { continue };
                let (up, down) = (record.clone(), record.clone());
                std::thread::spawn(move || pass(app, there, &up));
                std::thread::spawn(move || pass(there_too, app_too, &down));
            }
        });
        Self { url, heard }
    }

    /// All that was heard, as the server reads it.
    fn captured(&self) -> Vec<u8> {
        let heard = self.heard.lock().expect("no thread fails with it");
        heard.iter().flat_map(|direction| unmasked(direction)).collect()
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, record: &Mutex<Vec<Vec<u8>>>) {
    let own = {
        let mut heard = record.lock().expect("no thread fails with it");
        heard.push(Vec::new());
        heard.len() - 1
    };
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        record.lock().expect("no thread fails with it")[own].extend_from_slice(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Write));
    drop(from.shutdown(Shutdown::Read));
}

/// A web socket's client masks what it sends (RFC 6455, 5.2); without taking the masks off, a search of
/// the wire would find nothing whatever is in it.
fn unmasked(direction: &[u8]) -> Vec<u8> {
    let Some(head) = direction.windows(4).position(|window| window == b"\r\n\r\n") else {
        return direction.to_vec();
    };
    let (head, mut rest) = direction.split_at(head + 4);
    let mut read = head.to_vec();
    if !String::from_utf8_lossy(head).to_lowercase().contains("upgrade: websocket")
        || !head.starts_with(b"GET")
    {
        read.extend_from_slice(rest);
        return read;
    }
    while let Some((payload, after)) = frame(rest) {
        read.extend(payload);
        rest = after;
    }
    read.extend_from_slice(rest);
    read
}

fn frame(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let short = bytes.get(1)?;
    assert!(short & 0x80 != 0, "a client's frame is masked");
    let (length, at) = match short & 0x7f {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?, 10),
        length => (usize::from(length), 2),
    };
    let mask = bytes.get(at..at + 4)?;
    let payload = bytes.get(at + 4..at + 4 + length)?;
    let opened = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    Some((opened, &bytes[at + 4 + length..]))
}

#[test]
fn the_recorder_takes_the_masks_off() {
    let head = b"GET /v1/socket HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
    let mask = [1, 2, 3, 4];
    let masked: Vec<u8> =
        b"planted".iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    let sent = [&head[..], &[0x82, 0x80 | 7], &mask, &masked].concat();
    assert!(holds(&unmasked(&sent), b"planted") && !holds(&sent, b"planted"));
}
