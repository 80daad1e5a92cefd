//! A server that lies, against real apps: real clients, cryptography, stores, sockets and a real server, with a
//! line in between that rewrites what the server says.
//!
//! Why it exists: that an app checks what it is shown is said in many places; this shows it where it matters,
//! at the whole app, one lie at a time. `docs/threat-model.md` has the table, made from these rows.
//!
//! Invariants: each attack really changes something; each ends in its one alarm or in no harm; and once the
//! server is honest again, nothing is missing. `SATCHEL_LYING_ONLY=words` plays the attacks with these words in
//! their names.

mod attacks;
mod document;
mod harness;
mod honest;
mod person;
mod proxy;
mod removed;
mod stage;

use stage::{Kept, Town};

async fn check(group: &str, part: (usize, usize), kept: Kept) {
    let rows = attacks::group(group);
    let (number, of) = part;
    let rows: Vec<_> = rows.into_iter().skip(number).step_by(of).collect();
    let town = Town::new(kept).await;
    harness::check_all(&town, &rows).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_about_a_live_entry() {
    check("live", (0, 2), Kept::Little).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_lies_about_a_live_entry() {
    check("live", (1, 2), Kept::Little).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_together_with_a_member() {
    check("members", (0, 1), Kept::Little).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_while_an_app_catches_up() {
    check("catching up", (0, 3), Kept::Little).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_lies_while_an_app_catches_up() {
    check("catching up", (1, 3), Kept::Little).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn still_more_lies_while_an_app_catches_up() {
    check("catching up", (2, 3), Kept::Little).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_about_an_apps_own_commits() {
    check("own", (0, 2), Kept::Little).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_lies_about_an_apps_own_commits() {
    check("own", (1, 2), Kept::Little).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_to_a_new_app() {
    check("fresh", (0, 1), Kept::Little).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_about_manifests() {
    check("packed", (0, 2), Kept::Packs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_about_packs() {
    check("packed", (1, 2), Kept::Packs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_about_what_is_not_kept() {
    check("pruned", (0, 1), Kept::Links).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_about_people() {
    check("people", (0, 2), Kept::Little).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_lies_about_people() {
    check("people", (1, 2), Kept::Little).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_around_accounts() {
    check("accounts", (0, 1), Kept::Little).await;
}
