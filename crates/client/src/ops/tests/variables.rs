//! Environments, globals, secrets and current values.

use serde_json::{Value as Json, json};

use super::Desk;
use super::script::{check, run};
use crate::api::{Call, Reply};

/// Everything that syncs and everything that stays, as text.
fn synced(desk: &Desk, name: &str) -> String {
    format!("{:?}", desk.stored(name).fields)
}

#[test]
fn variables_have_an_initial_and_a_current_value() {
    let mut desk = Desk::scratch();
    check(
        &mut desk,
        "
        setenv Dev host=dev.test port=80
        setenv Dev ~port=8080
        setenv Dev host=dev2.test
        env Dev
        envs
        use Dev
        envs
        env -
        setenv - path=/v1
        unset - port
        env -
        use -
        env -
        ",
        "
        changed environment Dev
        changed environment Dev
        changed environment Dev
        environment Dev
          host=dev2.test now -
          port=80 now 8080
        environment Dev
        done
        * environment Dev
        environment Dev
          host=dev2.test now -
          port=80 now 8080
        changed environment Dev
        changed environment Dev
        environment Dev
          host=dev2.test now -
          path=/v1 now -
        done
        ! not_found: opening the active environment: no environment is in use; name one
        ",
    );
    assert!(!synced(&desk, "Dev").contains("8080"), "a current value does not sync");
}

#[test]
fn a_secret_stays_on_this_device_until_it_is_shared() {
    let mut desk = Desk::scratch();
    check(
        &mut desk,
        "
        setenv Dev !token=hunter2
        env Dev
        env Dev secrets
        ",
        "
        changed environment Dev
        environment Dev
          token=- now - secret
        environment Dev
          token=hunter2 now - secret
        ",
    );
    assert!(!synced(&desk, "Dev").contains("hunter2"));
    check(
        &mut desk,
        "
        setenv Dev !!token=hunter3
        env Dev
        env Dev secrets
        ",
        "
        changed environment Dev
        environment Dev
          token=- now - shared secret
        environment Dev
          token=hunter3 now - shared secret
        ",
    );
    assert!(synced(&desk, "Dev").contains("hunter3"));
    run(&mut desk, "setenv Dev !token=hunter4");
    assert!(!synced(&desk, "Dev").contains("hunter"), "no value is left when it is shared no more");
    run(&mut desk, "unset Dev token");
    assert!(desk.local.values().all(std::collections::BTreeMap::is_empty));
}

#[test]
fn globals_are_made_with_their_first_variable() {
    check(
        &mut Desk::scratch(),
        "
        env globals
        setenv globals base=x
        env globals
        use globals
        envs
        new globals Other
        ",
        "
        ! not_found: opening the environment Globals: there is no environment with that name or id
        changed globals Globals
        globals Globals
          base=x now -
        ! invalid: using globals: the globals always apply
        globals Globals
        ! exists: making Other:  [Globals]
        ",
    );
}

#[test]
fn what_does_not_exist_is_said() {
    check(
        &mut Desk::scratch(),
        "
        env Nowhere
        use Nowhere
        unset Nowhere key
        setenv Dev a=1
        unset Dev a b
        env Dev
        setenv Dev =1
        setenv '' a=1
        ",
        "
        ! not_found: opening the environment Nowhere: there is no environment with that name or id
        ! not_found: opening the environment Nowhere: there is no environment with that name or id
        ! not_found: opening the environment Nowhere: there is no environment with that name or id
        changed environment Dev
        ! not_found: removing b: there is no variable with that key
        environment Dev
          a=1 now -
        ! invalid: setting a variable: a key has 1 to 1000 characters and no control characters
        ! invalid: making the environment : a name is not empty
        ",
    );
}

#[test]
fn a_secret_is_masked_in_a_document_and_a_mask_brings_it_back() {
    let mut desk = Desk::scratch();
    run(&mut desk, "setenv Dev host=a !token=hunter2 !!team=hunter3");
    let shown = |desk: &mut Desk, secrets| {
        let call = Call::Show { path: "Dev".to_owned(), secrets };
        match desk.call(&call) {
            Ok(Reply::Item { document, .. }) => document,
            other => panic!("{other:?}"),
        }
    };
    let masked = shown(&mut desk, false);
    assert!(!masked.to_string().contains("hunter"), "{masked}");
    assert!(shown(&mut desk, true).to_string().contains("hunter2"));
    let replace =
        |base: &Json, document: Json| Call::Replace { path: "Dev".to_owned(), base: base.clone(), document };
    let mut edited = masked.clone();
    edited["values"][0]["value"] = json!("b");
    desk.call(&replace(&masked, edited)).expect("it is usable");
    let expected = "
        environment Dev
          host=b now -
          token=hunter2 now - secret
          team=hunter3 now - shared secret
    ";
    check(&mut desk, "env Dev secrets", expected);

    let masked = shown(&mut desk, false);
    let mut edited = masked.clone();
    edited["values"][1]["value"] = json!("hunter4");
    desk.call(&replace(&masked, edited)).expect("it is usable");
    assert!(!synced(&desk, "Dev").contains("hunter4"));
    check(
        &mut desk,
        "env Dev secrets",
        "
        environment Dev
          host=b now -
          token=hunter4 now - secret
          team=hunter3 now - shared secret
        ",
    );
}

#[test]
fn a_copy_of_an_environment_has_its_secrets_on_this_device() {
    let mut desk = Desk::scratch();
    check(
        &mut desk,
        "
        setenv Dev !token=hunter2 ~host=now
        cp Dev Dev2
        env Dev2 secrets
        ",
        "
        changed environment Dev
        changed environment Dev2
        environment Dev2
          token=hunter2 now - secret
          host= now now
        ",
    );
    assert!(!synced(&desk, "Dev2").contains("hunter2"));
}

#[test]
fn a_secret_of_a_collection_stays_too() {
    let mut desk = Desk::scratch();
    run(&mut desk, "new collection Shop variable.token=x");
    run(&mut desk, "set Shop variable.token.type=secret");
    check(
        &mut desk,
        "set Shop variable=[{\"key\":\"token\",\"type\":\"secret\",\"value\":\"hunter2\"}]",
        "changed collection Shop",
    );
    assert!(!synced(&desk, "Shop").contains("hunter2"));
    check(&mut desk, "search hunter2", "");
    assert!(run(&mut desk, "show Shop secrets").contains("hunter2"));
    assert!(!run(&mut desk, "show Shop").contains("hunter2"));
}
