//! The charter: who may read and write a workspace, by which app keys, under which epoch keys.
//!
//! Why it exists: an app believes nothing that a server says of people, and a server must not take what apps
//! would refuse. Both read the same entries with this one set of rules.
//!
//! ```text
//!  Founding ──▶ Charter ──apply(entry)──▶ Charter ──▶ …        roles, apps, invitations, epochs
//!                  │                                             (rules.rs judges, state.rs enacts)
//!                  ├── check(header)    may this app write records here and now?
//!                  └── open_keys        the epoch keys that this account can open (keys.rs)
//! ```
//!
//! Invariants: the state is a pure function of the charter's entries in their order; an entry that is not
//! accepted changes nothing; a charter once founded always has an admin; an entry counts only under the
//! epoch that holds at its point, so that whoever was removed cannot be joined by a late entry; an account
//! that is no member has no app that may write.
//!
//! It knows no clock (whether an invitation has expired is the server's to say), no file, no network, and no
//! other ledger: whether someone is in a team's roster is a question between two charters
//! ([`Charter::strangers`]). Randomness is an argument.

#![deny(missing_docs)]

mod error;
mod keys;
mod make;
mod rules;
mod state;

pub use error::CharterError;
pub use keys::{EpochKeys, open_keys};
pub use make::{Joiner, NewMember, make_invite, make_join, make_member, make_rotation};
pub use state::{Charter, CharterApp, Member, OpenInvite, SealedName, Source};
