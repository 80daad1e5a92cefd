//! Charts in SVG, drawn of sums that do not grow with the run.

use std::fmt::Write as _;

use super::text::{escaped, time};

/// The most buckets that a series keeps.
pub const BUCKETS: usize = 240;
/// The most bars of a bar chart.
pub(super) const BARS: usize = 20;

/// Times in the order of a run, in buckets of equal counts: when all are full, two become one.
#[derive(Debug, Clone, Default)]
pub(super) struct Series {
    buckets: Vec<Bucket>,
    /// How many times one bucket holds.
    span: u64,
}

/// Some times that came after each other.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    count: u64,
    sum: f64,
    max: f64,
    failed: u64,
}

impl Series {
    /// Adds a time in milliseconds, and whether something failed with it.
    pub(super) fn add(&mut self, ms: f64, failed: bool) {
        self.span = self.span.max(1);
        if self.buckets.last().is_none_or(|bucket| bucket.count == self.span) {
            if self.buckets.len() == BUCKETS {
                self.halve();
            }
            self.buckets.push(Bucket::default());
        }
        if let Some(bucket) = self.buckets.last_mut() {
            bucket.count += 1;
            bucket.sum += ms;
            bucket.max = bucket.max.max(ms);
            bucket.failed += u64::from(failed);
        }
    }

    fn halve(&mut self) {
        let merged = self.buckets.chunks(2).map(|pair| {
            let join = |one: Bucket, other: &Bucket| Bucket {
                count: one.count + other.count,
                sum: one.sum + other.sum,
                max: one.max.max(other.max),
                failed: one.failed + other.failed,
            };
            pair.iter().fold(Bucket::default(), join)
        });
        self.buckets = merged.collect();
        self.span *= 2;
    }

    /// How many buckets it has.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.buckets.len()
    }

    /// The chart: a bar for each bucket up to its mean, a mark at its greatest.
    #[expect(
        clippy::cast_precision_loss,
        reason = "there are at most a few hundred buckets, and places are rounded"
    )]
    pub(super) fn svg(&self) -> String {
        const WIDTH: f64 = 720.0;
        const HEIGHT: f64 = 160.0;
        let top = self.buckets.iter().map(|bucket| bucket.max).fold(0.0, f64::max).max(0.001);
        let step = WIDTH / self.buckets.len().max(1) as f64;
        let height = |ms: f64| ms / top * HEIGHT;
        let mut svg = format!(
            "<svg viewBox=\"0 0 800 200\" role=\"img\" aria-label=\"Response times in the order of the run, up to {}\">\n",
            time(top)
        );
        for (part, place) in [(1.0, 10.0), (0.5, 10.0 + HEIGHT / 2.0), (0.0, 10.0 + HEIGHT)] {
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"70\" x2=\"790\" y1=\"{place}\" y2=\"{place}\"/><text x=\"64\" y=\"{}\" text-anchor=\"end\">{}</text>",
                place + 4.0,
                if part == 0.0 { "0".to_owned() } else { time(top * part) }
            );
        }
        for (place, bucket) in self.buckets.iter().enumerate() {
            let x = 70.0 + place as f64 * step;
            let mean = bucket.sum / bucket.count.max(1) as f64;
            let class = if bucket.failed > 0 { "bad" } else { "bar" };
            let words = match (bucket.count, bucket.failed) {
                (1, 0) => time(mean),
                (1, _) => format!("{}, failed", time(mean)),
                (count, failed) => format!(
                    "{count} requests, mean {}, slowest {}, {failed} failed",
                    time(mean),
                    time(bucket.max)
                ),
            };
            let _ = writeln!(
                svg,
                "<g><title>{words}</title><rect class=\"{class}\" x=\"{x:.1}\" width=\"{:.1}\" y=\"{:.1}\" height=\"{:.1}\"/><rect class=\"{class}\" x=\"{x:.1}\" width=\"{:.1}\" y=\"{:.1}\" height=\"1.5\"/></g>",
                (step * 0.8).max(0.5),
                10.0 + HEIGHT - height(mean),
                height(mean),
                (step * 0.8).max(0.5),
                10.0 + HEIGHT - height(bucket.max),
            );
        }
        svg + "<text x=\"70\" y=\"190\">first request</text><text x=\"790\" y=\"190\" text-anchor=\"end\">last request</text>\n</svg>\n"
    }
}

/// Bars with names, the longest first as given; of more than [`BARS`], the first.
#[expect(clippy::cast_precision_loss, reason = "places are rounded")]
pub(super) fn bars(label: &str, rows: &[(String, u64)]) -> String {
    let rows = &rows[..rows.len().min(BARS)];
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1) as f64;
    let height = 24 * rows.len() + 8;
    let mut svg =
        format!("<svg viewBox=\"0 0 800 {height}\" role=\"img\" aria-label=\"{}\">\n", escaped(label));
    for (place, (name, count)) in rows.iter().enumerate() {
        let y = 24 * place + 4;
        let short: String = name.chars().take(40).collect();
        let short = if short.len() < name.len() { format!("{short}…") } else { short };
        let _ = writeln!(
            svg,
            "<g><title>{}</title><text x=\"300\" y=\"{}\" text-anchor=\"end\">{}</text><rect class=\"bad\" x=\"308\" y=\"{y}\" width=\"{:.1}\" height=\"18\"/><text x=\"{:.1}\" y=\"{}\">{count}</text></g>",
            escaped(name),
            y + 14,
            escaped(&short),
            *count as f64 / most * 430.0,
            314.0 + *count as f64 / most * 430.0,
            y + 14,
        );
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Series};

    #[test]
    fn a_million_times_need_no_more_buckets() {
        let mut series = Series::default();
        for place in 0..1_000_000_u32 {
            series.add(f64::from(place % 7), place % 100_000 == 0);
        }
        assert!((BUCKETS / 2..=BUCKETS).contains(&series.len()), "{}", series.len());
        let count: u64 = series.buckets.iter().map(|bucket| bucket.count).sum();
        let failed: u64 = series.buckets.iter().map(|bucket| bucket.failed).sum();
        assert_eq!((count, failed), (1_000_000, 10));
        assert!(series.svg().len() < 200_000);
    }
}
