//! The process around a server: command line, logs, signals, and words for people.
//!
//! Invariants: wrong usage exits with 2, a failure with 1; standard output has one line when the
//! server is ready, and everything else goes to standard error; messages say what failed, why, and
//! what to do.

mod admin;
mod arguments;
mod words;

use std::io::Write;
use std::process::ExitCode;

use rand_core::OsRng;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Clock, SystemClock};
use crate::serve::{Options, serve};
use crate::store::sqlite;
use arguments::{AdminTask, Arguments, Task};
use words::Failure;

/// Threads that handle connections: more than a few only cost memory for this kind of work.
const WORKERS_MAX: usize = 4;
/// Threads that may block on the store at once.
const BLOCKING_MAX: usize = 96;

/// Runs the program with the arguments of this process.
pub fn run() -> ExitCode {
    let arguments = arguments::parse();
    write_logs(arguments.log_json);
    match begin(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprint!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn begin(arguments: Arguments) -> Result<(), Failure> {
    let data = arguments.data_folder();
    match arguments.task {
        None => run_server(arguments.into_options(data)),
        Some(Task::Backup { file }) => {
            sqlite::backup(&data, &file).map_err(|error| Failure::task("making a backup", &data, &error))?;
            println!("backed up {} to {}", data.display(), file.display());
            Ok(())
        }
        Some(Task::Restore { file }) => {
            sqlite::restore(&file, &data, &mut OsRng)
                .map_err(|error| Failure::task("restoring a backup", &data, &error))?;
            println!("restored {} to {}", file.display(), data.display());
            Ok(())
        }
        Some(Task::Invite | Task::Admin { task: AdminTask::Invite }) => {
            let invite = sqlite::invite(&data, SystemClock.now_ms(), &mut OsRng)
                .map_err(|error| Failure::task("making an invitation", &data, &error))?;
            println!("{invite}");
            Ok(())
        }
        Some(Task::Admin { task }) => admin::run(&task, &data),
    }
}

fn run_server(options: Options) -> Result<(), Failure> {
    let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, WORKERS_MAX);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(BLOCKING_MAX)
        .enable_all()
        .build()
        .map_err(|error| Failure::start(&error))?;
    runtime.block_on(async {
        // Asked for first, so that a signal during the start is not lost.
        let signals =
            signal(SignalKind::terminate()).and_then(|end| Ok((end, signal(SignalKind::interrupt())?)));
        let (mut terminate, mut interrupt) = signals.map_err(|error| Failure::start(&error))?;
        let mut running = serve(options).await.map_err(|error| Failure::serve(&error))?;
        // Who closed this pipe does not want to know, and the server serves all the same.
        let _ = writeln!(std::io::stdout(), "listening on {}", running.url());
        let ended = tokio::select! {
            ended = running.wait_ended() => Some(ended),
            _ = terminate.recv() => None,
            _ = interrupt.recv() => None,
        };
        if let Some(ended) = ended {
            let error =
                ended.err().unwrap_or_else(|| std::io::Error::other("it stopped accepting connections"));
            return Err(Failure::start(&error));
        }
        tracing::info!("shutting down");
        running.shutdown().await;
        Ok(())
    })
}

fn write_logs(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("SATCHEL_SERVER_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,satchel_server=info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber in one process is only met in tests, which keep the first.
    let _ = if json {
        logs.json().flatten_event(true).try_init()
    } else {
        logs.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init()
    };
}
