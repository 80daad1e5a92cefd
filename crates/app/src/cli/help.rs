//! The overview of `satchel --help`, and the examples of every command.
//!
//! Invariant: every command is in exactly one group; a test fails for one that is not.

use std::fmt::Write as _;

use clap::CommandFactory as _;

use super::Cli;

/// The groups of the overview.
const GROUPS: &[(&str, &[&str])] = &[
    ("Account", &["signup", "signin", "recover", "signout", "account", "apps"]),
    ("Sync", &["status", "sync", "reload", "conflicts", "verify", "doctor"]),
    ("Workspaces and files", &["workspace", "import", "export", "backup"]),
    ("People", &["team", "fingerprint", "drafts", "presence"]),
    (
        "Items",
        &[
            "ls", "show", "search", "new", "set", "edit", "mv", "cp", "rm", "history", "diff", "restore",
            "trash", "env",
        ],
    ),
    ("Requests", &["send", "run", "vars", "trust", "sent", "runs"]),
    ("This program", &["app", "agent", "completions"]),
];

const OVERVIEW_END: &str = "\
Environment:
  SATCHEL_HOME       Where everything is kept; two homes are two apps [~/.local/share/satchel]
  SATCHEL_KEYRING    auto, or off: new local keys stay in their files alone
  SATCHEL_CA_FILE    A PEM file with more certificate authorities to trust
  SATCHEL_PROXY      The URL of a proxy for sync
  SATCHEL_TRANSPORT  auto, websocket or polling
  NO_COLOR           No colours

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 needs a decision; 4 not in sync in time; 5 tests failed.
A PATH is Collection/Folder/Request (a / in a name is written \\/), or an id.

Examples:
  satchel import shop.postman_collection.json
  satchel signup --server https://satchel.example.com --email me@example.com
  satchel ls --tree
  satchel set Shop/Cart url=https://example.com/cart
  satchel send Shop/Cart
  satchel run Shop --iteration-data rows.csv
";

/// The whole command line, with its overview.
pub(crate) fn command() -> clap::Command {
    let command = Cli::command();
    let overview = overview(&command);
    command.help_template(overview)
}

fn overview(command: &clap::Command) -> String {
    let mut text = String::from("{about}\n\nUsage: satchel COMMAND [OPTIONS]\n");
    for (group, names) in GROUPS {
        let _ = write!(text, "\n{group}:\n");
        for name in *names {
            let about = command.find_subcommand(name).and_then(clap::Command::get_about);
            let _ = writeln!(text, "  {name:<12} {}", about.map(ToString::to_string).unwrap_or_default());
        }
    }
    let _ = write!(text, "\n{{all-args}}\n\n{OVERVIEW_END}");
    text.replace("{all-args}", "{options}")
}

pub(super) const SEND: &str = "\
The body of the answer goes to stdout as it comes, everything else to stderr. Any status is exit code 0; a failed
test or script is 5. With --json, one document with answer, tests, timings and the request as it went.
A WebSocket request (ws:// or wss://) sends the lines of stdin, and prints each message in a line.
Values that scripts set and cookies stay on this device and are there for the next send.

Examples:
  satchel send Shop/Cart
  satchel send Shop/Cart --env Dev --var id=7 --header 'X-Trace: 1'
  satchel send POST https://example.com/carts --data '{\"id\": 7}'
  satchel send https://example.com/file.zip --out file.zip
  satchel send Shop/Cart --save-example 'A full cart'
  satchel send --curl \"curl -H 'Accept: text/html' https://example.com\"";
pub(super) const RUN: &str = "\
Options that newman has, too, mean the same. A file is run as it is, without importing it; naming it is trusting it.
Exit code 5 if a test, request or script failed.

Examples:
  satchel run Shop --env Dev
  satchel run Shop/Carts --iteration-data rows.csv --bail
  satchel run shop.postman_collection.json --environment dev.postman_environment.json
  satchel run Shop --reporters cli,junit --reporter-junit-export report.xml";
pub(super) const VARS: &str = "\
Local variables win over data, environment, folder, collection and globals.

Examples:
  satchel vars Shop/Cart
  satchel vars Shop/Cart --env Dev --all
  satchel vars Shop/Cart --reveal";
pub(super) const TRUST: &str = "\
Scripts come with imported files and from teammates. They run in a process without files and network of its own, but
they see the variables of the request, secrets too, and can send them. The word is kept on this device.

Examples:
  satchel trust
  satchel trust --workspace Team
  satchel trust --off";
pub(super) const SENT: &str = "\
The newest 1,000 requests of a workspace are kept, up to 50 MB, on this device alone.

Examples:
  satchel sent
  satchel sent carts
  satchel sent show 12
  satchel sent clear";
pub(super) const RUNS: &str = "\
Examples:
  satchel runs
  satchel runs show 3 --json";
pub(super) const SIGNUP: &str = "\
The password is asked for on the terminal, or read from stdin with --password-stdin.

Examples:
  satchel signup --server https://satchel.example.com --email me@example.com
  pass show satchel | satchel signup --server http://127.0.0.1:8080 --email me@example.com --password-stdin";
pub(super) const SIGNIN: &str = "\
If all places of the account are in use, exit code 3 and the list of apps; --take-over names one.

Examples:
  satchel signin --server https://satchel.example.com --email me@example.com
  satchel signin --server https://satchel.example.com --email me@example.com --take-over old-laptop";
pub(super) const RECOVER: &str = "\
Examples:
  satchel recover --server https://satchel.example.com --email me@example.com
  printf '%s\\n%s\\n' \"$CODE\" \"$NEW_PASSWORD\" | satchel recover --server URL --email E --password-stdin";
pub(super) const SIGNOUT: &str = "\
With changes that the server has not acknowledged: exit code 3 and how many, unless --export or --discard.
The Scratch Pad stays.

Examples:
  satchel signout
  satchel signout --export before-signout.json
  satchel signout --discard";
pub(super) const ACCOUNT: &str = "\
Examples:
  satchel account
  satchel account password
  printf '%s\\n%s\\n' \"$OLD\" \"$NEW\" | satchel account password --password-stdin
  satchel account delete";
pub(super) const APPS: &str = "\
Examples:
  satchel apps
  satchel apps disconnect old-laptop
  satchel apps take-place old-laptop";
pub(super) const STATUS: &str = "\
Opens no connection: with an agent it is the live state, without one what this device knows.

Examples:
  satchel status
  satchel status --watch
  satchel status --json";
pub(super) const SYNC: &str = "\
Exit code 4 if not everything is in sync in time.

Examples:
  satchel sync
  satchel sync --timeout 5m";
pub(super) const RELOAD: &str = "\
Examples:
  satchel reload";
pub(super) const CONFLICTS: &str = "\
The server's value shows; the other one is kept in the item until someone settles the conflict.

Examples:
  satchel conflicts
  satchel conflicts show 3f2a
  satchel conflicts resolve 3f2a --local
  satchel conflicts resolve Shop --server
  satchel conflicts resolve Shop/Cart --field url=https://example.com/cart --field method=local";
pub(super) const VERIFY: &str = "\
Exit code 1 if something is wrong.

Examples:
  satchel verify";
pub(super) const DOCTOR: &str = "\
Exit code 1 if something is not well.

Examples:
  satchel doctor
  satchel doctor --json";
pub(super) const WORKSPACE: &str = "\
Examples:
  satchel workspace
  satchel workspace create Work
  satchel workspace use Work
  satchel workspace use scratch
  satchel workspace invite --role viewer --workspace Work
  satchel workspace members --workspace Work
  satchel workspace remove ada@example.com --workspace Work
  satchel workspace delete Work --yes";
pub(super) const TEAM: &str = "\
An invitation's link is good for one person and seven days, and as good as the role in it: send it privately.

Examples:
  satchel team create Shop
  satchel team invite Shop --role editor
  satchel workspace create Work --team Shop --open
  satchel team remove Shop ada@example.com";
pub(super) const FINGERPRINT: &str = "\
Both see the same words if no server stands between them. Compare them by telephone, not by mail.

Examples:
  satchel fingerprint
  satchel fingerprint ada@example.com --workspace Work";
pub(super) const DRAFTS: &str = "\
In a workspace that you may only read, your changes stay on this device until your role rises or you discard them.
Elsewhere the list is what waits for the server.

Examples:
  satchel drafts
  satchel drafts discard Shop/Cart
  satchel drafts discard --workspace Work";
pub(super) const PRESENCE: &str = "\
Off until you say so, and told only while an agent runs.

Examples:
  satchel presence --workspace Work
  satchel presence on Shop/Cart --editing
  satchel presence off";
pub(super) const IMPORT: &str = "\
Reads collections v2.1.0, v2.0.0 and v1.0.0, environments, globals, and data dumps (JSON or ZIP). Each file
comes in as a whole or not at all. If it was imported before: exit code 3 unless --mode says what to do.
With --json and several files, the reports are in `files`.

Examples:
  satchel import shop.postman_collection.json
  satchel import *.json --dry-run
  curl -s https://example.com/collection.json | satchel import -
  satchel import shop.postman_collection.json --mode merge";
pub(super) const EXPORT: &str = "\
Examples:
  satchel export Shop > shop.json
  satchel export --all --out exports/
  satchel export --all --format dump --out dump.json
  satchel export --all --format satchel --secrets --out everything.json";
pub(super) const BACKUP: &str = "\
The file holds everything in the clear, secrets too; it is made readable for you only.

Examples:
  satchel backup create all.json
  satchel backup restore all.json";
pub(super) const LS: &str = "\
Marks: * waits for the server, ! has conflicts.

Examples:
  satchel ls
  satchel ls Shop
  satchel ls --tree";
pub(super) const SHOW: &str = "\
Examples:
  satchel show Shop/Cart
  satchel show Shop/Cart --json
  satchel show 'Shop/Carts \\/ baskets'";
pub(super) const SEARCH: &str = "\
Examples:
  satchel search token
  satchel search /v2/tweets --limit 10";
pub(super) const NEW: &str = "\
Examples:
  satchel new collection Shop
  satchel new request Shop/Cart method=GET url=https://example.com/cart
  satchel new environment Dev";
pub(super) const SET: &str = "\
Fields: name, method, url, description, body, header.NAME, query.NAME, variable.NAME, script.test,
script.prerequest, or a dotted path into the document. All changes are made, or none.

Examples:
  satchel set Shop/Cart url=https://example.com/cart header.Accept=application/json
  satchel set Shop/Cart body=@cart.json
  satchel set Shop/Cart --unset header.Accept";
pub(super) const EDIT: &str = "\
Opens $VISUAL, else $EDITOR, else vi. What changed elsewhere meanwhile is merged, not overwritten.

Examples:
  satchel edit Shop/Cart
  VISUAL='code --wait' satchel edit Shop";
pub(super) const MV: &str = "\
Examples:
  satchel mv Shop/Cart Shop/Basket
  satchel mv Shop/Cart Archive
  satchel mv Shop/Cart Shop --before Shop/Login
  satchel mv Shop --to-workspace Work";
pub(super) const CP: &str = "\
Examples:
  satchel cp Shop/Cart Shop/Basket
  satchel cp Shop Copies";
pub(super) const RM: &str = "\
Items go to the trash. More than 20 items and a tenth of the workspace: exit code 3 unless --bulk.

Examples:
  satchel rm Shop/Cart
  satchel rm Shop --bulk";
pub(super) const HISTORY: &str = "\
Versions are kept on the server, for 90 days or 100 versions an item, whichever is more. A version has the number of
its place in the workspace's ledger, which never changes. Who and from which app is verified; when is the server's
word. PATH may be an item in the trash, or the id of one that was purged. Without PATH: who did what in the workspace.

Examples:
  satchel history Shop/Cart
  satchel history Shop/Cart --json
  satchel history --workspace Work --limit 20";
pub(super) const DIFF: &str = "\
Compares with the item as it is now. Without --version: with the newest version that is not as it is now, so that
it shows what the last change did. Values of secrets are not shown.

Examples:
  satchel diff Shop/Cart
  satchel diff Shop/Cart --version 42";
pub(super) const RESTORE: &str = "\
Restoring is an ordinary edit: it syncs, and restoring the version before it takes it back. A version brings its
conflicts with it, so that a settled conflict can be opened again. Without --version an item in the trash comes
out of it, and any other takes its last change back. What lies below an item is not changed.

Examples:
  satchel restore Shop/Cart --version 42
  satchel restore Shop/Cart
  satchel restore Shop";
pub(super) const TRASH: &str = "\
An item goes to the trash and comes out of it with everything below it. Emptying is for good: more than 20 items and a
tenth of the workspace: exit code 3 unless --bulk.

Examples:
  satchel trash
  satchel trash restore Shop/Cart
  satchel trash empty Shop/Old
  satchel trash empty --bulk";
pub(super) const ENV: &str = "\
Examples:
  satchel env
  satchel env use Dev
  satchel env set Dev base_url=https://dev.example.com
  satchel env set token=@- --secret < token.txt
  satchel env show Dev --secrets
  satchel env unset token --env Dev";
pub(super) const APP: &str = "\
Prints an address that works once. Keeps the profile in sync as `satchel agent` does where none runs.

Examples:
  satchel app
  satchel app --port 8090 --no-open";
pub(super) const AGENT: &str = "\
Prints `agent ready` when other commands can talk to it, and runs until it is stopped.

Examples:
  satchel agent &
  satchel agent status
  satchel agent stop";
pub(super) const COMPLETIONS: &str = "\
Examples:
  satchel completions bash > ~/.local/share/bash-completion/completions/satchel
  satchel completions zsh > ~/.zfunc/_satchel";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_one_group() {
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        let command = command();
        let mut known: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        grouped.sort_unstable();
        known.sort_unstable();
        assert_eq!(grouped, known);
    }

    #[test]
    fn every_command_has_examples_that_are_understood() {
        for subcommand in command().get_subcommands() {
            let help = subcommand.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples = help.split("Examples:\n").nth(1).unwrap_or_default();
            assert!(examples.contains("satchel "), "{}", subcommand.get_name());
        }
    }

    #[test]
    fn the_overview_groups_the_commands() {
        let help = command().render_help().to_string();
        for words in ["Account:\n  signup", "Sync:\n  status", "--json", "SATCHEL_HOME", "Exit codes"] {
            assert!(help.contains(words), "{words}\n{help}");
        }
    }
}
