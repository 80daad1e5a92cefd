//! What ends a run early.

use std::time::Duration;

use satchel_runner::run::{Bail, End, Run};
use satchel_runner::script::Trust;
use serde_json::{Value as Json, json};

use crate::fixture::{check, plan, request, run, server};

fn items(before: &str, path: &str, after: &str) -> Json {
    json!([request("First", path, before, after), request("Second", "/2", "", "")])
}

#[tokio::test]
async fn a_bail_ends_the_run_after_the_script_or_request_that_failed() {
    let server = server().await;
    let bail = |bail, items: &Json| {
        let mut plan = plan(&server, items);
        (plan.bail, plan.iterations) = (bail, Some(2));
        plan
    };
    let test = items("", "/1", "pm.test('no', () => pm.expect(1).to.eql(2))");
    let throws = items("", "/1", "pm.test('yes', () => {}); missing()");
    let throws_before = items("missing()", "/1", "");
    let breaks = items("", "/reset", "pm.test('after', () => {})");
    let first = "# 0\nFirst GET /1 200 | not no: AssertionError\n";
    check(bail(Bail::Failure, &test), &format!("{first}bailed\n")).await;
    let round = format!("{}Second GET /2 200\n", &first[4..]);
    check(bail(Bail::Error, &test), &format!("# 0\n{round}# 1\n{round}")).await;
    check(
        bail(Bail::Error, &throws),
        "# 0\nFirst GET /1 200 | ok yes | ReferenceError in test of First\nbailed\n",
    )
    .await;
    check(
        bail(Bail::Failure, &throws_before),
        "# 0\nFirst GET /{{base}}/1 not sent | ReferenceError in prerequest of First\nbailed\n"
            .replace("/{{base}}/1", "/")
            .as_str(),
    )
    .await;
    check(bail(Bail::Failure, &breaks), "# 0\nFirst GET /reset ECONNRESET\nbailed\n").await;
    check(
        bail(Bail::Never, &breaks),
        "# 0\nFirst GET /reset ECONNRESET | ok after\nSecond GET /2 200\n# 1\nFirst GET /reset ECONNRESET | ok after\nSecond GET /2 200\n",
    )
    .await;
}

#[tokio::test]
async fn the_word_to_stop_gives_up_what_is_under_way() {
    let server = server().await;
    for (before, path) in [("for (;;) {}", "/1"), ("", "/hang")] {
        let plan = plan(&server, &items(before, path, ""));
        let stop = plan.means.stop.clone();
        let mut end = None;
        let mut stopping = |event: &satchel_runner::run::Event<'_>| {
            use satchel_runner::run::Event;
            match event {
                Event::ItemBegun { .. } => stop.stop(),
                Event::Done { summary } => end = Some(summary.end),
                _ => {}
            }
        };
        Run::begin(plan).expect("it can be run").drive(&mut stopping).await;
        assert_eq!(end, Some(End::Stopped), "{before} {path}");
    }
}

#[tokio::test]
async fn the_time_of_the_run_of_a_request_and_of_a_script_are_limits_of_their_own() {
    let server = server().await;
    let short = Duration::from_millis(100);
    let mut whole = plan(&server, &items("", "/hang", ""));
    whole.timeout = Some(short);
    assert_eq!(run(whole).await.finished.summary.end, End::TimedOut);
    let mut each = plan(&server, &items("", "/hang", ""));
    each.means.options.settings.timeouts.total = Some(short);
    check(each, "First GET /hang ETIMEDOUT\nSecond GET /2 200\n").await;
    let mut script = plan(&server, &items("for (;;) {}", "/1", ""));
    script.means.script_limits.time = short;
    check(script, "First GET /1 200 | TimeoutError in prerequest of First\nSecond GET /2 200\n").await;
}

#[tokio::test]
async fn scripts_that_nobody_trusts_are_left_out_and_counted() {
    let server = server().await;
    let mut untrusted = plan(&server, &items("missing()", "/1", "pm.test('no', () => {})"));
    untrusted.means.trust = Trust::Missing;
    let told = run(untrusted).await;
    assert_eq!(told.lines, "First GET /1 200\nSecond GET /2 200\n");
    assert_eq!(told.finished.summary.untrusted, 2);
}
