//! Requests made of documents; what newman 6.2.2 sends for the same documents is the measure.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde_json::{Value as Json, json};

use crate::auth::Surroundings;
use crate::auth::fixture::NOW_MS;
use crate::auth::oauth2::NoTokens;
use crate::build::{Built, Files, Options, Source, build};
use crate::http::{Body, Content, Request, Response, Settings};
use crate::variable::{Layer, Scope, Scopes};

fn options() -> Options {
    Options { settings: Settings::default(), user_agent: "satchel".into(), files: Files::none() }
}

fn built_with(item: &Json, ancestors: &[&Json], options: &Options) -> Built {
    let variables = json!({ "variable": [
        { "key": "v", "value": "val/ue" }, { "key": "host", "value": "http://h:81/base?q=1" }, { "key": "n", "value": 1.50 },
        { "key": "user", "value": "me" },
    ]});
    let scopes = Scopes::new([Layer::from_document(Scope::Collection, &variables)]);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut around = Surroundings { now_ms: NOW_MS, rng: &mut rng, tokens: &NoTokens };
    build(Source { item, ancestors }, &scopes, options, &mut around).expect("it is a request")
}

/// Method and URL, headers but those that always come, and the body.
fn shown(request: &Request) -> String {
    let automatic = [
        "User-Agent: satchel",
        "Accept: */*",
        "Cache-Control: no-cache",
        "Accept-Encoding: gzip, deflate, br",
        "Connection: keep-alive",
    ];
    let lines =
        request.headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)));
    let lines: Vec<_> =
        lines.filter(|line| !automatic.contains(&line.as_str()) && !line.starts_with("Host: ")).collect();
    let body = match &request.body {
        Body::Empty => String::new(),
        Body::Bytes(bytes) => format!("\n\n{}", String::from_utf8_lossy(bytes)),
        Body::File(path) => format!("\n\n<{}", path.file_name().unwrap_or_default().display()),
        Body::Form(parts) => parts
            .iter()
            .map(|part| {
                let content = match &part.content {
                    Content::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    Content::File(path) => format!("<{}", path.file_name().unwrap_or_default().display()),
                };
                format!("\n\n{}={content} {:?} {:?}", part.name, part.file_name, part.content_type)
            })
            .collect::<Vec<_>>()
            .concat(),
    };
    format!(
        "{} {}{}{body}",
        request.method,
        request.url,
        lines.iter().map(|line| format!("\n{line}")).collect::<Vec<_>>().concat()
    )
}

fn check_item(item: &Json, expected: &str) {
    assert_eq!(shown(&built_with(item, &[], &options()).request), expected, "{item}");
}

fn check(request: &Json, expected: &str) {
    check_item(&json!({ "request": request }), expected);
}

#[test]
fn a_request_goes_as_newman_sends_it() {
    check(&json!("h/x"), "GET http://h/x");
    check(
        &json!({ "method": "get", "url": "http://h/a/../b c/{{v}}?x=1&y=a b&z='\"#h", "header": [
            { "key": "X-B", "value": " b " }, { "key": "x-a", "value": "1" }, { "key": "X-A", "value": "3" }, { "key": "off", "value": "", "disabled": true },
            { "key": "O", "value": "{{n}} {{nope}}" }, { "key": "", "value": "none" }, { "key": "E", "value": null },
        ]}),
        "GET http://h/a/../b%20c/val/ue?x=1&y=a%20b&z=%27%22\nX-B:  b \nx-a: 1\nX-A: 3\nO: 1.5 {{nope}}\nE: ",
    );
    check(
        &json!({ "method": "POST", "url": { "host": ["h"], "path": ["p", ":id", ":x.json"],
            "variable": [{ "key": "id", "value": "{{v}}" }, { "key": "x", "value": "" }],
            "query": [{ "key": "a", "value": "1&2" }, { "key": "b", "value": null }, { "key": "c", "value": "x", "disabled": true }] },
            "auth": { "type": "apikey", "apikey": [{ "key": "key", "value": "K" }, { "key": "value", "value": "{{user}}" }, { "key": "in", "value": "query" }] } }),
        "POST http://h/p/val/ue/:x.json?a=1%262&b&K=me",
    );
    check(&json!({ "method": "GET", "url": "{{host}}&x={{user}}" }), "GET http://h:81/base?q=1&x=me");
    check(&json!({ "url": "h", "header": "A: b\r\nC: d\nnone" }), "GET http://h/\nA: b\nC: d");
    check(
        &json!({ "method": "pur ge\r\n", "url": "h/p?a=%zz&b=%41&&c#x y" }),
        "PUR GE\r\n http://h/p?a=%zz&b=%41&&c",
    );
}

#[test]
fn headers_come_by_themselves_in_newmans_order_unless_switched_off() {
    let names = |item: &Json| {
        let request = built_with(item, &[], &options()).request;
        request
            .headers
            .iter()
            .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value)))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        names(&json!({ "request": { "url": "h:80/", "header": [{ "key": "accept", "value": "x" }] } })),
        "accept=x User-Agent=satchel Cache-Control=no-cache Host=h:80 Accept-Encoding=gzip, deflate, br Connection=keep-alive"
    );
    let off = json!({ "user-agent": true, "accept": true, "host": true, "connection": true, "accept-encoding": true, "cache-control": true, "content-type": true });
    let body = json!({ "mode": "urlencoded", "urlencoded": [{ "key": "a", "value": "b" }] });
    let item = json!({ "protocolProfileBehavior": { "disabledSystemHeaders": off }, "request": { "method": "POST", "url": "h", "body": body } });
    assert_eq!(names(&item), "");
}

#[test]
fn raw_bodies_bring_their_type_and_lose_their_comments() {
    let raw = |text: &str, language: &str| json!({ "mode": "raw", "raw": text, "options": { "raw": { "language": language } } });
    let post = |body: Json| json!({ "method": "POST", "url": "h", "body": body });
    check(
        &post(json!({ "mode": "raw", "raw": "{{v}}" })),
        "POST http://h/\nContent-Type: text/plain\n\nval/ue",
    );
    check(
        &post(raw("{\"a\":1} // hi", "json")),
        "POST http://h/\nContent-Type: application/json\n\n{\"a\":1} ",
    );
    check(&post(raw("a // b", "xml")), "POST http://h/\nContent-Type: application/xml\n\na // b");
    check(&post(json!("text")), "POST http://h/\nContent-Type: text/plain\n\ntext");
    check(&post(raw("", "json")), "POST http://h/");
    check(&post(json!({ "mode": "raw", "raw": "x", "disabled": true })), "POST http://h/");
    check(&json!({ "url": "h", "body": { "mode": "raw", "raw": "hey" } }), "GET http://h/");
    check_item(
        &json!({ "protocolProfileBehavior": { "disableBodyPruning": true }, "request": { "url": "h", "body": { "mode": "raw", "raw": "hey" } } }),
        "GET http://h/\nContent-Type: text/plain\n\nhey",
    );
    let typed = json!({ "method": "POST", "url": "h", "header": [{ "key": "content-type", "value": "application/json" }], "body": { "mode": "raw", "raw": "{} /* x */" } });
    check(&typed, "POST http://h/\ncontent-type: application/json\n\n{} ");
    let signed = json!({ "method": "POST", "url": "h", "body": raw("{}", "json"), "auth": { "type": "bearer", "bearer": [{ "key": "token", "value": "t" }] } });
    check(&signed, "POST http://h/\nContent-Type: application/json\nAuthorization: Bearer t\n\n{}");
    let plain = json!({ "method": "POST", "url": "h", "body": raw("{}", "text"), "auth": { "type": "bearer", "bearer": [{ "key": "token", "value": "t" }] } });
    check(&plain, "POST http://h/\nAuthorization: Bearer t\nContent-Type: text/plain\n\n{}");
}

#[test]
fn forms_and_queries_go_as_newman_sends_them() {
    let form = json!([
        { "key": "b", "value": "x y!'()*~" }, { "key": "2", "value": "é%41" }, { "key": "b", "value": "2" }, { "key": "1" },
        { "key": "off", "value": "x", "disabled": true },
    ]);
    let body = json!({ "mode": "urlencoded", "urlencoded": form });
    check(
        &json!({ "method": "POST", "url": "h", "body": body }),
        "POST http://h/\nContent-Type: application/x-www-form-urlencoded\n\n1=&2=%C3%A9%2541&b=x%20y%21%27%28%29%2A~&b=2",
    );
    check(
        &json!({ "method": "POST", "url": "h", "header": [{ "key": "content-type", "value": "text/plain" }, { "key": "Z", "value": "1" }], "body": { "mode": "urlencoded", "urlencoded": "a=b&c" } }),
        "POST http://h/\ncontent-type: application/x-www-form-urlencoded\nZ: 1\n\na=b&c=",
    );
    check(
        &json!({ "method": "POST", "url": "h", "body": { "mode": "graphql", "graphql": { "query": "{ a(x: \"{{user}}\") }", "operationName": "o", "variables": "{\"a\": {{n}}}" } } }),
        "POST http://h/\nContent-Type: application/json\n\n{\"query\":\"{ a(x: \\\"me\\\") }\",\"operationName\":\"o\",\"variables\":{\"a\": 1.5}}",
    );
    check(
        &json!({ "method": "POST", "url": "h", "body": { "mode": "graphql", "graphql": { "query": "q", "variables": { "a": 1 } } } }),
        "POST http://h/\nContent-Type: application/json\n\n{\"query\":\"q\",\"variables\":{\"a\":1}}",
    );
}

#[test]
fn files_are_sent_from_their_folder_only() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.txt"), "hello").expect("a file");
    let options =
        Options { files: Files { folder: Some(folder.path().to_owned()), outside: false }, ..options() };
    let check = |body: &Json, expected: &str, warned: usize| {
        let built =
            built_with(&json!({ "request": { "method": "PUT", "url": "h", "body": body } }), &[], &options);
        let text = shown(&built.request);
        let text = text
            .lines()
            .map(|line| line.split("boundary=").next().unwrap_or_default())
            .collect::<Vec<_>>()
            .join("\n");
        assert_eq!((text.as_str(), built.warnings.len()), (expected, warned), "{body}");
    };
    check(
        &json!({ "mode": "file", "file": { "src": "a.txt" } }),
        "PUT http://h/\nContent-Type: text/plain\n\n<a.txt",
        0,
    );
    check(
        &json!({ "mode": "file", "file": "a.txt" }),
        "PUT http://h/\nContent-Type: text/plain\n\n<a.txt",
        0,
    );
    check(&json!({ "mode": "file", "file": { "src": "/etc/passwd" } }), "PUT http://h/", 1);
    check(&json!({ "mode": "file", "file": { "content": "aGk=" } }), "PUT http://h/\n\nhi", 0);
    let form = json!({ "mode": "formdata", "formdata": [
        { "key": "a\"b", "value": "1", "type": "text", "contentType": "text/x" }, { "key": "f", "type": "file", "src": "missing" },
        { "key": "f", "type": "file", "src": ["a.txt", "../x"] }, { "key": "g", "type": "file", "src": "a.txt", "fileName": "x.bin" },
        { "key": "n", "type": "file", "src": null }, { "key": "off", "value": "x", "disabled": true },
    ]});
    check(
        &form,
        concat!(
            "PUT http://h/\nContent-Type: multipart/form-data; \n\na\"b=1 None Some(\"text/x\")\n\nf=<a.txt None None",
            "\n\ng=<a.txt Some(\"x.bin\") None\n\nn= Some(\"\") None"
        ),
        3,
    );
}

#[test]
fn auth_and_behaviour_are_inherited() {
    let basic = json!({ "type": "basic", "basic": [{ "key": "username", "value": "{{user}}" }, { "key": "password", "value": "p" }] });
    let collection =
        json!({ "auth": basic, "protocolProfileBehavior": { "followRedirects": false, "maxRedirects": 3 } });
    let folder = json!({ "auth": null, "protocolProfileBehavior": { "strictSSL": false, "maxRedirects": 4, "disableCookies": true } });
    let item = json!({ "protocolProfileBehavior": { "maxRedirects": 5, "tlsDisabledProtocols": ["TLSv1_2"], "tlsCipherSelection": ["x"] }, "request": { "url": "h" } });
    let built = built_with(&item, &[&collection, &folder], &options());
    assert_eq!(shown(&built.request), "GET http://h/\nAuthorization: Basic bWU6cA==");
    let settings = &built.request.settings;
    assert_eq!((settings.follow_redirects, settings.verify_tls, settings.max_redirects), (false, false, 5));
    assert_eq!(
        (settings.send_cookies, settings.tls12, settings.tls13, built.warnings.len()),
        (false, false, true, 1)
    );
    let own = json!({ "request": { "url": "h", "auth": { "type": "noauth" } } });
    assert_eq!(shown(&built_with(&own, &[&collection, &folder], &options()).request), "GET http://h/");
}

#[test]
fn a_challenge_is_answered_with_the_same_request() {
    let auth = json!({ "type": "digest", "digest": [{ "key": "username", "value": "u" }, { "key": "password", "value": "p" }] });
    let item = json!({ "request": { "method": "POST", "url": "h/x y", "auth": auth, "header": [{ "key": "X", "value": "1" }], "body": { "mode": "raw", "raw": "b" } } });
    let mut built = built_with(&item, &[], &options());
    assert_eq!(shown(&built.request), "POST http://h/x%20y\nX: 1\nContent-Type: text/plain\n\nb");
    let challenge = ("WWW-Authenticate".to_owned(), b"Digest realm=\"r\", nonce=\"n\"".to_vec());
    let response = Response { status: 401, headers: vec![challenge], ..Response::default() };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut around = Surroundings { now_ms: NOW_MS, rng: &mut rng, tokens: &NoTokens };
    let again = built.answer(&response, &mut around).map(|request| shown(&request)).unwrap_or_default();
    assert!(
        again.starts_with("POST http://h/x%20y\nX: 1\nAuthorization: Digest username=\"u\"")
            && again.ends_with("text/plain\n\nb"),
        "{again}"
    );
    assert_eq!(built.answer(&response, &mut around), None);
}

#[test]
fn what_is_no_request_is_refused_and_what_is_odd_is_not() {
    let scopes = Scopes::default();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut around = Surroundings { now_ms: NOW_MS, rng: &mut rng, tokens: &NoTokens };
    for item in [json!(null), json!({}), json!({ "request": 5 }), json!([])] {
        assert!(build(Source { item: &item, ancestors: &[] }, &scopes, &options(), &mut around).is_err());
    }
    let odd = json!({ "request": { "url": { "host": 5, "path": {}, "query": [5, null, "x=1"] }, "header": [null, 5, "A: b"], "body": { "mode": 5 }, "auth": { "type": 5 }, "method": {} } });
    assert!(build(Source { item: &odd, ancestors: &[&json!(7)] }, &scopes, &options(), &mut around).is_ok());
}

/// Texts of pieces that mean something to some reader here.
fn odd_texts(count: usize) -> impl Iterator<Item = String> {
    let pieces = [
        "{{", "}}", "{", "}", "v", "$guid", "://", "/", "?", "#", "&", "=", "@", ":", "[", "]", "%", "%4",
        "%41", "\\", "\"", "'", "$'", "^", "\n", "\r\n", " ", ",", ";", "é", "\u{0}", "\u{7f}", "Digest ",
        "NTLM ", "realm=", "curl ", "-d ", "-F a=", "--", "-H ", "//", "/*", "*/", "\\x", "\\u", "\\777",
        "|", "🦀", ".", "..", ":id", "<", "@x",
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    std::iter::repeat_with(move || {
        let count = rng.next_u32() % 24;
        (0..count).map(|_| pieces[rng.next_u32() as usize % pieces.len()]).collect()
    })
    .take(count)
}

#[test]
fn no_text_makes_a_reader_panic() {
    let options = options();
    for text in odd_texts(6_000) {
        let parsed = crate::build::url::Url::parse(&text);
        let encoded = [parsed.encoded(false), parsed.encoded(true)];
        assert!(
            encoded.iter().all(|url| url.target().bytes().all(|byte| byte.is_ascii_graphic())),
            "{text:?}"
        );
        let _ = crate::build::comments::without_comments(&text);
        let _ = crate::auth::challenge::parse(&text);
        let _ = crate::curl::read(&format!("curl {text}"));
        let mut masker = crate::variable::Masker::default();
        masker.add(&text);
        let _ = masker.mask(&text);
    }
    for text in odd_texts(500) {
        let auth = |kind: &str| json!({ "type": kind, kind: { "username": text, "key": text, "token": text, "authKey": text, "authId": text, "accessKey": text, "secretKey": text, "consumerKey": text, "consumerSecret": text, "payload": text, "secret": text, "algorithm": "HS256" } });
        for kind in ["basic", "bearer", "apikey", "awsv4", "hawk", "oauth1", "jwt", "digest", "ntlm"] {
            let item = json!({ "request": { "method": text, "url": { "raw": text, "host": [text], "path": text, "query": text, "variable": [{ "key": "id", "value": text }] },
                "header": text, "body": { "mode": "urlencoded", "urlencoded": text }, "auth": auth(kind) } });
            let mut built = built_with(&item, &[], &options);
            let headers = vec![("www-authenticate".to_owned(), text.clone().into_bytes())];
            let response = Response { status: 401, headers, ..Response::default() };
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let mut around = Surroundings { now_ms: NOW_MS, rng: &mut rng, tokens: &NoTokens };
            built.answer(&response, &mut around);
            built.answer(&response, &mut around);
            let _ = crate::curl::write(&built.request, crate::curl::Shell::Posix);
            let _ = crate::curl::write(&built.request, crate::curl::Shell::Cmd);
        }
    }
}
