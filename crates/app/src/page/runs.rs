//! A run of a collection for a page: each result as it comes, and the whole at the end.
//!
//! Why it exists: a page shows a run while it goes on. A request is told when it is over, several that are quick together.
//!
//! Invariant: what is told is what the runner says may be shown: secrets are masked in it.
//!
//! Knows nothing of the page's socket.

use std::path::Path;
use std::time::{Duration, Instant};

use satchel_client::api::{Call, EnvironmentChoice, PageEvent, Reply, RunOrder, RunResult, TestView};
use satchel_runner::run::{Bail, Event, Execution, Shown, Stop};
use tokio::sync::mpsc;

use super::deeds::Word;
use crate::failure::Failure;
use crate::host::Host;
use crate::sending::{self, Ground, How, run};

/// Results that come closer together are told together.
const TELL_APART: Duration = Duration::from_millis(50);
/// Iterations of one run, at most.
const ITERATIONS_MAX: u32 = 100_000;

/// Runs it, keeps what it changed, and gives the run as the list of runs has it.
pub(super) fn run_order(
    home: &Path,
    workspace: Option<&str>,
    order: RunOrder,
    stop: Stop,
    tell: &mpsc::Sender<Word>,
) -> Result<Reply, Failure> {
    let how = How { stop, ..How::default() };
    let mut host = Host::open(home)?;
    let environment = order.environment.clone().map_or(EnvironmentChoice::Off, EnvironmentChoice::Named);
    let sources = sending::sources(&mut host, workspace, Some(&order.item), environment, true)?;
    let workspace = sources.workspace.clone();
    let ground = Ground::new(sources)?;
    let plan = plan(&ground, &order)?;
    let mut told =
        Way { run: order.run, tell, results: Vec::new(), done: 0, total: 0, told_at: Instant::now() };
    let ended = sending::runtime()?
        .block_on(run::run(&ground, plan, &how, &mut |event: &Event<'_>| told.hear(event)));
    told.tell_last();
    sending::ask(&mut host, Some(&workspace), ended?.keep)?;
    sending::ask(&mut host, Some(&workspace), Call::RunShow { id: None })
}

fn plan(ground: &Ground, order: &RunOrder) -> Result<run::RunOrder, Failure> {
    let mut plan = run::RunOrder::of_item(ground)?;
    if let Some(only) = &order.only {
        plan.selection.clone_from(only);
    }
    plan.data = order
        .data
        .as_ref()
        .map_or(Ok(Vec::new()), |data| run::data_rows(&data.name, data.content.as_bytes()))?;
    let iterations = u64::from(order.iterations.clamp(1, ITERATIONS_MAX));
    // Rows say how often by themselves, unless more is asked for.
    plan.iterations = (plan.data.is_empty() || iterations > 1).then_some(iterations);
    plan.delay = Duration::from_millis(order.delay_ms);
    plan.bail = if order.bail { Bail::Failure } else { Bail::Never };
    Ok(plan)
}

/// What the page was told of a run.
struct Way<'a> {
    run: String,
    tell: &'a mpsc::Sender<Word>,
    results: Vec<RunResult>,
    done: u64,
    total: u64,
    told_at: Instant,
}

impl Way<'_> {
    fn hear(&mut self, event: &Event<'_>) {
        match event {
            Event::Begun { iterations, requests, .. } => {
                self.total = iterations.saturating_mul(*requests as u64);
                self.tell_now();
            }
            Event::ItemDone { execution, .. } => {
                self.done += 1;
                self.results.push(result(execution));
                if self.told_at.elapsed() >= TELL_APART {
                    self.tell_now();
                }
            }
            _ => {}
        }
    }

    /// What a slow page has no room for is told with the next word: no result is left out.
    fn tell_now(&mut self) {
        self.told_at = Instant::now();
        let word = Word::Event(self.event());
        if let Err(mpsc::error::TrySendError::Full(Word::Event(PageEvent::Run { results, .. }))) =
            self.tell.try_send(word)
        {
            self.results = results;
        }
    }

    /// The last word waits for its room. Not for use inside of a runtime.
    fn tell_last(mut self) {
        // A page that is gone hears nothing.
        drop(self.tell.blocking_send(Word::Event(self.event())));
    }

    fn event(&mut self) -> PageEvent {
        let results = std::mem::take(&mut self.results);
        PageEvent::Run { run: self.run.clone(), results, done: self.done, total: self.total }
    }
}

fn result(execution: &Execution) -> RunResult {
    let (status, micros, bytes, failed) = match &execution.result {
        Shown::Response { status, timings, sizes, .. } => {
            (Some(*status), timings.total, sizes.decoded_body, None)
        }
        Shown::Failed { message, .. } => (None, 0, 0, Some(message.clone())),
        Shown::Skipped => (None, 0, 0, Some("a script said that it shall not be sent".to_owned())),
        Shown::NotSent => (None, 0, 0, Some("the run had ended".to_owned())),
    };
    let broken = execution
        .faults
        .first()
        .map(|fault| format!("a script of {} failed: {}", fault.of, fault.problem.message));
    RunResult {
        iteration: u32::try_from(execution.at.iteration).unwrap_or(u32::MAX),
        item: execution.at.id.clone(),
        name: execution.at.name.clone(),
        method: execution.method.clone(),
        url: execution.url.clone(),
        status,
        micros,
        bytes,
        tests: execution.assertions.iter().map(test).collect(),
        problem: failed.or(broken),
    }
}

fn test(assertion: &satchel_runner::run::Assertion) -> TestView {
    TestView {
        name: assertion.name.clone(),
        passed: assertion.failure.is_none(),
        skipped: assertion.skipped,
        message: assertion.failure.as_ref().map(|problem| problem.message.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_told_together_and_counted() {
        let (tell, mut told) = mpsc::channel(4);
        let mut way = Way {
            run: "r".to_owned(),
            tell: &tell,
            results: Vec::new(),
            done: 0,
            total: 0,
            told_at: Instant::now(),
        };
        way.hear(&Event::Begun { name: "C", iterations: 3, requests: 2 });
        match told.try_recv() {
            Ok(Word::Event(PageEvent::Run { run, results, done: 0, total: 6 })) => {
                assert!(run == "r" && results.is_empty());
            }
            _ => panic!("the page hears how many there will be"),
        }
        // With no room, what is over stays and goes with the last word.
        let full = (0..4).all(|_| tell.try_send(Word::Event(way.event())).is_ok());
        assert!(full);
        way.results.push(RunResult { name: "R".to_owned(), ..unsent() });
        way.tell_now();
        assert_eq!(way.results.len(), 1);
    }

    fn unsent() -> RunResult {
        let (item, name, method, url) = (String::new(), String::new(), String::new(), String::new());
        RunResult {
            iteration: 0,
            item,
            name,
            method,
            url,
            status: None,
            micros: 0,
            bytes: 0,
            tests: Vec::new(),
            problem: None,
        }
    }

    #[test]
    fn data_that_is_none_is_a_failure_with_the_name_of_its_file() {
        assert_eq!(run::data_rows("a.csv", b"a,b\n1,2\n3,4\n").map(|rows| rows.len()).ok(), Some(2));
        let failure = run::data_rows("a.json", b"{}").expect_err("no list");
        assert!(failure.what.contains("a.json"), "{failure:?}");
    }
}
