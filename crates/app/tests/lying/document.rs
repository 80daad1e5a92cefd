//! The table of attacks in `docs/threat-model.md`, made from the rows that are played.
//!
//! `SATCHEL_LYING_WRITE=1` writes it; otherwise the test fails where it differs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use crate::attacks::groups;
use crate::harness::{Attack, Cure, Ends, Scene};

const BEGIN: &str = "<!-- attacks: made from crates/app/tests/lying; SATCHEL_LYING_WRITE=1 writes it -->";
const END: &str = "<!-- attacks end -->";

fn when(scene: Scene) -> &'static str {
    match scene {
        Scene::Live => "a live change",
        Scene::CatchUp => "catching up",
        Scene::Own | Scene::OwnThenHonest => "an own change",
        Scene::Fresh => "a new app",
        Scene::Demoted => "a change of role",
        Scene::Removed | Scene::Removal => "a removal",
        Scene::Join => "a join, at the admin's app",
        Scene::Joiner => "a join, at the joiner's app",
        Scene::Fork | Scene::Mixed => "two servers",
        Scene::RollBack | Scene::Restore => "an old backup",
        Scene::History => "reading versions",
        Scene::Activity => "reading the activity",
        Scene::Presence => "presence",
        Scene::SignIn => "signing in",
        Scene::SignUp => "signing up",
        Scene::Recover => "recovering",
    }
}

fn what_comes(attack: &Attack) -> String {
    let alarm = match attack.ends {
        Ends::Alarm(alarm) => format!("alarm `{alarm}`"),
        Ends::AlarmIn(_, alarm) => format!("alarm `{alarm}` in the workspace it was shown in"),
        Ends::Link(reason) => format!("the connection shows `{reason}`"),
        Ends::Aside(alarm) => format!("the change is set aside as `{alarm}`, and kept"),
        Ends::Refused(kind) => {
            let kind = serde_json::to_value(kind).expect("a kind is a word");
            format!("the call fails as `{}`", kind.as_str().unwrap_or_default())
        }
        Ends::Version(_) => "the version is shown as not to be believed".to_owned(),
        Ends::Harmless(why) => format!("no harm: {why}"),
    };
    match attack.cure {
        Cure::Honesty => alarm,
        Cure::Restore => format!("{alarm}; after a restore apps bring back what is lacking"),
    }
}

fn table() -> String {
    let attacks: Vec<_> = groups().into_iter().flat_map(|(_, attacks)| attacks).collect();
    let alarms = attacks.iter().filter(|attack| !matches!(attack.ends, Ends::Harmless(_))).count();
    let mut text = format!(
        "{} attacks are played; {alarms} end in an alarm, and {} do no harm.\n\n",
        attacks.len(),
        attacks.len() - alarms
    );
    text.push_str("| kind | what the server does | while | what comes of it |\n| --- | --- | --- | --- |\n");
    let mut kinds: Vec<_> = attacks.iter().map(|attack| attack.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        for attack in attacks.iter().filter(|attack| attack.kind == kind) {
            let (name, when, what) = (attack.name, when(attack.scene), what_comes(attack));
            writeln!(text, "| {kind} | {name} | {when} | {what} |").expect("a string can be written to");
        }
    }
    text
}

#[test]
fn the_table_in_the_threat_model_is_the_one_that_is_played() {
    let attacks: Vec<_> = groups().into_iter().flat_map(|(_, attacks)| attacks).collect();
    let names: BTreeSet<_> =
        attacks.iter().map(|attack| (attack.kind, attack.name, when(attack.scene))).collect();
    assert_eq!(names.len(), attacks.len(), "two attacks have one name");
    assert!(attacks.len() >= 50, "there are only {}", attacks.len());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/threat-model.md");
    let text = std::fs::read_to_string(&path).expect("it is there");
    let (before, rest) = text.split_once(BEGIN).expect("the table has a place");
    let (shown, after) = rest.split_once(END).expect("the table has an end");
    let wanted = format!("\n{}", table());
    if std::env::var_os("SATCHEL_LYING_WRITE").is_some() {
        let text = format!("{before}{BEGIN}{wanted}{END}{after}");
        std::fs::write(&path, text).expect("it can be written");
    } else {
        assert!(shown == wanted, "the table is another one: run this test with SATCHEL_LYING_WRITE=1");
    }
}
