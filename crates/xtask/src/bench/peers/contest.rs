//! What was measured, by figure and system, and which rows are promised.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{ATUIN, HOCUSPOCUS, POUCHDB, SATCHEL, Y_WEBSOCKET};

/// One figure of one turn.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) figure: String,
    pub(super) value: f64,
    pub(super) unit: String,
}

impl Sample {
    pub(super) fn from_json(line: &Value) -> Option<Self> {
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        Some(Self { figure: text("figure")?, value: line["value"].as_f64()?, unit: text("unit")? })
    }
}

/// Every value of every figure.
#[derive(Debug, Default)]
pub(super) struct Contest {
    values: BTreeMap<(String, &'static str), Vec<f64>>,
    units: BTreeMap<String, String>,
    failures: Vec<String>,
}

/// A promised row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Promise {
    pub(super) figure: &'static str,
    /// Another system or, where there is none, Satchel's other figure or a number.
    pub(super) against: Against,
    pub(super) target: f64,
}

/// What a row is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Against {
    /// The same figure of a peer.
    Peer(&'static str),
    /// A peer's figure of another name: it does less than ours.
    Less(&'static str, &'static str),
    /// Another figure of Satchel.
    Own(&'static str),
    /// Nothing: the target is in the figure's unit.
    Number,
}

const fn promise(figure: &'static str, against: Against, target: f64) -> Promise {
    Promise { figure, against, target }
}

/// What is promised, as in the table of figures.
pub(super) const PROMISES: &[Promise] = &[
    promise("edit p50", Against::Peer(Y_WEBSOCKET), 1.5),
    promise("edit p99", Against::Peer(Y_WEBSOCKET), 1.5),
    promise("edit p50", Against::Peer(POUCHDB), 0.1),
    promise("edit p99", Against::Peer(POUCHDB), 0.1),
    promise("burst server CPU per edit", Against::Peer(HOCUSPOCUS), 0.75),
    promise("fresh tree", Against::Peer(Y_WEBSOCKET), 0.05),
    promise("fresh all", Against::Peer(Y_WEBSOCKET), 0.125),
    promise("fresh stored", Against::Less(ATUIN, "fresh all"), 1.0),
    promise("fresh bytes", Against::Peer(Y_WEBSOCKET), 0.3),
    promise("idle memory", Against::Peer(HOCUSPOCUS), 0.3),
    promise("idle memory", Against::Number, 40.0),
    promise("many: edit p50", Against::Own("few: edit p50"), 1.2),
    promise("week back", Against::Own("fresh stored"), 2.0),
    promise("week conflicts", Against::Number, 0.0),
    promise("typing tries p99", Against::Number, 3.0),
    promise("typing lost", Against::Number, 0.0),
    promise("typing equal", Against::Number, 1_000.0),
];

impl Contest {
    pub(super) fn add(&mut self, system: &'static str, prefix: &str, samples: Vec<Sample>) {
        for sample in samples {
            let figure = format!("{prefix}{}", sample.figure);
            self.units.insert(figure.clone(), sample.unit);
            self.values.entry((figure, system)).or_default().push(sample.value);
        }
    }

    pub(super) fn fail(&mut self, system: &str, scene: &str, why: &str) {
        let first = why.lines().next().unwrap_or_default();
        eprintln!("{system} failed in {scene}: {why}");
        self.failures.push(format!("{system}, {scene}: {first}"));
    }

    /// Turns that failed, in words.
    pub(super) fn failures(&self) -> &[String] {
        &self.failures
    }

    /// The middle value.
    pub(super) fn median(&self, figure: &str, system: &'static str) -> Option<f64> {
        let mut sorted = self.values.get(&(figure.to_owned(), system))?.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => None,
            count if count % 2 == 1 => Some(sorted[middle]),
            _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
        }
    }

    /// Lowest and highest value.
    pub(super) fn range(&self, figure: &str, system: &'static str) -> Option<(f64, f64)> {
        let values = self.values.get(&(figure.to_owned(), system))?;
        let lowest = values.iter().copied().reduce(f64::min)?;
        Some((lowest, values.iter().copied().reduce(f64::max)?))
    }

    pub(super) fn unit(&self, figure: &str) -> &str {
        self.units.get(figure).map_or("", String::as_str)
    }

    /// How Satchel stands to what a promise compares it with.
    pub(super) fn ratio(&self, promise: &Promise) -> Option<f64> {
        let ours = self.median(promise.figure, SATCHEL)?;
        let theirs = match promise.against {
            Against::Peer(peer) => self.median(promise.figure, peer)?,
            Against::Less(peer, figure) => self.median(figure, peer)?,
            Against::Own(figure) => self.median(figure, SATCHEL)?,
            Against::Number => 1.0,
        };
        Some(ours / theirs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contest(values: &[(&str, &'static str, f64)]) -> Contest {
        let mut contest = Contest::default();
        for (figure, system, value) in values {
            let sample = Sample { figure: (*figure).to_owned(), value: *value, unit: "ms".to_owned() };
            contest.add(system, "", vec![sample]);
        }
        contest
    }

    #[test]
    fn a_ratio_is_of_medians() {
        let contest = contest(&[
            ("edit p50", SATCHEL, 1.0),
            ("edit p50", SATCHEL, 3.0),
            ("edit p50", SATCHEL, 90.0),
            ("edit p50", Y_WEBSOCKET, 2.0),
        ]);
        assert_eq!(contest.ratio(&PROMISES[0]), Some(1.5));
        assert_eq!(contest.range("edit p50", SATCHEL), Some((1.0, 90.0)));
    }

    #[test]
    fn what_was_not_measured_has_no_ratio() {
        let contest = contest(&[("edit p50", SATCHEL, 1.0)]);
        assert_eq!(contest.ratio(&PROMISES[0]), None);
    }
}
