//! A full disk, and room again without a restart: a clear message, and nothing lost.
//!
//! On a small file system in memory where this user may mount one, and with the layer's full disk always.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::acks::{Acked, Acks};
use crate::seed::{Seed, Tally, run_histories};
use crate::shim::{Faults, Layer};
use crate::undo;
use crate::world::{App, World};

const HISTORIES: u64 = 2;
const ROUNDS: u64 = 3;

/// What can be full.
trait Disk {
    fn fill(&self);
    fn make_room(&self);
}

impl Disk for Layer {
    fn fill(&self) {
        self.set_full(true);
    }

    fn make_room(&self) {
        self.set_full(false);
    }
}

/// A small file system at a folder, gone when this is.
struct Small(PathBuf);

impl Small {
    /// Mounts one; none where this user may not.
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).expect("it can be made");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4m,mode=700", "satchel-faults"]).arg(at);
        mount.output().is_ok_and(|output| output.status.success()).then(|| Self(at.to_owned()))
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Disk for Small {
    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.ballast()).expect("it can be made");
        while file.write_all(&[7; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.ballast()).expect("it can be removed");
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
    }
}

/// Edits until one is not acknowledged by the server, and tells what the status says then.
fn edit_until_refused(app: &App, seed: &mut Seed, acks: &mut Acks) -> String {
    for _ in 0..400 {
        let ended = app.edit(seed, acks);
        if !ended.is_well() || ended.json()["acknowledged"] != "server" {
            return format!("{}{}{}", ended.stdout, ended.stderr, app.must(&["status"]).stdout);
        }
    }
    panic!("a full disk takes every edit");
}

fn fill_server(
    world: &mut World,
    disk: &dyn Disk,
    number: u64,
    acks: &mut Acks,
    apps: (&mut App, &App),
) -> u64 {
    let mut seed = Seed::new(number);
    let (first, second) = apps;
    first.start_agent(None);
    for _ in 0..ROUNDS {
        disk.fill();
        let told = edit_until_refused(first, &mut seed, acks);
        assert!(told.contains("no room") || told.contains("cannot write"), "{told}");
        assert!(told.contains("nothing is lost") || told.contains("kept"), "{told}");
        first.check(acks, Acked::Local);
        assert!(world.server.is_running(), "{}", world.server.words());
        disk.make_room();
        first.must(&["sync", "--timeout", "120s"]);
        acks.all_synced();
        second.must(&["sync"]);
        second.check(acks, Acked::Server);
    }
    ROUNDS
}

fn server_history(number: u64, tally: &mut Tally) {
    let mut world = World::new();
    let mut acks = Acks::new(&world.path("acks"));
    let mut first = world.signed_up("a", &mut acks);
    let second = world.signed_in("b");
    world.server.kill();
    let layer = Layer::new(&world.server.data);
    world.server.start(Some((&layer, &Faults::default())));
    let times = fill_server(&mut world, &layer, number, &mut acks, (&mut first, &second));
    tally.add("full_disks", times);
    let small = Small::mount(&world.path("small"));
    if let Some(small) = small {
        world.server.kill();
        copy(&world.server.data, &small.0.join("server"));
        world.server.data = small.0.join("server");
        world.server.start(None);
        first.kill_agent();
        let times = fill_server(&mut world, &small, number, &mut acks, (&mut first, &second));
        tally.add("full_file_systems", times);
        world.server.kill();
    }
    tally.add("acknowledged_edits", acks.count());
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).output().expect("it can be started");
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
}

#[test]
fn a_server_on_a_full_disk_says_so_and_goes_on_when_there_is_room() {
    run_histories("full_server", "a_server_on_a_full_disk", HISTORIES, server_history);
}

fn fill_app(disk: &dyn Disk, app: &App, seed: &mut Seed, acks: &mut Acks) {
    for _ in 0..ROUNDS {
        disk.fill();
        let mut refused = None;
        for _ in 0..400 {
            let ended = app.edit(seed, acks);
            if !ended.is_well() {
                refused = Some(ended);
                break;
            }
        }
        let refused = refused.expect("a full disk takes no edit without end");
        assert_eq!((refused.code, refused.kind().as_str()), (Some(1), "local_store"), "{refused:?}");
        assert!(refused.stdout.contains("disk is full"), "{refused:?}");
        app.check(acks, Acked::Local);
        disk.make_room();
        assert!(app.edit(seed, acks).is_well());
        app.must(&["sync", "--timeout", "60s"]);
        app.check(acks, Acked::Local);
    }
}

fn app_history(number: u64, tally: &mut Tally) {
    let (world, mut seed) = (World::new(), Seed::new(number));
    let mut acks = Acks::new(&world.path("acks"));
    let mut first = world.signed_up("a", &mut acks);
    let layer = Layer::new(&first.home);
    first.start_agent(Some((&layer, &Faults::default())));
    fill_app(&layer, &first, &mut seed, &mut acks);
    tally.add("full_disks", ROUNDS);
    first.kill_agent();
    undo::forget(&layer);
    if let Some(small) = Small::mount(&world.path("small")) {
        copy(&first.home, &small.0.join("home"));
        first.home = small.0.join("home");
        first.start_agent(None);
        fill_app(&small, &first, &mut seed, &mut acks);
        tally.add("full_file_systems", ROUNDS);
        first.kill_agent();
        first.check(&acks, Acked::Local);
    }
    let second = world.signed_in("b");
    acks.all_synced();
    second.check(&acks, Acked::Server);
    tally.add("acknowledged_edits", acks.count());
}

#[test]
fn an_app_on_a_full_disk_says_so_and_goes_on_when_there_is_room() {
    run_histories("full_app", "an_app_on_a_full_disk", HISTORIES, app_history);
}
