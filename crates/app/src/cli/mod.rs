//! The words of the command line: every command, its options and its help with examples.
//!
//! Why it exists: the contract that scripts depend on is declared in one place. It turns words into
//! plain values and refuses what cannot be meant (exit code 2); it does not know what a command does.

mod account;
mod content;
mod help;
mod history;
mod people;
mod send;
mod transfer;
mod values;

use clap::{Args, Parser, Subcommand};

pub(crate) use account::{
    AccountCommand, AccountOptions, AppsCommand, AppsOptions, RecoverOptions, SignInOptions, SignOutOptions,
    SignUpOptions,
};
pub(crate) use content::{
    ConflictsCommand, ConflictsOptions, CopyOptions, EditOptions, EnvCommand, EnvOptions, EnvSetOptions,
    ListOptions, MoveOptions, NewOptions, RemoveOptions, ResolveOptions, SearchOptions, SetOptions,
    ShowOptions, WorkspaceCommand, WorkspaceOptions,
};
pub(crate) use help::command;
pub(crate) use history::{HistoryOptions, TrashCommand, TrashOptions, VersionOptions};
pub(crate) use people::{
    Access, DraftsCommand, DraftsOptions, FingerprintOptions, PresenceCommand, PresenceOptions, TeamCommand,
    TeamOptions,
};
pub(crate) use send::{
    BailWord, ColorWord, ReporterWord, RunOptions, RunsCommand, RunsOptions, SendOptions, SentCommand,
    SentOptions, TravelOptions, TrustOptions, VarsOptions,
};
pub(crate) use transfer::{BackupCommand, BackupOptions, ExportOptions, Format, ImportOptions};
pub(crate) use values::{Assignment, Text};

/// Your API workspace, the same in all your apps, readable by nobody else.
#[derive(Debug, Parser)]
#[command(name = "satchel", version, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) shared: Shared,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Shared {
    /// Print exactly one JSON document on stdout, for failures too
    #[arg(long, global = true, help_heading = "Options of every command")]
    pub(crate) json: bool,
    /// The workspace, by name or id; `scratch` is the Scratch Pad
    #[arg(
        id = "in_workspace",
        long = "workspace",
        short = 'w',
        value_name = "NAME|ID",
        global = true,
        help_heading = "Options of every command"
    )]
    pub(crate) workspace: Option<String>,
    /// Do not wait for the server's acknowledgement of a change
    #[arg(long, global = true, help_heading = "Options of every command")]
    pub(crate) no_wait: bool,
    /// Print only what was asked for: no confirmations, no progress
    #[arg(long, short, global = true, help_heading = "Options of every command")]
    pub(crate) quiet: bool,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an account on a server and sign in; prints the recovery code once
    #[command(after_help = help::SIGNUP)]
    Signup(SignUpOptions),
    /// Sign in, and fetch everything from the server
    #[command(after_help = help::SIGNIN)]
    Signin(SignInOptions),
    /// Set a new password with the recovery code, and sign in
    #[command(after_help = help::RECOVER)]
    Recover(RecoverOptions),
    /// Sign out and destroy the account's data on this device
    #[command(after_help = help::SIGNOUT)]
    Signout(SignOutOptions),
    /// Show the account, change its password, or delete it
    #[command(after_help = help::ACCOUNT)]
    Account(AccountOptions),
    /// List the account's apps, or make room for one
    #[command(after_help = help::APPS)]
    Apps(AppsOptions),

    /// Show whether everything is in sync, and if not, why and what to do
    #[command(after_help = help::STATUS)]
    Status {
        /// Go on showing the state whenever it changes
        #[arg(long)]
        watch: bool,
    },
    /// Connect if needed and wait until everything is in sync
    #[command(after_help = help::SYNC)]
    Sync {
        /// How long to wait, such as 500ms, 30s or 2m
        #[arg(long, value_name = "TIME", default_value = "30s", value_parser = values::parse_time)]
        timeout: std::time::Duration,
    },
    /// Fetch the newest, keep waiting edits, and check the local copy against the ledger
    #[command(after_help = help::RELOAD)]
    Reload,
    /// List conflicts, show one, or settle it
    #[command(after_help = help::CONFLICTS)]
    Conflicts(ConflictsOptions),
    /// Check every local record, key and the chain of the ledger
    #[command(after_help = help::VERIFY)]
    Verify,
    /// Look at everything around: home, store, keys, server, clock
    #[command(after_help = help::DOCTOR)]
    Doctor,

    /// List, make, choose, rename, share or delete workspaces
    #[command(after_help = help::WORKSPACE)]
    Workspace(WorkspaceOptions),
    /// List, make or leave teams, and say who is in them
    #[command(after_help = help::TEAM)]
    Team(TeamOptions),
    /// Show the words of someone's keys, to compare over another way
    #[command(after_help = help::FINGERPRINT)]
    Fingerprint(FingerprintOptions),
    /// List or discard changes that stay here, since your role may only read
    #[command(after_help = help::DRAFTS)]
    Drafts(DraftsOptions),
    /// Show who is in the workspace now, or tell that you are
    #[command(after_help = help::PRESENCE)]
    Presence(PresenceOptions),
    /// Bring Postman collections, environments, globals or data dumps in
    #[command(after_help = help::IMPORT)]
    Import(ImportOptions),
    /// Write items as Postman files, or everything as one Satchel file
    #[command(after_help = help::EXPORT)]
    Export(ExportOptions),
    /// Write one file with all local data, or bring one back in
    #[command(after_help = help::BACKUP)]
    Backup(BackupOptions),

    /// List items
    #[command(after_help = help::LS)]
    Ls(ListOptions),
    /// Show one item
    #[command(after_help = help::SHOW)]
    Show(ShowOptions),
    /// Find a text in names and contents
    #[command(after_help = help::SEARCH)]
    Search(SearchOptions),
    /// Make a collection, folder, request, example or environment
    #[command(after_help = help::NEW)]
    New(NewOptions),
    /// Change fields of an item
    #[command(after_help = help::SET)]
    Set(SetOptions),
    /// Edit an item's document in your editor
    #[command(after_help = help::EDIT)]
    Edit(EditOptions),
    /// Move or rename an item
    #[command(after_help = help::MV)]
    Mv(MoveOptions),
    /// Copy an item with everything below it
    #[command(after_help = help::CP)]
    Cp(CopyOptions),
    /// Move items to the trash
    #[command(after_help = help::RM)]
    Rm(RemoveOptions),
    /// Show the versions of an item, or all that was done in a workspace: who, what, when
    #[command(after_help = help::HISTORY)]
    History(HistoryOptions),
    /// Show what has changed of an item since a version
    #[command(after_help = help::DIFF)]
    Diff(VersionOptions),
    /// Make an item what it was at a version, or take it out of the trash
    #[command(after_help = help::RESTORE)]
    Restore(VersionOptions),
    /// List the trash, take items out of it, or empty it
    #[command(after_help = help::TRASH)]
    Trash(TrashOptions),
    /// List, choose, show and change environments and their variables
    #[command(after_help = help::ENV)]
    Env(EnvOptions),

    /// Send a request, and print its answer
    #[command(after_help = help::SEND)]
    Send(Box<SendOptions>),
    /// Run a collection or folder, with its tests
    #[command(after_help = help::RUN)]
    Run(Box<RunOptions>),
    /// Show the variables that a request sees, and where each value comes from
    #[command(after_help = help::VARS)]
    Vars(VarsOptions),
    /// Say that the scripts of this workspace may run on this device
    #[command(after_help = help::TRUST)]
    Trust(TrustOptions),
    /// List, show or forget the requests that were sent from this device
    #[command(after_help = help::SENT)]
    Sent(SentOptions),
    /// List or show the runs on this device
    #[command(after_help = help::RUNS)]
    Runs(RunsOptions),

    /// Open the page in the browser; serves it on this machine alone
    #[command(after_help = help::APP)]
    App {
        /// The port on 127.0.0.1; otherwise the last one, or a free one
        #[arg(long, value_name = "PORT")]
        port: Option<u16>,
        /// Only print the address
        #[arg(long)]
        no_open: bool,
    },
    /// Hold the profile open and keep it in sync; other commands talk to it
    #[command(after_help = help::AGENT)]
    Agent {
        #[command(subcommand)]
        command: Option<AgentCommand>,
    },
    /// Print completions for a shell
    #[command(after_help = help::COMPLETIONS)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What to do with an agent that runs.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum AgentCommand {
    /// Tell whether an agent runs
    Status,
    /// End the agent
    Stop,
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

    use super::*;

    fn parsed(words: &str) -> Result<Cli, clap::Error> {
        let matches = command().try_get_matches_from(words.split_whitespace())?;
        Cli::from_arg_matches(&matches)
    }

    #[test]
    fn the_declaration_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_command_of_the_contract_is_understood() {
        let lines = "signup --server http://s --email e@x
signup --server http://s --email e@x --password-stdin --app-name laptop --invite abc
signin --server http://s --email e@x --password-stdin --take-over laptop
recover --server http://s --email e@x
signout
signout --export out.json
signout --discard
status
status --watch --json
sync
sync --timeout 300s
reload
apps
apps list
apps disconnect laptop
apps take-place laptop
account
account show
account password --password-stdin
account delete --password-stdin
workspace
workspace list
workspace create Work
workspace use scratch
workspace rename Work Play
workspace delete Work --yes
workspace delete Work --yes --discard
workspace create Work --team Shop --open
workspace members
workspace members --workspace Work --json
workspace invite
workspace invite --role viewer
workspace invites
workspace revoke 0a1b
workspace join http://s/join#x
workspace join -
workspace role ada@example.com admin
workspace remove ada@example.com
workspace leave
workspace leave --hand-over ada@example.com
workspace access open
workspace access closed
team
team list
team create Shop
team rename Shop Store
team invite Shop --role admin
team invites Shop
team revoke Shop 0a1b
team join http://s/join#x
team members Shop
team role Shop ada@example.com viewer
team remove Shop ada@example.com
team leave Shop
team leave Shop --hand-over ada@example.com
team delete Shop --yes
fingerprint
fingerprint ada@example.com
drafts
drafts list
drafts discard
drafts discard Shop/Cart Dev
presence
presence on Shop/Cart --editing
presence off
import a.json b.json --mode merge --dry-run
import -
import --no-wait a.json --workspace scratch
export Shop --out a.json
export --all --out folder --format postman
export --all --format dump
export --all --format satchel --secrets
ls
ls --tree
ls Shop/Cart --json
show Shop/Cart
show Shop --secrets
search token --limit 5
new collection Shop
new request Shop/Cart method=GET url=http://x
set Shop/Cart url=http://x header.Accept=text/plain
set Shop/Cart --unset description
edit Shop/Cart
mv Shop/Cart Shop/Basket
mv A B --before C
mv A --to-workspace Work --secrets
cp A B
rm A B --bulk
env
env list
env use Dev
env use --none
env show
env show Dev --secrets
env set KEY=VALUE
env set Dev KEY=VALUE --secret --share
env set --env globals KEY=VALUE --current
env unset KEY --env Dev
history Shop/Cart
history --workspace Work
history --limit 5
diff Shop/Cart
diff Shop/Cart --version 12
restore Shop/Cart
restore Shop/Cart --version 12 --json
trash
trash list
trash restore Shop/Cart Old
trash empty
trash empty Old --bulk
conflicts
conflicts list
conflicts show 12ab
conflicts resolve 12ab --local
conflicts resolve Shop --server
conflicts resolve 12ab --both
conflicts resolve Shop/Cart --field url=local --field method=POST
send Shop/Cart
send Shop/Cart -e Dev --var a=1 -H X:1 -d @body.json --trust --json
send GET http://x/ --insecure --timeout 5s -i -o out.json
send --curl curl_http://x/ --as-curl
send Shop/Cart --save-example Saved --no-save-cookies -v
vars Shop/Cart -e Dev --reveal
run Shop -e Dev -d data.csv -n 3 --bail -r cli,json --reporter-json-export out.json
run file.json --folder A --folder B --delay-request 10 --timeout-request 500 --bail folder -k -x
run Shop --parallel 4 --env-var a=1 --global-var b=2 --export-environment env.json --color off
trust
trust --off
sent
sent token --limit 3
sent show
sent show 12
sent clear --everything
runs
runs show 3
doctor
verify
backup create all.json
backup restore all.json
app
app --port 8090 --no-open
agent
agent status
agent stop
completions bash";
        for line in lines.lines() {
            parsed(&format!("satchel {line}")).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_wrong_usage() {
        let lines = "fly
signup
signin --server http://s
signout --discard --export a
sync --timeout soon
import
import a --mode forget
export --format xml
export
export Shop --all
new widget A
set Shop/Cart
set Shop/Cart url
mv A
rm
env set
env use
env use Dev --none
conflicts resolve 12ab
conflicts resolve 12ab --local --server
conflicts resolve 12ab --field url
backup create
history Shop --limit 5
mv A B --to-workspace Work
mv A B --secrets
mv A --secrets
mv A --before C --secrets
mv A --before C --to-workspace Work
workspace create Work --open
workspace invite --role owner
workspace role ada@example.com
workspace access ajar
workspace join
team invite
diff Shop --version first
restore
trash restore
completions tcsh";
        for line in lines.lines() {
            let error = parsed(&format!("satchel {line}")).err().unwrap_or_else(|| panic!("{line}"));
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
