//! A figure: what was measured, its target, and whether it holds.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::failure::Failure;

/// One measured figure.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// What it is, for people.
    pub(crate) name: &'static str,
    /// The unit of every value.
    pub(crate) unit: &'static str,
    /// The median must not be above it; none where the figure is only told.
    pub(crate) target: Option<f64>,
    /// Each run.
    pub(crate) values: Vec<f64>,
    /// Why it could not be measured.
    pub(crate) failure: Option<String>,
}

impl Figure {
    /// A figure before its first run.
    pub(crate) fn new(name: &'static str, unit: &'static str, target: Option<f64>) -> Self {
        Self { name, unit, target, values: Vec::new(), failure: None }
    }

    /// The middle of the runs.
    pub(crate) fn median(&self) -> Option<f64> {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => None,
            count if count % 2 == 1 => Some(sorted[middle]),
            _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
        }
    }

    /// Whether it holds; none where nothing was promised and nothing went wrong.
    pub(crate) fn passes(&self) -> Option<bool> {
        if self.failure.is_some() {
            return Some(false);
        }
        let target = self.target?;
        Some(self.median().is_some_and(|median| median <= target))
    }

    /// The figure as JSON.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "unit": self.unit,
            "target": self.target,
            "median": self.median(),
            "values": self.values,
            "pass": self.passes(),
            "failure": self.failure,
        })
    }

    /// Appends every run to the figure's own file in `folder`.
    pub(crate) fn keep(&self, folder: &Path) -> Result<(), Failure> {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let file = folder.join(format!("{}.jsonl", self.slug()));
        let mut lines = Vec::new();
        for (run, value) in self.values.iter().enumerate() {
            let line =
                json!({"at": at, "name": self.name, "run": run + 1, "value": value, "unit": self.unit});
            lines.push(format!("{line}\n"));
        }
        let opened = OpenOptions::new().create(true).append(true).open(&file);
        opened
            .and_then(|mut open| open.write_all(lines.concat().as_bytes()))
            .map_err(|error| Failure::new(format!("writing {}: {error}", file.display())))
    }

    fn slug(&self) -> String {
        let letters =
            self.name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' });
        letters.collect::<String>().split_whitespace().collect::<Vec<_>>().join("-")
    }

    fn row(&self) -> String {
        let number =
            |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3} {}", self.unit));
        let lowest = self.values.iter().copied().reduce(f64::min);
        let highest = self.values.iter().copied().reduce(f64::max);
        let verdict = match self.passes() {
            None => "–",
            Some(true) => "PASS",
            Some(false) => "FAIL",
        };
        let note = self.failure.as_deref().and_then(|failure| failure.lines().next());
        let note = note.map(|words| format!("; not measured: {}", words.replace('|', "/")));
        format!(
            "| {} | {} | {} | {} | {} | {verdict}{} |\n",
            self.name,
            number(self.median()),
            number(lowest),
            number(highest),
            number(self.target),
            note.unwrap_or_default(),
        )
    }
}

/// All figures as a Markdown table.
pub(crate) fn table(figures: &[Figure]) -> String {
    let rows: String = figures.iter().map(Figure::row).collect();
    format!(
        "| figure | median | lowest | highest | target | |\n| --- | --- | --- | --- | --- | --- |\n{rows}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(values: &[f64], target: Option<f64>) -> Figure {
        Figure { values: values.to_vec(), ..Figure::new("import, 4 MB", "s", target) }
    }

    #[test]
    fn the_median_is_the_middle_of_the_runs() {
        let check =
            |values: &[f64], expected: Option<f64>| assert_eq!(figure(values, None).median(), expected);
        check(&[], None);
        check(&[3.0, 1.0, 2.0], Some(2.0));
        check(&[4.0, 1.0, 2.0, 3.0], Some(2.5));
    }

    #[test]
    fn a_figure_passes_at_its_target_and_fails_above() {
        let check = |values: &[f64], target: Option<f64>, expected: Option<bool>| {
            assert_eq!(figure(values, target).passes(), expected);
        };
        check(&[0.5], Some(0.5), Some(true));
        check(&[0.6], Some(0.5), Some(false));
        check(&[], Some(0.5), Some(false));
        check(&[0.6], None, None);
    }

    #[test]
    fn what_could_not_be_measured_fails_and_says_why() {
        let mut broken = figure(&[0.1], Some(0.5));
        broken.failure = Some("the server ended".to_owned());
        assert_eq!(broken.passes(), Some(false));
        assert!(table(&[broken]).contains("not measured: the server ended"));
    }

    #[test]
    fn a_row_has_every_number() {
        let expected = "| import, 4 MB | 0.200 s | 0.100 s | 0.300 s | 0.500 s | PASS |\n";
        assert_eq!(figure(&[0.2, 0.1, 0.3], Some(0.5)).row(), expected);
    }
}
