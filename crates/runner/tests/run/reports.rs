//! Reports of names that mean harm, and of ordinary ones.

use satchel_runner::report::{Cli, Html, Json, Junit, Look, Report, Tap};
use satchel_runner::run::{Plan, Run, Stop};
use satchel_runner::testing::TestServer;
use satchel_runner::variable::{Layer, MASK, Scope};
use serde_json::{Value, json};

use crate::fixture::{plan, request, server};

/// Breaks out of texts, attributes, comments, CDATA, lines, colours and directions.
const HOSTILE: &str = "x</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>]]>--><!-- & \u{1b}[2J\u{9b}1m\u{202e}\u{0}\u{ffff}\nok 1 - forged # SKIP\\\r\n<testcase/>";

async fn report(plan: Plan, mut report: impl Report) -> String {
    Run::begin(plan).expect("a plan that can be run").drive(&mut report).await;
    report.take()
}

/// A run whose every name is hostile, with a secret in all of them.
fn hostile(server: &TestServer) -> Plan {
    let name = format!("{HOSTILE} top-secret");
    let script = format!("const name = {}; ", Value::String(name.clone()));
    let after = format!(
        "{script} console.log(name); pm.test(name, () => {{ throw Object.assign(new Error(name), {{ name }}) }}); pm.test.skip(name); pm.test(name, () => {{}}); \
         pm.execution.setNextRequest(name); const error = new Error(name); error.name = name; throw error"
    );
    let mut item = request(&name, "/status/200?q=<b>&r=\"'", "", &after);
    item["id"] = json!(name);
    let refused = json!({ "name": name, "request": { "method": HOSTILE, "url": format!("http://127.0.0.1:1/{name}") } });
    let mut plan = plan(server, &json!([{ "name": name, "item": [refused, item] }]));
    let mut collection = (*plan.collection).clone();
    collection["info"]["name"] = json!(name);
    plan.collection = collection.into();
    let values = json!({ "values": [{ "key": "s", "value": "top-secret", "type": "secret" }] });
    plan.environment = Some(Layer::from_document(Scope::Environment, &values));
    // The script leads back to itself.
    plan.requests_max = 3;
    plan
}

fn check_quiet(text: &str) {
    assert!(!text.contains("top-secret") && text.contains(MASK), "{text}");
    let bad = |it: char| it.is_control() && it != '\n' || "\u{202e}\u{ffff}\u{0}".contains(it);
    assert!(!text.contains(bad), "{text:?}");
}

#[tokio::test]
async fn hostile_names_stay_texts_in_lines() {
    let server = server().await;
    for look in [Look { colors: false, ascii: false }, Look { colors: false, ascii: true }] {
        let text = report(hostile(&server), Cli::new(look)).await;
        check_quiet(&text);
        assert!(text.contains("x</title><script>"), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("ok 1")).count(), 0);
    }
    let text = report(hostile(&server), Tap::default()).await;
    check_quiet(&text);
    let points: Vec<_> =
        text.lines().filter(|line| line.starts_with("ok ") || line.starts_with("not ok ")).collect();
    assert_eq!(text.lines().last(), Some(format!("1..{}", points.len()).as_str()));
    for (number, point) in (1..).zip(&points) {
        let words = point.trim_start_matches("not ");
        assert!(words.starts_with(&format!("ok {number} - ")), "{point}");
        // Only the directive of the report itself is one.
        let skips = point.ends_with(" # SKIP");
        assert_eq!(point.replace("\\#", "").contains('#'), skips, "{point}");
    }
    assert!(points.iter().any(|point| point.ends_with(" # SKIP")));
}

#[tokio::test]
async fn hostile_names_stay_texts_in_json() {
    let server = server().await;
    let text = report(hostile(&server), Json::default()).await;
    assert!(!text.contains("top-secret"));
    let told: Value = serde_json::from_str(&text).expect("it is JSON");
    let run = &told["run"];
    assert_eq!(run["executions"].as_array().map(Vec::len), Some(3));
    assert_eq!(run["executions"][1]["assertions"].as_array().map(Vec::len), Some(3));
    assert_eq!(run["executions"][0]["requestError"]["name"], json!("SendError"));
    assert_eq!(run["stats"]["assertions"], json!({ "total": 6, "pending": 0, "failed": 2 }));
    assert_eq!(run["failures"].as_array().map(Vec::len), Some(5));
    assert_eq!(
        run["failures"][1]["cursor"],
        json!({ "position": 1, "iteration": 0, "length": 2, "cycles": 1 })
    );
    assert_eq!(run["end"], json!("endless"));
    let name = told["collection"]["info"]["name"].as_str().expect("a text");
    assert_eq!(name, format!("{HOSTILE} {MASK}"));
}

#[tokio::test]
async fn hostile_names_stay_texts_in_xml_and_html() {
    let server = server().await;
    let xml = report(hostile(&server), Junit::default()).await;
    check_quiet(&xml);
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("a declaration");
    assert_eq!(
        elements(body, &[]),
        "testsuites testsuite testcase error testsuite testcase failure testcase skipped testcase testcase error system-out \
         testsuite testcase failure testcase skipped testcase testcase error system-out"
    );
    let html = report(hostile(&server), Html::default()).await;
    check_quiet(&html);
    let body = html.strip_prefix("<!DOCTYPE html>\n").expect("a type");
    let elements = elements(body, &["meta", "br"]);
    for never in ["script", "img", "testcase", "link", "iframe"] {
        assert!(!elements.split(' ').any(|it| it == never), "{never}");
    }
    assert!(elements.contains("svg") && elements.contains("details summary strong"), "{elements}");
    assert!(!html.contains("url(") && !html.contains("@import"));
    assert!(html.contains("default-src 'none'") && html.contains("prefers-color-scheme: dark"));
}

/// The names of all elements in order; fails where the text is not well-formed.
fn elements(text: &str, empty: &[&str]) -> String {
    let mut open: Vec<&str> = Vec::new();
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let between = &rest[..at];
        let is_style = open.last() == Some(&"style");
        assert!(is_style || !between.contains('>'), "{between}");
        let end = at + rest[at..].find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        // What stands between quotes is harmless: the quotes come in pairs, and no tag ended early.
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let outside: String = tag.split('"').step_by(2).collect();
        for never in ["src", "href", "onerror"] {
            assert!(!outside.contains(never), "{tag}");
        }
        names.push(name);
        if !tag.ends_with('/') && !empty.contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new());
    names.join(" ")
}

#[tokio::test]
async fn the_terminal_report_reads_as_newman_s() {
    let server = server().await;
    let items = json!([
        request("Top", "/status/200", "", "pm.test('fine', () => {})"),
        { "name": "Folder", "item": [request("Low", "/status/404", "console.warn('mind')", "pm.test('bad', () => pm.expect(1).to.equal(2)); missing()")] },
    ]);
    let mut plan = plan(&server, &items);
    plan.iterations = Some(2);
    plan.means.stop = Stop::default();
    let text = report(plan.clone(), Cli::new(Look::default())).await;
    let mut from = 0;
    for expected in [
        "Shop\n\nIteration 1/2\n\n→ Top\n  GET http://127.0.0.1:",
        "/status/200 [200 Told, ",
        "  ✓  fine\n\n❏ Folder\n\n↳ Low\n  │ mind\n  GET http",
        "/status/404 [404 Told, ",
        "  1. bad\n  2. ReferenceError in test-script of Low\n\nIteration 2/2\n\n→ Top\n",
        "  4. ReferenceError in test-script of Low\n",
        "            executed      failed\n",
        "          iterations            2           0\n",
        "            requests            4           0\n",
        "        test-scripts            4           2\n",
        "  prerequest-scripts            2           0\n",
        "          assertions            4           2\n",
        "total run duration: ",
        "average response time: ",
        "\n  1. AssertionError: bad\n     expected 1 to equal 2\n     at assertion:0 in test-script in \"Folder / Low\", iteration 1\n",
        "\n  4. ReferenceError\n",
    ] {
        let at = text[from..].find(expected).unwrap_or_else(|| panic!("{expected:?} in {}", &text[from..]));
        from += at + expected.len();
    }
    let colored = report(plan, Cli::new(Look { colors: true, ascii: true })).await;
    assert!(colored.contains("\u{1b}[32m  ok \u{1b}[0m \u{1b}[90mfine\u{1b}[0m\n"), "{colored}");
}
