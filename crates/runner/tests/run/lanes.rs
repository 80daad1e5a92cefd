//! Iterations side by side, and very many of them.

use std::mem::size_of_val;

use satchel_runner::report::{Cli, Html, Json, Junit, Look, Report, Tap};
use satchel_runner::run::{Event, Reporter, Run};
use serde_json::json;

use crate::fixture::{plan, request, run, server};

#[tokio::test]
async fn lanes_have_variables_and_cookies_of_their_own_and_are_told_in_order() {
    let server = server().await;
    let items = json!([request(
        "Get",
        "/cookie/c{{$guid}}",
        "",
        "const n = (pm.environment.get('n') || 0) + 1; pm.environment.set('n', n); console.log(n, pm.info.iteration)",
    )]);
    let mut lanes = plan(&server, &items);
    (lanes.iterations, lanes.parallel) = (Some(7), 3);
    let jar = lanes.means.jar.clone();
    let told = run(lanes).await;
    let logged: Vec<_> = told.lines.lines().filter_map(|line| line.split(" | ").nth(1)).collect();
    assert_eq!(logged, ["1 0", "1 1", "1 2", "2 3", "2 4", "2 5", "3 6"]);
    assert_eq!(jar.lock().expect("nobody panics with it").cookies().len(), 0);
    assert!(told.finished.scopes.is_none());
    assert_eq!(told.finished.summary.stats.iterations.total, 7);
}

/// A writer that throws text away, and what it had to hold at most.
struct Drain {
    reports: Vec<Box<dyn Report>>,
    most: usize,
    written: usize,
}

impl Reporter for Drain {
    fn hear(&mut self, event: &Event<'_>) {
        for report in &mut self.reports {
            report.hear(event);
            let text = report.take();
            self.written += text.len();
            if !matches!(event, Event::Done { .. }) {
                self.most = self.most.max(text.len());
            }
        }
    }
}

#[tokio::test]
async fn ten_thousand_rows_keep_no_more_than_ten() {
    let server = server().await;
    let items = json!([request("Get", "/status/{{n}}", "", "")]);
    let mut kept = Vec::new();
    for rows in [10_u64, 10_000] {
        let mut many = plan(&server, &items);
        many.data =
            (0..rows).map(|n| json!({ "n": 200 + n % 2 }).as_object().expect("it is one").clone()).collect();
        many.parallel = 4;
        let mut drain = Drain {
            reports: vec![
                Box::new(Cli::new(Look::default())),
                Box::<Json>::default(),
                Box::<Junit>::default(),
                Box::<Tap>::default(),
            ],
            most: 0,
            written: 0,
        };
        let finished = Run::begin(many).expect("it can be run").drive(&mut drain).await;
        assert_eq!(finished.summary.stats.requests.total, rows);
        assert!(u64::try_from(drain.written).is_ok_and(|written| written > rows * 400));
        kept.push((drain.most, size_of_val(&finished.summary) + finished.summary.failures.len()));
    }
    // A number of more digits is all that grows.
    assert!(kept[1].0 <= kept[0].0 + 64 && kept[1].1 == kept[0].1, "{kept:?}");
}

#[tokio::test]
async fn ten_thousand_failures_keep_a_thousand_and_a_page_of_bounded_size() {
    let server = server().await;
    let items = json!([request("Get", "/reset", "", "")]);
    let mut many = plan(&server, &items);
    (many.iterations, many.parallel) = (Some(10_000), 8);
    let mut page = Html::default();
    let finished = Run::begin(many).expect("it can be run").drive(&mut page).await;
    let summary = finished.summary;
    assert_eq!((summary.failure_count, summary.failures.len()), (10_000, satchel_runner::limits::FAILURES));
    let text = page.take();
    assert!(text.len() < 1_500_000 && text.contains("9000 more are not shown"), "{}", text.len());
}
