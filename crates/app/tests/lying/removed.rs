//! What is written after a removal, against every key that the removed member had.

use std::collections::BTreeMap;

use satchel_client::api::{Call, Role};
use satchel_crypto::{EpochKey, WrapContext, open_envelope, sealed_epoch};
use satchel_wire::{CharterOp, CommitHeader, Content, KeyWrap, Part, RecordId, WorkspaceId};

use crate::person::{Person, place};
use crate::stage::{Kept, PASSWORD, Stage, Town, Who, call_in, invite};

/// A sealed state of a record as it lies on the server.
struct Sealed {
    record: RecordId,
    part: Part,
    bytes: Vec<u8>,
}

fn read_envelopes(folder: &std::path::Path, workspace: WorkspaceId) -> Vec<Sealed> {
    let store = rusqlite::Connection::open(folder.join("satchel.db")).expect("it opens");
    let sql = "SELECT record, part, envelopes.bytes FROM envelopes JOIN workspaces ON workspaces.id = ws \
               WHERE workspace = ?1";
    let mut query = store.prepare(sql).expect("it is a query");
    let rows = query.query_map([workspace.as_bytes()], |row| {
        let part = if row.get::<_, i64>(1)? == 0 { Part::Node } else { Part::Body };
        Ok(Sealed { record: RecordId::new(row.get(0)?), part, bytes: row.get(2)? })
    });
    rows.expect("it is read").map(|row| row.expect("it is read")).collect()
}

/// Every wrapped key of a ledger, with the epoch it is said to be of.
fn read_wraps(folder: &std::path::Path, workspace: WorkspaceId) -> Vec<(u32, KeyWrap)> {
    let store = rusqlite::Connection::open(folder.join("satchel.db")).expect("it opens");
    let sql = "SELECT header FROM entries JOIN workspaces ON workspaces.id = ws WHERE workspace = ?1";
    let mut query = store.prepare(sql).expect("it is a query");
    let rows = query.query_map([workspace.as_bytes()], |row| row.get::<_, Vec<u8>>(0)).expect("it is read");
    let mut wraps = Vec::new();
    for header in rows {
        let header = CommitHeader::decode(&header.expect("it is read")).expect("the server keeps headers");
        let Content::Charter(op) = header.content else { continue };
        match op {
            CharterOp::Found(founding) => wraps.extend(founding.wraps.into_iter().map(|wrap| (1, wrap))),
            CharterOp::AddMember(added) => {
                wraps.push((header.epoch, KeyWrap { account: added.account, wrap: added.wrap }));
            }
            CharterOp::RemoveMembers { rotation, .. } | CharterOp::Rotate { rotation } => {
                wraps.extend(rotation.wraps.into_iter().map(|wrap| (rotation.epoch, wrap)));
            }
            _ => {}
        }
    }
    wraps
}

/// Every epoch key that somebody can come by: what the app opened, and what the identity opens of all wraps.
fn keys_of(person: &Person, workspaces: &[WorkspaceId], wraps: &[(u32, KeyWrap)]) -> Vec<EpochKey> {
    let mut keys = Vec::new();
    for workspace in workspaces {
        for (epoch, wrap) in wraps {
            for account in [wrap.account, person.account] {
                for claimed in 1..=*epoch + 1 {
                    let context = WrapContext {
                        workspace: *workspace.as_bytes(),
                        epoch: claimed,
                        account: *account.as_bytes(),
                    };
                    keys.extend(EpochKey::unwrap(&person.identity, &context, &wrap.wrap));
                }
            }
        }
    }
    keys
}

/// How many of the envelopes of each epoch some key opens.
fn count_opened(
    workspace: WorkspaceId,
    envelopes: &[Sealed],
    keys: &[&EpochKey],
) -> BTreeMap<u32, (usize, usize)> {
    let mut counts = BTreeMap::new();
    for sealed in envelopes {
        let at = place(workspace, sealed.record, sealed.part);
        let opens = keys.iter().any(|key| open_envelope(key, &at, &sealed.bytes).is_ok());
        let epoch = sealed_epoch(&sealed.bytes).expect("it is of the suite");
        let (opened, all) = counts.entry(epoch).or_insert((0, 0));
        *opened += usize::from(opens);
        *all += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_after_a_removal_opens_with_no_key_that_the_removed_member_had() {
    let town = Town::new(Kept::Little).await;
    let mut stage = Stage::open(&town).await;
    let (shop, other) = {
        let memory = town.memory();
        (memory.shop, memory.other)
    };
    // Somebody who stays shows that the search would find what there is to find.
    let mut mona = Person::sign_up(stage.address(), "mona@example.com", PASSWORD.as_bytes()).await;
    let link = invite(stage.client(Who::Ada), "Shop", Role::Viewer).await;
    mona.join(stage.address(), &link.0, "Mona").await;
    let remove = Call::RemoveMember { member: "Mallory".into(), team: None };
    call_in(stage.client(Who::Ada), "Shop", remove, 20_000).await.expect("she is removed");
    for (who, path) in [(Who::Ada, "Cart/Get"), (Who::Ben, "Cart/Put"), (Who::Ada, "Cart/Kept")] {
        stage.set(who, path, "description", "after the removal").await;
    }
    mona.run(stage.address(), Vec::new(), |engine| {
        engine.is_live(shop) && engine.keys(shop).is_some_and(|keys| keys.epoch() == 2)
    })
    .await;
    stage.stop().await;

    let folder = stage.path("server");
    let envelopes = read_envelopes(&folder, shop);
    let wraps = [read_wraps(&folder, shop), read_wraps(&folder, other)].concat();
    let mallory = town.memory().mallory.clone().expect("she was brought in");
    let from_wraps = keys_of(&mallory, &[shop, other], &wraps);
    assert!(!from_wraps.is_empty(), "she could open what was wrapped for her");
    let mut hers: Vec<_> = from_wraps.iter().collect();
    hers.extend([shop, other].map(|workspace| mallory.epoch_key(workspace).0));
    let counts = count_opened(shop, &envelopes, &hers);
    let (old, new) = (counts[&1], counts[&2]);
    assert_eq!(old.0, old.1, "she reads what she could read: {counts:?}");
    assert!(new.1 >= 3, "something was written after the removal: {counts:?}");
    assert_eq!(new.0, 0, "and nothing of that: {counts:?}");

    let keys = mona.engine.keys(shop).expect("she is a member");
    let counts = count_opened(shop, &envelopes, &[1, 2].map(|epoch| keys.get(epoch).expect("she has both")));
    assert!(counts.values().all(|(opened, all)| opened == all), "who stays reads all: {counts:?}");
    stage.close().await;
}
