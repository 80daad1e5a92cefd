//! Command lines in and out, and the two against each other.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value as Json, json};

use crate::auth::Surroundings;
use crate::auth::oauth2::NoTokens;
use crate::build::{Files, Options, Source, build};
use crate::curl::{CurlError, Shell, read, write};
use crate::http::{Body, Content, FormPart, Request, Settings};
use crate::variable::Scopes;

fn check(text: &str, expected: &Json) {
    let imported = read(text).expect("it is read");
    let mut found = imported.item["request"].clone();
    if let Some(behavior) = imported.item.get("protocolProfileBehavior") {
        found["behavior"] = behavior.clone();
    }
    if !imported.losses.is_empty() {
        found["losses"] = json!(imported.losses);
    }
    assert_eq!(found, *expected, "{text}");
}

#[test]
fn command_lines_become_documents() {
    check("curl example.com", &json!({ "method": "GET", "header": [], "url": "example.com" }));
    check(
        "$ curl -sSLk -X PATCH 'https://h/p?a=1' -H 'A: b' -H'C:d' -H 'Empty;' -H 'Accept:' -A agent -e 'http://r;auto' -b 'x=1; y=2' --max-redirs 3",
        &json!({ "method": "PATCH", "url": "https://h/p?a=1", "header": [
            { "key": "A", "value": "b" }, { "key": "C", "value": "d" }, { "key": "Empty", "value": "" }, { "key": "User-Agent", "value": "agent" },
            { "key": "Referer", "value": "http://r" }, { "key": "Cookie", "value": "x=1; y=2" }],
            "behavior": { "followRedirects": true, "strictSSL": false, "maxRedirects": 3, "disabledSystemHeaders": { "accept": true } } }),
    );
    check(
        "curl h -d a=1 --data-raw 'b=x%20y' --data-urlencode 'c=é &'",
        &json!({ "method": "POST", "header": [], "url": "h", "body": { "mode": "urlencoded", "urlencoded": [
            { "key": "a", "value": "1" }, { "key": "b", "value": "x y" }, { "key": "c", "value": "é &" }] } }),
    );
    check(
        "curl h -d 'a=x+y'",
        &json!({ "method": "POST", "header": [{ "key": "Content-Type", "value": "application/x-www-form-urlencoded" }], "url": "h", "body": { "mode": "raw", "raw": "a=x+y" } }),
    );
    check(
        "curl -G h?x=1 -d a=1 --data-urlencode 'b=c d' --url-query e=f",
        &json!({ "method": "GET", "header": [], "url": "h?x=1&e=f&a=1&b=c%20d" }),
    );
    check("curl -I h", &json!({ "method": "HEAD", "header": [], "url": "h" }));
    check(
        "curl --json '{\"a\":1}' h",
        &json!({ "method": "POST", "url": "h", "header": [{ "key": "Content-Type", "value": "application/json" }, { "key": "Accept", "value": "application/json" }],
            "body": { "mode": "raw", "raw": "{\"a\":1}", "options": { "raw": { "language": "json" } } } }),
    );
    check(
        "curl h -F 'a=b;type=text/x' -F 'f=@\"/tmp/a;b.txt\";filename=c.txt' --form-string 'g=@h;i'",
        &json!({ "method": "POST", "header": [], "url": "h", "body": { "mode": "formdata", "formdata": [
            { "key": "a", "value": "b", "type": "text", "contentType": "text/x" }, { "key": "f", "type": "file", "src": "/tmp/a;b.txt", "fileName": "c.txt" },
            { "key": "g", "value": "@h;i", "type": "text" }] } }),
    );
    check(
        "curl h -T f.bin",
        &json!({ "method": "PUT", "header": [], "url": "h", "body": { "mode": "file", "file": { "src": "f.bin" } } }),
    );
    check(
        "curl -XGET h --data-binary @f.json -H 'Content-Type: application/json'",
        &json!({ "method": "GET", "header": [{ "key": "Content-Type", "value": "application/json" }], "url": "h",
            "body": { "mode": "file", "file": { "src": "f.json" } }, "behavior": { "disableBodyPruning": true } }),
    );
}

#[test]
fn ways_to_sign_in_are_understood() {
    let auth = |kind: &str, pairs: &[(&str, &str)]| {
        let list: Vec<_> = pairs
            .iter()
            .map(|(key, value)| json!({ "key": key, "value": value, "type": "string" }))
            .collect();
        json!({ "method": "GET", "header": [], "url": "h", "auth": { "type": kind, kind: list } })
    };
    check("curl -u me:p:w h", &auth("basic", &[("username", "me"), ("password", "p:w")]));
    check("curl --digest --user me:pw h", &auth("digest", &[("username", "me"), ("password", "pw")]));
    check("curl --oauth2-bearer tok h", &auth("bearer", &[("token", "tok")]));
    check(
        "curl --aws-sigv4 aws:amz:eu-west-1:s3 -u AK:SK h",
        &auth(
            "awsv4",
            &[("accessKey", "AK"), ("secretKey", "SK"), ("region", "eu-west-1"), ("service", "s3")],
        ),
    );
}

#[test]
fn what_browsers_copy_is_understood() {
    let expected = json!({ "method": "POST", "url": "https://h/api?q=a%20b", "header": [
        { "key": "accept", "value": "*/*" }, { "key": "content-type", "value": "application/json" }, { "key": "sec-ch-ua", "value": "\"Chromium\";v=\"1\"" }],
        "body": { "mode": "raw", "raw": "{\"it\":\"it's\\n!\"}", "options": { "raw": { "language": "json" } } } });
    let bash = "curl 'https://h/api?q=a%20b' \\\n  -H 'accept: */*' \\\n  -H 'content-type: application/json' \\\n  -H 'sec-ch-ua: \"Chromium\";v=\"1\"' \\\n  \
        --data-raw $'{\"it\":\"it\\'s\\\\n\\u0021\"}' \\\n  --compressed";
    check(bash, &expected);
    let cmd = "curl ^\"https://h/api?q=a^%^20b^\" ^\r\n  -H ^\"accept: */*^\" ^\r\n  -H ^\"content-type: application/json^\" ^\r\n  \
        -H ^\"sec-ch-ua: \\^\"Chromium\\^\";v=\\^\"1\\^\"^\" ^\r\n  --data-raw ^\"^{\\^\"it\\^\":\\^\"it's\\n^!\\^\"^}^\"";
    check(cmd, &expected);
}

#[test]
fn what_is_not_understood_is_told() {
    check(
        "curl a b --frobnicate -u x: --next c",
        &json!({ "method": "GET", "header": [], "url": "a", "auth": { "type": "basic", "basic": [
            { "key": "username", "value": "x", "type": "string" }, { "key": "password", "value": "", "type": "string" }] },
            "losses": ["--frobnicate", "the requests after --next", "all URLs but the first"] }),
    );
    check(
        "curl h -o out -w '%{x}' --retry 3 -K cfg | jq",
        &json!({ "method": "GET", "header": [], "url": "h", "losses": ["what stands after the command", "-K"] }),
    );
    assert_eq!(read("wget x"), Err(CurlError::NotCurl));
    assert_eq!(read(""), Err(CurlError::NotCurl));
    assert_eq!(read("curl"), Err(CurlError::NoUrl));
    assert_eq!(read("curl h -H"), Err(CurlError::NoValue { flag: "-H".into() }));
    assert_eq!(read("curl 'h"), Err(CurlError::OpenQuote));
    let extras = read("curl h -x p:1 --cert c --key k --cacert r -m 1.5 --connect-timeout 2 --http2")
        .map(|imported| imported.extras);
    let extras = extras.expect("it is read");
    assert_eq!((extras.proxy.as_deref(), extras.total.map(|it| it.as_millis())), (Some("p:1"), Some(1500)));
}

fn request(method: &str, url: &str, headers: &[(&str, &str)], body: Body) -> Request {
    let mut request = Request::new(method, url);
    request.headers =
        headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    request.body = body;
    request
}

fn check_written(request: &Request, shell: Shell, expected: &str) {
    let text = write(request, shell).unwrap_or_else(|error| format!("!{error}"));
    assert_eq!(text, expected);
}

#[test]
fn requests_become_command_lines() {
    let get = request(
        "GET",
        "http://h/a/../b?x=1&y={z}",
        &[("Host", "h"), ("X", "it's $HOME `x`"), ("E", ""), ("Accept-Encoding", "gzip")],
        Body::Empty,
    );
    check_written(
        &get,
        Shell::Posix,
        concat!(
            "curl \\\n  --url 'http://h/a/../b?x=1&y={z}' \\\n  --globoff \\\n  --path-as-is \\\n  --location \\\n  --compressed \\\n  ",
            "--header 'X: it'\\''s $HOME `x`' \\\n  --header 'E;'"
        ),
    );
    let mut post = request("PUT", "https://h/", &[], Body::Bytes(b"say \"hi\" \\\"100%\"\n&".to_vec()));
    post.settings = Settings { follow_redirects: false, verify_tls: false, ..Settings::default() };
    check_written(
        &post,
        Shell::Cmd,
        concat!(
            "curl ^\n  --request PUT ^\n  --url https://h/ ^\n  --insecure ^\n  --header Content-Type: ^\n  ",
            "--data-raw ^\"say \\^\"hi\\^\" \\\\\\^\"100^%\\^\"^\n\n^&^\""
        ),
    );
    let part = |name: &str, content, file_name: Option<&str>, kind: Option<&str>| FormPart {
        name: name.into(),
        content,
        file_name: file_name.map(str::to_owned),
        content_type: kind.map(str::to_owned),
    };
    let form = Body::Form(vec![
        part("a", Content::Bytes(b"@b;c".to_vec()), None, None),
        part("f", Content::File("x y\".txt".into()), Some("n"), Some("text/x")),
    ]);
    check_written(
        &request("POST", "http://h/", &[("Content-Type", "multipart/form-data; boundary=x")], form),
        Shell::Posix,
        "curl \\\n  --url http://h/ \\\n  --location \\\n  --form-string 'a=@b;c' \\\n  --form 'f=@\"x y\\\".txt\";type=text/x;filename=\"n\"'",
    );
    check_written(
        &request("GET", "http://h/", &[("X", "a\r\nY: b")], Body::Empty),
        Shell::Posix,
        "!the header X cannot be written as a command line",
    );
    check_written(
        &request("GET\n", "http://h/", &[], Body::Empty),
        Shell::Posix,
        "!the method cannot be written as a command line",
    );
    check_written(
        &request("POST", "http://h/", &[], Body::Bytes(vec![0xff])),
        Shell::Posix,
        "!a body that is no text cannot be written as a command line",
    );
}

#[test]
fn what_is_written_reads_as_the_same_request() {
    let bodies = [
        "",
        "{\"a\": \"it's\\n\"}",
        "a=1&b=x%20y",
        "a=x+y&&",
        "two\nlines \"\\\\\" 100% ^ !x! $HOME",
        "{} // kept",
    ];
    for shell in [Shell::Posix, Shell::Cmd] {
        for body in bodies {
            for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
                let body = if body.is_empty() { Body::Empty } else { Body::Bytes(body.as_bytes().to_vec()) };
                let sent = request(
                    "POST",
                    "http://h/p?q=a%20b&c=%27d%22",
                    &[("X-Y", "\"q\" 'r' \\"), ("Content-Type", kind)],
                    body,
                );
                let text = write(&sent, shell).expect("it is written");
                let item = read(&text).expect("it is read").item;
                let mut rng = ChaCha8Rng::seed_from_u64(1);
                let mut around = Surroundings { now_ms: 0, rng: &mut rng, tokens: &NoTokens };
                let options = Options {
                    settings: Settings::default(),
                    user_agent: String::new(),
                    files: Files::none(),
                };
                let built =
                    build(Source { item: &item, ancestors: &[] }, &Scopes::default(), &options, &mut around)
                        .expect("it is built");
                assert_eq!(
                    (&built.request.method, &built.request.url, &built.request.body),
                    (&sent.method, &sent.url, &sent.body),
                    "{text}"
                );
                for (name, value) in &sent.headers {
                    assert_eq!(built.request.header(name), Some(value.as_slice()), "{text}");
                }
            }
        }
    }
}
