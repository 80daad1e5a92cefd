//! A run: iterations over the items, one after another or on lanes side by side.
//!
//! ```text
//!                  ┌ lane 0: iterations 0, n, 2n … ─┐
//! parallel = n ────┤ lane 1: iterations 1, n+1 …    ├─ a channel of one each ─▶ told in order
//!                  └ …                              ┘
//! ```
//! Invariant: a lane is at most one iteration ahead of what was told of it, so memory does not grow with the run.

use std::future::Future as _;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{join_all, poll_fn};
use serde_json::Value as Json;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::event::{Answer, At, Event, Progress, Reporter, Sent};
use super::items::{self, Item, Places};
use super::plan::{Means, Plan, PlanError, Row};
use super::sending::{Sending, name_of, now_ms};
use super::summary::{End, Summary};
use super::{Bail, Execution};
use crate::build::Source;
use crate::http::SharedJar;
use crate::limits;
use crate::script::{Next, Position};
use crate::variable::{Layer, Masker, Scope, Scopes};

/// A run that can begin.
#[derive(Debug)]
pub struct Run {
    plan: Plan,
    course: Course,
}

/// What all lanes share.
#[derive(Debug)]
struct Course {
    collection: Arc<Json>,
    name: String,
    items: Vec<Item>,
    places: Places,
    iterations: u64,
    data: Vec<Row>,
    delay: Duration,
    bail: Bail,
    requests_max: u64,
}

/// What a run leaves.
#[derive(Debug)]
pub struct Finished {
    /// What it came to.
    pub summary: Summary,
    /// The variables as the scripts have left them: local, environment, collection, global. None after a run in parallel, whose lanes had
    /// their own, and after one whose time was up.
    pub scopes: Option<Scopes>,
}

impl Run {
    /// Looks whether a plan can be run, and finds its requests.
    pub fn begin(mut plan: Plan) -> Result<Self, PlanError> {
        let items = items::runnable(&plan.collection, &plan.selection)?;
        let rows = u64::try_from(plan.data.len()).unwrap_or(u64::MAX);
        let iterations = plan.iterations.unwrap_or(rows.max(1));
        if iterations > limits::ITERATIONS || rows > limits::ITERATIONS {
            return Err(PlanError::TooManyIterations);
        }
        if plan.parallel == 0 || plan.parallel > limits::LANES {
            return Err(PlanError::Lanes);
        }
        let course = Course {
            name: name_of(&plan.collection).to_owned(),
            collection: Arc::clone(&plan.collection),
            places: Places::of(&items),
            items,
            iterations,
            data: std::mem::take(&mut plan.data),
            delay: plan.delay,
            bail: plan.bail,
            requests_max: plan.requests_max,
        };
        Ok(Self { plan, course })
    }

    /// How many iterations there will be.
    pub fn iterations(&self) -> u64 {
        self.course.iterations
    }

    /// How many requests each has, if no script leads elsewhere.
    pub fn requests(&self) -> usize {
        self.course.items.len()
    }

    /// Runs to the end, or to the word to stop. Dropping the future ends the run at once.
    pub async fn drive(self, reporter: &mut (dyn Reporter + Send)) -> Finished {
        let Self { plan, course } = self;
        let masker = scopes(&plan).masker();
        let name = masker.mask(&course.name).into_owned();
        let mut teller = Teller { summary: Summary::begin(name, now_ms()), reporter };
        teller.begin(&course);
        let deadline = plan.timeout.map(|limit| Instant::now() + limit);
        let left = {
            let driving = Box::pin(async {
                if plan.parallel == 1 || course.iterations < 2 {
                    alone(&plan, &course, &mut teller).await
                } else {
                    side_by_side(&plan, &course, &mut teller).await
                }
            });
            let late = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                left = driving => Some(left),
                () = late => None,
            }
        };
        let (end, scopes) = left.unwrap_or((End::TimedOut, None));
        Finished { summary: teller.end(end), scopes }
    }
}

/// The variables that a run begins with.
fn scopes(plan: &Plan) -> Scopes {
    let collection = Layer::from_document(Scope::Collection, &plan.collection);
    let environment = plan.environment.clone().map(|layer| Layer { scope: Scope::Environment, ..layer });
    let globals = Layer { scope: Scope::Global, ..plan.globals.clone() };
    Scopes::new([collection, globals].into_iter().chain(environment))
}

/// One iteration after another.
async fn alone(plan: &Plan, course: &Course, teller: &mut Teller<'_>) -> (End, Option<Scopes>) {
    let mut lane = Lane::new(plan, course, plan.means.clone());
    let mut end = End::Whole;
    for iteration in 0..course.iterations {
        teller.iteration_begun(iteration, course.iterations);
        end = lane.iteration(iteration, teller).await;
        if end != End::Stopped {
            teller.iteration_done(iteration);
        }
        if end != End::Whole {
            break;
        }
    }
    let mut scopes = lane.scopes;
    scopes.remove(Scope::Data);
    scopes.remove(Scope::Folder);
    (end, Some(scopes))
}

/// All that one iteration of a lane did.
struct Done {
    told: Vec<(At, Sent, Execution)>,
    end: End,
}

/// Iterations on lanes; what they did is told in the order of the iterations.
async fn side_by_side(plan: &Plan, course: &Course, teller: &mut Teller<'_>) -> (End, Option<Scopes>) {
    let count = plan.parallel;
    let (senders, mut receivers): (Vec<_>, Vec<_>) = (0..count).map(|_| mpsc::channel::<Done>(1)).unzip();
    let lanes = join_all(senders.into_iter().zip(0..).map(|(sender, first)| {
        let jar = plan.means.jar.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let means = Means { jar: SharedJar::new(Mutex::new(jar)), ..plan.means.clone() };
        let mut lane = Lane::new(plan, course, means);
        async move {
            for iteration in (first..course.iterations).step_by(count) {
                let mut told = Vec::new();
                let end = lane.iteration(iteration, &mut told).await;
                if sender.send(Done { told, end }).await.is_err() || end != End::Whole {
                    return;
                }
            }
        }
    }));
    let telling = async {
        for (iteration, lane) in (0..course.iterations).zip((0..count).cycle()) {
            let Some(done) = receivers[lane].recv().await else { return End::Stopped };
            teller.iteration_begun(iteration, course.iterations);
            for (at, sent, execution) in done.told {
                teller.item_begun(&at);
                teller.item_done(&at, &sent, &execution);
            }
            if done.end != End::Stopped {
                teller.iteration_done(iteration);
            }
            if done.end != End::Whole {
                return done.end;
            }
        }
        End::Whole
    };
    let (mut lanes, mut telling) = (pin!(lanes), pin!(telling));
    let mut lanes_are_done = false;
    let end = poll_fn(|context| {
        if !lanes_are_done {
            lanes_are_done = lanes.as_mut().poll(context).is_ready();
        }
        // What it takes may let a lane go on, which wakes this task.
        telling.as_mut().poll(context)
    });
    (end.await, None)
}

/// Hears what a lane does.
trait Sink: Send {
    fn item_begun(&mut self, at: &At);
    fn progress(&mut self, at: &At, progress: Progress<'_>);
    fn item_done(&mut self, at: At, sent: Sent, execution: Execution);
}

impl Sink for Teller<'_> {
    fn item_begun(&mut self, at: &At) {
        Teller::item_begun(self, at);
    }

    fn progress(&mut self, at: &At, progress: Progress<'_>) {
        self.reporter.hear(&Event::Progress { at, progress });
    }

    fn item_done(&mut self, at: At, sent: Sent, execution: Execution) {
        Teller::item_done(self, &at, &sent, &execution);
    }
}

impl Sink for Vec<(At, Sent, Execution)> {
    fn item_begun(&mut self, _at: &At) {}

    fn progress(&mut self, _at: &At, _progress: Progress<'_>) {}

    fn item_done(&mut self, at: At, mut sent: Sent, execution: Execution) {
        if let Answer::Response(response) = &mut sent.answer {
            response.body = Vec::new();
        }
        self.push((at, sent, execution));
    }
}

/// Tells the reporter, and sums up.
struct Teller<'a> {
    summary: Summary,
    reporter: &'a mut (dyn Reporter + Send),
}

impl Teller<'_> {
    fn begin(&mut self, course: &Course) {
        let (iterations, requests) = (course.iterations, course.items.len());
        self.reporter.hear(&Event::Begun { name: &self.summary.name, iterations, requests });
    }

    fn iteration_begun(&mut self, iteration: u64, iterations: u64) {
        self.reporter.hear(&Event::IterationBegun { iteration, iterations });
    }

    fn item_begun(&mut self, at: &At) {
        self.reporter.hear(&Event::ItemBegun { at });
    }

    fn item_done(&mut self, at: &At, sent: &Sent, execution: &Execution) {
        self.summary.add(execution);
        self.reporter.hear(&Event::ItemDone { at, sent, execution });
    }

    fn iteration_done(&mut self, iteration: u64) {
        self.summary.stats.iterations.total += 1;
        self.reporter.hear(&Event::IterationDone { iteration });
    }

    fn end(mut self, end: End) -> Summary {
        self.summary.end = end;
        self.summary.timings.completed_ms = now_ms();
        self.reporter.hear(&Event::Done { summary: &self.summary });
        self.summary
    }
}

/// One lane: its connections, variables and scripts.
struct Lane<'a> {
    course: &'a Course,
    sending: Sending,
    scopes: Scopes,
    masks: Masks,
    /// Whether a request has gone before, so that there is something to wait after.
    has_begun: bool,
}

impl<'a> Lane<'a> {
    fn new(plan: &Plan, course: &'a Course, means: Means) -> Self {
        let scopes = scopes(plan);
        Self {
            course,
            sending: Sending::new(means, plan.bail),
            scopes,
            masks: Masks::default(),
            has_begun: false,
        }
    }

    /// Runs one iteration. Gives how it ended; a script that leads nowhere ends it as it should.
    async fn iteration(&mut self, iteration: u64, sink: &mut dyn Sink) -> End {
        let course = self.course;
        self.take_row(iteration);
        let mut position = 0;
        let mut left = course.requests_max;
        while let Some(item) = course.items.get(position) {
            if !self.wait().await {
                return End::Stopped;
            }
            let Some(fewer) = left.checked_sub(1) else { return End::Endless };
            left = fewer;
            let at = self.at(iteration, position, item);
            sink.item_begun(&at);
            let (sent, execution) = self.item(item, &at, &mut *sink).await;
            let next = sent.next.clone();
            let end = ending(course.bail, &sent);
            sink.item_done(at, sent, execution);
            if end != End::Whole {
                return end;
            }
            position = match next {
                None => position + 1,
                Some(Next::Request(word)) => course.places.find(&word).unwrap_or(course.items.len()),
                Some(Next::End) => course.items.len(),
            };
        }
        End::Whole
    }

    /// Makes the iteration's row of data its variables; of fewer rows than iterations, the last serves for the rest.
    fn take_row(&mut self, iteration: u64) {
        self.scopes.remove(Scope::Data);
        let place = usize::try_from(iteration).unwrap_or(usize::MAX);
        if let Some(row) = self.course.data.get(place).or_else(|| self.course.data.last()) {
            self.scopes.push(Layer::from_row("data", row));
        }
    }

    /// Waits between two requests; false if the word to stop came.
    async fn wait(&mut self) -> bool {
        let stop = &self.sending.means().stop;
        if std::mem::replace(&mut self.has_begun, true) && !self.course.delay.is_zero() {
            tokio::select! {
                biased;
                () = stop.stopped() => {}
                () = sleep(self.course.delay) => {}
            }
        }
        !stop.is_stopped()
    }

    fn at(&self, iteration: u64, position: usize, item: &Item) -> At {
        At {
            iteration,
            iterations: self.course.iterations,
            position,
            count: self.course.items.len(),
            name: item.name.clone(),
            id: item.id.clone(),
            folders: item.folders.clone(),
        }
    }

    async fn item(&mut self, item: &Item, at: &At, sink: &mut dyn Sink) -> (Sent, Execution) {
        let (ancestors, document) = item.documents(&self.course.collection);
        self.scopes.remove(Scope::Folder);
        for folder in ancestors.iter().skip(1).filter(|folder| folder.get("variable").is_some()) {
            self.scopes.push(Layer::from_document(Scope::Folder, folder));
        }
        let names = [&self.course.name].into_iter().chain(&item.folders).chain([&item.name]);
        let position = Position {
            iteration: at.iteration,
            iteration_count: at.iterations,
            request_name: item.name.clone(),
            request_id: item.id.clone(),
            location: names.cloned().collect(),
        };
        self.masks.before(&self.scopes);
        let source = Source { item: document, ancestors: &ancestors };
        let mut hear = |progress: Progress<'_>| sink.progress(at, progress);
        let sent = self.sending.send(source, &position, &mut self.scopes, &mut hear).await;
        let masker = self.masks.after(&self.scopes, self.sending.means());
        let execution = Execution::of(at, &sent, masker);
        (sent, execution)
    }
}

/// How a request ends its run.
fn ending(bail: Bail, sent: &Sent) -> End {
    let broken = matches!(sent.answer, Answer::Failed(_) | Answer::NotBuilt(_))
        || sent.scripts.iter().any(super::Ran::is_broken);
    let bails = match bail {
        Bail::Never => false,
        Bail::Error => broken,
        Bail::Failure => broken || sent.has_failed(),
    };
    match sent.answer {
        Answer::Stopped => End::Stopped,
        _ if bails => End::Bailed,
        _ => End::Whole,
    }
}

/// The secrets that one request may have shown: those before its scripts, and those after.
#[derive(Debug, Default)]
struct Masks {
    secrets: Vec<String>,
    known: Vec<String>,
    masker: Masker,
}

impl Masks {
    fn before(&mut self, scopes: &Scopes) {
        self.secrets = secrets(scopes).collect();
    }

    fn after(&mut self, scopes: &Scopes, means: &Means) -> &Masker {
        self.secrets.extend(secrets(scopes));
        self.secrets.extend(means.tokens.secrets());
        self.secrets.sort_unstable();
        self.secrets.dedup();
        // Making one is costly, and secrets seldom change.
        if self.secrets != self.known {
            self.masker = Masker::default();
            for secret in &self.secrets {
                self.masker.add(secret);
            }
            std::mem::swap(&mut self.secrets, &mut self.known);
        }
        &self.masker
    }
}

fn secrets(scopes: &Scopes) -> impl Iterator<Item = String> {
    let variables = scopes.layers().iter().flat_map(|layer| &layer.variables);
    variables.filter(|variable| variable.secret).map(crate::variable::Variable::text)
}
