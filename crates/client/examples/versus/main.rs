//! Drives Satchel through the scenes of `cargo xtask bench`, as `bench/peers` drives its peers: the
//! server in a process of its own, the apps in this one, one JSON line for each figure.
//!
//! ```text
//! versus work|edits|fresh|idle|subscribers|typing --server BIN --input FILE --folder DIR [--edits N] [--apps N]
//!        [--seconds N]
//! ```
//! Not part of the product: it uses the same interface as every face, [`satchel_client::api`], with
//! everything on (accounts, signatures, encryption, local stores and fsync).

mod app;
mod measure;
mod own;
mod scenes;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

/// What went wrong, in words.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// What the command line asked for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) server: PathBuf,
    pub(crate) input: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) edits: usize,
    pub(crate) apps: usize,
    pub(crate) seconds: u64,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("versus: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let mut words = std::env::args().skip(1);
    let scene = words.next().ok_or("no scene")?;
    let mut options = Options {
        server: PathBuf::new(),
        input: PathBuf::new(),
        folder: PathBuf::new(),
        edits: 500,
        apps: 1_000,
        seconds: 60,
    };
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--server" => options.server = value.into(),
            "--input" => options.input = value.into(),
            "--folder" => options.folder = value.into(),
            "--edits" => options.edits = value.parse()?,
            "--apps" => options.apps = value.parse()?,
            "--seconds" => options.seconds = value.parse()?,
            _ => return Err(format!("unknown option {word}").into()),
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match scene.as_str() {
            "work" => scenes::work(&options, true).await,
            "edits" => scenes::work(&options, false).await,
            "fresh" => scenes::fresh_only(&options).await,
            "idle" => scenes::idle(&options).await,
            "subscribers" => scenes::subscribers(&options).await,
            "typing" => own::typing(&options).await,
            _ => Err(format!("unknown scene {scene}").into()),
        }
    })
}
