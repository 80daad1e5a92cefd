//! Which request runs when, and what it sees of what ran before.

use satchel_runner::run::{PlanError, Run, rows};
use satchel_runner::variable::{Layer, Scope};
use serde_json::json;

use crate::fixture::{check, events, plan, request, run, server};

#[tokio::test]
async fn requests_run_in_the_collection_s_order_through_nested_folders() {
    let server = server().await;
    let items = json!([
        request("One", "/1", "", ""),
        { "name": "Outer", "item": [
            request("Two", "/2", "", ""),
            { "name": "Inner", "item": [request("Three", "/3", "", "")] },
            { "name": "Empty", "item": [] },
            request("Four", "/4", "", ""),
        ]},
        request("Five", "/5", "", ""),
    ]);
    let whole = "One GET /1 200\nOuter / Two GET /2 200\nOuter / Inner / Three GET /3 200\nOuter / Four GET /4 200\nFive GET /5 200\n";
    check(plan(&server, &items), whole).await;
    let selected = |names: &[&str]| {
        let mut plan = plan(&server, &items);
        plan.selection = names.iter().map(|name| (*name).to_owned()).collect();
        plan
    };
    check(selected(&["Inner"]), "Outer / Inner / Three GET /3 200\n").await;
    check(selected(&["Five", "Inner", "Outer"]), &whole.replace("One GET /1 200\n", "")).await;
    check(selected(&["Four"]), "Outer / Four GET /4 200\n").await;
    let missing = Run::begin(selected(&["Inner", "Nowhere", "Neither"])).map(|_| ());
    assert_eq!(missing, Err(PlanError::NotFound { name: "Nowhere".to_owned() }));
}

#[tokio::test]
async fn scripts_run_from_the_collection_inwards_and_each_sees_the_changes_before_it() {
    let server = server().await;
    let mut plan = plan(
        &server,
        &json!([{
            "name": "Folder",
            "event": events("console.log('folder ' + pm.environment.get('x')); pm.environment.set('x', 2); pm.request.headers.add({key: 'X-A', value: '1'})", "console.log('folder')"),
            "item": [request("Get", "/{{x}}", "console.log('request ' + pm.environment.get('x') + pm.request.headers.get('X-A'))", "console.log(pm.response.json().headers['x-a'] + pm.request.url)")],
        }]),
    );
    let mut collection = (*plan.collection).clone();
    collection["event"] =
        events("console.log('collection'); pm.environment.set('x', 1)", "console.log('collection')");
    plan.collection = collection.into();
    let url = server.url("/2");
    check(
        plan,
        &format!(
            "Folder / Get GET /2 200 | collection | folder 1 | request 21 | collection | folder | 1{url}\n"
        ),
    )
    .await;
}

#[tokio::test]
async fn data_rows_are_variables_of_one_iteration_and_the_last_serves_for_the_rest() {
    let server = server().await;
    let items = json!([request(
        "Get",
        "/{{sku}}",
        "",
        "pm.test('row', () => pm.expect(pm.iterationData.get('n')).to.eql(pm.info.iteration < 2 ? pm.info.iteration : 1)); \
         console.log(pm.globals.get('sum')); pm.globals.set('sum', (pm.globals.get('sum') || 0) + 1)",
    )]);
    let data = rows(b"sku,n\nA,0\nB,1\n").expect("it is CSV");
    let mut two = plan(&server, &items);
    two.data.clone_from(&data);
    check(two.clone(), "# 0\nGet GET /A 200 | undefined | ok row\n# 1\nGet GET /B 200 | 1 | ok row\n").await;
    two.iterations = Some(3);
    check(
        two.clone(),
        "# 0\nGet GET /A 200 | undefined | ok row\n# 1\nGet GET /B 200 | 1 | ok row\n# 2\nGet GET /B 200 | 2 | ok row\n",
    )
    .await;
    two.iterations = Some(1);
    check(two, "Get GET /A 200 | undefined | ok row\n").await;
}

#[tokio::test]
async fn a_script_leads_the_run_by_name_by_id_and_to_its_end() {
    let server = server().await;
    let mut third = request("Third", "/3", "", "pm.execution.setNextRequest('Second')");
    third["id"] = json!("id-3");
    let items = json!([
        request("First", "/1", "", "pm.execution.setNextRequest('id-3')"),
        request(
            "Second",
            "/2",
            "",
            "const n = (pm.globals.get('n') || 0) + 1; pm.globals.set('n', n); if (n > 1) postman.setNextRequest(null); else postman.setNextRequest('Second')"
        ),
        third,
    ]);
    let mut twice = plan(&server, &items);
    twice.iterations = Some(2);
    check(
        twice,
        "# 0\nFirst GET /1 200\nThird GET /3 200\nSecond GET /2 200\nSecond GET /2 200\n# 1\nFirst GET /1 200\nThird GET /3 200\nSecond GET /2 200\n",
    )
    .await;
    // A name that is nowhere in the selection ends the iteration.
    let items = json!([
        request("First", "/1", "", "pm.execution.setNextRequest('Outside')"),
        request("Second", "/2", "", ""),
        { "name": "Folder", "item": [request("Outside", "/3", "", "")] },
    ]);
    let mut selected = plan(&server, &items);
    selected.selection = vec!["First".to_owned(), "Second".to_owned()];
    check(selected, "First GET /1 200\n").await;
}

#[tokio::test]
async fn circles_end_at_the_limit() {
    let server = server().await;
    let items = json!([request(
        "Round",
        "/",
        "pm.execution.setNextRequest('Round'); pm.execution.skipRequest()",
        ""
    )]);
    let mut circle = plan(&server, &items);
    circle.requests_max = 3;
    check(circle, "Round GET / skipped\nRound GET / skipped\nRound GET / skipped\nendless\n").await;
    assert_eq!(server.received().len(), 0);
}

#[tokio::test]
async fn variables_outlive_their_iteration_and_are_handed_back() {
    let server = server().await;
    let items = json!([request(
        "Get",
        "/{{e}}{{c}}{{l}}",
        "",
        "pm.environment.set('e', 'E'); pm.collectionVariables.set('c', 'C'); pm.variables.set('l', 'L'); pm.globals.unset('gone')",
    )]);
    let mut twice = plan(&server, &items);
    twice.iterations = Some(2);
    twice.environment = Some(Layer::from_document(
        Scope::Environment,
        &json!({ "name": "test", "values": [{ "key": "e", "value": "" }] }),
    ));
    twice.globals =
        Layer::from_document(Scope::Global, &json!({ "values": [{ "key": "gone", "value": "x" }] }));
    let told = run(twice).await;
    assert_eq!(told.lines, "# 0\nGet GET /%7B%7Bc%7D%7D%7B%7Bl%7D%7D 200\n# 1\nGet GET /ECL 200\n");
    let scopes = told.finished.scopes.expect("one lane has variables");
    let found = ["e", "c", "gone"].map(|name| scopes.find(name).map(|(_, variable)| variable.text()));
    assert_eq!(found, [Some("E".to_owned()), Some("C".to_owned()), None]);
}
