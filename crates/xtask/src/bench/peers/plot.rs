//! The medians as a picture: a group of bars for each figure, on a logarithmic scale against Satchel's.

use std::fmt::Write;

use super::contest::Contest;
use super::report::FIGURES;
use super::{SATCHEL, SYSTEMS};

/// The figures that have a peer.
const SHOWN: &[&str] = &[
    "edit p50",
    "edit p99",
    "burst server CPU per edit",
    "fresh tree",
    "fresh all",
    "fresh bytes",
    "idle memory",
    "subscribers p50",
];
const COLOURS: &[&str] = &["#1b7f5c", "#5b7db1", "#c58b3a", "#9a5fa8", "#8a8a8a"];
const WIDTH: f64 = 760.0;
const LEFT: f64 = 250.0;
const BAR: f64 = 13.0;
const GAP: f64 = 12.0;
const TOP: f64 = 46.0;
/// The scale goes from a hundredth to a thousand times Satchel's.
const LOWEST: f64 = 0.01;
const HIGHEST: f64 = 1_000.0;

/// The picture as SVG, readable on light and dark ground.
pub(super) fn svg(contest: &Contest) -> String {
    let mut body = String::new();
    let mut y = TOP;
    for figure in SHOWN {
        let Some(ours) = contest.median(figure, SATCHEL) else { continue };
        let name = FIGURES.iter().find(|(id, _)| id == figure).map_or(*figure, |(_, name)| name);
        line(&mut body, &text(8.0, y + BAR, "start", name));
        for (index, system) in SYSTEMS.iter().enumerate() {
            let Some(value) = contest.median(figure, system) else { continue };
            let width = place(value / ours) - LEFT;
            line(
                &mut body,
                &format!(
                    "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
                    BAR - 2.0,
                    COLOURS[index],
                ),
            );
            let label = format!("{value:.3} {}", contest.unit(figure));
            line(&mut body, &text(LEFT + width + 5.0, y + BAR - 3.0, "start", &label));
            y += BAR;
        }
        y += GAP;
    }
    let height = y + 10.0;
    let (legend, axis) = (legend(), axis(y));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{axis}{legend}{body}</svg>\n"
    )
}

fn place(ratio: f64) -> f64 {
    let span = (HIGHEST / LOWEST).log10();
    let part = (ratio.clamp(LOWEST, HIGHEST) / LOWEST).log10() / span;
    LEFT + part * (WIDTH - LEFT - 90.0)
}

fn legend() -> String {
    let mut legend = String::new();
    let mut x = 8.0;
    for (system, colour) in SYSTEMS.iter().zip(COLOURS) {
        line(
            &mut legend,
            &format!("<rect x=\"{x}\" y=\"10\" width=\"10\" height=\"10\" fill=\"{colour}\"/>"),
        );
        line(&mut legend, &text(x + 14.0, 19.0, "start", system));
        x += 120.0;
    }
    legend
}

/// A line where a value is as large as Satchel's.
fn axis(bottom: f64) -> String {
    let x = place(1.0);
    let mut axis = String::new();
    line(
        &mut axis,
        &format!(
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{bottom:.1}\" stroke=\"#cccccc\"/>",
            TOP - 6.0
        ),
    );
    line(&mut axis, &text(x, TOP - 10.0, "middle", "as Satchel (logarithmic; shorter is better)"));
    axis
}

fn text(x: f64, y: f64, anchor: &str, words: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#333333\">{words}</text>")
}

fn line(to: &mut String, words: &str) {
    writeln!(to, "{words}").expect("a text takes words");
}

#[cfg(test)]
mod tests {
    use super::super::Y_WEBSOCKET;
    use super::super::contest::Sample;
    use super::*;

    #[test]
    fn a_picture_has_a_bar_for_each_median() {
        let mut contest = Contest::default();
        for (system, value) in [(SATCHEL, 1.0), (Y_WEBSOCKET, 2.0)] {
            let sample = Sample { figure: "edit p50".to_owned(), value, unit: "ms".to_owned() };
            contest.add(system, "", vec![sample]);
        }
        let picture = svg(&contest);
        let bars = picture.matches("<rect").count();
        assert_eq!(bars, 1 + SYSTEMS.len() + 2, "the ground, the legend and two bars:\n{picture}");
    }

    #[test]
    fn the_scale_is_logarithmic_and_ends() {
        assert!((place(1.0) - LEFT) / (place(10.0) - place(1.0)) > 1.9);
        assert!((place(1e9) - place(HIGHEST)).abs() < 1e-9);
    }
}
