//! Making, setting, showing, replacing, moving, copying, removing, listing and searching.

use serde_json::{Value as Json, json};

use super::Desk;
use super::script::{check, run};
use crate::api::{Call, ErrorKind, Reply};

/// A desk with a collection, a folder, two requests and an example.
fn shop() -> Desk {
    let mut desk = Desk::scratch();
    run(
        &mut desk,
        "
        new collection Shop
        new folder Shop/Cart
        new request Shop/Cart/Get url=https://api.example.com/cart?full=1 header.Accept=text/html
        new request Shop/Cart/Put method=PUT
        new example Shop/Cart/Get/Empty body={}
        ",
    );
    desk
}

/// The document of an item.
fn document(desk: &mut Desk, path: &str) -> Json {
    let call = Call::Show { path: path.to_owned(), secrets: false };
    match desk.call(&call) {
        Ok(Reply::Item { document, .. }) => document,
        other => panic!("showing {path}: {other:?}"),
    }
}

#[test]
fn items_are_made_in_their_places() {
    check(
        &mut shop(),
        "
        tree
        ls
        ls Shop/Cart
        tree Shop/Cart/Get
        ",
        "
        collection Shop
          folder Cart
            request GET Get
              example Empty
            request PUT Put
        collection Shop
        request GET Get
        request PUT Put
        example Empty
        ",
    );
}

#[test]
fn what_cannot_stand_there_is_refused() {
    check(
        &mut shop(),
        "
        new request Loose
        new folder Shop/Cart/Get/Sub
        new collection Shop/Inner
        new example Shop/Other
        new collection Shop
        new teapot Shop/Tea
        new request Nowhere/Get
        new request Shop/Cart/Nowhere/Get
        new collection ''
        ls Shop/None
        ",
        "
        ! invalid: making Loose: a request stands in a collection or folder, not in a workspace
        ! invalid: making Shop/Cart/Get/Sub: a folder stands in a collection or folder, not in a request
        ! invalid: making Shop/Inner: a collection stands at the top of the workspace, not in a collection
        ! invalid: making Shop/Other: a example belongs to a request, not in a collection
        ! exists: making Shop:  [Shop]
        ! invalid: making Shop/Tea: teapot is no kind; there are collection, folder, request, example and environment
        ! not_found: opening Nowhere: there is no item with that path or id in this workspace
        ! not_found: opening Shop/Cart/Nowhere: Shop/Cart has no Nowhere
        ! invalid: making : it needs a name
        ! not_found: opening Shop/None: Shop has no None
        ",
    );
}

#[test]
fn a_slash_in_a_name_is_written_with_a_backslash() {
    check(
        &mut shop(),
        r"
        new folder 'Shop/a\/b'
        new request 'Shop/a\/b/c d'
        tree Shop
        ",
        r"
        changed folder Shop/a\/b
        changed request GET Shop/a\/b/c d
        folder Cart
          request GET Get
            example Empty
          request PUT Put
        folder a/b
          request GET c d
        ",
    );
}

#[test]
fn every_field_is_set_where_postman_keeps_it() {
    let mut desk = shop();
    let mut check = |fields: &str, pointer: &str, expected: Json| {
        let got = run(&mut desk, &format!("set Shop/Cart/Get {fields}"));
        assert_eq!(got, "changed request GET Shop/Cart/Get\n", "{fields}");
        let document = document(&mut desk, "Shop/Cart/Get");
        assert_eq!(
            document.pointer(pointer).cloned().unwrap_or(Json::Null),
            expected,
            "{fields} in {document}"
        );
    };
    check("description=Text", "/request/description", json!("Text"));
    check("header.Accept=*/*", "/request/header", json!([{"key": "Accept", "value": "*/*"}]));
    check("header.accept=a", "/request/header/0/value", json!("a"));
    check("header.X=1", "/request/header/1", json!({"key": "X", "value": "1"}));
    check("header.Accept", "/request/header", json!([{"key": "X", "value": "1"}]));
    check("query.page=2", "/request/url/raw", json!("https://api.example.com/cart?full=1&page=2"));
    check("query.full", "/request/url/raw", json!("https://api.example.com/cart?page=2"));
    check("url=http://x.test/:id?a=b", "/request/url/raw", json!("http://x.test/:id?a=b"));
    check("variable.id=7", "/request/url/variable/0/value", json!("7"));
    check("url=http://x.test/:id", "/request/url/variable/0/value", json!("7"));
    check("request.url.port=8080", "/request/url/raw", json!("http://x.test:8080/:id"));
    check("body=hello", "/request/body", json!({"mode": "raw", "raw": "hello"}));
    check("body", "/request/body", Json::Null);
    check("script.test=one\\ntwo", "/event/0/script/exec", json!(["one", "two"]));
    check("script.test", "/event", json!([]));
    check("request.auth={\"type\":\"noauth\"}", "/request/auth/type", json!("noauth"));
    check("custom.deep=5", "/custom/deep", json!(5));
    check("custom", "/custom", Json::Null);
}

#[test]
fn a_field_that_is_not_usable_changes_nothing() {
    let mut desk = shop();
    let before = document(&mut desk, "Shop/Cart/Get");
    check(
        &mut desk,
        "
        set Shop/Cart/Get description=new method=no\\nway
        set Shop/Cart/Get description=new name=
        set Shop/Cart/Get header.=x
        set Shop/Cart/Get header.X=a\\nb
        set Shop/Cart/Get script.other=x
        set Shop/Cart/Get item=[]
        set Shop/Cart/Get item.0.name=x
        set Shop/Cart/Get a..b=x
        set Shop/Cart/Get $mark=x
        set Shop method=GET
        ",
        "
        ! invalid: setting method to no\\nway: a method is a word such as GET, made of letters, digits and some signs
        ! invalid: setting name to : a name is not empty
        ! invalid: setting header. to x: it needs a name after the dot, without control characters
        ! invalid: setting header.X to a\\nb: a header's value has no line breaks
        ! invalid: setting script.other to x: a script is script.test or script.prerequest
        ! invalid: setting item to []: that field is made of items or variables of their own; change those
        ! invalid: setting item.0.name to x: that field is made of items or variables of their own; change those
        ! invalid: setting a..b to x: a path is names with dots between them; none begins with $
        ! invalid: setting $mark to x: a path is names with dots between them; none begins with $
        ! invalid: setting method to GET: a collection has no method
        ",
    );
    assert_eq!(document(&mut desk, "Shop/Cart/Get"), before);
}

#[test]
fn setting_what_is_already_so_sends_nothing() {
    let mut desk = shop();
    let before = desk.stored("Get");
    run(&mut desk, "set Shop/Cart/Get url=https://api.example.com/cart?full=1 header.Accept=text/html");
    assert_eq!(desk.stored("Get"), before);
}

#[test]
fn an_edit_of_a_url_keeps_what_its_text_does_not_say() {
    let mut desk = shop();
    let query = json!([
        {"key": "full", "value": "1", "description": "everything"},
        {"key": "debug", "value": "1", "disabled": true}
    ]);
    run(&mut desk, &format!("set Shop/Cart/Get 'request.url.query={query}'"));
    run(&mut desk, "set Shop/Cart/Get url=https://other.test/cart?full=2");
    let url = document(&mut desk, "Shop/Cart/Get")["request"]["url"].clone();
    assert_eq!(url["query"][0], json!({"key": "full", "value": "2", "description": "everything"}), "{url}");
    assert_eq!(url["query"][1]["disabled"], json!(true), "{url}");
    assert_eq!(url["raw"], json!("https://other.test/cart?full=2"), "{url}");
}

#[test]
fn a_part_set_beside_a_raw_url_keeps_the_rest_of_it() {
    let mut desk = shop();
    let base = document(&mut desk, "Shop/Cart/Get");
    let mut edited = base.clone();
    edited["request"]["url"] = json!({"raw": "https://api.test/x?y=1", "_postman_note": 7});
    let replace = Call::Replace { path: "Shop/Cart/Get".to_owned(), base, document: edited };
    desk.call(&replace).expect("a document replaces another");
    run(&mut desk, "set Shop/Cart/Get query.z=2");
    let url = document(&mut desk, "Shop/Cart/Get")["request"]["url"].clone();
    assert_eq!(url["raw"], json!("https://api.test/x?y=1&z=2"), "{url}");
    assert_eq!(url["_postman_note"], json!(7), "{url}");
}

#[test]
fn items_move_and_take_new_names() {
    check(
        &mut shop(),
        "
        new folder Shop/Old
        mv Shop/Cart/Put Shop/Old
        mv Shop/Old/Put Shop/Old/Save
        mv Shop/Old Shop before Cart
        mv Shop/Cart Shop/Old
        tree Shop
        mv Shop/Old Shop/Old/Cart
        mv Shop/Old/Cart/Get Shop/Nowhere/Get
        mv Shop/Old/Save Shop/Old/Cart/Get
        mv Shop Shop2
        mv Shop2/Old/Cart/Get Shop2/Old before Save
        ls Shop2/Old
        ",
        "
        changed folder Shop/Old
        changed request PUT Shop/Old/Put
        changed request PUT Shop/Old/Save
        changed folder Shop/Old
        changed folder Shop/Old/Cart
        folder Old
          request PUT Save
          folder Cart
            request GET Get
              example Empty
        ! invalid: moving Shop/Old to Shop/Old/Cart: an item cannot go into itself
        ! not_found: opening Shop/Nowhere: Shop has no Nowhere
        ! exists: moving Shop/Old/Save to Shop/Old/Cart/Get:  [Shop/Old/Cart/Get]
        changed collection Shop2
        changed request GET Shop2/Old/Get
        request GET Get
        request PUT Save
        folder Cart
        ",
    );
}

#[test]
fn a_copy_is_another_thing() {
    let mut desk = shop();
    check(
        &mut desk,
        "
        cp Shop/Cart/Get Shop/Cart
        cp Shop/Cart Shop
        cp Shop Shop
        cp Shop/Cart/Get Shop/Root
        set 'Shop Copy/Cart/Get' url=http://changed.test
        tree
        ",
        "
        changed request GET Shop/Cart/Get Copy
        changed folder Shop/Cart Copy
        changed collection Shop Copy
        changed request GET Shop/Root
        changed request GET Shop Copy/Cart/Get
        collection Shop
          folder Cart
            request GET Get
              example Empty
            request PUT Put
            request GET Get Copy
              example Empty
          folder Cart Copy
            request GET Get
              example Empty
            request PUT Put
            request GET Get Copy
              example Empty
          request GET Root
            example Empty
        collection Shop Copy
          folder Cart
            request GET Get
              example Empty
            request PUT Put
            request GET Get Copy
              example Empty
          folder Cart Copy
            request GET Get
              example Empty
            request PUT Put
            request GET Get Copy
              example Empty
        ",
    );
    let url = document(&mut desk, "Shop/Cart/Get")["request"]["url"]["raw"].clone();
    assert_eq!(url, json!("https://api.example.com/cart?full=1"));
}

#[test]
fn removed_items_lie_in_the_trash_with_everything_below() {
    let mut desk = shop();
    check(
        &mut desk,
        "
        rm Shop/Cart Shop/Cart/Get
        tree
        ls Shop/Cart
        rm Shop/Nothing
        ",
        "
        changed folder Shop/Cart
        changed request GET Shop/Cart/Get
        collection Shop
        ! not_found: opening Shop/Cart: Shop has no Cart
        ! not_found: opening Shop/Nothing: Shop has no Nothing
        ",
    );
    let id = desk.id("Put").to_string();
    check(
        &mut desk,
        &format!("show {id}"),
        &format!("! not_found: opening {id}: that item lies in the trash"),
    );
    assert!(!desk.stored("Put").fields.is_empty(), "its content is still there");
}

#[test]
fn many_items_go_only_when_it_is_meant() {
    let mut desk = Desk::scratch();
    run(&mut desk, "new collection Big");
    for number in 0..21 {
        run(&mut desk, &format!("new request Big/{number}"));
    }
    check(
        &mut desk,
        "
        rm Big
        rm Big/0 Big/1
        rm bulk Big
        tree
        ",
        "
        ! bulk_not_marked: removing items: 22 of 22 items would go
        changed request GET Big/0
        changed request GET Big/1
        changed collection Big
        ",
    );
}

#[test]
fn a_path_that_means_two_items_is_not_guessed() {
    let mut desk = shop();
    run(&mut desk, "new folder Shop/Get\nmv Shop/Cart/Get Shop/Twin\nmv Shop/Get Shop/Twin2");
    let (twin, folder) = (desk.id("Twin"), desk.id("Twin2"));
    let rename = |desk: &mut Desk, id: satchel_model::RecordId| {
        let workspace = desk.workspace();
        let mut node = desk.engine.nodes(workspace).expect("it is here")[&id].clone();
        "Same".clone_into(&mut node.name);
        let change = satchel_sync::Change { record: id, node: Some(node), body: None };
        super::Profile::edit(desk, workspace, vec![change]).expect("it can be stored");
    };
    rename(&mut desk, twin);
    rename(&mut desk, folder);
    check(
        &mut desk,
        "
        show Shop/Same
        rm Shop/Same
        ",
        "
        ! ambiguous: opening Shop/Same:  [Shop/Same, Shop/Same]
        ! ambiguous: opening Shop/Same:  [Shop/Same, Shop/Same]
        ",
    );
    check(&mut desk, &format!("rm {twin}\nls Shop/Same"), "changed request GET Shop/Same");
}

#[test]
fn a_tree_of_any_depth_is_listed() {
    let mut desk = shop();
    let (workspace, shop) = (desk.workspace(), desk.id("Shop"));
    let folder = desk.engine.nodes(workspace).expect("it is here")[&desk.id("Cart")].clone();
    let mut parent = shop;
    let mut changes = Vec::new();
    for _ in 0..20_000 {
        let record = satchel_model::RecordId::make(&mut desk.rng);
        let mut node = satchel_model::Node { name: "deep".to_owned(), ..folder.clone() };
        node.position.parent = std::mem::replace(&mut parent, record);
        changes.push(satchel_sync::Change { record, node: Some(node), body: None });
    }
    super::Profile::edit(&mut desk, workspace, changes).expect("it can be stored");
    let Ok(Reply::Items { items }) = desk.call(&Call::List { path: None, tree: true }) else {
        panic!("it can be listed")
    };
    assert_eq!(items.len(), 20_005);
    assert!(items.iter().all(|item| item.path.len() < 17_000));
    check(&mut desk, &format!("show {parent}"), &format!("folder {parent} {{\"name\":\"deep\"}}"));
    check(&mut desk, "rm Shop", "! bulk_not_marked: removing items: 20005 of 20005 items would go");
}

#[test]
fn a_collection_goes_before_an_environment_of_its_name() {
    check(
        &mut shop(),
        "
        new environment Shop
        ls Shop
        rm Shop
        ls
        ",
        "
        changed environment Shop
        folder Cart
        changed collection Shop
        environment Shop
        ",
    );
}

#[test]
fn an_edited_document_replaces_the_shown_one() {
    let mut desk = shop();
    let base = document(&mut desk, "Shop/Cart/Get");
    let mut wanted = base.clone();
    wanted["name"] = json!("Fetch");
    wanted["request"]["method"] = json!("POST");
    wanted["request"]["header"][0]["value"] = json!("application/json");
    let replace = |path: &str, base: &Json, document: &Json| Call::Replace {
        path: path.to_owned(),
        base: base.clone(),
        document: document.clone(),
    };
    desk.call(&replace("Shop/Cart/Get", &base, &wanted)).expect("it is usable");
    assert_eq!(document(&mut desk, "Shop/Cart/Fetch"), wanted);

    let shown = wanted;
    run(&mut desk, "set Shop/Cart/Fetch description=Elsewhere header.X=1");
    let mut edited = shown.clone();
    edited["request"]["header"][0]["value"] = json!("text/plain");
    desk.call(&replace("Shop/Cart/Fetch", &shown, &edited)).expect("it is usable");
    let merged = document(&mut desk, "Shop/Cart/Fetch");
    assert_eq!(merged["request"]["description"], json!("Elsewhere"));
    assert_eq!(merged["request"]["header"].as_array().map(Vec::len), Some(2), "{merged}");
    assert_eq!(merged["request"]["header"][0]["value"], json!("text/plain"));

    run(&mut desk, "set Shop/Cart/Fetch description=There");
    let mut edited = merged.clone();
    edited["request"]["description"] = json!("Here");
    desk.call(&replace("Shop/Cart/Fetch", &merged, &edited)).expect("it is usable");
    check(
        &mut desk,
        "conflicts",
        "Shop/Cart/Fetch request.description: \"Elsewhere\" local \"Here\" server \"There\" by",
    );
}

#[test]
fn a_document_that_is_none_is_refused() {
    let mut desk = shop();
    let base = document(&mut desk, "Shop/Cart/Get");
    let mut nameless = base.clone();
    nameless["name"] = json!("");
    for document in [json!(null), json!([]), json!("text"), json!(5), nameless] {
        let call = Call::Replace { path: "Shop/Cart/Get".to_owned(), base: base.clone(), document };
        let error = desk.call(&call).expect_err("it is refused");
        assert_eq!(error.kind, ErrorKind::Invalid, "{error:?}");
    }
    assert_eq!(document(&mut desk, "Shop/Cart/Get"), base);
}

#[test]
fn names_and_contents_are_found() {
    check(
        &mut shop(),
        "
        search cart
        search EXAMPLE.com
        search nothing
        search t 1
        search ''
        ",
        "
        Shop/Cart: name: Cart
        Shop/Cart/Get: request.url.raw: https://api.example.com/cart?full=1
        Shop/Cart/Get: request.url.raw: https://api.example.com/cart?full=1
        Shop/Cart: name: Cart
        more
        ! invalid: searching: a text to find has 1 to 1000 characters
        ",
    );
}

#[test]
fn workspaces_are_made_chosen_and_renamed() {
    check(
        &mut Desk::signed_in(),
        "
        workspaces
        workspace create Archive
        workspaces
        workspace create Archive
        workspace create scratch
        workspace rename Archive Attic
        workspace rename scratch Attic
        workspace use scratch
        new collection Local
        workspaces
        workspace use Nowhere
        ",
        "
        Scratch Pad 0
        * Work 0
        workspace Archive
        Scratch Pad 0
        Archive 0
        * Work 0
        ! exists: making the workspace Archive:  [Archive]
        ! invalid: making the workspace scratch: scratch means the Scratch Pad
        workspace Attic
        ! invalid: renaming the workspace to Attic: the Scratch Pad keeps its name
        workspace Scratch Pad
        changed collection Local
        * Scratch Pad 1
        Attic 0
        Work 0
        ! not_found: choosing the workspace Nowhere: there is no workspace with that name or id here
        ",
    );
    check(
        &mut Desk::scratch(),
        "workspace create Work",
        "! signed_out: making the workspace Work: without an account there is the Scratch Pad only",
    );
}

#[test]
fn a_full_disk_changes_nothing() {
    let mut desk = shop();
    run(&mut desk, "setenv Dev !token=old");
    desk.broken = true;
    check(
        &mut desk,
        "
        set Shop/Cart/Get name=Other
        setenv Dev !token=new
        unset Dev token
        ls Shop/Cart
        env Dev secrets
        ",
        "
        ! local_store: storing a change: the disk is full
        ! local_store: storing a change: the disk is full
        ! local_store: storing a change: the disk is full
        request GET Get
        request PUT Put
        environment Dev
          token=old now - secret
        ",
    );
}
