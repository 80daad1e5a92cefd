//! The table of `docs/scripts.md`: each row names a script in this folder, which uses the member and ends with what
//! it must lead to, as lines that begin with `//> `. `UPDATE_EXPECT=1` writes them anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use satchel_runner::script::{Limits, Moment};

use crate::fixture::{World, sandbox};

const MARK: &str = "//> ";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts")
}

/// The members that a row lists, and the script that shows them.
fn rows() -> Vec<(Vec<String>, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scripts.md");
    let text = fs::read_to_string(path).expect("the document is there");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [members, _, script] = cells[..] else { panic!("a row has three cells: {row}") };
        let members = members.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (members, script.trim_end_matches('|').trim().to_owned())
    })
    .collect()
}

fn scripts() -> BTreeSet<String> {
    let files = fs::read_dir(folder()).expect("the folder is there").filter_map(Result::ok);
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    names.filter_map(|name| name.strip_suffix(".js").map(str::to_owned)).collect()
}

/// The words that a script must have to show a member: `pm.cookies.jar().get` is the last name, `get`.
fn used_name(member: &str) -> &str {
    if member.starts_with("require(") {
        return member;
    }
    let plain = member.rsplit_once(").").map_or(member, |(_, last)| last);
    let plain = plain.split_once(['(', '[']).map_or(plain, |(name, _)| name);
    plain.rsplit('.').next().unwrap_or(plain).trim_matches(|it: char| "()[]'\"…".contains(it))
}

#[test]
fn every_member_of_the_table_has_a_script_that_uses_it() {
    let scripts = scripts();
    let rows = rows();
    assert!(rows.len() > 50, "the table was found");
    for (members, script) in &rows {
        assert!(scripts.contains(script), "{members:?} has no script `{script}`");
        let source = fs::read_to_string(folder().join(format!("{script}.js"))).expect("just found");
        for member in members {
            let name = used_name(member);
            assert!(source.contains(name), "`{script}` does not use `{name}` of {member}");
        }
    }
    let named: BTreeSet<_> = rows.into_iter().map(|(_, script)| script).collect();
    let unnamed: Vec<_> = scripts.difference(&named).collect();
    assert!(unnamed.is_empty(), "the table does not name {unnamed:?}");
}

#[tokio::test]
async fn every_script_leads_to_what_stands_below_it() {
    let mut sandbox = sandbox(Limits::default());
    let mut wrong = Vec::new();
    for name in scripts() {
        let path = folder().join(format!("{name}.js"));
        let text = fs::read_to_string(&path).expect("just found");
        let (expected, source): (Vec<_>, Vec<_>) =
            text.lines().partition(|line| line.starts_with(MARK.trim_end()));
        let source = source.join("\n");
        let moment =
            if source.starts_with("// Before the request") { Moment::PreRequest } else { Moment::Test };
        let told = World::new().told(&mut sandbox, &source, moment).await;
        let told: Vec<_> = told.lines().map(|line| format!("{MARK}{line}").trim_end().to_owned()).collect();
        if told == expected {
            continue;
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            let text = format!("{}\n\n{}\n", source.trim_end(), told.join("\n"));
            fs::write(&path, text).expect("the folder can be written");
        } else {
            wrong.push(format!("{name}.js\n expected\n{}\n got\n{}", expected.join("\n"), told.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert_eq!(sandbox.starts(), 1, "one child served all of them");
}
