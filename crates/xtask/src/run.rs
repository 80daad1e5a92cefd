//! `cargo xtask run`: the product, shown on one machine: a server, two apps, a real collection.
//!
//! Why it exists: a newcomer sees the promise kept before reading about it. Every command is echoed as
//! it would be typed, so the output is also the first lesson.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::failure::Failure;
use crate::stage::{self, App, Stage};
use crate::{install, shell};

/// One line for the overview.
pub(crate) const SUMMARY: &str =
    "build, start a server and two apps, and show a collection sync between them";

/// The text of `--help`.
pub(crate) const HELP: &str = "
usage: cargo xtask run [--stop-after]

Installs what is missing, builds satchel and satchel-server in release, starts a server on loopback and
two apps in a temporary folder, imports a real Postman collection into one app, shows it arrive in the
other, compares both byte for byte, edits a request in one and shows the edit in the other.
Leaves the server and both apps running, each with its page, and prints where the pages are, what to try next, and
how to stop it.

  --stop-after   stop everything at the end and delete the folder";

/// A vendor's real collection.
const COLLECTION: &str = "fixtures/postman/real/twitter-api-v2.postman_collection.json";
const EMAIL: &str = "demo@example.com";
/// How long an edit may take from one app to the other before the demonstration fails.
const ARRIVAL_TIME_MAX: Duration = Duration::from_secs(20);

/// What the demonstration leaves behind.
struct Scene {
    server: String,
    first: App,
    second: App,
    request: String,
    /// The addresses of both pages.
    pages: [String; 2],
}

/// Builds, plays the demonstration, and leaves it running.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let stop_after = match arguments {
        [] => false,
        [only] if only == "--stop-after" => true,
        _ => return Err(Failure::usage(format!("run does not know {}", arguments.join(" ")))),
    };
    if !shell::root().join(COLLECTION).is_file() {
        return Err(Failure::new(format!("{COLLECTION} is missing")).hint("check that the clone is complete"));
    }
    install::compiler()?;
    build_page()?;
    stage::build()?;
    let mut stage = Stage::new("run", true)?;
    match play(&mut stage) {
        Ok(_) if stop_after => {
            stage.strike()?;
            println!("\nStopped everything and deleted the folder.");
        }
        Ok(scene) => print!("{}", farewell(&stage, &scene)),
        Err(failure) => {
            eprint!("{}", stage.logs());
            stage.stop();
            return Err(failure
                .hint(format!("everything was stopped; its files are in {}", stage.folder().display())));
        }
    }
    Ok(())
}

/// The page goes into the binary; one that was built before is taken as it is.
fn build_page() -> Result<(), Failure> {
    let ui = shell::root().join("ui");
    if ui.join("dist/index.html").is_file() {
        return Ok(());
    }
    install::node()?;
    for words in [["ci"].as_slice(), &["run", "build"]] {
        let mut command = Command::new("npm");
        println!("$ {}", shell::show(command.args(words).current_dir(&ui)));
        shell::stream(&mut command)?;
    }
    Ok(())
}

fn play(stage: &mut Stage) -> Result<Scene, Failure> {
    heading("A server that can read nothing, on loopback");
    let (server, _) = stage.start_server("server", &[])?;
    let (first, second) = (stage.app("a"), stage.app("b"));
    let pages = sign_in_both(stage, &server, &first, &second)?;
    heading("Both apps are in sync, and equal");
    stage.run(&first, &["sync"], None)?;
    stage.run(&second, &["sync"], None)?;
    stage.run(&second, &["ls", "--tree"], None)?;
    compare_exports(stage, &first, &second)?;
    let request = show_an_edit(stage, &first, &second)?;
    Ok(Scene { server, first, second, request, pages })
}

fn sign_in_both(stage: &mut Stage, server: &str, first: &App, second: &App) -> Result<[String; 2], Failure> {
    let password = stage::random_word(8)?;
    let input = format!("{password}\n");
    heading("App A: a new account, and a real Postman collection");
    stage.run(first, &sign_words("signup", server), Some(&input))?;
    let one = stage.start_page(first)?;
    stage.run(first, &["import", COLLECTION], None)?;
    heading("App B: signs in, and has everything");
    stage.run(second, &sign_words("signin", server), Some(&input))?;
    Ok([one, stage.start_page(second)?])
}

fn sign_words<'a>(command: &'a str, server: &'a str) -> [&'a str; 6] {
    [command, "--server", server, "--email", EMAIL, "--password-stdin"]
}

/// Exports the collection from both apps and compares the files byte for byte.
fn compare_exports(stage: &Stage, first: &App, second: &App) -> Result<(), Failure> {
    let collection = path_of(&stage.json(second, &["ls"])?, "collection")?;
    let mut files = Vec::new();
    for (app, name) in [(first, "a.json"), (second, "b.json")] {
        let file = stage.folder().join(name);
        stage.run(app, &["export", &collection, "--out", &file.to_string_lossy()], None)?;
        files.push(file);
    }
    println!(
        "\n$ cmp {}",
        files.iter().map(|file| shell::quote(file.as_os_str())).collect::<Vec<_>>().join(" ")
    );
    let (ours, theirs) = (read(&files[0])?, read(&files[1])?);
    if ours != theirs {
        return Err(Failure::new(format!(
            "the two exports differ: {} and {} bytes",
            ours.len(),
            theirs.len()
        )));
    }
    println!("both are the same {} bytes", ours.len());
    Ok(())
}

/// Edits a request in one app and waits for it in the other, which gets no command but the looking.
fn show_an_edit(stage: &Stage, first: &App, second: &App) -> Result<String, Failure> {
    heading("An edit in A is in B by itself");
    let request = path_of(&stage.json(second, &["ls", "--tree"])?, "request")?;
    let mark = format!("edited-in-a-{}", stage::random_word(3)?);
    stage.run(first, &["set", &request, &format!("header.X-Demo={mark}")], None)?;
    let ((), took) = stage::wait_until(ARRIVAL_TIME_MAX, "the edit's arrival in B", || {
        let shown = stage.json(second, &["show", &request])?;
        Ok(shown.to_string().contains(&mark).then_some(()))
    })?;
    stage.run(second, &["show", &request], None)?;
    println!("(seen in B {} after the command in A had ended)", shell::words_for(took));
    stage.run(first, &["status"], None)?;
    stage.run(second, &["status"], None)?;
    Ok(request)
}

/// The path of the first item of a kind.
fn path_of(listing: &Value, kind: &str) -> Result<String, Failure> {
    let item = stage::find_object(listing, "kind", kind);
    let path = item.and_then(|item| item["path"].as_str().or_else(|| item["id"].as_str()));
    path.map(str::to_owned).ok_or_else(|| Failure::new(format!("the second app lists no {kind}:\n{listing}")))
}

fn farewell(stage: &Stage, scene: &Scene) -> String {
    let satchel = |app: &App, rest: &str| {
        let program = stage.satchel();
        format!(
            "SATCHEL_HOME={} {} {rest}",
            shell::quote(app.home.as_os_str()),
            shell::quote(program.as_os_str())
        )
    };
    let request = shell::quote(scene.request.as_ref());
    let lines = [
        String::new(),
        format!(
            "The server runs at {}, with two apps; everything is in {}.",
            scene.server,
            stage.folder().display()
        ),
        String::new(),
        "Two pages, each signed in: open them side by side, and edit a request in one. Each address works once.".to_owned(),
        format!("  {}", scene.pages[0]),
        format!("  {}", scene.pages[1]),
        String::new(),
        "Try next, from this folder:".to_owned(),
        format!("  {}", satchel(&scene.first, &format!("set {request} description='Hello from A'"))),
        format!("  {}", satchel(&scene.second, &format!("show {request}"))),
        format!("  {}", satchel(&scene.second, "status --watch")),
        String::new(),
        "Stop and delete it:".to_owned(),
        format!("  {}", stage.stop_command()),
        String::new(),
    ];
    lines.join("\n")
}

fn heading(text: &str) {
    println!("\n# {text}");
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|error| Failure::new(format!("reading {}: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_item_is_named_by_its_path_and_else_by_its_id() {
        let listing =
            json!({"items": [{"kind": "collection", "path": "Shop"}, {"kind": "request", "id": "0a"}]});
        let check =
            |kind: &str, expected: &str| assert_eq!(path_of(&listing, kind).expect("it is there"), expected);
        check("collection", "Shop");
        check("request", "0a");
        assert!(path_of(&listing, "folder").is_err());
    }

    #[test]
    fn the_demonstration_plays_to_its_end() {
        let mut stage = Stage::with_stand_ins();
        let scene = play(&mut stage).expect("the stand-ins do what they should");
        let farewell = farewell(&stage, &scene);
        let expected = [
            "http://127.0.0.1:1",
            "set 'Shop/Get cart' description=",
            "status --watch",
            "kill ",
            "http://127.0.0.1:2/#code=",
        ];
        assert!(expected.iter().all(|words| farewell.contains(words)), "{farewell}");
        stage.strike().expect("the folder can be deleted");
    }

    #[test]
    fn exports_that_differ_fail_the_demonstration() {
        let mut stage = Stage::with_stand_ins();
        fs::write(stage.folder().join("differ"), "").expect("the folder can be written");
        let failure = play(&mut stage).err().expect("the exports differ");
        assert!(failure.to_string().contains("the two exports differ"), "{failure}");
        stage.strike().expect("the folder can be deleted");
    }

    #[test]
    fn an_unknown_option_is_wrong_usage() {
        assert_eq!(run(&["--fast".to_owned()]).expect_err("it is unknown").exit_code(), 2);
    }
}
