//! The trash: listing it, taking things out, emptying it.

use super::script::{check, run};
use super::{Desk, Profile};

const MAKE: &str = "
    new collection Shop
    new folder Shop/Cart
    new request Shop/Cart/Get
    new request Shop/Cart/Put
    new request Shop/Login
";

fn desk() -> Desk {
    let mut desk = Desk::signed_in();
    run(&mut desk, MAKE);
    desk
}

#[test]
fn the_trash_says_what_lies_there_and_how_much_is_below() {
    check(
        &mut desk(),
        "trash\nrm Shop/Cart Shop/Login\ntrash",
        "
        changed folder Shop/Cart
        changed request GET Shop/Login
        trashed folder Shop/Cart +2 by ada@example.com
        trashed request GET Shop/Login +0 by ada@example.com
    ",
    );
}

#[test]
fn a_folder_comes_back_with_its_children_and_by_one_edit() {
    let mut desk = desk();
    run(&mut desk, "rm Shop/Cart");
    let edits = desk.edits;
    check(
        &mut desk,
        "untrash Shop/Cart\ntree\ntrash",
        "
        changed folder Shop/Cart
        collection Shop
          folder Cart
            request GET Get
            request GET Put
          request GET Login
    ",
    );
    assert_eq!(desk.edits, edits + 1);
}

#[test]
fn an_item_is_named_by_its_path_its_name_or_its_id() {
    let check_name = |name: &str| {
        let mut desk = desk();
        let id = desk.id("Get").to_string();
        run(&mut desk, "rm Shop/Cart/Get");
        check(&mut desk, &format!("untrash {}", name.replace('@', &id)), "changed request GET Shop/Cart/Get");
    };
    check_name("Shop/Cart/Get");
    check_name("Get");
    check_name("@");
}

#[test]
fn restore_without_a_version_takes_an_item_out_of_the_trash() {
    check(
        &mut desk(),
        "rm Shop/Login\nrestore-item Shop/Login\nls Shop",
        "
        changed request GET Shop/Login
        changed request GET Shop/Login
        folder Cart
        request GET Login
    ",
    );
}

#[test]
fn what_stands_in_something_trashed_waits_for_that() {
    check(&mut desk(), "rm Shop/Cart/Get\nrm Shop/Cart\nuntrash Get\nuntrash Put\nuntrash Login", "
        changed request GET Shop/Cart/Get
        changed folder Shop/Cart
        ! invalid: restoring Shop/Cart/Get: Shop/Cart, which it stands in, lies in the trash: restore that first
        ! not_found: looking for Put in the trash: nothing in the trash has that path, name or id
        ! not_found: looking for Login in the trash: nothing in the trash has that path, name or id
    ");
}

#[test]
fn emptying_takes_everything_below_and_nothing_that_shows() {
    let mut desk = desk();
    check(
        &mut desk,
        "rm Shop/Cart/Get\nrm Shop/Cart\nempty\ntrash\ntree\nempty",
        "
        changed request GET Shop/Cart/Get
        changed folder Shop/Cart
        purged 3
        collection Shop
          request GET Login
        purged 0
    ",
    );
    let nodes = desk.engine.nodes(desk.workspace()).expect("it is here");
    assert_eq!(nodes.len(), 3, "the workspace, the collection and the request");
}

#[test]
fn one_item_can_be_purged_and_the_others_stay() {
    check(
        &mut desk(),
        "rm Shop/Cart Shop/Login\nempty Login\ntrash",
        "
        changed folder Shop/Cart
        changed request GET Shop/Login
        purged 1
        trashed folder Shop/Cart +2 by ada@example.com
    ",
    );
}

#[test]
fn many_items_are_purged_only_when_the_person_says_so() {
    let mut desk = Desk::signed_in();
    run(&mut desk, "new collection Shop");
    (0..21).for_each(|n| drop(run(&mut desk, &format!("new request Shop/r{n}"))));
    run(&mut desk, "rm bulk Shop");
    check(
        &mut desk,
        "empty\ntrash\nempty bulk\ntrash",
        "
        ! bulk_not_marked: emptying the trash: 22 of 23 items would go for good
        trashed collection Shop +21 by ada@example.com
        purged 22
    ",
    );
}

#[test]
fn the_trash_works_on_the_scratch_pad() {
    let mut desk = Desk::scratch();
    run(&mut desk, MAKE);
    check(
        &mut desk,
        "rm Shop/Cart\nuntrash Cart\nrm Shop\nempty\ntree\ntrash",
        "
        changed folder Shop/Cart
        changed folder Shop/Cart
        changed collection Shop
        purged 5
    ",
    );
    assert_eq!(desk.engine.waiting(), 0);
}

#[test]
fn the_values_of_a_purged_item_leave_the_device() {
    let mut desk = desk();
    run(&mut desk, "setenv Dev !token=hunter1");
    let (workspace, id) = (desk.workspace(), desk.id("Dev"));
    assert!(!desk.local_values(workspace, id).expect("it reads").is_empty());
    run(&mut desk, "rm Dev\nempty");
    assert!(desk.local_values(workspace, id).expect("it reads").is_empty());
}
