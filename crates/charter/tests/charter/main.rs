//! The charter's rules, one sentence each, and what holds after any sequence of entries.

mod history;
mod keys;
mod random;
mod rules;
mod world;
