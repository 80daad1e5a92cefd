//! What sending reads, and what it leaves on this device.

use serde_json::{Value as Json, json};

use super::Desk;
use super::script::run;
use crate::api::{
    Call, EnvironmentChoice, ErrorKind, KeptChange, Reply, RunEntry, RunView, SentBody, SentEntry,
    SentRequest, SentResponse, SentSizes, SentTimings, SentView, SourcesView, ValueChange, ValuePlace,
};

fn shop() -> Desk {
    let mut desk = Desk::scratch();
    let collection = json!({
        "info": { "name": "Shop", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json" },
        "variable": [{ "key": "host", "value": "shop.test" }, { "key": "key", "value": "k3y", "type": "secret" }],
        "auth": { "type": "bearer", "bearer": [{ "key": "token", "value": "{{token}}", "type": "string" }] },
        "item": [
            { "name": "Carts", "item": [
                { "name": "Get", "request": { "method": "GET", "url": "http://{{host}}/cart" },
                  "response": [{ "name": "Saved", "body": "{}" }] },
            ]},
            { "name": "Ping", "request": { "method": "GET", "url": "http://{{host}}/" } },
        ],
    });
    desk.file("shop.json", &collection.to_string());
    run(&mut desk, "import shop.json\nsetenv Dev token=initial !pin=1234\nsetenv Dev ~token=now\nuse Dev");
    desk
}

fn sources(desk: &mut Desk, item: Option<&str>, environment: EnvironmentChoice, below: bool) -> SourcesView {
    let call = Call::Sources { item: item.map(str::to_owned), environment, below };
    match desk.call(&call) {
        Ok(Reply::Sources(sources)) => sources,
        other => panic!("no sources: {other:?}"),
    }
}

fn keep(desk: &mut Desk, values: &[(ValuePlace, &str, Option<Json>)]) -> Result<Reply, ErrorKind> {
    let found = sources(desk, Some("Shop/Carts/Get"), EnvironmentChoice::Active, false);
    let change = |(place, key, value): &(ValuePlace, &str, Option<Json>)| ValueChange {
        place: *place,
        key: (*key).to_owned(),
        value: value.clone(),
    };
    let call = Call::KeepSent {
        item: found.item.map(|it| it.item.id),
        environment: found.environment.map(|it| it.item.id),
        values: values.iter().map(change).collect(),
        cookies: Vec::new(),
        tokens: Vec::new(),
        sent: Vec::new(),
        runs: Vec::new(),
    };
    desk.call(&call).map_err(|error| error.kind)
}

/// The variables of a document, as `key=value`, disabled ones in brackets.
fn shown(document: &Json) -> String {
    let lists = ["values", "variable"].into_iter().filter_map(|name| document[name].as_array());
    let words = lists.flatten().map(|it| {
        let value = it["value"].as_str().map_or_else(|| it["value"].to_string(), str::to_owned);
        let pair = format!("{}={value}", it["key"].as_str().unwrap_or_default());
        if it["enabled"] == false || it["disabled"] == true { format!("({pair})") } else { pair }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_request_comes_with_all_above_it_and_the_values_of_this_device() {
    let mut desk = shop();
    let found = sources(&mut desk, Some("Shop/Carts/Get"), EnvironmentChoice::Active, false);
    let names: Vec<_> = found.ancestors.iter().map(|it| it.item.name.as_str()).collect();
    assert_eq!(names, ["Shop", "Carts"]);
    assert_eq!(found.ancestors[0].document["auth"]["type"], "bearer");
    assert_eq!(shown(&found.ancestors[0].document), "host=shop.test key=k3y");
    let item = found.item.expect("it was asked for");
    assert_eq!(
        (&item.document["id"], &item.document["request"]["method"]),
        (&json!(item.item.id), &json!("GET"))
    );
    assert_eq!(shown(&found.environment.expect("one is in use").document), "token=now pin=1234");
    assert_eq!((found.trusted, found.collection), (false, None));
    assert!(sources(&mut desk, None, EnvironmentChoice::Off, false).environment.is_none());
}

#[test]
fn a_run_gets_the_whole_collection_with_ids_and_without_examples() {
    let mut desk = shop();
    let found = sources(&mut desk, Some("Shop/Carts"), EnvironmentChoice::Off, true);
    let collection = found.collection.expect("it was asked for");
    assert_eq!(collection["info"]["name"], "Shop");
    assert_eq!(collection["item"][0]["id"], json!(found.item.expect("it was asked for").item.id));
    assert_eq!(collection["item"][0]["item"][0]["name"], "Get");
    assert!(!collection.to_string().contains("Saved"));
}

#[test]
fn what_is_no_request_is_not_sent() {
    let mut desk = shop();
    let dev = desk.id("Dev").to_string();
    for (path, kind) in [
        ("Shop/Carts/Get/Saved", ErrorKind::Invalid),
        (&dev, ErrorKind::Invalid),
        ("Nowhere", ErrorKind::NotFound),
    ] {
        let call =
            Call::Sources { item: Some(path.to_owned()), environment: EnvironmentChoice::Off, below: false };
        assert_eq!(desk.call(&call).expect_err("it cannot be sent").kind, kind, "{path}");
    }
}

#[test]
fn values_that_scripts_set_stay_on_this_device() {
    let mut desk = shop();
    let before = format!("{:?}{:?}", desk.stored("Dev"), desk.stored("Shop"));
    let edits = desk.edits;
    let changes = [
        (ValuePlace::Environment, "token", Some(json!("fresh"))),
        (ValuePlace::Environment, "made", Some(json!({ "a": [1, 2.5] }))),
        (ValuePlace::Environment, "pin", None),
        (ValuePlace::Collection, "host", Some(json!("other.test"))),
        (ValuePlace::Globals, "count", Some(json!(3))),
    ];
    keep(&mut desk, &changes).expect("they are kept");
    let found = sources(&mut desk, Some("Shop/Ping"), EnvironmentChoice::Named("Dev".to_owned()), false);
    let environment = found.environment.expect("it was asked for").document;
    assert_eq!(shown(&environment), r#"token=fresh (pin=1234) made={"a":[1,2.5]}"#);
    assert_eq!(shown(&found.ancestors[0].document), "host=other.test key=k3y");
    assert_eq!(shown(&found.globals), "count=3");
    assert_eq!(format!("{:?}{:?}", desk.stored("Dev"), desk.stored("Shop")), before);
    assert_eq!(desk.edits, edits, "nothing that syncs was changed");
    assert!(
        run(&mut desk, "env Dev").contains("made=- now {\"a\":[1,2.5]}"),
        "{}",
        run(&mut desk, "env Dev")
    );
    keep(&mut desk, &[(ValuePlace::Environment, "made", None), (ValuePlace::Globals, "count", None)])
        .expect("kept");
    let found = sources(&mut desk, None, EnvironmentChoice::Active, false);
    assert_eq!(shown(&found.environment.expect("one is in use").document), "token=fresh (pin=1234)");
    assert_eq!(shown(&found.globals), "");
}

#[test]
fn values_that_could_not_be_read_again_are_not_kept_as_they_are() {
    let mut desk = shop();
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    keep(&mut desk, &[(ValuePlace::Environment, "token", Some(deep.clone()))]).expect("it is kept as a text");
    let found = sources(&mut desk, None, EnvironmentChoice::Active, false);
    let environment = found.environment.expect("one is in use").document;
    assert_eq!(environment["values"][0]["value"], json!(deep.to_string()));
    let large = json!("x".repeat(9 << 20));
    let kept = keep(&mut desk, &[(ValuePlace::Environment, "token", Some(large))]);
    assert_eq!(kept.expect_err("it is too large"), ErrorKind::TooLarge);
    let found = sources(&mut desk, None, EnvironmentChoice::Active, false);
    assert_eq!(
        found.environment.expect("one is in use").document["values"][0]["value"],
        json!(deep.to_string())
    );
}

#[test]
fn cookies_and_tokens_are_kept_by_key_and_trust_is_given_and_taken() {
    let mut desk = shop();
    let change = |key: &str, value: Option<Json>| KeptChange { key: key.to_owned(), value };
    let mut keep = |cookies: Vec<KeptChange>, tokens: Vec<KeptChange>| {
        let (item, environment, values) = (None, None, Vec::new());
        let (sent, runs) = (Vec::new(), Vec::new());
        let call = Call::KeepSent { item, environment, values, cookies, tokens, sent, runs };
        desk.call(&call).expect("it is kept");
    };
    keep(
        vec![change("b", Some(json!({ "name": "b" }))), change("a", Some(json!({ "name": "a" })))],
        Vec::new(),
    );
    keep(
        vec![change("c", Some(json!({ "name": "c" }))), change("b", None)],
        vec![change("t", Some(json!("1")))],
    );
    let found = sources(&mut desk, None, EnvironmentChoice::Off, false);
    assert_eq!(found.cookies, [json!({ "name": "a" }), json!({ "name": "c" })]);
    assert_eq!(found.tokens, json!({ "t": "1" }));
    for trusted in [true, false] {
        desk.call(&Call::Trust { trusted }).expect("it is said");
        assert_eq!(sources(&mut desk, None, EnvironmentChoice::Off, false).trusted, trusted);
    }
}

fn entry(name: &str, text: &str) -> SentEntry {
    let view = SentView {
        id: 0,
        when: 7,
        item: None,
        name: name.to_owned(),
        method: "GET".to_owned(),
        url: format!("http://{name}.test/"),
        status: Some(200),
        failure: None,
        time_ms: 5,
        bytes: 2,
        tests: 1,
        failed: 0,
    };
    let response = SentResponse {
        status: 200,
        status_text: "OK".to_owned(),
        version: "HTTP/1.1".to_owned(),
        url: view.url.clone(),
        headers: vec![("X-Trace".to_owned(), format!("trace-{name}"))],
        body: SentBody { text: Some(text.to_owned()), base64: None, truncated: false },
        cookies: Vec::new(),
        timings: SentTimings::default(),
        sizes: SentSizes::default(),
        tests: Vec::new(),
        log: Vec::new(),
        warnings: Vec::new(),
        request: SentRequest {
            method: "GET".to_owned(),
            url: view.url.clone(),
            headers: Vec::new(),
            body: None,
        },
    };
    SentEntry { view, response: Some(response) }
}

fn keep_sent(desk: &mut Desk, sent: Vec<SentEntry>, runs: Vec<RunEntry>) {
    let (item, environment, values) = (None, None, Vec::new());
    let (cookies, tokens) = (Vec::new(), Vec::new());
    let call = Call::KeepSent { item, environment, values, cookies, tokens, sent, runs };
    desk.call(&call).expect("it is kept");
}

fn found(desk: &mut Desk, search: &str, limit: u64) -> String {
    match desk.call(&Call::SentList { search: search.to_owned(), limit }) {
        Ok(Reply::SentList { entries, more }) => {
            let names: Vec<_> = entries.iter().map(|it| format!("{}:{}", it.id, it.name)).collect();
            format!("{}{}", names.join(" "), if more { " …" } else { "" })
        }
        other => panic!("no list: {other:?}"),
    }
}

#[test]
fn what_was_sent_is_found_shown_and_forgotten() {
    let mut desk = shop();
    keep_sent(&mut desk, vec![entry("one", "apples"), entry("two", "Pears")], Vec::new());
    assert_eq!(found(&mut desk, "", 10), "2:two 1:one");
    assert_eq!(found(&mut desk, "", 1), "2:two …");
    for (search, expected) in [
        ("ONE.test", "1:one"),
        ("pears", "2:two"),
        ("trace-one", "1:one"),
        ("200", "2:two 1:one"),
        ("plums", ""),
    ] {
        assert_eq!(found(&mut desk, search, 10), expected, "{search}");
    }
    let shown = |desk: &mut Desk, id| match desk.call(&Call::SentShow { id }) {
        Ok(Reply::SentDetail(entry)) => {
            Ok((entry.view.id, entry.response.and_then(|it| it.body.text).unwrap_or_default()))
        }
        other => Err(other.expect_err("it is an entry or a failure").kind),
    };
    assert_eq!(shown(&mut desk, Some(1)), Ok((1, "apples".to_owned())));
    assert_eq!(shown(&mut desk, None), Ok((2, "Pears".to_owned())));
    assert_eq!(shown(&mut desk, Some(9)), Err(ErrorKind::NotFound));
    desk.call(&Call::SentClear { everything: false }).expect("it is forgotten");
    assert_eq!(shown(&mut desk, None), Err(ErrorKind::NotFound));
}

#[test]
fn a_body_is_kept_up_to_its_limit() {
    let mut desk = shop();
    keep_sent(&mut desk, vec![entry("large", &"ä".repeat(600_001))], Vec::new());
    let Ok(Reply::SentDetail(entry)) = desk.call(&Call::SentShow { id: None }) else { panic!("it is there") };
    let body = entry.response.expect("it has one").body;
    assert_eq!((body.text.map(|text| text.len()), body.truncated), (Some(1_000_000), true));
}

#[test]
fn runs_are_listed_and_shown() {
    let mut desk = shop();
    let view = RunView {
        id: 0,
        when: 1,
        name: "Shop".to_owned(),
        environment: None,
        iterations: 1,
        requests: 2,
        tests: 3,
        failed: 1,
        time_ms: 40,
    };
    keep_sent(&mut desk, Vec::new(), vec![RunEntry { view: view.clone(), summary: json!({ "run": {} }) }]);
    let Ok(Reply::RunList { runs }) = desk.call(&Call::RunList) else { panic!("they are listed") };
    assert_eq!(runs, [RunView { id: 1, ..view }]);
    let Ok(Reply::RunDetail(entry)) = desk.call(&Call::RunShow { id: None }) else { panic!("it is there") };
    assert_eq!(entry.summary, json!({ "run": {} }));
    desk.call(&Call::SentClear { everything: true }).expect("it is forgotten");
    assert!(desk.call(&Call::RunShow { id: None }).is_err());
}
