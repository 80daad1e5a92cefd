//! The page: what `ui/tests/real/speed.mjs` measures in a real browser on two apps and a server, with 10,000 requests.

use std::process::Command;

use super::figure::Figure;
use super::scenario::Inputs;
use crate::failure::Failure;
use crate::{install, shell};

/// A figure by the words of the script, its unit and its target.
const FIGURES: [(&str, &str, f64); 7] = [
    ("interactive from a warm agent, median", "ms", 300.0),
    ("interactive from `satchel app`, cold", "ms", 1_000.0),
    ("JavaScript of the first use, compressed", "KB", 350.0),
    ("opening a request of 10000, p95", "ms", 50.0),
    ("a key in the URL, p95, with layout", "ms", 16.0),
    ("an edit in the other app's page, p95", "ms", 150.0),
    ("memory of the agent", "MB", 150.0),
];

/// Opens, types and edits in a browser.
pub(super) fn in_browser(_: &Inputs, runs: usize) -> Vec<Figure> {
    let mut figures = FIGURES.map(|(name, unit, target)| Figure::new(name, unit, Some(target)));
    for _ in 0..runs {
        match measure() {
            Ok(text) => figures.iter_mut().for_each(|figure| take(figure, &text)),
            Err(failure) => figures.iter_mut().for_each(|figure| figure.failure = Some(failure.to_string())),
        }
    }
    figures.into()
}

/// One run of the script. It ends with a failure where a figure is over its limit, which is told here by the figure.
fn measure() -> Result<String, Failure> {
    let folder = shell::root().join("ui");
    if !folder.join("dist/index.html").is_file() || !folder.join("node_modules").is_dir() {
        let hint =
            "run `npm ci` and `npm run build` in ui, then this again: the page is built into the program";
        return Err(Failure::new("the page is not built").hint(hint));
    }
    install::chromium()?;
    let mut node = Command::new("node");
    node.arg("tests/real/speed.mjs").current_dir(&folder);
    node.env("SATCHEL_BIN", shell::target().join("release"));
    let output = node.output().map_err(|error| Failure::new(format!("starting node: {error}")))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn take(figure: &mut Figure, text: &str) {
    match text.lines().find_map(|line| value_in(line, figure.name)) {
        Some(value) => figure.values.push(value),
        None => figure.failure = Some("the script in the browser ended before it was measured".to_owned()),
    }
}

/// The number in a line `ok    NAME: NUMBER UNIT (at most LIMIT)`.
fn value_in(line: &str, name: &str) -> Option<f64> {
    let (_, rest) = line.split_once(name)?;
    rest.strip_prefix(": ")?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::value_in;

    #[test]
    fn a_line_of_the_script_gives_its_number() {
        let check = |line: &str, expected: Option<f64>| {
            assert_eq!(value_in(line, "memory of the agent"), expected, "{line}");
        };
        check("ok    memory of the agent: 112 MB (at most 150)", Some(112.0));
        check("OVER  memory of the agent: 1.5 MB (at most 1)", Some(1.5));
        check("ok    memory of the agents: 112 MB (at most 150)", None);
        check("      importing 10000 requests", None);
    }
}
