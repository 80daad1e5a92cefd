//! The suite of all stores, and what only files can show.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use satchel_wire::limits::COMMIT_OPS_MAX;
use satchel_wire::{ErrorCode, Head};
use tempfile::TempDir;

use super::{DataDir, SqliteStore, TransferError, backup, invite, restore};
use crate::service::{Outcome, Publish};
use crate::store::conformance::{self, Author, Heard, World, ops, put};
use crate::store::conformance_people::tell_story;
use crate::store::memory::{MemoryDisk, MemoryStore};
use crate::store::{Store, StoreError, ledger_model};

fn open_at(path: &Path, publish: Arc<dyn Publish>) -> SqliteStore {
    let dir = DataDir::lock(path).expect("the directory is free");
    SqliteStore::open(dir, publish, &mut ChaCha20Rng::seed_from_u64(1)).expect("it opens")
}

/// A new directory for each store, gone at the end.
#[derive(Default)]
struct Dirs(Mutex<Vec<TempDir>>);

impl Dirs {
    fn open(&self, heard: Arc<Heard>) -> Arc<dyn Store> {
        let dir = tempfile::tempdir().expect("a directory");
        let store = open_at(dir.path(), heard);
        self.0.lock().expect("no test panics in here").push(dir);
        Arc::new(store)
    }
}

#[test]
fn it_does_what_every_store_must() {
    let dirs = Dirs::default();
    conformance::check(&|heard| dirs.open(heard));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn random_pushes_give_what_the_model_gives(seed: u64, steps in 1_u8..60) {
        let dirs = Dirs::default();
        ledger_model::check_against_model(&|heard| dirs.open(heard), seed, steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn random_stories_of_people_are_told_as_in_memory(seed: u64, steps in 20_u8..70) {
        let dirs = Dirs::default();
        let told = tell_story(&|heard| dirs.open(heard), seed, steps);
        let in_memory = tell_story(&|heard| {
            let disk = MemoryDisk::make(&mut ChaCha20Rng::seed_from_u64(1));
            Arc::new(MemoryStore::open(disk, heard))
        }, seed, steps);
        prop_assert_eq!(told, in_memory);
    }
}

/// A world whose store the test can look into.
fn world_at(path: &Path) -> (World, Arc<SqliteStore>) {
    let kept = Mutex::new(None);
    let world = World::new(&|heard| {
        let store = Arc::new(open_at(path, heard));
        *kept.lock().expect("no test panics in here") = Some(Arc::clone(&store));
        store
    });
    let store = kept.into_inner().expect("no test panics in here").expect("it was opened");
    (world, store)
}

fn found_in_files(dir: &Path, needle: &[u8]) -> bool {
    let files = fs::read_dir(dir).expect("it lists").map(|entry| entry.expect("it lists").path());
    let holds =
        |file: &Path| fs::read(file).expect("it reads").windows(needle.len()).any(|window| window == needle);
    files.into_iter().any(|file| holds(&file))
}

/// Fills a workspace so that rows are spread over many pages and versions.
fn fill(world: &mut World, marker: &[u8]) {
    for commit in 1..120_u8 {
        let n = u16::from(commit % 40);
        let envelope = [marker, &[commit; 300]].concat();
        let found = world.store.fetch(
            world.author.account,
            world.workspace,
            &[(conformance::record(n), satchel_wire::Part::Body)],
        );
        let found = found.expect("it reads");
        let parent = found.first().map(|stored| {
            conformance::revision(world.workspace, stored.record, stored.part, &stored.envelope)
        });
        world.put(commit, n, parent, &envelope);
    }
}

#[test]
fn a_deleted_account_leaves_no_byte_in_the_files() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut world, _store) = world_at(dir.path());
    let other = Author::new(2, 9);
    world.store.make_account(other.new_account()).expect("it is stored");
    fill(&mut world, b"the sealed marker");
    let author = &world.author;
    let traces: Vec<Vec<u8>> = vec![
        b"the sealed marker".to_vec(),
        author.email().into_bytes(),
        author.new_app().name.into_bytes(),
        author.keys.public().signing.to_vec(),
        author.app_key.public().to_vec(),
        author.new_app().token_hash.to_vec(),
        world.workspace.as_bytes().to_vec(),
        author.account.as_bytes().to_vec(),
    ];
    for trace in &traces {
        assert!(found_in_files(dir.path(), trace), "the test looks for the right bytes");
    }
    world.store.delete_account(world.author.account).expect("it is there");
    for trace in &traces {
        assert!(!found_in_files(dir.path(), trace), "left: {}", String::from_utf8_lossy(trace));
    }
    assert!(found_in_files(dir.path(), other.email().as_bytes()), "the other account stays");
}

#[test]
fn a_deleted_workspace_leaves_no_byte_in_the_files() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut world, _store) = world_at(dir.path());
    fill(&mut world, b"the sealed marker");
    world.store.delete_workspace(world.author.account, world.workspace).expect("it is there");
    assert!(!found_in_files(dir.path(), b"the sealed marker"));
    assert!(!found_in_files(dir.path(), world.workspace.as_bytes()));
}

#[test]
fn a_deletion_that_a_reader_delays_is_finished_at_the_next_upkeep() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut world, store) = world_at(dir.path());
    fill(&mut world, b"the sealed marker");
    let reader = super::schema::open_reader(&dir.path().join("satchel.db")).expect("it opens");
    reader.busy_timeout(std::time::Duration::ZERO).expect("it is set");
    let shorten = |connection: &rusqlite::Connection| Ok(connection.busy_timeout(std::time::Duration::ZERO)?);
    store.write(shorten).expect("it is set");
    let reading = reader.unchecked_transaction().expect("it begins");
    reader.query_row("SELECT count(*) FROM entries", [], |row| row.get::<_, i64>(0)).expect("it reads");
    world.store.delete_account(world.author.account).expect("it is there");
    assert!(found_in_files(dir.path(), b"the sealed marker"), "the reader still needs it");
    reading.finish().expect("it ends");
    world.store.prune(crate::config::Retention::default(), 0).expect("it runs");
    assert!(!found_in_files(dir.path(), b"the sealed marker"));
}

#[test]
fn a_full_disk_refuses_changes_nothing_and_heals_without_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut world, store) = world_at(dir.path());
    let limit = |store: &SqliteStore, more: Option<i64>| {
        let set = move |connection: &rusqlite::Connection| {
            let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            let max = more.map_or(1 << 30, |more| pages + more);
            Ok(connection
                .query_row(&format!("PRAGMA max_page_count = {max}"), [], |row| row.get::<_, i64>(0))?)
        };
        store.write(set).expect("it is set");
    };
    world.put(1, 1, None, b"one");
    limit(&store, Some(2));
    let large = vec![1; 500_000];
    let content = || ops(vec![put(world.workspace, 2, None, &vec![1; 500_000])]);
    for _ in 0..3 {
        world.push(2, content(), vec![large.clone()]);
        assert_eq!(world.heard.rejected(), ErrorCode::Unavailable);
    }
    let big = super::super::NewAccount { password_file: large.clone(), ..Author::new(3, 1).new_account() };
    let made = world.store.make_account(big);
    assert!(matches!(made, Err(StoreError::Unavailable { .. })), "{made:?}");
    assert_eq!(world.read(Head::EMPTY, 0).expect("it reads").end.head, world.head, "nothing changed");
    limit(&store, None);
    world.push(2, content(), vec![large]);
    assert_eq!(world.heard.accepted().seq, 3);
}

/// Holds the writer at the first outcome until the test lets it go.
#[derive(Debug)]
struct Gate {
    heard: Heard,
    reached: SyncSender<()>,
    go: Mutex<Receiver<()>>,
}

impl Publish for Gate {
    fn publish(&self, outcome: Outcome) {
        self.heard.publish(outcome);
        let _ = self.reached.try_send(());
        let _ = self.go.lock().expect("no test panics in here").recv();
    }
}

#[test]
fn what_waits_for_the_writer_shares_one_transaction() {
    let dir = tempfile::tempdir().expect("a directory");
    let (reached, at_gate) = sync_channel(1);
    let (let_go, go) = sync_channel(1);
    let gate = Arc::new(Gate { heard: Heard::default(), reached, go: Mutex::new(go) });
    let store = open_at(dir.path(), Arc::clone(&gate) as Arc<dyn Publish>);
    let author = Author::new(1, 1);
    store.make_account(author.new_account()).expect("it is stored");
    let founding = author.founding(1);
    let workspace = founding.workspace;
    let seen = Head::EMPTY;
    store.push(author.push(founding, Vec::new()));
    at_gate.recv().expect("the founding is published");
    for commit in 1..=100_u8 {
        let content = ops(vec![put(workspace, u16::from(commit), None, b"x")]);
        store.push(author.push(author.header(workspace, commit, seen, content), vec![b"x".to_vec()]));
    }
    // One that is refused between them spoils none.
    store.push(author.push(
        author.header(workspace, 101, seen, ops(vec![put(workspace, 1, None, b"y")])),
        vec![b"y".to_vec()],
    ));
    let before = store.group_count();
    drop(let_go);
    store.stop();
    assert_eq!(store.group_count() - before, 1);
    let outcomes = gate.heard.take();
    let seqs = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Accepted { head, .. } => Some(head.seq),
        _ => None,
    });
    assert!(seqs.eq(1..=101), "published in the order of the ledger");
    assert!(matches!(outcomes.last(), Some(Outcome::Stale { head, .. }) if head.seq == 101));
}

#[test]
fn everything_is_there_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut world, store) = world_at(dir.path());
    world.put(1, 1, None, b"one");
    let (incarnation, head, account, workspace) =
        (store.incarnation(), world.head, world.author.account, world.workspace);
    let setup = store.opaque_setup().expect("it reads");
    drop((world, store));
    let store = open_at(dir.path(), Arc::<Heard>::default());
    assert_eq!(store.incarnation(), incarnation);
    assert_eq!(store.opaque_setup().expect("it reads"), setup);
    let listed = store.workspaces(account).expect("it reads");
    assert_eq!(listed, [satchel_wire::WorkspaceEntry { workspace, head }]);
}

#[test]
fn a_data_directory_serves_one_server() {
    let dir = tempfile::tempdir().expect("a directory");
    let held = DataDir::lock(dir.path()).expect("it is free");
    assert!(matches!(DataDir::lock(dir.path()), Err(super::DataDirError::InUse)));
    drop(held);
    DataDir::lock(dir.path()).expect("it is free again");
}

#[test]
fn a_backup_of_a_running_server_restores_with_a_new_incarnation() {
    let dir = tempfile::tempdir().expect("a directory");
    let (data, file) = (dir.path().join("data"), dir.path().join("backup.db"));
    let (mut world, store) = world_at(&data);
    world.put(1, 1, None, b"one");
    backup(&data, &file).expect("it is written");
    assert!(matches!(backup(&data, &file), Err(TransferError::Exists)));
    let kept = world.head;
    world.put(2, 2, None, b"two");
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let refused = restore(&file, &data, &mut rng);
    assert!(matches!(refused, Err(TransferError::Dir(super::DataDirError::InUse))), "{refused:?}");
    let (before, account) = (store.incarnation(), world.author.account);
    drop((world, store));

    restore(&file, &data, &mut rng).expect("it is restored");
    let store = open_at(&data, Arc::<Heard>::default());
    assert_ne!(store.incarnation(), before);
    assert_eq!(store.workspaces(account).expect("it reads")[0].head, kept, "as it was at the backup");
}

#[test]
fn what_is_no_backup_is_refused_and_the_database_stays() {
    let dir = tempfile::tempdir().expect("a directory");
    let (data, file) = (dir.path().join("data"), dir.path().join("backup.db"));
    let (world, store) = world_at(&data);
    let account = world.author.account;
    drop((world, store));
    fs::write(&file, "no database").expect("it is written");
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let refused = restore(&file, &data, &mut rng);
    assert!(matches!(refused, Err(TransferError::NotABackup)), "{refused:?}");
    let store = open_at(&data, Arc::<Heard>::default());
    assert_eq!(store.workspaces(account).expect("it reads").len(), 1);
}

#[test]
fn an_invitation_is_made_beside_a_running_server() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open_at(dir.path(), Arc::<Heard>::default());
    let text = invite(dir.path(), 1, &mut ChaCha20Rng::seed_from_u64(3)).expect("it is stored");
    let token: satchel_wire::Token = text.parse().expect("it is a token");
    assert!(store.has_invite(&satchel_crypto::derive_token_hash(token.as_bytes())).expect("it reads"));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data");
    let (_world, _store) = world_at(&data);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in ["satchel.db", "satchel.db-wal", "lock"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_commit_of_the_largest_size_is_taken() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut world, _store) = world_at(dir.path());
    let puts =
        (0..u16::try_from(COMMIT_OPS_MAX).expect("small")).map(|n| put(world.workspace, n, None, b"x"));
    let puts = puts.collect();
    assert_eq!(world.accept(1, ops(puts), vec![b"x".to_vec(); COMMIT_OPS_MAX]).seq, 2);
}
