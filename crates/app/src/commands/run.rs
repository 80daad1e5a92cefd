//! `satchel run`: a collection, a folder or a file, with reports.

use std::fs::File;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use satchel_client::api::{Call, EnvironmentChoice, Progress};
use satchel_runner::report::{Cli, Html, Json as JsonReport, Junit, Look, Report, Tap};
use satchel_runner::run::{Bail, End, Event, Finished, Reporter, Row};
use satchel_runner::variable::{Layer, Scope};
use serde_json::{Value as Json, json};

use super::Session;
use super::send::{block, browser, how};
use crate::cli::{BailWord, ColorWord, ReporterWord, RunOptions};
use crate::failure::{FAILED, Failure, TESTS_FAILED};
use crate::file::{self, Privacy};
use crate::output::{self, Bar, remark};
use crate::sending::run::{
    RunOrder, collection_of_file, data_rows, has_scripts, run as drive, untrusted_run,
};
use crate::sending::{self, Ground, untrusted};

/// The largest file that is read: a collection, an environment, data.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

pub(super) fn run(session: &Session, options: &RunOptions) -> Result<ExitCode, Failure> {
    let data = options.iteration_data.as_deref().map(data).transpose()?.unwrap_or_default();
    let mut how = how(&options.travel)?;
    how.settings.timeouts.total = options.timeout_request;
    how.script_time = options.timeout_script;
    how.browser = Some(browser());
    let is_file = is_file(&options.target);
    let mut ground = ground(session, options, is_file)?;
    let order = order(&ground, options, is_file)?;
    if is_file {
        // Naming a file is trusting it, as it is with newman; what it may send is what lies here.
        how.trusts = true;
        how.files.folder.get_or_insert_with(|| PathBuf::from("."));
    } else if options.trust {
        ground.sources.trusted = true;
    } else if !options.no_scripts && !ground.sources.trusted && has_scripts(&order.collection) {
        return Err(untrusted_run(&order.name));
    }
    if options.no_scripts {
        (ground.sources.trusted, how.trusts) = (false, false);
    }
    let order = RunOrder { data, ..order };
    let mut reports = Reports::open(session, options)?;
    let ended = block(&how.stop, drive(&ground, order, &how, &mut reports))??;
    reports.finish()?;
    let summary = &ended.finished.summary;
    if summary.untrusted > 0 && !options.no_scripts && !session.out.quiet {
        remark(&format!("note: {}", untrusted(summary.untrusted)));
    }
    if let Some(file) = &options.export_environment {
        export_environment(file, &ground, &ended.finished)?;
    }
    if !options.no_save {
        keep(session, &ground, ended.keep, is_file);
    }
    Ok(match summary.end {
        End::Stopped => ExitCode::from(FAILED),
        _ if options.suppress_exit_code || !summary.has_failed() => ExitCode::SUCCESS,
        _ => ExitCode::from(TESTS_FAILED),
    })
}

/// Whether a word means a file and not an item: it looks like one, and is there.
fn is_file(word: &str) -> bool {
    let looks = Path::new(word).extension().is_some_and(|it| it.eq_ignore_ascii_case("json"))
        || ["/", "./", "../"].iter().any(|begin| word.starts_with(begin));
    looks && Path::new(word).is_file()
}

/// Asks the profile, unless everything is in files.
fn ground(session: &Session, options: &RunOptions, is_target_file: bool) -> Result<Ground, Failure> {
    let environment = match &options.environment {
        Some(word) if is_file(word) => EnvironmentChoice::Off,
        Some(word) => EnvironmentChoice::Named(word.clone()),
        None if is_target_file => EnvironmentChoice::Off,
        None => EnvironmentChoice::Active,
    };
    if is_target_file && environment == EnvironmentChoice::Off {
        return Ground::bare();
    }
    let workspace = session.workspace.as_deref();
    let mut host = session.open()?;
    if options.trust && !is_target_file {
        sending::ask(&mut host, workspace, Call::Trust { trusted: true })?;
    }
    let item = (!is_target_file).then_some(options.target.as_str());
    let mut sources = sending::sources(&mut host, workspace, item, environment, true)?;
    if is_target_file {
        // A file is a guest: it sees the environment that was named, and nothing else of the profile.
        (sources.cookies, sources.tokens, sources.globals) = (Vec::new(), json!({}), json!({}));
    }
    Ground::new(sources)
}

fn order(ground: &Ground, options: &RunOptions, is_target_file: bool) -> Result<RunOrder, Failure> {
    let mut order = if is_target_file {
        let name = &options.target;
        RunOrder::of(ground, name.clone(), collection_of_file(&read(Path::new(name))?, name)?)
    } else {
        RunOrder::of_item(ground)?
    };
    if !options.folder.is_empty() {
        order.selection.clone_from(&options.folder);
    }
    if let Some(word) = options.environment.as_deref().filter(|word| is_file(word)) {
        order.environment = Some(Layer::from_document(Scope::Environment, &document(Path::new(word))?));
    }
    if let Some(file) = &options.globals {
        order.globals = Layer::from_document(Scope::Global, &document(file)?);
    }
    for (key, value) in &options.env_vars {
        let layer = order.environment.get_or_insert_with(|| Layer::new(Scope::Environment, ""));
        layer.set(key, json!(value));
    }
    for (key, value) in &options.global_vars {
        order.globals.set(key, json!(value));
    }
    order.iterations = options.iteration_count;
    order.delay = options.delay_request.unwrap_or_default();
    order.timeout = options.timeout;
    order.parallel = options.parallel;
    order.bail = match options.bail {
        None => Bail::Never,
        Some(BailWord::Folder) => Bail::Error,
        Some(BailWord::Failure) => Bail::Failure,
    };
    Ok(order)
}

/// A file, up to a size that nobody means to run.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |why: String| Failure::file(format!("reading {}", path.display()), why);
    let mut bytes = Vec::new();
    let opened = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    opened.map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(failed(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

fn document(file: &Path) -> Result<Json, Failure> {
    let tried = || format!("reading {}", file.display());
    serde_json::from_slice(&read(file)?).map_err(|error| {
        let remedy = "name a Postman environment or globals file";
        Failure::request("invalid", tried(), error.to_string(), remedy)
    })
}

fn data(file: &Path) -> Result<Vec<Row>, Failure> {
    data_rows(&file.display().to_string(), &read(file)?)
}

/// Gives the profile what the run changed; of a file that was run, only the line in the list of runs.
fn keep(session: &Session, ground: &Ground, call: Call, is_target_file: bool) {
    let call = match call {
        Call::KeepSent { runs, sent, .. } if is_target_file => Call::KeepSent {
            item: None,
            environment: None,
            values: Vec::new(),
            cookies: Vec::new(),
            tokens: Vec::new(),
            sent,
            runs,
        },
        call => call,
    };
    let workspace = Some(ground.sources.workspace.as_str()).filter(|id| !id.is_empty());
    let workspace = workspace.or(session.workspace.as_deref());
    let kept = session.open().and_then(|mut host| sending::ask(&mut host, workspace, call));
    if let Err(failure) = kept
        && !session.out.quiet
    {
        remark(&format!("note: {}", sending::not_kept(&failure)));
    }
}

/// Writes the environment as the scripts have left it.
fn export_environment(file: &Path, ground: &Ground, finished: &Finished) -> Result<(), Failure> {
    let tried = format!("writing {}", file.display());
    let scopes = finished.scopes.as_ref().ok_or_else(|| {
        let why =
            "iterations that run side by side have variables of their own, and so has a run that was cut off";
        Failure::usage(&tried, why, "leave --parallel out")
    })?;
    let layer = scopes.layers().iter().find(|layer| layer.scope == Scope::Environment);
    let values = layer.into_iter().flat_map(|layer| &layer.variables).map(|variable| {
        json!({
            "key": variable.key,
            "value": variable.value,
            "type": if variable.secret { "secret" } else { "default" },
            "enabled": variable.enabled,
        })
    });
    let name = layer.map(|layer| layer.name.clone()).filter(|name| !name.is_empty());
    let name = name.or_else(|| Some(ground.sources.environment.as_ref()?.item.name.clone()));
    let document = json!({
        "name": name.unwrap_or_else(|| "environment".to_owned()),
        "values": values.collect::<Vec<_>>(),
        "_postman_variable_scope": "environment",
    });
    file::write(file, format!("{document:#}\n").as_bytes(), Privacy::Private)
}

/// A report and where it goes.
struct Output {
    report: Box<dyn Report>,
    /// None is stdout.
    file: Option<(PathBuf, File)>,
    /// It is words for a terminal.
    is_words: bool,
}

/// All reports of a run.
struct Reports {
    outputs: Vec<Output>,
    failure: Option<Failure>,
    bar: Option<Bar>,
    done: u64,
    total: u64,
}

impl Reports {
    fn open(session: &Session, options: &RunOptions) -> Result<Self, Failure> {
        let mut words = options.reporters.clone();
        if session.out.json {
            words.retain(|word| *word != ReporterWord::Cli);
            words.push(ReporterWord::Json);
        } else if session.out.quiet {
            words.retain(|word| *word != ReporterWord::Cli);
        }
        words.dedup();
        let mut outputs = Vec::new();
        for word in words {
            let file = match word {
                ReporterWord::Cli => None,
                ReporterWord::Json if session.out.json => None,
                ReporterWord::Json => options.reporter_json_export.as_ref(),
                ReporterWord::Junit => options.reporter_junit_export.as_ref(),
                ReporterWord::Html => options.reporter_html_export.as_ref(),
                ReporterWord::Tap => options.reporter_tap_export.as_ref(),
            };
            let file = file.map(|path| create(path).map(|file| (path.clone(), file))).transpose()?;
            let is_words = word == ReporterWord::Cli;
            outputs.push(Output { report: report(word, options.color, session), file, is_words });
        }
        if outputs.iter().filter(|output| output.file.is_none()).count() > 1 {
            return Err(Failure::usage(
                "opening the reports",
                "several of them would go to stdout",
                "give a file for each but one, such as --reporter-junit-export report.xml",
            ));
        }
        let is_terminal_free = !outputs.iter().any(|it| it.is_words) || !std::io::stdout().is_terminal();
        let bar = is_terminal_free.then(|| Bar::new(session.out));
        Ok(Self { outputs, failure: None, bar, done: 0, total: 0 })
    }

    /// Everything must have been written.
    fn finish(mut self) -> Result<(), Failure> {
        self.failure.take().map_or(Ok(()), Err)
    }

    fn write(&mut self) {
        for output in &mut self.outputs {
            let text = output.report.take();
            if text.is_empty() {
                continue;
            }
            match &mut output.file {
                None => output::print(text.as_bytes()),
                Some((path, file)) => {
                    if let Err(error) = file.write_all(text.as_bytes()) {
                        let tried = format!("writing {}", path.display());
                        self.failure.get_or_insert_with(|| Failure::file(tried, error.to_string()));
                    }
                }
            }
        }
    }
}

impl Reporter for Reports {
    fn hear(&mut self, event: &Event<'_>) {
        match event {
            Event::Begun { iterations, requests, .. } => {
                self.total = iterations.saturating_mul(*requests as u64);
            }
            Event::ItemDone { .. } => self.done += 1,
            // What happens within a request is in its end, too.
            Event::Progress { .. } => return,
            _ => {}
        }
        for output in &mut self.outputs {
            output.report.hear(event);
        }
        self.write();
        if let Some(bar) = &mut self.bar {
            bar.hear(&Progress { phase: "running".to_owned(), done: self.done, total: self.total });
        }
    }
}

fn report(word: ReporterWord, color: ColorWord, session: &Session) -> Box<dyn Report> {
    let colors = match color {
        ColorWord::On => true,
        ColorWord::Off => false,
        ColorWord::Auto => session.out.color,
    };
    match word {
        ReporterWord::Cli => Box::new(Cli::new(Look { colors, ascii: false })),
        ReporterWord::Json => Box::new(JsonReport::default()),
        ReporterWord::Junit => Box::new(Junit::default()),
        ReporterWord::Html => Box::new(Html::default()),
        ReporterWord::Tap => Box::new(Tap::default()),
    }
}

fn create(path: &Path) -> Result<File, Failure> {
    File::create(path)
        .map_err(|error| Failure::file(format!("writing {}", path.display()), error.to_string()))
}
