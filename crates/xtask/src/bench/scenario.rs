//! The scenarios: each sets its stage, runs, and returns figures; a failure is kept in its figures.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::figure::Figure;
use super::{generate, page, requests};
use crate::failure::Failure;
use crate::stage::{App, Stage};

const MEBIBYTE: usize = 1 << 20;
const REQUESTS: usize = 10_000;
const REQUEST_BYTES: usize = 2_000;
const COLLECTION: &str = "Bench";
const PASSWORD: &str = "a password for measuring\n";
/// A server settles for this long before its memory is read.
const SETTLE_TIME: Duration = Duration::from_secs(1);
/// For work outside of the measured time.
const PATIENCE: &str = "300s";

/// Measures a scenario's figures in so many runs.
type Measure = fn(&Inputs, usize) -> Vec<Figure>;

/// Every scenario by its name.
pub(super) const SCENARIOS: &[(&str, Measure)] = &[
    ("import on the Scratch Pad", import_on_scratch),
    ("list a large workspace", list_large),
    ("import with an agent", import_with_agent),
    ("fresh app and status with an agent", fresh_app),
    ("server without accounts", empty_server),
    ("run beside newman", requests::beside_newman),
    ("send from a cold start", requests::cold_start),
    ("requests in sequence", requests::sequential),
    ("run of many iterations", requests::many_iterations),
    ("page in a browser", page::in_browser),
];

/// The generated files.
pub(super) struct Inputs {
    medium: PathBuf,
    large: PathBuf,
}

impl Inputs {
    /// Generates the files into `folder`.
    pub(super) fn write(folder: &Path) -> Result<Self, Failure> {
        let failed =
            |error: std::io::Error| Failure::new(format!("writing to {}: {error}", folder.display()));
        fs::create_dir_all(folder).map_err(failed)?;
        let inputs =
            Self { medium: folder.join("collection-4mb.json"), large: folder.join("collection-10000.json") };
        let medium = generate::collection_of_bytes(COLLECTION, 4 * MEBIBYTE, REQUEST_BYTES);
        fs::write(&inputs.medium, medium).map_err(failed)?;
        let large = generate::collection_of_requests(COLLECTION, REQUESTS, REQUEST_BYTES);
        fs::write(&inputs.large, large).map_err(failed)?;
        Ok(inputs)
    }
}

/// Sets a stage, plays on it, strikes it, and keeps a failure in every figure it should have filled.
pub(super) fn on_stage<const N: usize>(
    mut figures: [Figure; N],
    play: impl FnOnce(&mut Stage, &mut [Figure; N]) -> Result<(), Failure>,
) -> Vec<Figure> {
    let played = Stage::new("bench", false).and_then(|mut stage| {
        let played = play(&mut stage, &mut figures);
        let struck = stage.strike();
        played.and(struck)
    });
    if let Err(failure) = played {
        for figure in &mut figures {
            figure.failure = Some(failure.to_string());
        }
    }
    figures.into()
}

fn import_on_scratch(inputs: &Inputs, runs: usize) -> Vec<Figure> {
    let figure = Figure::new("import of 4 MB, Scratch Pad", "s", Some(0.5));
    on_stage([figure], |stage, [figure]| {
        for run in 0..runs {
            let app = stage.app(&format!("app{run}"));
            let took = time(|| stage.run(&app, &["import", &text(&inputs.medium)], None))?;
            figure.values.push(took.as_secs_f64());
        }
        Ok(())
    })
}

fn list_large(inputs: &Inputs, runs: usize) -> Vec<Figure> {
    let figure = Figure::new("ls --tree over 10,000 requests, new process", "s", Some(0.3));
    on_stage([figure], |stage, [figure]| {
        let app = stage.app("app");
        stage.run(&app, &["import", &text(&inputs.large)], None)?;
        for _ in 0..runs {
            let begun = Instant::now();
            let listed = stage.run(&app, &["ls", "--tree"], None)?;
            figure.values.push(begun.elapsed().as_secs_f64());
            expect_all(&listed)?;
        }
        Ok(())
    })
}

fn import_with_agent(inputs: &Inputs, runs: usize) -> Vec<Figure> {
    let local = Figure::new("import of 4 MB with an agent, acknowledged by the local store", "s", Some(0.5));
    let server = Figure::new("import of 4 MB with an agent, acknowledged by the server", "s", None);
    on_stage([local, server], |stage, [local, server]| {
        let (address, _) = stage.start_server("server", &["--max-apps", "0"])?;
        for run in 0..runs {
            let app = stage.app(&format!("app{run}"));
            sign(stage, &app, "signup", &address, &format!("bench{run}@example.com"))?;
            stage.start_agent(&app)?;
            let begun = Instant::now();
            stage.run(&app, &["import", "--no-wait", &text(&inputs.medium)], None)?;
            local.values.push(begun.elapsed().as_secs_f64());
            stage.run(&app, &["sync", "--timeout", PATIENCE], None)?;
            server.values.push(begun.elapsed().as_secs_f64());
        }
        Ok(())
    })
}

fn fresh_app(inputs: &Inputs, runs: usize) -> Vec<Figure> {
    let fresh = Figure::new("fresh app, 10,000 requests of 2 KB, from signin to in sync", "s", Some(2.0));
    let status = Figure::new("status with an agent", "ms", Some(50.0));
    on_stage([fresh, status], |stage, [fresh, status]| {
        let (address, _) = stage.start_server("server", &["--max-apps", "0"])?;
        let (first, email) = (stage.app("first"), "bench@example.com");
        sign(stage, &first, "signup", &address, email)?;
        stage.run(&first, &["import", "--no-wait", &text(&inputs.large)], None)?;
        stage.run(&first, &["sync", "--timeout", PATIENCE], None)?;
        let expected = export(stage, &first)?;
        for run in 0..runs {
            let app = stage.app(&format!("fresh{run}"));
            let begun = Instant::now();
            sign(stage, &app, "signin", &address, email)?;
            stage.run(&app, &["sync", "--timeout", PATIENCE], None)?;
            fresh.values.push(begun.elapsed().as_secs_f64());
            if export(stage, &app)? != expected {
                return Err(Failure::new("the fresh app's export differs from the first app's"));
            }
        }
        stage.start_agent(&first)?;
        for _ in 0..runs {
            let took = time(|| stage.run(&first, &["status"], None))?;
            status.values.push(took.as_secs_f64() * 1000.0);
        }
        Ok(())
    })
}

fn empty_server(_: &Inputs, runs: usize) -> Vec<Figure> {
    let figure = Figure::new("server with an empty database, resident memory", "MB", Some(20.0));
    on_stage([figure], |stage, [figure]| {
        for run in 0..runs {
            let (_, id) = stage.start_server(&format!("server{run}"), &[])?;
            std::thread::sleep(SETTLE_TIME);
            figure.values.push(resident_megabytes(id)?);
            stage.stop();
        }
        Ok(())
    })
}

fn sign(stage: &Stage, app: &App, command: &str, server: &str, email: &str) -> Result<(), Failure> {
    let words = [command, "--server", server, "--email", email, "--password-stdin"];
    stage.run(app, &words, Some(PASSWORD)).map(drop)
}

fn export(stage: &Stage, app: &App) -> Result<Vec<u8>, Failure> {
    let file = app.home.with_extension("export.json");
    stage.run(app, &["export", COLLECTION, "--out", &text(&file)], None)?;
    fs::read(&file).map_err(|error| Failure::new(format!("reading {}: {error}", file.display())))
}

/// A listing that leaves something out measures nothing.
fn expect_all(listed: &str) -> Result<(), Failure> {
    let lines = listed.lines().count();
    if lines >= REQUESTS {
        return Ok(());
    }
    Err(Failure::new(format!("`satchel ls --tree` printed {lines} lines for {REQUESTS} requests")))
}

fn resident_megabytes(process: u32) -> Result<f64, Failure> {
    let file = format!("/proc/{process}/status");
    let status =
        fs::read_to_string(&file).map_err(|error| Failure::new(format!("reading {file}: {error}")))?;
    parse_resident(&status).ok_or_else(|| Failure::new(format!("{file} tells no VmRSS")))
}

/// `VmRSS:   19532 kB` in megabytes of 1,000,000 bytes.
fn parse_resident(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1_000_000.0)
}

fn time<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<Duration, Failure> {
    let begun = Instant::now();
    work().map(|_| begun.elapsed())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_the_kernels_words() {
        assert_eq!(parse_resident("Name:\tx\nVmRSS:\t   10000 kB\nThreads:\t3\n"), Some(10.24));
        assert_eq!(parse_resident("Name:\tx\n"), None);
    }

    #[test]
    fn a_failure_is_kept_in_every_figure() {
        let figures = [Figure::new("a", "s", None), Figure::new("b", "s", Some(1.0))];
        let kept = on_stage(figures, |_, _| Err(Failure::new("no server")));
        assert!(kept.iter().all(|figure| figure.passes() == Some(false)));
    }

    #[test]
    fn a_short_listing_measures_nothing() {
        assert!(expect_all("one line\n").is_err());
        assert!(expect_all(&"line\n".repeat(REQUESTS)).is_ok());
    }
}
