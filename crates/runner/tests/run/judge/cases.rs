//! The collections that newman and the runner are compared by.
//!
//! Where the two differ on purpose there is no case: a variable with `"enabled": false` counts in newman and does not in Postman's app nor
//! here; a list or object in a text is JSON here and `[object Object]` there; `null` in a row of data is no variable here; of headers whose
//! names differ in case alone, newman sends the last; what a timer's function throws is a fault here and a line of the console there.

use satchel_runner::testing::TestServer;
use serde_json::{Value as Json, json};

use super::Case;
use crate::fixture::{events, request};

/// A collection for this server.
fn collection(server: &TestServer, items: &Json) -> Json {
    json!({
        "info": {
            "name": "Judged",
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "variable": [{ "key": "base", "value": server.url("") }, { "key": "of", "value": "collection" }],
        "item": items,
    })
}

/// Collections made to show one thing each.
pub(super) fn own(server: &TestServer) -> Vec<(&'static str, Case)> {
    let case = |items: Json| Case { collection: collection(server, &items), ..Case::default() };
    let mut cases = vec![
        ("tests that pass, fail, throw and are skipped", case(tests())),
        ("legacy tests", case(legacy())),
        ("scripts that throw", case(throws())),
        ("methods and bodies", case(bodies())),
        ("headers, parameters and path variables", case(addresses())),
        ("changes of the request by scripts", case(changes())),
        ("requests of scripts", case(inner())),
        ("cookies and redirects", case(cookies())),
        ("requests that fail", case(failing())),
        ("variables of all scopes", scopes(case(variables()))),
        ("setNextRequest", Case { iterations: Some(2), ..case(leads()) }),
        ("setNextRequest to nowhere", case(leads_nowhere())),
        ("requests that are skipped", case(skips())),
        ("folders with scripts and auth", folders(server, case(nested()))),
        (
            "a selection of folders",
            Case { folder: vec!["Inner", "Second"], ..folders(server, case(nested())) },
        ),
        ("a bail", Case { bail: true, iterations: Some(2), ..case(tests()) }),
        (
            "a data file in CSV",
            Case {
                data: "\u{feff}sku,n, words \r\nA-1,1,\"say \"\"hi\"\", now\"\r\nB 2,02, x \r\nC\r\n",
                ..case(data())
            },
        ),
        (
            "a data file in JSON",
            Case { data: r#"[{"sku":"A","n":1.5,"words":"x y"},{"sku":"","n":true}]"#, ..case(data()) },
        ),
        (
            "more iterations than rows",
            Case { data: "sku,n,words\nA,1,x\nB,2,y\n", iterations: Some(4), ..case(data()) },
        ),
    ];
    cases.push(("auth of every kind that has no nonce", case(auth())));
    cases
}

fn tests() -> Json {
    json!([
        request(
            "All kinds",
            "/status/200",
            "pm.test('before', () => {})",
            "pm.test('passes', () => pm.response.to.have.status(200));\n\
             pm.test('fails', () => pm.expect(1).to.equal(2));\n\
             pm.test('throws', () => { null.x });\n\
             pm.test.skip('skipped', () => {});\n\
             pm.test('same', () => {}); pm.test('same', () => { throw new RangeError('twice') });\n\
             pm.test('', () => {});\n\
             pm.test('waits', (done) => setTimeout(done, 5));\n\
             pm.test('waits and fails', (done) => setTimeout(() => done(new Error('late')), 5));"
        ),
        request(
            "Not found",
            "/status/404",
            "",
            "pm.test('is 200', () => pm.response.to.have.status(200)); pm.test('is not', () => pm.response.to.be.notFound)"
        ),
    ])
}

fn legacy() -> Json {
    json!([request(
        "Legacy",
        "/echo?a=1",
        "postman.setEnvironmentVariable('e', 1); postman.setGlobalVariable('g', 'x')",
        "tests['is 200'] = responseCode.code === 200; tests['is not'] = false; tests['body'] = responseBody.indexOf('echo') > 0;\n\
         tests['number'] = 1; tests['global ' + globals.g] = postman.getEnvironmentVariable('e') === '1'; tests['none'] = undefined;"
    )])
}

fn throws() -> Json {
    json!([
        request("Before", "/1", "missing.thing", "pm.test('still', () => {})"),
        request(
            "After",
            "/2",
            "",
            "pm.test('first', () => {}); throw new TypeError('own'); pm.test('never', () => {})"
        ),
        request("Syntax", "/3", "const = 1", "pm.test('still', () => {})"),
    ])
}

fn bodies() -> Json {
    let send = |name: &str, method: &str, body: Json| json!({ "name": name, "request": { "method": method, "url": "{{base}}/echo", "header": [], "body": body } });
    json!([
        send("Raw", "POST", json!({ "mode": "raw", "raw": "{\"of\": \"{{of}}\"} // no" })),
        send(
            "JSON",
            "PUT",
            json!({ "mode": "raw", "raw": "{\"of\": \"{{of}}\" /* no */}", "options": { "raw": { "language": "json" } } })
        ),
        send(
            "Form",
            "POST",
            json!({ "mode": "urlencoded", "urlencoded": [
                { "key": "a b", "value": "1&2=é" }, { "key": "off", "value": "x", "disabled": true }, { "key": "a b", "value": "{{of}}" },
            ]})
        ),
        send(
            "Parts",
            "POST",
            json!({ "mode": "formdata", "formdata": [
                { "key": "text", "value": "x\"y", "type": "text" }, { "key": "json", "value": "{}", "contentType": "application/json", "type": "text" },
            ]})
        ),
        send(
            "GraphQL",
            "POST",
            json!({ "mode": "graphql", "graphql": { "query": "{ a }", "variables": "{\"x\": 1}" } })
        ),
        send("Empty", "POST", json!({ "mode": "raw", "raw": "" })),
        send("Pruned", "GET", json!({ "mode": "raw", "raw": "gone" })),
        send("Delete", "DELETE", json!({ "mode": "raw", "raw": "kept" })),
        send("Own method", "purge", json!({ "mode": "raw", "raw": "gone" })),
    ])
}

fn addresses() -> Json {
    json!([
        { "name": "Written", "request": { "method": "GET", "url": "{{base}}/a b/ü?x=1 2&y={{of}}&z#top", "header": [
            { "key": "X-One", "value": "{{of}}" }, { "key": "X-Off", "value": "1", "disabled": true },
            { "key": "Accept", "value": "text/plain" },
        ]}},
        { "name": "In parts", "request": { "method": "GET", "url": {
            "raw": "{{base}}/:id/x?q=1", "host": ["{{base}}"], "path": [":id", "x"],
            "query": [{ "key": "q", "value": "a&b" }, { "key": "off", "value": "1", "disabled": true }, { "key": "empty", "value": "" }, { "key": "none", "value": null }],
            "variable": [{ "key": "id", "value": "{{of}}/1" }],
        }}},
    ])
}

fn changes() -> Json {
    json!([
        request(
            "Changed",
            "/old",
            "pm.request.headers.add({ key: 'X-Added', value: 'by {{of}}' }); pm.request.method = 'POST'; pm.request.url.path.push('new');\n\
         pm.request.body.update({ mode: 'raw', raw: 'of script' }); pm.request.addQueryParams('q=1')",
            "pm.test('sent', () => { pm.expect(pm.request.method).to.equal('POST'); pm.expect(pm.response.json().body).to.equal('of script') })",
        ),
        request(
            "As written",
            "/old",
            "",
            "pm.test('again', () => pm.expect(pm.request.method).to.equal('GET'))"
        )
    ])
}

fn inner() -> Json {
    json!([request(
        "Sends",
        "/outer",
        "pm.sendRequest(pm.variables.replaceIn('{{base}}/before'), (error, response) => { pm.test('inner', () => { pm.expect(error).to.equal(null); pm.expect(response.code).to.equal(200) }); pm.variables.set('got', response.json().path) })",
        "pm.sendRequest({ url: pm.collectionVariables.get('base') + '/after', method: 'POST', header: { 'X-Got': pm.variables.get('got') }, body: { mode: 'raw', raw: '1' } }, (error, response) => {\n\
           pm.test('posted', () => pm.expect(response.json().headers['x-got']).to.equal('/before'));\n\
           pm.sendRequest('http://127.0.0.1:1/', (error) => pm.test('refused', () => pm.expect(error.code).to.equal('ECONNREFUSED')))\n\
         })",
    )])
}

fn cookies() -> Json {
    json!([
        request(
            "Set",
            "/cookie/one",
            "",
            "pm.test('seen', () => pm.expect(pm.cookies.get('one')).to.equal('1'))"
        ),
        request(
            "Sent",
            "/echo",
            "",
            "pm.test('sent', () => pm.expect(pm.response.json().headers.cookie).to.equal('one=1'))"
        ),
    ])
}

fn failing() -> Json {
    json!([
        { "name": "Refused", "request": { "method": "GET", "url": "http://127.0.0.1:1/" }, "event": events("", "pm.test('runs all the same', () => {}); pm.test('has no answer', () => pm.expect(pm.response).to.equal(undefined))") },
        request("Reset", "/reset", "", "pm.test('after', () => {})"),
        request("Goes on", "/status/200", "", "pm.test('fine', () => pm.response.to.have.status(200))"),
    ])
}

fn variables() -> Json {
    json!([
        request(
            "Scopes",
            "/{{of}}/{{only}}/{{nested}}/{{nowhere}}",
            "pm.environment.set('fresh', 1.5); pm.variables.set('local', 'l'); pm.globals.unset('gone')",
            "for (const name of ['of', 'only', 'nested', 'fresh', 'local', 'gone']) pm.test(name + '=' + JSON.stringify(pm.variables.get(name)), () => {})",
        ),
        request(
            "Kept",
            "/{{fresh}}/{{local}}/{{gone}}",
            "",
            "pm.test('e=' + JSON.stringify(pm.environment.toObject()), () => {})"
        )
    ])
}

fn scopes(case: Case) -> Case {
    let values = |values: Json| Some(json!({ "name": "test", "values": values }));
    Case {
        environment: values(json!([
            { "key": "of", "value": "environment" }, { "key": "nested", "value": "{{only}}-{{of}}" },
        ])),
        globals: values(
            json!([{ "key": "of", "value": "globals" }, { "key": "only", "value": "g" }, { "key": "gone", "value": "x" }]),
        ),
        ..case
    }
}

fn leads() -> Json {
    json!([
        request("First", "/1", "", "pm.execution.setNextRequest('Third')"),
        request("Second", "/2", "", "pm.test('never', () => {})"),
        request("Third", "/3", "pm.execution.setNextRequest('First')", "const n = (pm.environment.get('n') || 0) + 1; pm.environment.set('n', n); postman.setNextRequest(n % 3 ? 'Third' : 'Twice')"),
        { "name": "Folder", "item": [request("Twice", "/4", "", ""), request("Twice", "/5", "", "pm.execution.setNextRequest(null)"), request("Never", "/6", "", "")] },
    ])
}

fn leads_nowhere() -> Json {
    json!([
        request("First", "/1", "", "pm.execution.setNextRequest('nowhere')"),
        request("Second", "/2", "", "")
    ])
}

fn skips() -> Json {
    json!([
        request(
            "Skipped",
            "/1",
            "pm.test('before', () => {}); pm.execution.skipRequest(); pm.test('never', () => {})",
            "pm.test('never', () => {})"
        ),
        request("Second", "/2", "", "pm.test('runs', () => {})"),
    ])
}

fn nested() -> Json {
    let own = json!({ "type": "bearer", "bearer": [{ "key": "token", "value": "{{of}}" }] });
    let mut second = request(
        "Second",
        "/2",
        "",
        "pm.test('own', () => pm.expect(pm.response.json().headers.authorization).to.equal(undefined))",
    );
    second["request"]["auth"] = json!({ "type": "noauth" });
    json!([
        request("First", "/1", "", "pm.test('basic', () => pm.expect(pm.response.json().headers.authorization).to.match(/^Basic/))"),
        { "name": "Outer", "auth": own, "event": events("pm.environment.set('way', (pm.environment.get('way') || '') + 'o')", "pm.test('outer ' + pm.environment.get('way'), () => {})"), "item": [
            second,
            { "name": "Inner", "event": events("pm.environment.set('way', pm.environment.get('way') + 'i')", "pm.test('inner', () => {})"), "item": [
                request("Third", "/3", "pm.environment.set('way', pm.environment.get('way') + 'r')", "pm.test('bearer', () => pm.expect(pm.response.json().headers.authorization).to.equal('Bearer collection'))"),
            ]},
        ]},
    ])
}

fn folders(server: &TestServer, mut case: Case) -> Case {
    let _ = server;
    case.collection["auth"] = json!({ "type": "basic", "basic": [{ "key": "username", "value": "ann" }, { "key": "password", "value": "{{of}}" }] });
    case.collection["event"] =
        events("pm.environment.set('way', 'c')", "pm.test('collection ' + pm.info.requestName, () => {})");
    case
}

fn data() -> Json {
    json!([request(
        "Row",
        "/{{sku}}?n={{n}}&w={{words}}",
        "",
        "pm.test(JSON.stringify(data), () => {}); pm.test(pm.info.iteration + ' of ' + pm.info.iterationCount, () => {}); pm.test(typeof pm.iterationData.get('n') + ' ' + JSON.stringify(pm.iterationData.toObject()), () => {})",
    )])
}

fn auth() -> Json {
    let send = |kind: &str, attributes: &[(&str, &str)]| {
        let attributes: Vec<_> =
            attributes.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
        json!({ "name": kind, "request": { "method": "GET", "url": "{{base}}/echo?x=1", "auth": { "type": kind, kind: attributes } } })
    };
    json!([
        send("basic", &[("username", "é"), ("password", "p:w")]),
        send("bearer", &[("token", "t")]),
        send("apikey", &[("key", "X-Key"), ("value", "v"), ("in", "header")]),
        send("apikey", &[("key", "k y"), ("value", "v&w"), ("in", "query")]),
        send("oauth2", &[("accessToken", "t"), ("headerPrefix", "Token")]),
        send("hawk", &[("authId", "i"), ("authKey", "k"), ("algorithm", "sha256")]),
        send(
            "digest",
            &[("username", "u"), ("password", "p"), ("realm", "r"), ("nonce", "n"), ("algorithm", "MD5")]
        ),
    ])
}

/// Published collections of the fixtures, their hosts replaced by the server.
pub(super) fn published(server: &TestServer) -> Vec<(String, Case)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/postman");
    let names = [
        "examples/v2.1.0/apikeyAuthTest.json",
        "examples/v2.1.0/bearerAuthTest.json",
        "examples/v2.1.0/box.json",
        "examples/v2.1.0/formdata-body.json",
        "examples/v2.1.0/github.json",
        "examples/v2.1.0/hackernews.json",
        "examples/v2.1.0/httpMethods.json",
        "examples/v2.1.0/httpbin.json",
        "examples/v2.1.0/jsonblob.json",
        "examples/v2.1.0/nestedEntities.json",
        "examples/v2.1.0/proper-url-parsing.json",
        "examples/v2.1.0/reqBodyContentType.json",
        "examples/v2.1.0/reqBodyGraphQL.json",
        "examples/v2.1.0/syncapi.json",
        "examples/v2.1.0/twitter.json",
        "real/twitter-api-v2.postman_collection.json",
    ];
    let read = |name: &&str| {
        let bytes = std::fs::read(folder.join(name)).expect("the fixtures are there");
        let mut collection: Json = serde_json::from_slice(&bytes).expect("it is JSON");
        rehost(&mut collection, server);
        let values = json!([{ "key": "url", "value": server.url("") }]);
        let environment = Some(json!({ "name": "judge", "values": values }));
        ((*name).to_owned(), Case { collection, environment, ..Case::default() })
    };
    names.iter().map(read).collect()
}

/// Makes all requests go to the server.
fn rehost(document: &mut Json, server: &TestServer) {
    for item in document.get_mut("item").and_then(Json::as_array_mut).into_iter().flatten() {
        rehost(item, server);
        // Answers that were kept are no part of a run, and large.
        item.as_object_mut().map(|item| item.remove("response"));
        let url = match item.get_mut("request") {
            Some(Json::Object(request)) => request.get_mut("url"),
            other => other,
        };
        match url {
            Some(Json::String(text)) => *text = rehosted(text, server),
            Some(Json::Object(url)) => {
                url.insert("protocol".to_owned(), json!("http"));
                url.insert("host".to_owned(), json!(["127", "0", "0", "1"]));
                url.insert("port".to_owned(), json!(server.address.port().to_string()));
            }
            _ => {}
        }
    }
}

fn rehosted(text: &str, server: &TestServer) -> String {
    let rest = text.split_once("//").map_or(text, |(_, rest)| rest);
    if rest.starts_with("{{url}}") {
        return text.to_owned();
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    server.url(&rest[end..])
}
