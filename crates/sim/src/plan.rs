//! What may happen in one history: how many apps, which faults, and how often each kind of step comes.
//!
//! Each seed leaves some kinds of fault out, so that rare meetings of the others are not drowned.

use rand_core::RngCore;

use crate::rng::SimRng;

/// One kind of step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Create,
    ChangeBody,
    Rename,
    Relocate,
    Trash,
    Resolve,
    Paste,
    Purge,
    History,
    Rotate,
    Connect,
    Break,
    Send,
    Exchange,
    Serve,
    Feed,
    Deliver,
    Ghost,
    Crash,
    Mishap,
    BackUpApp,
    RestoreApp,
    StopServer,
    StartServer,
    RestoreServer,
    JumpClock,
    Lie,
    Verify,
}

/// The kinds, with their weight when nothing is left out.
const WEIGHTS: [(Step, usize); 28] = [
    (Step::Create, 5),
    (Step::ChangeBody, 22),
    (Step::Rename, 7),
    (Step::Relocate, 6),
    (Step::Trash, 5),
    (Step::Resolve, 5),
    (Step::Paste, 2),
    (Step::Connect, 22),
    (Step::Break, 4),
    (Step::Send, 18),
    (Step::Exchange, 18),
    (Step::Serve, 10),
    (Step::Feed, 6),
    (Step::Deliver, 18),
    (Step::Ghost, 4),
    (Step::Crash, 3),
    (Step::Mishap, 4),
    (Step::BackUpApp, 2),
    (Step::RestoreApp, 2),
    (Step::StopServer, 3),
    (Step::StartServer, 8),
    (Step::RestoreServer, 3),
    (Step::JumpClock, 3),
    (Step::Lie, 5),
    (Step::Verify, 1),
    (Step::Purge, 4),
    (Step::History, 4),
    (Step::Rotate, 2),
];

/// What may happen in one history.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) apps: usize,
    pub(crate) steps: usize,
    pub(crate) max_apps: usize,
    /// Only the first app edits.
    pub(crate) solo: bool,
    /// Everyone edits the same one or two items.
    pub(crate) narrow: bool,
    weights: Vec<(Step, usize)>,
    total: usize,
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn new(seed: u64, steps: usize) -> Self {
        let mut rng = SimRng::new(seed, 1);
        let apps = 2 + rng.below(4);
        let solo = rng.one_in(12);
        let max_apps = if rng.one_in(4) { 2 } else { 0 };
        let goes_back = rng.one_in(10);
        let bits = rng.next_u64();
        let faults = [
            Step::Crash,
            Step::Mishap,
            Step::StopServer,
            Step::JumpClock,
            Step::Lie,
            Step::Ghost,
            Step::Trash,
            Step::Relocate,
            Step::Paste,
        ];
        let left_out = |step: Step| match step {
            Step::RestoreServer => !goes_back,
            // What only the lost disk had cannot be asked of a server that lost it too.
            Step::RestoreApp => goes_back || solo || bits & (1 << 40) != 0,
            Step::StopServer if goes_back => false,
            Step::Purge => bits & (0b1 << 42) == 0,
            Step::History => bits & (0b11 << 43) != 0,
            Step::Rotate => bits & (0b11 << 46) != 0,
            step => faults
                .iter()
                .position(|fault| *fault == step)
                .is_some_and(|at| bits & (0b11 << (2 * at)) == 0),
        };
        let weights: Vec<_> = WEIGHTS.into_iter().filter(|(step, _)| !left_out(*step)).collect();
        let total = weights.iter().map(|(_, weight)| weight).sum();
        let narrow = matches!(seed % 10, 1 | 5 | 8);
        Self { apps, steps, max_apps, solo, narrow, weights, total }
    }

    /// The next step.
    pub(crate) fn next(&self, rng: &mut SimRng) -> Step {
        let mut at = rng.below(self.total);
        for (step, weight) in &self.weights {
            if at < *weight {
                return *step;
            }
            at -= weight;
        }
        Step::Send
    }
}
