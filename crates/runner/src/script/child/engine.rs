//! `QuickJS` and the loop around it: jobs, timers and answers, until a script has nothing left to wait for.
//!
//! Everything happens within one visit to the interpreter, so that no value of it is held from outside.

use std::cell::{Cell, RefCell};
use std::io;
use std::process::exit;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rquickjs::{CatchResultExt as _, Context, Ctx, Function, Object, Persistent, Runtime};
use serde_json::Value as Json;

use super::super::frame::{self, Inward, Kind};
use super::super::limits::STACK_BYTES;
use super::confine;
use super::library::PARTS;
use super::native::{self, Shared};

/// A collection is due sooner than `QuickJS` would do it in a small heap, later in a large one.
const COLLECT_BYTES: usize = 4 * 1024 * 1024;

/// How many scripts may run before the heap is measured, which takes as long as a small script.
const MEASURED: u32 = 64;
/// Or how long the last one may have taken.
const QUICK: Duration = Duration::from_millis(50);

/// Why the child ends.
enum End {
    /// The parent has, or the interpreter's memory is full of what scripts left behind.
    Closed,
    /// A script's time was over: its state is anywhere.
    Late,
    /// The interpreter can no longer be used.
    Broken(&'static str),
}

/// Until when the script may run; none between scripts.
type Clock = Rc<Cell<Option<Instant>>>;

/// Runs scripts until there are no more, and ends the process: the interpreter's heap need not be taken down.
pub(super) fn serve(inbox: &Receiver<Inward>, memory_bytes: usize) -> ! {
    let engine = Engine::new(memory_bytes);
    let end = engine.as_ref().map_or(End::Broken("engine"), |engine| engine.serve(inbox));
    // The parent may be gone by now, and then nobody needs to be told.
    match end {
        End::Closed => exit(0),
        End::Late => drop(frame::write(&mut io::stdout(), Kind::Late, b"")),
        End::Broken(reason) => {
            let json = serde_json::json!({ "reason": reason }).to_string();
            drop(frame::write(&mut io::stdout(), Kind::Broken, json.as_bytes()));
        }
    }
    exit(1)
}

/// The interpreter with `pm` in it.
struct Engine {
    runtime: Runtime,
    context: Context,
    /// The functions of `pm/main.js`.
    main: Persistent<Object<'static>>,
    outside: Shared,
    clock: Clock,
    memory_bytes: usize,
}

impl Engine {
    fn new(memory_bytes: usize) -> rquickjs::Result<Self> {
        let clock = Clock::default();
        let (runtime, context) = interpreter(memory_bytes, &clock)?;
        let outside: Shared = Rc::new(RefCell::default());
        let made = context.with(|ctx| {
            let main = pm(&ctx, &outside)?;
            let rejected = Persistent::save(&ctx, main.get::<_, Function<'_>>("rejected")?);
            Ok::<_, rquickjs::Error>((Persistent::save(&ctx, main), rejected))
        });
        let (main, rejected) = made?;
        runtime.set_host_promise_rejection_tracker(Some(Box::new(
            move |ctx, promise, reason, is_handled| {
                if let Ok(rejected) = rejected.clone().restore(&ctx) {
                    // What fails here is the script's memory or time, which is found out elsewhere.
                    drop(rejected.call::<_, ()>((promise, reason, is_handled)).catch(&ctx));
                }
            },
        )));
        Ok(Self { runtime, context, main, outside, clock, memory_bytes })
    }

    fn serve(&self, inbox: &Receiver<Inward>) -> End {
        confine::seal();
        let mut since_measured = 0;
        loop {
            let Ok(inward) = inbox.recv() else { return End::Closed };
            // The answer of a call that the script no longer waited for.
            if inward.kind != Kind::Run {
                continue;
            }
            // Ending before `Started` lets the parent take a new child.
            if since_measured >= MEASURED {
                since_measured = 0;
                if self.is_full() {
                    return End::Closed;
                }
            }
            let begin = Instant::now();
            if let Err(end) = self.context.with(|ctx| self.run(&ctx, inbox, inward)) {
                return end;
            }
            since_measured += if begin.elapsed() > QUICK { MEASURED } else { 1 };
        }
    }

    fn run(&self, ctx: &Ctx<'_>, inbox: &Receiver<Inward>, inward: Inward) -> Result<(), End> {
        let pm = Pm::new(ctx, self).map_err(|_| End::Broken("engine"))?;
        pm.run(inbox, inward)
    }

    /// Whether scripts have left so much behind that the next one would suffer.
    fn is_full(&self) -> bool {
        let used = || usize::try_from(self.runtime.memory_usage().malloc_size).unwrap_or(0);
        if used() <= self.memory_bytes / 2 {
            return false;
        }
        self.runtime.run_gc();
        used() > self.memory_bytes / 2
    }
}

fn interpreter(memory_bytes: usize, clock: &Clock) -> rquickjs::Result<(Runtime, Context)> {
    let runtime = Runtime::new()?;
    runtime.set_memory_limit(memory_bytes);
    runtime.set_max_stack_size(STACK_BYTES);
    runtime.set_gc_threshold(COLLECT_BYTES);
    let clock = Rc::clone(clock);
    runtime.set_interrupt_handler(Some(Box::new(move || {
        clock.get().is_some_and(|deadline| Instant::now() >= deadline)
    })));
    let context = Context::full(&runtime)?;
    Ok((runtime, context))
}

/// Reads the parts of `pm`, and gives the functions of the last one.
fn pm<'js>(ctx: &Ctx<'js>, outside: &Shared) -> rquickjs::Result<Object<'js>> {
    // The C library reads the time zone's file at its first use, and only then may.
    ctx.eval::<(), _>("new Date().getTimezoneOffset()")?;
    let shared = Object::new(ctx.clone())?;
    shared.set("host", native::make(ctx, outside)?)?;
    shared.set("classes", Object::new(ctx.clone())?)?;
    let mut main = Object::new(ctx.clone())?;
    for (name, source) in PARTS {
        let part = native::compile(ctx, (*source).to_owned(), format!("pm/{name}.js"))?;
        if let Some(functions) = part.call::<_, Option<Object<'js>>>((shared.clone(),))? {
            main = functions;
        }
    }
    Ok(main)
}

/// The engine during one script.
struct Pm<'js, 'e> {
    ctx: Ctx<'js>,
    prepare: Function<'js>,
    start: Function<'js>,
    reply: Function<'js>,
    wait: Function<'js>,
    fire: Function<'js>,
    finish: Function<'js>,
    outside: &'e Shared,
    clock: &'e Clock,
}

impl<'js, 'e> Pm<'js, 'e> {
    fn new(ctx: &Ctx<'js>, engine: &'e Engine) -> rquickjs::Result<Self> {
        let main = engine.main.clone().restore(ctx)?;
        Ok(Self {
            ctx: ctx.clone(),
            prepare: main.get("prepare")?,
            start: main.get("start")?,
            reply: main.get("reply")?,
            wait: main.get("wait")?,
            fire: main.get("fire")?,
            finish: main.get("finish")?,
            outside: &engine.outside,
            clock: &engine.clock,
        })
    }

    /// Runs one script to its end.
    fn run(&self, inbox: &Receiver<Inward>, inward: Inward) -> Result<(), End> {
        let text = String::from_utf8(inward.json).map_err(|_| End::Broken("frame"))?;
        let context: Json = serde_json::from_str(&text).map_err(|_| End::Broken("frame"))?;
        let limit = Duration::from_millis(context.get("limit").and_then(Json::as_u64).unwrap_or(0));
        drop(context);
        self.clock.set(Some(Instant::now() + limit));
        let length = inward.body.len();
        {
            let mut outside = self.outside.borrow_mut();
            outside.reset();
            outside.bodies.push(inward.body);
        }
        // Without `Started` the parent takes a new child: an earlier script has broken this one.
        self.guarded(self.prepare.call::<_, ()>((text, 0, length)))?;
        frame::write(&mut io::stdout(), Kind::Started, b"").map_err(|_| End::Closed)?;
        let deadline = Instant::now() + limit;
        self.clock.set(Some(deadline));
        self.guarded(self.start.call::<_, ()>(()))?;
        self.turn(inbox, deadline)?;
        self.guarded(self.finish.call::<_, ()>(()))?;
        self.clock.set(None);
        if self.outside.borrow().is_done { Ok(()) } else { Err(End::Broken("memory")) }
    }

    /// Jobs, timers and answers, until none is left.
    fn turn(&self, inbox: &Receiver<Inward>, deadline: Instant) -> Result<(), End> {
        loop {
            self.jobs(deadline)?;
            let wait: f64 = self.guarded(self.wait.call(()))?.unwrap_or(-1.0);
            if wait < 0.0 {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let until = Duration::try_from_secs_f64(wait / 1000.0).unwrap_or(left).min(left);
            match inbox.recv_timeout(until) {
                Ok(inward) if inward.kind == Kind::Reply => self.replied(inward)?,
                Ok(_) => return Err(End::Broken("frame")),
                Err(RecvTimeoutError::Disconnected) => return Err(End::Closed),
                Err(RecvTimeoutError::Timeout) => {
                    in_time(deadline)?;
                    self.guarded(self.fire.call::<_, ()>(()))?;
                }
            }
        }
    }

    fn jobs(&self, deadline: Instant) -> Result<(), End> {
        while self.ctx.execute_pending_job() {
            in_time(deadline)?;
        }
        in_time(deadline)
    }

    fn replied(&self, inward: Inward) -> Result<(), End> {
        let text = String::from_utf8(inward.json).map_err(|_| End::Broken("frame"))?;
        let fields: Json = serde_json::from_str(&text).map_err(|_| End::Broken("frame"))?;
        let id = fields.get("id").and_then(Json::as_u64).unwrap_or_default();
        let has_body = fields.get("body") == Some(&Json::Bool(true));
        let length = inward.body.len();
        let handle = if has_body {
            let bodies = &mut self.outside.borrow_mut().bodies;
            bodies.push(inward.body);
            i32::try_from(bodies.len() - 1).unwrap_or(-1)
        } else {
            -1
        };
        self.guarded(self.reply.call::<_, ()>((id, text, handle, length))).map(drop)
    }

    /// What a call of `pm/main.js` gives. It catches what scripts throw; what it lets through is the end of their time
    /// or of their memory.
    fn guarded<T>(&self, result: rquickjs::Result<T>) -> Result<Option<T>, End> {
        match result.catch(&self.ctx) {
            Ok(value) => Ok(Some(value)),
            Err(_) if self.clock.get().is_some_and(|deadline| Instant::now() >= deadline) => Err(End::Late),
            Err(error) if error.to_string().contains("out of memory") => Err(End::Broken("memory")),
            Err(_) => Err(End::Broken("script")),
        }
    }
}

fn in_time(deadline: Instant) -> Result<(), End> {
    if Instant::now() >= deadline { Err(End::Late) } else { Ok(()) }
}
