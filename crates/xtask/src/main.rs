//! `cargo xtask`: the commands that build, check, show and measure Satchel.
//!
//! Why it exists: what a newcomer runs, what CI runs and what a developer runs before review are the
//! same commands, in the same language as the product, with nothing else to install first.
//!
//! Knows nothing of the product's code: it sees crates as text and metadata, and the binaries as
//! processes.

mod bench;
mod ci;
mod codegen;
mod failure;
mod fuzz;
mod install;
mod reliability;
mod run;
mod shell;
mod sim;
mod soak;
mod stage;
mod tidy;

use std::process::ExitCode;

use crate::failure::Failure;

/// One command of `cargo xtask`.
struct Command {
    name: &'static str,
    summary: &'static str,
    help: &'static str,
    run: fn(&[String]) -> Result<(), Failure>,
}

/// Every command, in the order of `--help`. `tidy` checks the documents against these names.
const COMMANDS: &[Command] = &[
    Command { name: "run", summary: run::SUMMARY, help: run::HELP, run: run::run },
    Command { name: "ci", summary: ci::SUMMARY, help: ci::HELP, run: ci::run },
    Command { name: "tidy", summary: tidy::SUMMARY, help: tidy::HELP, run: tidy::run },
    Command { name: "codegen", summary: codegen::SUMMARY, help: codegen::HELP, run: codegen::run },
    Command { name: "bench", summary: bench::SUMMARY, help: bench::HELP, run: bench::run },
    Command { name: "fuzz", summary: fuzz::SUMMARY, help: fuzz::HELP, run: fuzz::run },
    Command { name: "sim", summary: sim::SUMMARY, help: sim::HELP, run: sim::run },
    Command { name: "soak", summary: soak::SUMMARY, help: soak::HELP, run: soak::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wants_help = arguments.iter().any(|argument| argument == "--help" || argument == "-h");
    let Some(name) = arguments.first().filter(|name| !name.starts_with('-')) else {
        println!("{}", overview());
        return if wants_help { ExitCode::SUCCESS } else { ExitCode::from(2) };
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("there is no command {name:?}\n\n{}", overview());
        return ExitCode::from(2);
    };
    if wants_help {
        println!("cargo xtask {}: {}\n\n{}", command.name, command.summary, command.help.trim());
        return ExitCode::SUCCESS;
    }
    match (command.run)(&arguments[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\ncargo xtask {name} failed: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn overview() -> String {
    let lines: Vec<String> =
        COMMANDS.iter().map(|command| format!("  {:<9}{}", command.name, command.summary)).collect();
    format!("usage: cargo xtask <command> [--help]\n\n{}", lines.join("\n"))
}

/// Whether `name` is a command of `cargo xtask`.
fn is_command(name: &str) -> bool {
    COMMANDS.iter().any(|command| command.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overview_names_every_command() {
        let text = overview();
        assert!(COMMANDS.iter().all(|command| text.contains(command.name)), "{text}");
    }

    #[test]
    fn every_command_explains_itself() {
        assert!(COMMANDS.iter().all(|command| command.help.contains("cargo xtask")));
    }
}
