//! Sending and running: figures of `satchel send` and `satchel run`, some of them beside newman's in the same rounds.
//!
//! The server is a few lines of this file on loopback, the same for both, so that neither waits for it. newman is the
//! one that judges the runner's tests (`crates/runner/tests/run/judge`), installed by its lock file.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::figure::Figure;
use super::scenario::{Inputs, on_stage};
use crate::failure::Failure;
use crate::shell;
use crate::stage::{App, Stage};

/// How often the memory of a program is looked at.
const LOOK: Duration = Duration::from_millis(2);
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";

/// 100 requests with 100 tests, beside newman.
pub(super) fn beside_newman(_: &Inputs, runs: usize) -> Vec<Figure> {
    let wall = Figure::new("100 requests with 100 tests, wall time as a share of newman's", "", Some(0.2));
    let memory = Figure::new("the same, memory as a share of newman's", "", Some(0.25));
    let own = Figure::new("the same, wall time", "ms", None);
    let theirs = Figure::new("the same with newman, wall time", "ms", None);
    on_stage([wall, memory, own, theirs], |stage, [wall, memory, own, theirs]| {
        let newman = newman()?;
        let address = serve()?;
        let file = write(stage, "hundred.json", &collection(address, 100, true))?;
        let app = stage.app("app");
        for _ in 0..runs {
            let (mut ours, mut others) = (satchel(&app), Command::new("node"));
            let ours = watched(ours.args(["run", &file]), stage)?;
            let others = watched(others.arg(&newman).args(["run", &file]), stage)?;
            wall.values.push(ours.wall.as_secs_f64() / others.wall.as_secs_f64());
            memory.values.push(ours.megabytes / others.megabytes);
            own.values.push(ours.wall.as_secs_f64() * 1000.0);
            theirs.values.push(others.wall.as_secs_f64() * 1000.0);
        }
        Ok(())
    })
}

/// How long a command line takes from its start to its end, with one request in it.
pub(super) fn cold_start(_: &Inputs, runs: usize) -> Vec<Figure> {
    let typed = Figure::new("send of a URL, new process without an agent", "ms", Some(30.0));
    let stored = Figure::new("send of a stored request, new process without an agent", "ms", Some(30.0));
    let agent = Figure::new("send of a stored request with an agent", "ms", Some(30.0));
    on_stage([typed, stored, agent], |stage, [typed, stored, agent]| {
        let address = serve()?;
        let file = write(stage, "one.json", &collection(address, 1, false))?;
        let app = stage.app("app");
        stage.run(&app, &["import", &file], None)?;
        let url = format!("http://{address}/");
        for _ in 0..runs.max(20) {
            typed.values.push(once(stage, &app, &["send", &url])?);
            stored.values.push(once(stage, &app, &["send", "Bench/Request 0"])?);
        }
        stage.start_agent(&app)?;
        for _ in 0..runs.max(20) {
            agent.values.push(once(stage, &app, &["send", "Bench/Request 0"])?);
        }
        Ok(())
    })
}

/// Requests one after another over a kept connection.
pub(super) fn sequential(_: &Inputs, runs: usize) -> Vec<Figure> {
    let figure = Figure::new("10,000 requests in sequence, kept connection, no scripts", "s", Some(2.0));
    on_stage([figure], |stage, [figure]| {
        let file = write(stage, "one.json", &collection(serve()?, 1, false))?;
        let app = stage.app("app");
        for _ in 0..runs {
            let mut command = satchel(&app);
            command.args(["run", &file, "-n", "10000", "--quiet", "--no-save"]);
            figure.values.push(watched(&mut command, stage)?.wall.as_secs_f64());
        }
        Ok(())
    })
}

/// Whether memory grows with the iterations.
pub(super) fn many_iterations(_: &Inputs, runs: usize) -> Vec<Figure> {
    let whole = Figure::new("data run of 10,000 iterations with a test, memory", "MB", None);
    let growth = Figure::new("the same, memory at its end above that after a tenth of it", "MB", Some(2.0));
    on_stage([whole, growth], |stage, [whole, growth]| {
        let file = write(stage, "one.json", &collection(serve()?, 1, true))?;
        let app = stage.app("app");
        let rows = (0..10_000).map(|row| row.to_string()).collect::<Vec<_>>().join("\n");
        let data = write(stage, "rows.csv", &format!("id\n{rows}\n"))?;
        for _ in 0..runs.min(3) {
            let mut command = satchel(&app);
            command.args(["run", &file, "--iteration-data", &data, "--quiet", "--no-save"]);
            let took = watched(&mut command, stage)?;
            whole.values.push(took.megabytes);
            growth.values.push(took.growth());
        }
        Ok(())
    })
}

fn satchel(app: &App) -> Command {
    let mut command = Command::new(shell::target().join("release/satchel"));
    command.env("SATCHEL_HOME", &app.home).env("SATCHEL_KEYRING", "off");
    command
}

fn once(stage: &Stage, app: &App, words: &[&str]) -> Result<f64, Failure> {
    let begun = Instant::now();
    stage.run(app, words, None)?;
    Ok(begun.elapsed().as_secs_f64() * 1000.0)
}

/// The program of the newman that judges the runner's tests.
fn newman() -> Result<PathBuf, Failure> {
    let folder = shell::root().join("crates/runner/tests/run/judge");
    let program = folder.join("node_modules/newman/bin/newman.js");
    if !program.is_file() {
        shell::stream(
            Command::new("npm")
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                .current_dir(&folder),
        )?;
    }
    Ok(program)
}

fn write(stage: &Stage, name: &str, text: &str) -> Result<String, Failure> {
    let path = stage.folder().join(name);
    fs::write(&path, text).map_err(|error| Failure::new(format!("writing {}: {error}", path.display())))?;
    Ok(path.to_string_lossy().into_owned())
}

/// A collection of so many requests, each with a test or none with any.
fn collection(address: SocketAddr, requests: usize, tests: bool) -> String {
    let script = [
        "pm.test('status', () => pm.response.to.have.status(200));",
        "pm.variables.set('seen', pm.response.json().ok);",
    ];
    let item = |number: usize| -> Value {
        let mut item = json!({
            "name": format!("Request {number}"),
            "request": { "method": "GET", "url": format!("http://{address}/items/{number}?id={{{{id}}}}") },
        });
        if tests {
            item["event"] =
                json!([{ "listen": "test", "script": { "type": "text/javascript", "exec": script } }]);
        }
        item
    };
    let schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
    json!({
        "info": { "name": "Bench", "schema": schema },
        "item": (0..requests).map(item).collect::<Vec<_>>(),
    })
    .to_string()
}

/// Serves on loopback until this process ends: each request on each connection gets the same answer.
fn serve() -> Result<SocketAddr, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("opening a port: {error}"));
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    Ok(address)
}

/// Requests without bodies, one after another.
fn answer(mut stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let (mut buffer, mut held) = ([0; 4096], 0);
    loop {
        let read = stream.read(&mut buffer[held..]).ok().filter(|read| *read > 0)?;
        held += read;
        if buffer[..held].ends_with(b"\r\n\r\n") {
            held = 0;
            stream.write_all(ANSWER).ok()?;
        } else if held == buffer.len() {
            return None;
        }
    }
}

/// What a program took.
struct Took {
    wall: Duration,
    /// The greatest sum of the peaks of it and its children.
    megabytes: f64,
    /// What it and its children held at each look.
    held: Vec<(Duration, f64)>,
}

impl Took {
    /// How much more it held in the last tenth of its time than at the end of the first.
    fn growth(&self) -> f64 {
        let most = |from: f64, until: f64| {
            let within =
                |at: &Duration| (from..until).contains(&(at.as_secs_f64() / self.wall.as_secs_f64()));
            let held = self.held.iter().filter(|(at, _)| within(at)).map(|(_, megabytes)| *megabytes);
            held.fold(0.0, f64::max)
        };
        most(0.9, 1.0) - most(0.05, 0.15)
    }
}

/// Runs a program to its end and looks at its memory, and its children's, meanwhile.
fn watched(command: &mut Command, stage: &Stage) -> Result<Took, Failure> {
    let shown = shell::show(command);
    let output = stage.folder().join("watched.log");
    let log =
        fs::File::create(&output).map_err(|error| Failure::new(format!("{}: {error}", output.display())))?;
    let errors = log.try_clone().map_err(|error| Failure::new(error.to_string()))?;
    command.stdin(Stdio::null()).stdout(log).stderr(errors);
    let begun = Instant::now();
    let mut child = command.spawn().map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    let (mut megabytes, mut held) = (0.0_f64, Vec::new());
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| Failure::new(format!("{shown}: {error}")))? {
            break status;
        }
        megabytes = megabytes.max(family(child.id(), "VmHWM:"));
        held.push((begun.elapsed(), family(child.id(), "VmRSS:")));
        thread::sleep(LOOK);
    };
    let wall = begun.elapsed();
    if !status.success() {
        let text = fs::read_to_string(&output).unwrap_or_default();
        return Err(Failure::new(format!(
            "{shown} ended with {status}: {}",
            crate::stage::excerpt(&text, 10)
        )));
    }
    Ok(Took { wall, megabytes, held })
}

/// What a line of the kernel says of a process and of all below it, in megabytes.
fn family(process: u32, line: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok();
    let own = status.and_then(|status| parse_memory(&status, line)).unwrap_or_default();
    let children = children(process).into_iter().map(|child| family(child, line));
    own + children.sum::<f64>()
}

fn children(process: u32) -> Vec<u32> {
    let tasks = fs::read_dir(Path::new("/proc").join(process.to_string()).join("task"));
    let tasks = tasks.into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// `VmHWM:   19532 kB` in megabytes of 1,000,000 bytes.
fn parse_memory(status: &str, line: &str) -> Option<f64> {
    let found = status.lines().find_map(|it| it.strip_prefix(line))?;
    let kibibytes: f64 = found.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1_000_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_the_kernels_words() {
        assert_eq!(parse_memory("Name:\tx\nVmHWM:\t   10000 kB\n", "VmHWM:"), Some(10.24));
        assert_eq!(parse_memory("VmRSS:\t   10000 kB\n", "VmHWM:"), None);
    }

    #[test]
    fn growth_is_told_from_the_first_tenth_to_the_last() {
        let held = [(0, 50.0), (9, 10.0), (50, 30.0), (95, 12.0)];
        let held = held.into_iter().map(|(at, megabytes)| (Duration::from_secs(at), megabytes)).collect();
        let took = Took { wall: Duration::from_secs(100), megabytes: 50.0, held };
        assert!((took.growth() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn every_request_on_a_connection_is_answered() {
        let mut stream = TcpStream::connect(serve().expect("it serves")).expect("it listens");
        for piece in ["GET / HTTP/1.1\r\n\r\n", "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"] {
            stream.write_all(piece.as_bytes()).expect("it reads");
            let mut answer = vec![0; ANSWER.len()];
            stream.read_exact(&mut answer).expect("it answers");
            assert_eq!(answer, ANSWER);
        }
    }
}
