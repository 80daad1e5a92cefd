//! What an import could not carry over, in words, within limits.

/// The most losses that are listed one by one.
const LOSSES_MAX: usize = 100;

/// A number with a word for one or for several.
pub(crate) fn counted(count: usize, one: &str, several: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {several}") }
}

/// A list of losses under construction.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    lines: Vec<String>,
    more: usize,
}

impl Losses {
    /// Notes a loss; the same one is noted once.
    pub(crate) fn add(&mut self, line: impl Into<String>) {
        let line = line.into();
        if self.lines.contains(&line) {
            return;
        }
        if self.lines.len() < LOSSES_MAX {
            self.lines.push(line);
        } else {
            self.more += 1;
        }
    }

    /// The list, in the order in which the losses were found.
    pub(crate) fn into_lines(mut self) -> Vec<String> {
        if self.more > 0 {
            self.lines.push(format!("and {} more", self.more));
        }
        self.lines
    }
}
