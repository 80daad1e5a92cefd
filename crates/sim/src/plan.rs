//! What may happen in one history: how many apps, which faults, and how often each kind of step comes.
//!
//! Each seed leaves some kinds of fault out, so that rare meetings of the others are not drowned.

use rand_core::RngCore;

use crate::person::Seat;
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
    Invite,
    Join,
    SetRole,
    Remove,
    Leave,
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
const WEIGHTS: [(Step, usize); 33] = [
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
    (Step::Invite, 5),
    (Step::Join, 8),
    (Step::SetRole, 5),
    (Step::Remove, 3),
    (Step::Leave, 1),
];

/// One seed in so many has several people.
const PEOPLE: u64 = 8;
/// Accounts of a world with several people, at most.
const ACCOUNTS: usize = 4;

/// What may happen in one history.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) apps: usize,
    /// People with an account each; the first one founds the workspace and stays.
    pub(crate) accounts: usize,
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
        let has_people = seed % PEOPLE == 4;
        let apps = if has_people { apps.max(3) } else { apps };
        let accounts = if has_people { apps.min(ACCOUNTS) } else { 1 };
        let (solo, max_apps) = if has_people { (false, 0) } else { (solo, max_apps) };
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
            Step::Invite | Step::Join | Step::SetRole | Step::Remove | Step::Leave => !has_people,
            // A restored server has lost who was removed: what its apps then show is decided by people.
            Step::RestoreServer | Step::RestoreApp | Step::Lie if has_people => true,
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
        Self { apps, accounts, steps, max_apps, solo, narrow, weights, total }
    }

    /// The account of an app; what there is over goes to the first one.
    pub(crate) fn seat(&self, app: usize) -> Seat {
        Seat { account: if app < self.accounts { app } else { 0 }, app }
    }

    /// Whether there are several people.
    pub(crate) fn has_people(&self) -> bool {
        self.accounts > 1
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
