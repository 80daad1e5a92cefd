//! Words about sending requests, running collections and what was sent.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::values;

/// How requests travel.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "How requests travel")]
pub(crate) struct TravelOptions {
    /// Send though the server's certificate does not verify
    #[arg(long, short = 'k')]
    pub(crate) insecure: bool,
    /// Show a redirecting answer itself
    #[arg(long)]
    pub(crate) ignore_redirects: bool,
    /// Requests may send files of this folder; otherwise they may send none
    #[arg(long, value_name = "FOLDER")]
    pub(crate) working_dir: Option<PathBuf>,
    /// The proxy for all requests; otherwise as `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` say
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// A certificate to show to servers that ask for one, in PEM
    #[arg(long, value_name = "FILE", requires = "ssl_client_key")]
    pub(crate) ssl_client_cert: Option<PathBuf>,
    /// Its key, in PEM
    #[arg(long, value_name = "FILE", requires = "ssl_client_cert")]
    pub(crate) ssl_client_key: Option<PathBuf>,
    /// Certificates of authorities to trust beside the system's, in PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) ssl_extra_ca_certs: Option<PathBuf>,
}

/// Sending a request.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct SendOptions {
    /// A request's path or id; or a method and a URL; or a URL
    #[arg(value_name = "PATH|METHOD URL", num_args = 1..=2, required_unless_present = "curl")]
    pub(crate) words: Vec<String>,
    /// A command line of curl in place of a path or URL
    #[arg(long, value_name = "TEXT", conflicts_with = "words", allow_hyphen_values = true)]
    pub(crate) curl: Option<String>,
    /// The environment, by name or id; otherwise the one in use
    #[arg(long = "env", short, value_name = "ENV")]
    pub(crate) environment: Option<String>,
    /// No environment
    #[arg(long, conflicts_with = "environment")]
    pub(crate) no_env: bool,
    /// A variable over all others, for this once
    #[arg(long = "var", value_name = "KEY=VALUE", value_parser = values::parse_pair)]
    pub(crate) variables: Vec<(String, String)>,
    /// A header; takes the place of one of that name
    #[arg(long = "header", short = 'H', value_name = "'NAME: VALUE'", value_parser = values::parse_header)]
    pub(crate) headers: Vec<(String, String)>,
    /// The body; @FILE reads a file, @- stdin
    #[arg(long, short, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) data: Option<String>,
    /// From now on, scripts of this workspace may run on this device
    #[arg(long)]
    pub(crate) trust: bool,
    /// How long it may take in all, such as 500ms or 30s
    #[arg(long, value_name = "TIME", value_parser = values::parse_time)]
    pub(crate) timeout: Option<Duration>,
    /// Status and headers before the body
    #[arg(long, short)]
    pub(crate) include: bool,
    /// Write the body into a file
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// The request's and the answer's headers, and the time of each phase
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// Forget the cookies that come with the answer
    #[arg(long)]
    pub(crate) no_save_cookies: bool,
    /// Keep the answer as an example of the request; it syncs
    #[arg(long, value_name = "NAME")]
    pub(crate) save_example: Option<String>,
    /// Print the request as a command line of curl and send nothing
    #[arg(long)]
    pub(crate) as_curl: bool,
    /// With --as-curl: with the values of secret variables
    #[arg(long, requires = "as_curl")]
    pub(crate) reveal: bool,
    #[command(flatten)]
    pub(crate) travel: TravelOptions,
}

/// The variables that an item sees.
#[derive(Debug, Args)]
pub(crate) struct VarsOptions {
    /// The request, folder or collection
    pub(crate) path: String,
    /// The environment, by name or id; otherwise the one in use
    #[arg(long = "env", short, value_name = "ENV")]
    pub(crate) environment: Option<String>,
    /// Those too that the request does not use
    #[arg(long)]
    pub(crate) all: bool,
    /// Show the values of secret variables
    #[arg(long)]
    pub(crate) reveal: bool,
}

/// What ends a run early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BailWord {
    /// A failed request or script
    Folder,
    /// A failed test, too
    Failure,
}

/// A report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReporterWord {
    /// Words for the terminal
    Cli,
    /// A JSON document
    Json,
    /// `JUnit` XML
    Junit,
    /// A page
    Html,
    /// The Test Anything Protocol
    Tap,
}

/// Running a collection.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of newman's")]
pub(crate) struct RunOptions {
    /// A collection's or folder's path or id, or a Postman collection file
    #[arg(value_name = "COLLECTION|FOLDER|FILE")]
    pub(crate) target: String,
    /// The environment: name, id or a file; otherwise the one in use (none for a file)
    #[arg(long, short, value_name = "ENV|FILE")]
    pub(crate) environment: Option<String>,
    /// A file of globals in place of the workspace's
    #[arg(long, short, value_name = "FILE")]
    pub(crate) globals: Option<PathBuf>,
    /// A variable of the environment for this run
    #[arg(long = "env-var", value_name = "KEY=VALUE", value_parser = values::parse_pair)]
    pub(crate) env_vars: Vec<(String, String)>,
    /// A global variable for this run
    #[arg(long = "global-var", value_name = "KEY=VALUE", value_parser = values::parse_pair)]
    pub(crate) global_vars: Vec<(String, String)>,
    /// A file of data, CSV or JSON: an iteration for each row
    #[arg(long, short = 'd', value_name = "FILE")]
    pub(crate) iteration_data: Option<PathBuf>,
    /// How many iterations
    #[arg(long, short = 'n', value_name = "N")]
    pub(crate) iteration_count: Option<u64>,
    /// Only this folder or request, by name or id; may be given several times
    #[arg(long, value_name = "NAME|ID")]
    pub(crate) folder: Vec<String>,
    /// How long to wait between requests, in milliseconds or with a unit
    #[arg(long, value_name = "TIME", value_parser = values::parse_milliseconds)]
    pub(crate) delay_request: Option<Duration>,
    /// End at the first failure; `folder` goes on after failed tests
    #[arg(long, value_enum, value_name = "folder|failure", num_args = 0..=1, default_missing_value = "failure")]
    pub(crate) bail: Option<BailWord>,
    /// How long the run may take, in milliseconds or with a unit
    #[arg(long, value_name = "TIME", value_parser = values::parse_milliseconds)]
    pub(crate) timeout: Option<Duration>,
    /// How long a request may take
    #[arg(long, value_name = "TIME", value_parser = values::parse_milliseconds)]
    pub(crate) timeout_request: Option<Duration>,
    /// How long a script may take
    #[arg(long, value_name = "TIME", value_parser = values::parse_milliseconds)]
    pub(crate) timeout_script: Option<Duration>,
    /// Run so many iterations at the same time, each with variables and cookies of its own
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) parallel: usize,
    /// From now on, scripts of this workspace may run on this device
    #[arg(long)]
    pub(crate) trust: bool,
    /// Run no scripts at all
    #[arg(long, conflicts_with = "trust")]
    pub(crate) no_scripts: bool,
    /// The reports, separated by commas
    #[arg(long, short, value_enum, value_delimiter = ',', default_value = "cli")]
    pub(crate) reporters: Vec<ReporterWord>,
    /// Where the JSON report goes; otherwise to stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) reporter_json_export: Option<PathBuf>,
    /// Where the `JUnit` report goes; otherwise to stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) reporter_junit_export: Option<PathBuf>,
    /// Where the page goes; otherwise to stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) reporter_html_export: Option<PathBuf>,
    /// Where the TAP report goes; otherwise to stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) reporter_tap_export: Option<PathBuf>,
    /// Write the environment as the run left it, secrets included
    #[arg(long, value_name = "FILE")]
    pub(crate) export_environment: Option<PathBuf>,
    /// Keep nothing of the run on this device: no values, cookies and entry in the list of runs
    #[arg(long)]
    pub(crate) no_save: bool,
    /// Exit code 0 though tests failed
    #[arg(long, short = 'x')]
    pub(crate) suppress_exit_code: bool,
    /// Colours
    #[arg(long, value_enum, value_name = "on|off|auto", default_value = "auto")]
    pub(crate) color: ColorWord,
    #[command(flatten)]
    pub(crate) travel: TravelOptions,
}

/// Whether there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWord {
    /// Always
    On,
    /// Never
    Off,
    /// On a terminal without `NO_COLOR`
    Auto,
}

/// Trust.
#[derive(Debug, Args)]
pub(crate) struct TrustOptions {
    /// Take it back: no script of this workspace runs any more
    #[arg(long)]
    pub(crate) off: bool,
}

/// What was sent.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SentOptions {
    #[command(subcommand)]
    pub(crate) command: Option<SentCommand>,
    /// Only those with this text in name, URL, status, headers or bodies
    pub(crate) search: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: u64,
}

/// What to do with what was sent.
#[derive(Debug, Subcommand)]
pub(crate) enum SentCommand {
    /// Show one of them, the newest without a number
    Show {
        /// Its number
        id: Option<u64>,
    },
    /// Forget all of them
    Clear {
        /// Runs and cookies, too
        #[arg(long)]
        everything: bool,
    },
}

/// Runs.
#[derive(Debug, Args)]
pub(crate) struct RunsOptions {
    #[command(subcommand)]
    pub(crate) command: Option<RunsCommand>,
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List the runs on this device
    List,
    /// Show one of them, the newest without a number
    Show {
        /// Its number
        id: Option<u64>,
    },
}
