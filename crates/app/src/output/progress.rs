//! A bar on a terminal for work that takes more than a second.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use satchel_client::api::Progress;

use super::Out;

/// Shorter work shows nothing.
const QUIET_TIME: Duration = Duration::from_secs(1);

/// The bar of one call.
pub(crate) struct Bar {
    begun: Instant,
    is_wanted: bool,
    shown: Option<ProgressBar>,
}

impl Bar {
    /// A bar that shows once the work takes long.
    pub(crate) fn new(out: Out) -> Self {
        let is_wanted = !out.quiet && !out.json && io::stderr().is_terminal();
        Self { begun: Instant::now(), is_wanted, shown: None }
    }

    /// Hears how far the work is.
    pub(crate) fn hear(&mut self, progress: &Progress) {
        if !self.is_wanted || self.begun.elapsed() < QUIET_TIME {
            return;
        }
        let bar = self.shown.get_or_insert_with(|| first(progress));
        bar.set_style(style(progress.total > 0));
        bar.set_message(progress.phase.clone());
        bar.set_length(progress.total.max(progress.done));
        bar.set_position(progress.done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

/// A bar that is right from its first drawing.
fn first(progress: &Progress) -> ProgressBar {
    ProgressBar::new(progress.total.max(progress.done))
        .with_style(style(progress.total > 0))
        .with_message(progress.phase.clone())
        .with_position(progress.done)
}

fn style(is_length_known: bool) -> ProgressStyle {
    let template = if is_length_known {
        "{msg:<10} [{bar:30}] {human_pos}/{human_len} {eta}"
    } else {
        "{msg:<10} {spinner} {human_pos}"
    };
    ProgressStyle::with_template(template).expect("the templates above are well formed").progress_chars("=> ")
}
