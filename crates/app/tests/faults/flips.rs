//! Flipped bits in the files of server and app: fetched again or refused, never shown as something else.
//!
//! A flipped bit in a log that was not copied into its database yet looks to `SQLite` like a write that
//! was torn: the store goes back to the state before it. That is an older state and no wrong one; it must
//! be whole again after a sync, for an app from the server, for a server from its apps.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::acks::{Acked, Acks};
use crate::seed::{Seed, Tally, run_histories};
use crate::world::{App, World};

const ROUNDS: u64 = 10;
const EDITS: u64 = 8;
/// `satchel reload` mends or says no; on a busy machine it may take its time for that.
const RELOAD_TIME_S: u64 = 60;

fn copy(from: &Path, to: &Path) {
    drop(std::fs::remove_dir_all(to));
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).output().expect("it can be started");
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
}

/// What was flipped.
struct Flipped {
    /// File and places.
    what: String,
    /// The file was a log.
    is_log: bool,
}

/// Flips some bits of one file of a folder.
fn flip(folder: &Path, seed: &mut Seed) -> Flipped {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("it lists")
        .map(|entry| entry.expect("it lists").path())
        .filter(|path| !path.to_string_lossy().ends_with("-shm"))
        .filter(|path| std::fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() > 0))
        .collect();
    files.sort();
    let path = &files[seed.index(files.len())];
    let mut bytes = std::fs::read(path).expect("it can be read");
    let mut places = Vec::new();
    for _ in 0..=seed.below(12) {
        let at = seed.index(bytes.len());
        bytes[at] ^= 1 << seed.below(8);
        places.push(at);
    }
    std::fs::write(path, bytes).expect("it can be written");
    let name = path.file_name().expect("it has a name").to_string_lossy();
    Flipped { is_log: name.ends_with("-wal"), what: format!("{name} at {places:?}") }
}

/// What an app shows over damage is what was written, and all of it if that is promised.
fn check(app: &App, acks: &Acks, is_whole: bool, what: &str) -> &'static str {
    match app.try_show() {
        Ok(shown) if is_whole => {
            let lost = acks.lost(&shown, Acked::Server);
            assert!(lost.is_empty(), "{what}: it says that all is well, and\n{}", lost.join("\n"));
            "whole"
        }
        Ok(shown) => {
            let wrong = acks.invented(&shown);
            assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
            "alarms"
        }
        Err(ended) => {
            assert!(!ended.kind().is_empty() && ended.kind() != "internal", "{what}: {ended:?}");
            "refusals"
        }
    }
}

/// Whether the store is damaged where nothing can begin: `SQLite`'s own pages, the session, the keys.
fn is_refused_at_opening(app: &App) -> bool {
    !app.run(&["status", "--json"]).is_well()
}

fn is_in_sync(app: &App) -> bool {
    let synced = app.run(&["sync", "--timeout", "3s", "--json"]);
    assert!(synced.is_well() || !synced.kind().is_empty(), "{synced:?}");
    synced.is_well()
}

fn server_history(number: u64, tally: &mut Tally) {
    let (mut world, mut seed) = (World::new(), Seed::new(number));
    let mut acks = Acks::new(&world.path("acks"));
    let mut first = world.signed_up("a", &mut acks);
    for _ in 0..EDITS {
        first.edit(&mut seed, &mut acks);
    }
    first.must(&["sync"]);
    acks.all_synced();
    // Half of the histories have everything in the log, half in the database.
    if number.is_multiple_of(2) {
        world.server.kill();
    } else {
        world.server.stop();
    }
    let (whole, home) = (world.path("whole"), first.home.clone());
    copy(&world.server.data, &whole);
    for round in 0..ROUNDS {
        copy(&whole, &world.server.data);
        copy(&home, &world.path("a-copy"));
        first.home = world.path("a-copy");
        let flipped = flip(&world.server.data, &mut seed);
        tally.add("bit_flips", 1);
        if world.server.try_start(None) {
            let fresh = world.app(&format!("fresh{round}"));
            tally.add(look_at_server(&world, &first, &fresh, &acks, &flipped), 1);
            world.server.kill();
        } else {
            tally.add("refusals", 1);
        }
    }
}

fn look_at_server(world: &World, first: &App, fresh: &App, acks: &Acks, flipped: &Flipped) -> &'static str {
    let what = &flipped.what;
    let signed_in = fresh.try_sign("signin", &world.server.url()).is_well();
    let mut outcome = "refusals";
    if signed_in {
        let is_well = is_in_sync(fresh);
        outcome = check(fresh, acks, is_well && !flipped.is_log, what);
    }
    let first_is_well = is_in_sync(first);
    first.check(acks, Acked::Local);
    if signed_in && first_is_well && is_in_sync(fresh) {
        check(fresh, acks, true, what);
    }
    outcome
}

#[test]
fn flipped_bits_of_a_server_are_never_shown_as_something_else() {
    run_histories("flips_server", "flipped_bits_of_a_server", 2, server_history);
}

fn app_history(number: u64, tally: &mut Tally) {
    let (world, mut seed) = (World::new(), Seed::new(number));
    let mut acks = Acks::new(&world.path("acks"));
    let mut first = world.signed_up("a", &mut acks);
    first.start_agent(None);
    for _ in 0..EDITS {
        first.edit(&mut seed, &mut acks);
    }
    first.must(&["sync"]);
    acks.all_synced();
    if number.is_multiple_of(2) {
        first.kill_agent();
    } else {
        first.stop_agent();
    }
    let whole = first.home.clone();
    first.home = world.path("a-copy");
    for _ in 0..ROUNDS {
        copy(&whole, &first.home);
        let flipped = flip(&first.home, &mut seed);
        tally.add("bit_flips", 1);
        let is_well = first.run(&["verify", "--json"]).is_well();
        let outcome = check(&first, &acks, is_well && !flipped.is_log, &flipped.what);
        tally.add(outcome, 1);
        let ended = first.run_within(RELOAD_TIME_S, &["reload", "--json"]);
        let ended = ended.unwrap_or_else(|| panic!("{}: reload neither mends nor gives up", flipped.what));
        // What opened before must be mended, and not be worse than before.
        if outcome == "refusals" && is_refused_at_opening(&first) {
            check(&first, &acks, false, &flipped.what);
            tally.add("does_not_open", 1);
            continue;
        }
        let is_whole = is_in_sync(&first) && first.run(&["verify", "--json"]).is_well();
        assert!(ended.is_well() && is_whole, "{}: it opens and is not mended: {ended:?}", flipped.what);
        check(&first, &acks, true, &flipped.what);
        tally.add("whole_after_reload", 1);
    }
}

#[test]
fn flipped_bits_of_an_app_are_never_shown_as_something_else() {
    run_histories("flips_app", "flipped_bits_of_an_app", 2, app_history);
}
