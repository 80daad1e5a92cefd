//! The walls: which crate may use which, and what must never be below the pure ones.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Finding;
use crate::failure::Failure;
use crate::shell;

/// The table of DESIGN section 4: each crate, and the only internal crates it may use.
const TABLE: &[(&str, &[&str])] = &[
    ("satchel-model", &[]),
    ("satchel-crypto", &[]),
    ("satchel-wire", &[]),
    ("satchel-charter", &["satchel-crypto", "satchel-wire"]),
    ("satchel-sync", &["satchel-model", "satchel-crypto", "satchel-wire", "satchel-charter"]),
    (
        "satchel-client",
        &["satchel-sync", "satchel-model", "satchel-crypto", "satchel-wire", "satchel-charter"],
    ),
    ("satchel-runner", &["satchel-model"]),
    ("satchel-server", &["satchel-wire", "satchel-crypto", "satchel-charter"]),
    ("satchel-app", &["satchel-client", "satchel-runner", "satchel-model"]),
    ("satchel-wasm", &["satchel-client", "satchel-model"]),
    (
        "satchel-sim",
        &[
            "satchel-model",
            "satchel-crypto",
            "satchel-wire",
            "satchel-charter",
            "satchel-sync",
            "satchel-client",
            "satchel-server",
        ],
    ),
    ("satchel-fuzz", &["satchel-model", "satchel-crypto", "satchel-wire", "satchel-charter"]),
    ("xtask", &[]),
];

/// The crates that must build without any of [`IMPURE`].
pub(crate) const PURE: &[&str] =
    &["satchel-model", "satchel-crypto", "satchel-wire", "satchel-charter", "satchel-sync"];

/// Runtimes, databases and network crates.
const IMPURE: &[&str] = &[
    "async-std",
    "axum",
    "futures-executor",
    "hyper",
    "libsqlite3-sys",
    "mio",
    "native-tls",
    "openssl",
    "reqwest",
    "rusqlite",
    "rustls",
    "smol",
    "socket2",
    "tokio",
    "tokio-postgres",
    "tokio-tungstenite",
    "tungstenite",
    "ureq",
];

/// A crate of the workspace and what its manifest names.
#[derive(Debug)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug)]
struct Dependency {
    name: String,
    for_tests: bool,
}

/// What cargo knows of the workspace and of everything below it, from what is on this machine if that
/// is enough.
pub(crate) fn metadata() -> Result<Value, Failure> {
    let host = host()?;
    let words = ["metadata", "--format-version", "1", "--filter-platform", &host];
    let offline = shell::read(shell::cargo(&words).arg("--offline"));
    let text = offline.or_else(|_| shell::read(&mut shell::cargo(&words)))?;
    serde_json::from_str(&text).map_err(|error| Failure::new(format!("reading cargo's metadata: {error}")))
}

/// The crates of the workspace.
pub(crate) fn packages(metadata: &Value) -> Vec<Package> {
    let members: BTreeSet<&str> = texts(&metadata["workspace_members"]).collect();
    let is_member = |package: &&Value| package["id"].as_str().is_some_and(|id| members.contains(id));
    items(&metadata["packages"]).filter(is_member).map(package).collect()
}

/// Each crate uses only what the table allows. Dependencies of tests are free, but the server's tests
/// must not know the model either.
pub(crate) fn check_table(packages: &[Package]) -> Vec<Finding> {
    let names: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in packages {
        let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == package.name) else {
            findings.push(Finding::new(&package.name, "is not in the table of crates (DESIGN section 4)"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| names.contains(d.name.as_str())) {
            let free = dependency.for_tests
                && !(package.name == "satchel-server" && dependency.name == "satchel-model");
            if !free && !allowed.contains(&dependency.name.as_str()) {
                let what = format!("must not depend on {} (DESIGN section 4)", dependency.name);
                findings.push(Finding::new(&package.name, what));
            }
        }
    }
    findings
}

/// Nothing that the pure crates are built from is a runtime, a database or a network crate.
pub(crate) fn check_pure_builds(metadata: &Value) -> Vec<Finding> {
    let names: BTreeMap<&str, &str> = items(&metadata["packages"])
        .filter_map(|package| Some((package["id"].as_str()?, package["name"].as_str()?)))
        .collect();
    let edges: BTreeMap<&str, Vec<&str>> = items(&metadata["resolve"]["nodes"])
        .filter_map(|node| Some((node["id"].as_str()?, normal_edges(node))))
        .collect();
    let mut findings = Vec::new();
    for member in texts(&metadata["workspace_members"]) {
        let name = names.get(member).copied().unwrap_or(member);
        if !PURE.contains(&name) {
            continue;
        }
        for path in impure_paths(member, &names, &edges) {
            findings.push(Finding::new(name, format!("must stay pure, but builds with {path}")));
        }
    }
    findings
}

/// The ways from `start` to each impure crate, as `a > b > c`.
fn impure_paths(start: &str, names: &BTreeMap<&str, &str>, edges: &BTreeMap<&str, Vec<&str>>) -> Vec<String> {
    let mut seen = BTreeSet::from([start]);
    let mut open: Vec<(&str, Vec<&str>)> = vec![(start, Vec::new())];
    let mut found = Vec::new();
    while let Some((id, path)) = open.pop() {
        for next in edges.get(id).into_iter().flatten().filter(|next| seen.insert(**next)).collect::<Vec<_>>()
        {
            let name = names.get(next).copied().unwrap_or(next);
            let mut longer = path.clone();
            longer.push(name);
            if IMPURE.contains(&name) {
                found.push(longer.join(" > "));
            } else {
                open.push((next, longer));
            }
        }
    }
    found
}

/// The dependencies that are built into a crate: not those of its tests or of its build script.
fn normal_edges(node: &Value) -> Vec<&str> {
    let normal = |dependency: &&Value| items(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null());
    items(&node["deps"]).filter(normal).filter_map(|dependency| dependency["pkg"].as_str()).collect()
}

fn package(package: &Value) -> Package {
    let dependencies = items(&package["dependencies"]).map(|dependency| Dependency {
        name: dependency["name"].as_str().unwrap_or_default().to_owned(),
        for_tests: dependency["kind"] == "dev",
    });
    Package {
        name: package["name"].as_str().unwrap_or_default().to_owned(),
        dependencies: dependencies.collect(),
    }
}

fn host() -> Result<String, Failure> {
    let version = shell::read(std::process::Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::new("`rustc -vV` names no host"))
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    items(value).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Metadata of a workspace with these edges: crate, dependency, kind (`dev`, `build` or empty).
    fn metadata(edges: &[(&str, &str, &str)], members: &[&str]) -> Value {
        let names: BTreeSet<&str> =
            edges.iter().flat_map(|edge| [edge.0, edge.1]).chain(members.iter().copied()).collect();
        let kind = |kind: &str| if kind.is_empty() { Value::Null } else { json!(kind) };
        let of = |name: &str| edges.iter().filter(move |edge| edge.0 == name).copied().collect::<Vec<_>>();
        let packages = names.iter().map(|name| {
            let uses = of(name).into_iter().map(|edge| json!({"name": edge.1, "kind": kind(edge.2)}));
            json!({"id": name, "name": name, "dependencies": uses.collect::<Vec<_>>()})
        });
        let nodes = names.iter().map(|name| {
            let uses = of(name)
                .into_iter()
                .map(|edge| json!({"pkg": edge.1, "dep_kinds": [{"kind": kind(edge.2)}]}));
            json!({"id": name, "deps": uses.collect::<Vec<_>>()})
        });
        json!({
            "packages": packages.collect::<Vec<_>>(),
            "workspace_members": members,
            "resolve": {"nodes": nodes.collect::<Vec<_>>()},
        })
    }

    fn check(edges: &[(&str, &str, &str)], members: &[&str], expected: &[&str]) {
        let metadata = metadata(edges, members);
        let mut findings = check_table(&packages(&metadata));
        findings.extend(check_pure_builds(&metadata));
        let found: Vec<String> = findings.iter().map(Finding::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn edges_of_the_table_pass() {
        let edges = [("satchel-sync", "satchel-model", ""), ("satchel-server", "satchel-wire", "")];
        check(&edges, &["satchel-sync", "satchel-model", "satchel-server", "satchel-wire"], &[]);
    }

    #[test]
    fn an_edge_outside_the_table_fails_even_in_a_build_script() {
        let members = ["satchel-model", "satchel-wire"];
        let expected = ["satchel-model: must not depend on satchel-wire (DESIGN section 4)"];
        check(&[("satchel-model", "satchel-wire", "")], &members, &expected);
        check(&[("satchel-model", "satchel-wire", "build")], &members, &expected);
    }

    #[test]
    fn tests_may_use_any_crate_but_the_servers_never_the_model() {
        check(&[("satchel-app", "satchel-server", "dev")], &["satchel-app", "satchel-server"], &[]);
        let expected = ["satchel-server: must not depend on satchel-model (DESIGN section 4)"];
        check(&[("satchel-server", "satchel-model", "dev")], &["satchel-server", "satchel-model"], &expected);
    }

    #[test]
    fn a_crate_outside_the_table_fails() {
        check(
            &[],
            &["satchel-common"],
            &["satchel-common: is not in the table of crates (DESIGN section 4)"],
        );
    }

    #[test]
    fn a_runtime_deep_below_a_pure_crate_fails_and_shows_the_way() {
        let edges =
            [("satchel-sync", "satchel-model", ""), ("satchel-model", "zip", ""), ("zip", "tokio", "")];
        let expected = [
            "satchel-model: must stay pure, but builds with zip > tokio",
            "satchel-sync: must stay pure, but builds with satchel-model > zip > tokio",
        ];
        check(&edges, &["satchel-model", "satchel-sync"], &expected);
    }

    #[test]
    fn a_runtime_below_tests_only_passes() {
        check(&[("satchel-sync", "tokio", "dev")], &["satchel-sync"], &[]);
    }
}
