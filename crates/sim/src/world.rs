//! A world: apps, the server, and the network between them, driven step by step from one seed.
//!
//! ```text
//! set up ──▶ faults: steps of the plan, safety checked after each ──▶ heal ──▶ all equal, nothing lost
//! ```
//! Invariants: everything is decided by the seed; nothing here waits, sleeps or asks a clock.

mod acts;
mod people;

use std::collections::BTreeSet;

use satchel_model::RecordId;
use satchel_server::service::Outcome;
use satchel_sync::{Alarm, Change, EngineError, Event, Store, SyncState};
use satchel_wire::{ServerFrame, WorkspaceId};

use crate::app::{App, AppMark, Failed};
use crate::brittle::{BrittleError, Mishap};
use crate::check::alarms::Forged;
use crate::check::ledger::{self, Ledger, Mark};
use crate::check::people::People;
use crate::check::{
    Checked, View, Violation, absence, acknowledged, alarms, convergence, cursor, forest, local, solo, trash,
    violation,
};
use crate::edit::Hand;
use crate::lie::{self, Lie};
use crate::oracle::{Oracle, tokens_of_item};
use crate::person::{self, Seat};
use crate::plan::{Plan, Step};
use crate::rng::SimRng;
use crate::server::Server;
use crate::tier::{AppDisk, ServerDisk, Tier};

/// Rounds in which everything is sent, taken and delivered, until a healed world must be at rest.
const ROUNDS_MAX: usize = 60;

/// How one run of a seed differs from the plain one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Variation {
    /// Prints every step.
    pub(crate) trace: bool,
    /// Sets every clock to another time.
    pub(crate) other_clocks: bool,
}

/// What a history came to.
#[derive(Debug)]
pub(crate) struct Ending {
    /// What all apps show; none if the server went back without a word.
    pub(crate) view: Option<View>,
    /// Entries of the ledger.
    pub(crate) entries: u64,
}

type Server_<T> = <T as Tier>::Server;

/// One world.
pub(crate) struct World<T: Tier> {
    plan: Plan,
    rng: SimRng,
    apps: Vec<App<T::App>>,
    server: Server<T::Server>,
    server_mark: Option<(<Server_<T> as ServerDisk>::Backup, Mark)>,
    server_clock_ms: u64,
    oracle: Oracle,
    ledger: Ledger,
    people: People,
    invited: Vec<people::Invited>,
    workspace: WorkspaceId,
    step: usize,
    /// The server was set back behind what it had acknowledged.
    went_back: bool,
    /// It did so without a new life, as if nothing had been: apps may stop with an alarm.
    went_back_unsaid: bool,
    /// The server lost entries more than once, which may make a conflict nobody made
    /// (docs/decisions/0016-restored-server.md).
    went_back_again: bool,
    seed: u64,
    variation: Variation,
    tier: T,
}

/// Plays the history of a seed.
pub(crate) fn play<T>(seed: u64, steps: usize, variation: Variation) -> Result<Ending, Violation>
where
    T: Tier,
    <T::App as Store>::Error: 'static,
{
    let mut world = World::<T>::new(seed, steps, variation)?;
    world.run()?;
    world.heal()?;
    world.check_end()
}

impl<T> World<T>
where
    T: Tier,
    <T::App as Store>::Error: 'static,
{
    fn new(seed: u64, steps: usize, variation: Variation) -> Result<Self, Violation> {
        let plan = Plan::new(seed, steps);
        let mut rng = SimRng::new(seed, 2);
        let mut tier = T::begin();
        let server = Server::new(tier.server(&mut rng), plan.max_apps);
        let store = server.store().expect("it was just started").clone();
        for seat in (0..plan.apps).map(|app| plan.seat(app)) {
            if seat.account == seat.app {
                store.make_account(person::new_account(seat)).expect("an empty server takes it");
            } else {
                let account = person::account_id(seat.account);
                store.sign_in(account, person::new_app(seat)).expect("the account is there");
            }
        }
        drop(store);
        let apps = (0..plan.apps).map(|app| App::new(plan.seat(app), seed, tier.app())).collect();
        let ledger = Ledger::new(plan.has_people());
        let mut world = Self {
            plan,
            rng,
            apps,
            server,
            server_mark: None,
            server_clock_ms: 1_000_000,
            oracle: Oracle::default(),
            ledger,
            people: People::default(),
            invited: Vec::new(),
            workspace: WorkspaceId::new([0; 16]),
            step: 0,
            went_back: false,
            went_back_unsaid: false,
            went_back_again: false,
            seed,
            variation,
            tier,
        };
        world.set_up()?;
        Ok(world)
    }

    /// The first app founds the workspace and makes two items, which may or may not reach the server.
    fn set_up(&mut self) -> Checked {
        let app = &mut self.apps[0];
        let founded = app.engine.found_workspace("Work", &mut app.rng, &mut app.store);
        self.workspace = founded.map_err(|error| violation("engine", error.to_string()))?;
        for index in 0..self.apps.len() {
            self.set_clock(index, 0);
        }
        for _ in 0..2 {
            self.edit(0, Step::Create)?;
        }
        for index in 0..self.apps.len() {
            self.connect(index, index.checked_sub(1))?;
            for _ in 0..4 {
                self.pump(0)?;
                self.pump(index)?;
            }
        }
        self.bring_people()
    }

    fn set_clock(&mut self, app: usize, jump: u64) {
        let salt = if self.variation.other_clocks { 77_777_777 + 131 * app as u64 } else { 0 };
        self.apps[app].clock_ms = 1_000_000 + jump + salt;
    }

    fn root(&self) -> RecordId {
        RecordId(*self.workspace.as_bytes())
    }

    fn run(&mut self) -> Checked {
        for step in 1..=self.plan.steps {
            self.step = step;
            let kind = self.plan.next(&mut self.rng);
            let app = self.rng.below(self.apps.len());
            if self.variation.trace {
                eprintln!("step {step}: {kind:?} app {app} entries {}", self.ledger.entry_count());
            }
            self.take(kind, app)?;
            if self.variation.trace {
                self.show_trash(app);
            }
            self.apps[app].clock_ms += 7;
            self.server_clock_ms += 5;
            self.check_forest(app)?;
        }
        Ok(())
    }

    fn check_forest(&self, app: usize) -> Checked {
        let engine = &self.apps[app].engine;
        match (engine.nodes(self.workspace), engine.tree(self.workspace)) {
            (Some(nodes), Some(tree)) => forest::check(app, self.root(), nodes, &tree),
            _ => Ok(()),
        }
    }

    /// What an app has in the trash, for a person who looks for a reason.
    fn show_trash(&self, app: usize) {
        let app = &self.apps[app];
        let nodes = app.engine.nodes(self.workspace).into_iter().flatten();
        let trashed: Vec<_> = nodes.filter(|(_, node)| node.trashed.is_some()).map(|(id, _)| id).collect();
        let summary = app.engine.summary(self.workspace);
        let stands = summary.map(|summary| (summary.head.seq, summary.up, summary.conflicts));
        eprintln!("  app {}: trash {trashed:?}, at, up, conflicts {stands:?}", app.index);
    }

    fn take(&mut self, kind: Step, app: usize) -> Checked {
        match kind {
            Step::Create
            | Step::ChangeBody
            | Step::Rename
            | Step::Relocate
            | Step::Trash
            | Step::Resolve
            | Step::Paste => self.edit(if self.plan.solo { 0 } else { app }, kind),
            Step::Purge => self.purge(if self.plan.solo { 0 } else { app }),
            Step::History => self.read_history(app),
            Step::Rotate | Step::Invite | Step::Join | Step::SetRole | Step::Remove | Step::Leave => {
                self.act(kind, app);
                Ok(())
            }
            Step::Connect => {
                let offline: Vec<_> = self.apps.iter().filter(|app| app.link.is_none()).collect();
                let offline: Vec<_> = offline.iter().map(|app| app.index).collect();
                let app = self.rng.pick(&offline).filter(|_| !self.rng.one_in(8)).unwrap_or(app);
                let others = self.apps.len();
                let take_over = Some(self.rng.below(others)).filter(|_| self.rng.one_in(2));
                self.reconnect(app, take_over)?;
                self.serve(app, 1)?;
                self.deliver(app, 1)?;
                self.send(app).map(drop)
            }
            Step::Break => {
                self.apps[app].disconnect();
                Ok(())
            }
            Step::Send => {
                self.send(app)?;
                let count = self.rng.below(3);
                self.serve(app, count).map(drop)
            }
            Step::Exchange => {
                self.send(app)?;
                self.serve(app, 3)?;
                self.feed(app, 3);
                self.deliver(app, 4).map(drop)
            }
            Step::Serve => {
                let count = 1 + self.rng.below(4);
                self.serve(app, count).map(drop)
            }
            Step::Feed => {
                self.feed(app, 1 + self.step % 4);
                Ok(())
            }
            Step::Deliver => {
                let count = 1 + self.rng.below(5);
                self.feed(app, self.step % 3);
                self.deliver(app, count).map(drop)
            }
            Step::Ghost => self.serve_ghost(app),
            Step::Crash => self.crash(app),
            Step::Mishap => {
                let mishaps = [Mishap::PowerBefore, Mishap::PowerAfter, Mishap::Full];
                let mishap = self.rng.pick(&mishaps).expect("there are three");
                let writes = self.rng.below(3);
                self.apps[app].store.arm(writes, mishap);
                Ok(())
            }
            Step::BackUpApp => {
                let next = self.oracle.next();
                let app = &mut self.apps[app];
                app.mark = Some(AppMark { disk: app.store.disk.backup(), next });
                Ok(())
            }
            Step::RestoreApp => self.restore_app(app),
            Step::StopServer => {
                self.stop_server();
                if self.rng.one_in(3) { Ok(()) } else { self.start_server() }
            }
            Step::StartServer => self.start_server(),
            Step::RestoreServer => self.restore_server(),
            Step::JumpClock => {
                let jump = self.rng.below(2_000_000) as u64;
                self.set_clock(app, jump);
                self.server_clock_ms = 1_000_000 + self.rng.below(3_000_000) as u64;
                Ok(())
            }
            Step::Lie => self.lie(app),
            Step::Verify => self.verify(app),
        }
    }

    // ---- people ----

    fn edit(&mut self, index: usize, kind: Step) -> Checked {
        let workspace = self.workspace;
        let root = self.root();
        let app = &mut self.apps[index];
        let Some(nodes) = app.engine.nodes(workspace) else { return Ok(()) };
        if nodes.is_empty() {
            return Ok(()); // nothing has arrived yet
        }
        let records: Vec<_> = nodes.keys().copied().filter(|record| *record != root).collect();
        let mut record = self.rng.pick(&records);
        if self.plan.narrow {
            let at = records.iter().position(|one| Some(*one) == record);
            record = at.map(|at| records[at % 2]);
        }
        let from = self.oracle.next();
        let body = match record {
            Some(record) => match app.engine.body(workspace, record, &app.store) {
                Ok(body) => body,
                Err(error) => return self.fail(index, &error),
            },
            None => None,
        };
        let mut hand = Hand {
            app: index,
            step: self.step,
            clock_ms: app.clock_ms,
            root,
            nodes,
            oracle: &mut self.oracle,
            rng: &mut self.rng,
        };
        let node = record.and_then(|record| nodes.get(&record)).cloned();
        let changes = match (kind, record, node) {
            (Step::Create, ..) => vec![hand.create()],
            (Step::Paste, ..) => (0..3).map(|_| hand.create()).collect(),
            (Step::ChangeBody, Some(record), _) => {
                body.map(|body| hand.change_body(record, body)).into_iter().collect()
            }
            (Step::Rename, Some(record), Some(node)) => vec![hand.rename(record, node)],
            (Step::Relocate, Some(record), Some(node)) => hand.relocate(record, node).into_iter().collect(),
            (Step::Trash, Some(record), Some(node)) => vec![hand.trash(record, node, body.as_ref())],
            (Step::Resolve, Some(record), Some(node)) => {
                hand.resolve(record, node, body).into_iter().collect()
            }
            _ => Vec::new(),
        };
        if changes.is_empty() {
            return Ok(());
        }
        let made: Vec<_> = changes.iter().map(|change| change.record).collect();
        if self.variation.trace {
            let node = |change: &Change| {
                change.node.as_ref().map(|node| (node.trashed.is_some(), node.position.parent))
            };
            let shown: Vec<_> = changes.iter().map(|one| (one.record, node(one))).collect();
            eprintln!("  values {from}..{}, (in the trash, below) {shown:?}", self.oracle.next());
        }
        match app.engine.edit(workspace, changes, &mut app.store) {
            Ok(()) => {
                self.oracle.acknowledge(from);
                Ok(())
            }
            Err(error) => {
                if matches!(kind, Step::Create | Step::Paste) {
                    for record in made {
                        self.oracle.forget(record);
                    }
                }
                self.fail(index, &error)
            }
        }
    }

    // ---- network ----

    fn connect(&mut self, app: usize, take_over: Option<usize>) -> Checked {
        let Some(welcome) = self.server.connect() else {
            self.apps[app].disconnect();
            return Ok(());
        };
        let connected = self.apps[app].connect(welcome, take_over);
        connected.or_else(|error| self.fail(app, &error))
    }

    fn reconnect(&mut self, app: usize, take_over: Option<usize>) -> Checked {
        if self.apps[app].link.is_some() && !self.rng.one_in(3) {
            return Ok(());
        }
        self.apps[app].disconnect();
        if self.apps[app].was_lied_to {
            self.apps[app].engine.unblock(self.workspace);
        }
        self.connect(app, take_over)
    }

    fn send(&mut self, app: usize) -> Result<bool, Violation> {
        match self.apps[app].send() {
            Ok(sent) => {
                self.tell(app, false)?;
                Ok(sent)
            }
            Err(error) => self.fail(app, &error).map(|()| true),
        }
    }

    /// The server takes what an app sent.
    fn serve(&mut self, app: usize, count: usize) -> Result<usize, Violation> {
        let mut taken = 0;
        while taken < count {
            let Some(link) = &mut self.apps[app].link else { break };
            let Some(frame) = link.up.pop_front() else { break };
            taken += 1;
            if link.line.take(frame, self.server_clock_ms) {
                self.server.wait_for_answer();
            }
            self.hear()?;
        }
        Ok(taken)
    }

    /// The server takes what comes late on a connection that its app has given up.
    fn serve_ghost(&mut self, app: usize) -> Checked {
        let Some(mut ghost) = self.apps[app].ghost.take() else { return Ok(()) };
        let count = 1 + self.rng.below(6);
        for _ in 0..count {
            let Some(frame) = ghost.up.pop_front() else { return Ok(()) };
            if ghost.line.take(frame, self.server_clock_ms) {
                self.server.wait_for_answer();
            }
            self.hear()?;
        }
        if self.rng.one_in(2) {
            self.apps[app].ghost = Some(ghost);
        }
        Ok(())
    }

    fn hear(&mut self) -> Checked {
        let heard = self.server.heard();
        if self.variation.trace {
            heard.iter().for_each(ledger::show);
        }
        for outcome in &heard {
            if let Outcome::Accepted { head, header, .. } = outcome
                && self.plan.has_people()
            {
                self.people.hear(head.seq, header)?;
            }
            self.ledger.hear(outcome)?;
        }
        Ok(())
    }

    fn feed(&mut self, app: usize, steps: usize) -> bool {
        let Some(link) = &mut self.apps[app].link else { return false };
        (0..steps).take_while(|_| link.line.feed()).count() > 0
    }

    fn deliver(&mut self, app: usize, count: usize) -> Result<usize, Violation> {
        let mut delivered = 0;
        while delivered < count {
            let Some(link) = &mut self.apps[app].link else { break };
            let Some(frame) = link.line.next_frame() else { break };
            delivered += 1;
            self.hand_over(app, frame)?;
        }
        Ok(delivered)
    }

    fn hand_over(&mut self, index: usize, frame: ServerFrame) -> Checked {
        let app = &mut self.apps[index];
        self.people.check_frame(index, person::account_id(app.seat.account), &frame)?;
        if let Err(error) = app.engine.handle_frame(frame, app.clock_ms, &mut app.store) {
            return self.fail(index, &error);
        }
        if matches!(app.engine.connection_state(), SyncState::Offline(_)) {
            app.link = None; // that was the last frame
        }
        self.tell(index, false)
    }

    /// Looks at what the engine has to tell.
    fn tell(&mut self, index: usize, forged: bool) -> Checked {
        let has_people = self.plan.has_people();
        let app = &mut self.apps[index];
        while let Some(event) = app.engine.poll_event() {
            match event {
                Event::Reconnect { .. } => app.disconnect(),
                // Who is out is told so.
                Event::Alarm { alarm: Alarm::Gone, .. } if has_people => {}
                Event::Alarm { alarm, detail, .. } if !forged && !app.was_lied_to && !self.went_back => {
                    return alarms::check_honest(index, alarm, &detail);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// One frame is changed on its way.
    fn lie(&mut self, index: usize) -> Checked {
        let Some(link) = &mut self.apps[index].link else { return Ok(()) };
        let Some(mut frame) = link.line.next_frame() else { return Ok(()) };
        let what = match lie::tell(&mut frame, &mut self.rng) {
            None => return self.hand_over(index, frame),
            Some(Lie::Withheld) => return Ok(()),
            Some(Lie::Changed(what)) => what,
        };
        let must_be_noticed = !matches!(frame, ServerFrame::Entry { .. });
        let workspace = self.workspace;
        let app = &mut self.apps[index];
        app.was_lied_to = true;
        let before = app.engine.summary(workspace);
        if let Err(error) = app.engine.handle_frame(frame, app.clock_ms, &mut app.store) {
            return self.fail(index, &error);
        }
        let after = app.engine.summary(workspace);
        self.tell(index, true)?;
        let (Some(before), Some(after)) = (before, after) else { return Ok(()) };
        alarms::check_forged(&Forged {
            app: index,
            what,
            head_before: before.head.seq,
            head_after: after.head.seq,
            state_before: before.state,
            state_after: after.state,
            must_be_noticed,
        })
    }

    // ---- mishaps ----

    /// An engine's call failed: a mishap is gone through, anything else is a violation.
    fn fail(&mut self, index: usize, error: &Failed<T::App>) -> Checked {
        match error {
            EngineError::Store(BrittleError::Power) => self.restart(index),
            EngineError::Store(BrittleError::Full) => {
                self.apps[index].disconnect();
                Ok(())
            }
            error => Err(violation("engine", format!("app {index}: {error}"))),
        }
    }

    fn restart(&mut self, index: usize) -> Checked {
        let restarted = self.apps[index].restart();
        restarted.map_err(|error| violation("engine", format!("app {index} does not start: {error}")))?;
        cursor::check(index, self.workspace, &self.apps[index].store, &self.ledger)
    }

    fn crash(&mut self, index: usize) -> Checked {
        let workspace = self.workspace;
        let app = &self.apps[index];
        let (before, waited) = (app.view(workspace), app.engine.waiting());
        self.restart(index)?;
        let app = &self.apps[index];
        let (after, waits) = (app.view(workspace), app.engine.waiting());
        match (before, after) {
            (Ok(before), Ok(after)) => local::check(index, (&before, waited), (&after, waits)),
            (_, Err(error)) | (Err(error), _) => Err(violation("engine", format!("app {index}: {error}"))),
        }
    }

    fn restore_app(&mut self, index: usize) -> Checked {
        let workspace = self.workspace;
        let app = &mut self.apps[index];
        let Some(mark) = app.mark.take() else { return Ok(()) };
        let engine = &app.engine;
        self.oracle.excuse(index, mark.next, |record| engine.is_waiting(workspace, record));
        app.store.disk.restore(&mark.disk);
        self.restart(index)
    }

    fn stop_server(&mut self) {
        if !self.server.is_running() {
            return;
        }
        self.apps.iter_mut().for_each(App::lose_server);
        self.server.stop();
        if self.server_mark.is_none() || self.rng.one_in(3) {
            self.server_mark = Some((self.server.disk.backup(), self.ledger.mark()));
        }
    }

    fn start_server(&mut self) -> Checked {
        if self.server.is_running() {
            return Ok(());
        }
        self.server.start();
        let store = self.server.store().expect("it was just started");
        let listed = store.workspaces(person::account_id(0)).expect("a disk in good order reads");
        self.ledger.check_restart(self.workspace, &listed)
    }

    fn restore_server(&mut self) -> Checked {
        let Some((backup, mark)) = &self.server_mark else { return Ok(()) };
        if self.server.is_running() {
            self.apps.iter_mut().for_each(App::lose_server);
            self.server.stop();
        }
        let renew = self.rng.one_in(2);
        let renewed = self.server.disk.restore(backup, renew, &mut self.rng);
        let entries = self.ledger.entry_count();
        self.ledger.restore(mark);
        let went_back = self.ledger.entry_count() < entries;
        self.went_back_again |= self.went_back && went_back;
        self.went_back |= went_back;
        // Without a word it may also go back to a life in which an app has seen more.
        self.went_back_unsaid |= self.went_back && !renewed;
        self.start_server()
    }

    fn verify(&mut self, index: usize) -> Checked {
        let app = &mut self.apps[index];
        if app.engine.nodes(self.workspace).is_none() {
            return Ok(());
        }
        match app.engine.verify(self.workspace, &mut app.store) {
            Ok(report) if report.damaged.is_empty() && report.digest_agrees => Ok(()),
            Ok(report) => {
                Err(violation("cursor", format!("app {index} finds its own copy damaged: {report:?}")))
            }
            Err(error) => self.fail(index, &error),
        }
    }

    // ---- the end ----

    /// Sends, takes and delivers everything of one app. True if anything moved.
    fn pump(&mut self, app: usize) -> Result<bool, Violation> {
        let mut moved = self.send(app)?;
        moved |= self.serve(app, usize::MAX)? > 0;
        moved |= self.feed(app, usize::MAX);
        moved |= self.deliver(app, usize::MAX)? > 0;
        Ok(moved)
    }

    /// The same in small portions.
    fn trickle(&mut self, app: usize) -> Result<bool, Violation> {
        let mut moved = self.send(app)?;
        moved |= self.serve(app, 2)? > 0;
        moved |= self.feed(app, 1);
        moved |= self.deliver(app, 2)? > 0;
        Ok(moved)
    }

    /// The faults end: everyone is connected to a server without a limit of apps.
    fn heal(&mut self) -> Checked {
        self.apps.iter_mut().for_each(App::lose_server);
        self.server.stop();
        self.server.lift_limit();
        self.start_server()?;
        for index in 0..self.apps.len() {
            self.apps[index].store.mend();
            self.apps[index].engine.unblock(self.workspace);
            self.connect(index, None)?;
        }
        self.settle()
    }

    fn settle(&mut self) -> Checked {
        let mut was_moving = true;
        for round in 0..ROUNDS_MAX {
            let mut moved = false;
            for index in 0..self.apps.len() {
                // Half of the worlds settle frame by frame at first, so that apps join while others send.
                let by_frames = self.seed % 2 == 1 && round < ROUNDS_MAX / 4;
                moved |= if by_frames { self.trickle(index)? } else { self.pump(index)? };
                self.check_forest(index)?;
                if self.variation.trace {
                    self.show_trash(index);
                }
                if self.apps[index].link.is_none() && round < ROUNDS_MAX / 2 {
                    self.connect(index, None)?;
                    moved = true;
                }
            }
            // What an app does by itself for its charter it looks for before it sends, and not while a person's act
            // waits. So where such an act came to nothing, nothing is sent, and the duty follows a round later.
            if !moved && !was_moving {
                return Ok(());
            }
            was_moving = moved;
        }
        convergence::never(format!("after {ROUNDS_MAX} rounds without faults the apps still send"))
    }

    fn check_end(mut self) -> Result<Ending, Violation> {
        let mut kept = BTreeSet::new();
        let mut views = Vec::new();
        for index in 0..self.apps.len() {
            let app = &self.apps[index];
            let view = app.view(self.workspace);
            let view = view.map_err(|error| violation("engine", format!("app {index}: {error}")))?;
            kept.extend(view.values().flat_map(|(node, body)| tokens_of_item(node, body.as_ref())));
            cursor::check(index, self.workspace, &app.store, &self.ledger)?;
            views.push(view);
        }
        let entries = self.ledger.entry_count();
        if self.went_back_unsaid {
            acknowledged::check(&self.oracle, &kept)?;
            return Ok(Ending { view: None, entries });
        }
        for index in 0..self.apps.len() {
            if !self.is_member(index) && self.plan.has_people() {
                continue;
            }
            if !self.apps[index].engine.is_in_sync() {
                let summary = self.apps[index].engine.summary(self.workspace);
                convergence::never(format!("app {index} is at rest and not in sync: {summary:?}"))?;
            }
            let (one, other) =
                (self.without_drafts(index, &views[0]), self.without_drafts(index, &views[index]));
            convergence::check(["app 0", &format!("app {index}")], &one, &other)?;
        }
        let view = views.swap_remove(0);
        acknowledged::check(&self.oracle, &kept)?;
        absence::check(&self.oracle, &view, |maker, record| self.is_draft(maker, record))?;
        trash::check(&self.oracle, &view)?;
        forest::check_parents(self.root(), &view)?;
        forest::check_tangled(self.root(), &view)?;
        if self.plan.solo && !self.went_back_again {
            solo::check(&view)?;
        }
        if self.seed.is_multiple_of(4) {
            self.check_fresh(&view)?;
        }
        Ok(Ending { view: Some(view), entries })
    }

    /// An app that comes to the healed world sees the same.
    fn check_fresh(&mut self, view: &View) -> Checked {
        let index = self.apps.len();
        let store = self.server.store().expect("a healed server runs");
        let seat = Seat { account: 0, app: index };
        store.sign_in(person::account_id(0), person::new_app(seat)).expect("the account is there");
        self.apps.push(App::new(seat, self.seed, self.tier.app()));
        self.connect(index, None)?;
        self.settle()?;
        let fresh = self.apps[index].view(self.workspace);
        let fresh = fresh.map_err(|error| violation("engine", format!("a fresh app: {error}")))?;
        convergence::check(["app 0", "a fresh app"], view, &fresh)
    }
}

impl<T: Tier> Drop for World<T> {
    fn drop(&mut self) {
        // Lines end before the server that they belong to.
        for app in &mut self.apps {
            (app.link, app.ghost) = (None, None);
        }
        self.server.stop();
    }
}
