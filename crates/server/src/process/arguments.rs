//! The command line and its environment variables.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum, error::ErrorKind};
use satchel_wire::limits::SOCKETS_PER_ACCOUNT_MAX;

use crate::config::{Config, DAY_MS, Retention, SignUp};
use crate::serve::{Options, TlsFiles};

/// The sync server of Satchel.
///
/// Without arguments it makes what it needs and listens on loopback. What it keeps is sealed by the
/// apps; it cannot read any of it.
#[derive(Debug, Parser)]
#[command(name = "satchel-server", version, max_term_width = 100)]
pub(super) struct Arguments {
    /// Folder of the database [default: $`STATE_DIRECTORY`, or satchel-server in the user's data folder].
    #[arg(long, value_name = "DIR", env = "SATCHEL_SERVER_DATA", global = true)]
    data: Option<PathBuf>,
    /// Address to listen on; port 0 for any free one.
    #[arg(long, value_name = "ADDR", env = "SATCHEL_SERVER_LISTEN", default_value = "127.0.0.1:7171")]
    listen: SocketAddr,
    /// Apps of one account that may be connected at a time; 0 for any number.
    #[arg(long, value_name = "N", env = "SATCHEL_SERVER_MAX_APPS", default_value_t = 3)]
    max_apps: usize,
    /// Connections of one account at a time, those without a place among them.
    #[arg(long, value_name = "N", env = "SATCHEL_SERVER_MAX_SOCKETS", default_value_t = SOCKETS_PER_ACCOUNT_MAX)]
    max_sockets: usize,
    /// Days that old versions, and headers that nothing needs, are kept at least.
    #[arg(long, value_name = "N", env = "SATCHEL_SERVER_KEEP_DAYS", default_value_t = 90)]
    keep_days: u32,
    /// Newest versions of each item that are kept at least.
    #[arg(long, value_name = "N", env = "SATCHEL_SERVER_KEEP_VERSIONS", default_value_t = Retention::default().versions)]
    keep_versions: u32,
    /// Newest commits of each workspace whose headers are kept at least.
    #[arg(long, value_name = "N", env = "SATCHEL_SERVER_KEEP_ENTRIES", default_value_t = Retention::default().entries)]
    keep_entries: u64,
    /// Who may make an account.
    #[arg(long, value_enum, env = "SATCHEL_SERVER_SIGNUP", default_value_t = SignUpChoice::Open)]
    signup: SignUpChoice,
    /// Certificate chain in PEM; without one the server speaks plain HTTP.
    #[arg(long, value_name = "F", env = "SATCHEL_SERVER_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Key of the certificate in PEM.
    #[arg(long, value_name = "F", env = "SATCHEL_SERVER_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Behind a reverse proxy: take the address of who asks from X-Forwarded-For.
    #[arg(long, env = "SATCHEL_SERVER_TRUST_PROXY")]
    trust_proxy: bool,
    /// Write logs as JSON, one object a line.
    #[arg(long, env = "SATCHEL_SERVER_LOG_JSON", global = true)]
    pub(super) log_json: bool,
    /// This build has `SQLite` only.
    #[arg(long, value_name = "URL", hide = true)]
    database: Option<String>,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub(super) task: Option<Task>,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub(super) enum Task {
    /// Writes a backup of the database to a file, also while a server runs.
    Backup {
        /// The file, which must not exist.
        file: PathBuf,
    },
    /// Puts a backup in the place of the database; no server may run.
    Restore {
        /// The backup.
        file: PathBuf,
    },
    /// Makes an invitation for one sign-up and prints it.
    Invite,
    /// Looks after the accounts of the server, also while it runs; never shows content, which is sealed.
    Admin {
        /// What to do.
        #[command(subcommand)]
        task: AdminTask,
    },
}

/// What an operator does with accounts.
#[derive(Debug, Subcommand)]
pub(super) enum AdminTask {
    /// Lists the accounts with their apps, workspaces and bytes.
    Accounts {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Disables an account: its sessions end within a second, and nobody can sign in to it.
    Disable {
        /// The e-mail of the account.
        email: String,
    },
    /// Enables an account again; its apps have to sign in anew.
    Enable {
        /// The e-mail of the account.
        email: String,
    },
    /// Deletes an account with everything that nobody else uses; refused while it is in a team, or the only
    /// admin of a workspace that others use.
    Delete {
        /// The e-mail of the account.
        email: String,
    },
    /// Makes an invitation for one sign-up and prints it.
    Invite,
    /// Sets and shows what an account may have; without an e-mail, each account without limits of its own.
    Limits {
        /// The e-mail of the account.
        email: Option<String>,
        /// Bytes of sealed content in the workspaces that it founded; 0 for no limit.
        #[arg(long, value_name = "N")]
        bytes: Option<u64>,
        /// Workspaces that it founds; 0 for no limit but the protocol's.
        #[arg(long, value_name = "N")]
        workspaces: Option<u64>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SignUpChoice {
    /// Everyone.
    Open,
    /// Who has an invitation, see `satchel-server invite`.
    Invite,
    /// Nobody.
    Closed,
}

/// Reads the arguments of this process; wrong usage ends it with 2.
pub(super) fn parse() -> Arguments {
    let arguments = Arguments::parse();
    if arguments.database.is_some() {
        let words = "this build keeps its database in SQLite only; use --data DIR instead of --database";
        Arguments::command().error(ErrorKind::InvalidValue, words).exit();
    }
    arguments
}

impl Arguments {
    /// The folder of the database.
    pub(super) fn data_folder(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| default_folder(|name| env::var_os(name).map(PathBuf::from)))
    }

    /// How to run the server.
    pub(super) fn into_options(self, data: PathBuf) -> Options {
        let sign_up = match self.signup {
            SignUpChoice::Open => SignUp::Open,
            SignUpChoice::Invite => SignUp::Invite,
            SignUpChoice::Closed => SignUp::Closed,
        };
        let tls = self.tls_cert.zip(self.tls_key).map(|(certificate, key)| TlsFiles { certificate, key });
        let retention = Retention {
            age_ms: u64::from(self.keep_days) * DAY_MS,
            versions: self.keep_versions,
            entries: self.keep_entries,
        };
        let (max_apps, max_sockets) = (self.max_apps, self.max_sockets);
        let config = Config { max_apps, max_sockets, sign_up, retention, ..Config::default() };
        Options { listen: self.listen, tls, config, trusts_proxy: self.trust_proxy, ..Options::new(data) }
    }
}

/// systemd's state folder, else the user's data folder, else a folder here.
fn default_folder(variable: impl Fn(&str) -> Option<PathBuf>) -> PathBuf {
    if let Some(state) = variable("STATE_DIRECTORY") {
        return state;
    }
    let shared = variable("XDG_DATA_HOME").filter(|path| path.is_absolute());
    let home = || variable("HOME").filter(|path| path.is_absolute()).map(|home| home.join(".local/share"));
    shared.or_else(home).map_or_else(|| PathBuf::from("satchel-data"), |folder| folder.join("satchel-server"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &str, expected: Result<(), ErrorKind>) {
        let parsed = Arguments::try_parse_from(words.split_whitespace()).map(drop);
        assert_eq!(parsed.map_err(|error| error.kind()), expected, "{words}");
    }

    #[test]
    fn the_command_line_is_the_one_of_the_design() {
        Arguments::command().debug_assert();
        check("satchel-server", Ok(()));
        check("satchel-server --data d --listen 127.0.0.1:0 --max-apps 0 --signup invite --log-json", Ok(()));
        check("satchel-server --keep-days 30 --keep-versions 10 --keep-entries 0 --max-sockets 200", Ok(()));
        check("satchel-server --tls-cert c --tls-key k", Ok(()));
        check("satchel-server backup f --data d", Ok(()));
        check("satchel-server --data d restore f", Ok(()));
        check("satchel-server invite", Ok(()));
        check("satchel-server admin accounts --json", Ok(()));
        check("satchel-server admin disable a@example.org --data d", Ok(()));
        check("satchel-server admin enable a@example.org", Ok(()));
        check("satchel-server admin delete a@example.org", Ok(()));
        check("satchel-server admin invite", Ok(()));
        check("satchel-server admin limits --bytes 1000", Ok(()));
        check("satchel-server admin limits a@example.org --workspaces 0", Ok(()));
    }

    #[test]
    fn wrong_usage_is_refused() {
        check("satchel-server --tls-cert c", Err(ErrorKind::MissingRequiredArgument));
        check("satchel-server --listen nowhere", Err(ErrorKind::ValueValidation));
        check("satchel-server --signup maybe", Err(ErrorKind::InvalidValue));
        check("satchel-server backup", Err(ErrorKind::MissingRequiredArgument));
        check("satchel-server --max-apps -1", Err(ErrorKind::UnknownArgument));
        check("satchel-server admin disable", Err(ErrorKind::MissingRequiredArgument));
        check("satchel-server admin limits --bytes many", Err(ErrorKind::ValueValidation));
    }

    #[test]
    fn the_data_folder_is_where_the_system_keeps_such_things() {
        let check = |set: &[(&str, &str)], expected: &str| {
            let folder = default_folder(|name| {
                set.iter().find(|(other, _)| *other == name).map(|(_, value)| PathBuf::from(value))
            });
            assert_eq!(folder, PathBuf::from(expected));
        };
        check(
            &[("STATE_DIRECTORY", "/var/lib/satchel-server"), ("HOME", "/home/a")],
            "/var/lib/satchel-server",
        );
        check(&[("XDG_DATA_HOME", "/x"), ("HOME", "/home/a")], "/x/satchel-server");
        check(&[("HOME", "/home/a")], "/home/a/.local/share/satchel-server");
        check(&[("XDG_DATA_HOME", "relative")], "satchel-data");
    }
}
