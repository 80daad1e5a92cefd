//! The variables that a request sees: which value each has, where it comes from, what it hides.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;

use rand_core::OsRng;
use satchel_client::api::EnvironmentChoice;
use satchel_runner::auth::effective;
use satchel_runner::variable::{Candidate, Dynamic, Replacer, Scope, Scopes, names_in, names_in_document};
use serde_json::{Value as Json, json};

use super::Session;
use crate::cli::VarsOptions;
use crate::failure::Failure;
use crate::output::{inline, safe};
use crate::sending::{self, Ground, now_ms};

/// More names than this are not listed: a hostile document may use a million.
const NAMES_MAX: usize = 10_000;

pub(super) fn vars(session: &Session, options: &VarsOptions) -> Result<ExitCode, Failure> {
    let environment = options.environment.clone().map_or(EnvironmentChoice::Active, EnvironmentChoice::Named);
    let mut host = session.open()?;
    let workspace = session.workspace.as_deref();
    let sources = sending::sources(&mut host, workspace, Some(&options.path), environment, false)?;
    drop(host);
    let ground = Ground::new(sources)?;
    let scopes = ground.scopes(&[]);
    let used = used_names(&ground, &scopes);
    // A folder uses nothing itself: then all that it has is told.
    let names = if options.all || used.is_empty() { all_names(&scopes, &used) } else { used.clone() };
    let lines: Vec<Line> = names.into_iter().map(|name| line(name, &scopes, &used, options.reveal)).collect();
    if session.out.json {
        let variables: Vec<Json> = lines.iter().map(Line::json).collect();
        session.out.document(&json!({ "variables": variables }));
    } else {
        session.out.text(&safe(&lines.iter().map(Line::text).collect::<String>()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The names in the request and its auth, and in the values of those, in their order.
fn used_names(ground: &Ground, scopes: &Scopes) -> Vec<String> {
    let Some(request) = ground.sources.item.as_ref().and_then(|it| it.document.get("request")) else {
        return Vec::new();
    };
    let ancestors: Vec<&Json> = ground.sources.ancestors.iter().map(|it| &it.document).collect();
    let mut waiting = names_in_document(request);
    waiting.extend(effective(request, &ancestors).map(names_in_document).unwrap_or_default());
    waiting.reverse();
    let (mut seen, mut names) = (BTreeSet::new(), Vec::new());
    while let Some(name) = waiting.pop().filter(|_| names.len() < NAMES_MAX) {
        if seen.insert(name.clone()) {
            let below =
                scopes.find(&name).map(|(_, variable)| names_in(&variable.text())).unwrap_or_default();
            waiting.extend(below.into_iter().rev());
            names.push(name);
        }
    }
    names
}

fn all_names(scopes: &Scopes, used: &[String]) -> Vec<String> {
    let mut seen: BTreeSet<&str> = used.iter().map(String::as_str).collect();
    let visible = scopes.layers().iter().flat_map(|layer| &layer.variables).filter(|it| it.enabled);
    let rest: Vec<_> = visible.filter(|it| seen.insert(&it.key)).map(|it| it.key.clone()).collect();
    used.iter().cloned().chain(rest).take(NAMES_MAX).collect()
}

/// What is told of a name.
struct Line {
    name: String,
    used: bool,
    winner: Option<Candidate>,
    /// The value with the variables in it replaced, where that makes a difference.
    becomes: Option<String>,
    others: Vec<Candidate>,
}

fn line(name: String, scopes: &Scopes, used: &[String], reveal: bool) -> Line {
    let (mut winners, others): (Vec<_>, Vec<_>) = scopes.explain(&name).into_iter().partition(|it| it.wins);
    let mut winner = winners.pop();
    if let (Some(winner), Some((_, variable))) = (&mut winner, scopes.find(&name))
        && reveal
    {
        winner.value = variable.text();
    }
    let is_plain = winner.as_ref().is_none_or(|it| it.scope == Scope::Dynamic || !it.value.contains("{{"));
    let becomes = (!is_plain).then(|| {
        let mut rng = OsRng;
        let mut dynamic = Dynamic::new(&mut rng, now_ms());
        let text = Replacer::new(scopes, &mut dynamic).text(&format!("{{{{{name}}}}}"));
        if reveal { text } else { scopes.masker().mask(&text).into_owned() }
    });
    Line { used: used.contains(&name), name, winner, becomes, others }
}

impl Line {
    fn text(&self) -> String {
        let name = inline(&self.name);
        let Some(winner) = &self.winner else {
            let mut text = format!("{name}  has no value\n");
            self.add_others(&mut text);
            return text;
        };
        if winner.scope == Scope::Dynamic {
            return format!("{name}  made anew each time: {}\n", inline(&winner.value));
        }
        let mut text = format!("{name}={}  {}\n", inline(&winner.value), place(winner));
        if let Some(becomes) = &self.becomes {
            let _ = writeln!(text, "    becomes {}", inline(becomes));
        }
        self.add_others(&mut text);
        text
    }

    fn add_others(&self, text: &mut String) {
        for other in &self.others {
            let verb = if other.enabled { "hides" } else { "switched off:" };
            let _ = writeln!(text, "    {verb} {}  {}", inline(&other.value), place(other));
        }
    }

    fn json(&self) -> Json {
        let candidate = |it: &Candidate| json!({ "scope": it.scope.word(), "place": it.place, "value": it.value, "enabled": it.enabled });
        let winner = self.winner.as_ref();
        json!({
            "name": self.name,
            "used": self.used,
            "resolved": winner.is_some(),
            "value": winner.map(|it| &it.value),
            "becomes": self.becomes,
            "secret": winner.is_some_and(|it| it.secret),
            "scope": winner.map(|it| it.scope.word()),
            "place": winner.map(|it| &it.place),
            "hides": self.others.iter().map(candidate).collect::<Vec<_>>(),
        })
    }
}

fn place(candidate: &Candidate) -> String {
    let word = candidate.scope.word();
    if candidate.place.is_empty() { word.to_owned() } else { format!("{word} {}", inline(&candidate.place)) }
}
