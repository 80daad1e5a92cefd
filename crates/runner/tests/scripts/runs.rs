//! What holds for scripts one after another.

use std::time::Duration;

use satchel_runner::script::{Fault, Limits, Moment, Script, ScriptError, Trust};
use satchel_runner::variable::Scope;

use crate::fixture::{World, sandbox, told_fault};

#[tokio::test]
async fn nothing_runs_without_trust() {
    let world = World::new();
    let mut sandbox = sandbox(Limits::default());
    let script = Script { trust: Trust::Missing, ..world.script("console.log(1)", Moment::Test) };
    let result = sandbox.run(&script, &world.host).await;
    assert!(matches!(result, Err(ScriptError::Untrusted)));
    assert_eq!(sandbox.starts(), 0);
}

#[tokio::test]
async fn undeclared_globals_are_shared_within_a_run_and_declared_ones_are_not() {
    let world = World::new();
    let mut first = sandbox(Limits::default());
    let define = "shared = () => 7; var own = 1; let other = 2; const third = 3;";
    assert_eq!(world.told(&mut first, define, Moment::PreRequest).await, "");
    let look = "console.log(typeof shared, typeof own, typeof other, typeof third)";
    assert_eq!(
        world.told(&mut first, look, Moment::Test).await,
        "log: function undefined undefined undefined\n"
    );
    let mut second = sandbox(Limits::default());
    assert_eq!(
        world.told(&mut second, look, Moment::Test).await,
        "log: undefined undefined undefined undefined\n"
    );
}

#[tokio::test]
async fn a_script_leaves_no_timer_promise_or_legacy_value_to_the_next_one() {
    let world = World::new();
    let mut sandbox = sandbox(Limits::default());
    let leave = "tests['first'] = true; responseBody = 'mine'; pm.variables.set('x', 1); \
                 new Promise(() => {}).then(() => console.log('late'));";
    assert_eq!(world.told(&mut sandbox, leave, Moment::Test).await, "pass first\nset local x=1\n");
    let look = "console.log(Object.keys(tests).length, responseBody.slice(0, 5), pm.variables.get('x'))";
    assert_eq!(world.told(&mut sandbox, look, Moment::Test).await, "log: 0 {\"id\" undefined\n");
}

#[tokio::test]
async fn changes_of_variables_apply_to_their_scopes() {
    let mut world = World::new();
    let mut sandbox = sandbox(Limits::default());
    let source = "pm.environment.set('token', 't'); pm.globals.unset('who'); pm.collectionVariables.set('tax', {a: 1}); \
                  pm.variables.set('host', 'local.test');";
    let outcome = sandbox.run(&world.script(source, Moment::Test), &world.host).await.expect("it runs");
    outcome.apply(&mut world.scopes);
    let found = |name| world.scopes.find(name).map(|(layer, variable)| (layer.scope, variable.text()));
    assert_eq!(found("token"), Some((Scope::Environment, "t".to_owned())));
    assert_eq!(found("who"), None);
    assert_eq!(found("tax"), Some((Scope::Collection, "{\"a\":1}".to_owned())));
    assert_eq!(found("host"), Some((Scope::Local, "local.test".to_owned())));
    assert!(!outcome.has_failed());
}

#[tokio::test]
async fn a_late_script_keeps_what_it_had_told_and_the_next_one_has_a_new_child() {
    let world = World::new();
    let limits = Limits { time: Duration::from_millis(300), ..Limits::default() };
    let mut sandbox = sandbox(limits);
    let source = "console.log('begun'); pm.test('first', () => {}); for (;;) {}";
    let told = world.told(&mut sandbox, source, Moment::Test).await;
    assert_eq!(told, "log: begun\npass first\nfault Late { limit: 300ms }\n");
    let told = world.told(&mut sandbox, "console.log('again')", Moment::Test).await;
    assert_eq!(told, "log: again\n");
    assert_eq!(sandbox.starts(), 2);
}

#[tokio::test]
async fn a_dropped_run_leaves_no_child_behind_that_would_confuse_the_next_one() {
    let world = World::new();
    let mut sandbox = sandbox(Limits::default());
    let script = world.script("pm.sendRequest('http://never.test', () => {})", Moment::Test);
    let soon = tokio::time::timeout(Duration::from_millis(1), sandbox.run(&script, &world.host)).await;
    assert!(soon.is_err());
    let told = world.told(&mut sandbox, "console.log('again')", Moment::Test).await;
    assert_eq!(told, "log: again\n");
}

#[tokio::test]
async fn an_error_names_the_line_and_column_of_the_script() {
    let world = World::new();
    let mut sandbox = sandbox(Limits::default());
    let mut check = async |source: &str, expected: &str| {
        let outcome = sandbox.run(&world.script(source, Moment::Test), &world.host).await.expect("it runs");
        let places = outcome.faults.iter().map(|fault| match fault {
            Fault::Thrown(thrown) => {
                format!("{} {}:{}", thrown.name, thrown.line.unwrap_or(0), thrown.column.unwrap_or(0))
            }
            other => told_fault(other),
        });
        assert_eq!(places.collect::<Vec<_>>().join(", "), expected, "{source}");
    };
    check("missing()", "ReferenceError 1:1").await;
    check("let a = 1;\n  null.x", "TypeError 2:3").await;
    check("const a = ;", "SyntaxError 1:11").await;
    check("await 1;\nawait Promise.reject(new Error('x'))", "Error 2:26").await;
    check("setTimeout(() => {\n  throw new Error('x') }, 1)", "Error 2:13").await;
    check("Promise.reject(new Error('x'))", "Error 1:20").await;
}

#[tokio::test]
async fn a_body_that_is_no_text_arrives_whole() {
    let mut world = World::new();
    world.response.body = (0..=255).collect();
    world.response.headers.clear();
    let mut sandbox = sandbox(Limits::default());
    let source = "console.log(pm.response.stream.length, pm.response.stream.toString('hex').slice(-8), pm.response.responseSize)";
    assert_eq!(world.told(&mut sandbox, source, Moment::Test).await, "log: 256 fcfdfeff 256\n");
}

#[tokio::test]
async fn a_hundred_scripts_share_one_child_and_its_memory_stays_flat() {
    let world = World::new();
    let mut sandbox = sandbox(Limits::default());
    let source = "pm.test('status', () => pm.response.to.have.status(201)); const big = 'x'.repeat(1 << 20);";
    for _ in 0..100 {
        assert_eq!(world.told(&mut sandbox, source, Moment::Test).await, "pass status\n");
    }
    assert_eq!(sandbox.starts(), 1);
}

#[tokio::test]
async fn many_requests_of_a_script_are_queued_and_all_answered() {
    let world = World::new();
    let mut sandbox = sandbox(Limits::default());
    let source = "let count = 0; for (let i = 0; i < 300; i++) pm.sendRequest('http://echo.test/' + i, (error, response) => { \
                  if (response.json().url.path[0] === String(i) && ++count === 300) console.log('all') })";
    assert_eq!(world.told(&mut sandbox, source, Moment::Test).await, "log: all\n");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_child_has_locked_itself_in() {
    let world = World::new();
    let mut sandbox = sandbox(Limits::default());
    world.told(&mut sandbox, "1", Moment::Test).await;
    let child = sandbox.child_id().expect("it is kept warm");
    let file = |name: &str| std::fs::read_to_string(format!("/proc/{child}/{name}")).expect("it runs");
    let environment = file("environ");
    assert!(environment.split('\0').all(|it| it.is_empty() || it.starts_with("TZ=")), "{environment}");
    let line = |text: &str, begin: &str| {
        let found = text
            .lines()
            .find(|line| line.starts_with(begin))
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        found.unwrap_or_default()
    };
    let (status, limits) = (file("status"), file("limits"));
    assert_eq!(line(&status, "Seccomp:"), "Seccomp: 2");
    assert_eq!(line(&status, "NoNewPrivs:"), "NoNewPrivs: 1");
    assert_eq!(line(&limits, "Max open files"), "Max open files 3 3 files");
    assert_eq!(line(&limits, "Max processes"), "Max processes 0 0 processes");
    assert_eq!(line(&limits, "Max core file"), "Max core file size 0 0 bytes");
}
