//! Every target over its seeds and a fixed number of changed ones: a test per group, so that a failure
//! names what it is about and the groups run side by side.

use satchel_fuzz::{TARGETS, driver, find};

fn check(names: &[&str]) {
    for name in names {
        let target = find(name).unwrap_or_else(|| panic!("there is no target {name}"));
        driver::drive(target, target.inputs);
    }
}

const FRAMES: &[&str] = &["client-frame", "server-frame", "poll"];
const LEDGER: &[&str] = &["account", "commit-header", "manifest", "pack-content", "join", "charter"];
const SEALED: &[&str] = &[
    "envelope",
    "pack",
    "certificate",
    "wraps",
    "local",
    "recovery-code",
    "invite-link",
    "people",
    "opaque",
];
const PAYLOADS: &[&str] = &["payload-node", "payload-body", "url", "path", "order-key"];
const COLLECTIONS: &[&str] = &["import-v1", "import-v2", "import-v2-1"];
const FILES: &[&str] = &["import-environment", "import-dump", "import-zip"];

#[test]
fn frames_keep_their_promises_for_any_bytes() {
    check(FRAMES);
}

#[test]
fn account_requests_and_signed_bytes_keep_their_promises_for_any_bytes() {
    check(LEDGER);
}

#[test]
fn sealed_bytes_keep_their_promises_for_any_bytes() {
    check(SEALED);
}

#[test]
fn payloads_and_texts_keep_their_promises_for_any_bytes() {
    check(PAYLOADS);
}

#[test]
fn collections_keep_their_promises_for_any_bytes() {
    check(COLLECTIONS);
}

#[test]
fn environments_and_dumps_keep_their_promises_for_any_bytes() {
    check(FILES);
}

#[test]
fn every_target_is_in_a_group() {
    let groups = [FRAMES, LEDGER, SEALED, PAYLOADS, COLLECTIONS, FILES].concat();
    let forgotten: Vec<_> = TARGETS.iter().filter(|target| !groups.contains(&target.name)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
