//! The attacks: one row each, in a file for each place where a server can lie.
//!
//! A lie is made of a few pieces: [`server`] changes frames in place, [`server_many`] says any number of frames
//! for one, [`answer`] changes the body of an answer. What it does not touch is passed on.

mod accounts;
mod catching_up;
mod fresh;
mod live;
mod members;
mod own;
mod people;

use satchel_wire::{ServerFrame, SignedHeader};

use crate::harness::Attack;
use crate::proxy::{Lie, Memory, Said, Say};

/// A workspace that is none of the people here.
pub(crate) const FOREIGN: satchel_wire::WorkspaceId = satchel_wire::WorkspaceId::new([0xaa; 16]);

/// Every group of attacks: its name and its rows.
pub(crate) fn groups() -> Vec<(&'static str, Vec<Attack>)> {
    vec![
        ("live", live::attacks()),
        ("members", members::attacks()),
        ("catching up", catching_up::attacks()),
        ("own", own::attacks()),
        ("fresh", fresh::attacks()),
        ("packed", fresh::packed()),
        ("pruned", fresh::pruned()),
        ("people", people::attacks()),
        ("accounts", accounts::attacks()),
    ]
}

/// The rows of one group.
pub(crate) fn group(name: &str) -> Vec<Attack> {
    let found = groups().into_iter().find(|(own, _)| *own == name);
    found.map(|(_, attacks)| attacks).expect("there is such a group")
}

/// Changes frames of the server in place.
fn server(mut change: impl FnMut(&Memory, &mut ServerFrame) + Send + 'static) -> Lie {
    server_many(move |memory, mut frame| {
        change(memory, &mut frame);
        vec![frame]
    })
}

/// Says any number of frames for each frame of the server.
fn server_many(mut say: impl FnMut(&Memory, ServerFrame) -> Vec<ServerFrame> + Send + 'static) -> Lie {
    Box::new(move |memory, said| match said {
        Said::Server(frame) => say(memory, frame).into_iter().map(Say::ToApp).collect(),
        other => pass(other),
    })
}

/// Changes the body of the answer at a route.
fn answer(route: &'static str, mut change: impl FnMut(&Memory, &mut Vec<u8>) + Send + 'static) -> Lie {
    Box::new(move |memory, said| match said {
        Said::Answer(at, mut body) if at == route => {
            change(memory, &mut body);
            vec![Say::Answer(body)]
        }
        other => pass(other),
    })
}

fn pass(said: Said) -> Vec<Say> {
    vec![said.honestly()]
}

/// A live entry of `Shop` that is about to be said.
struct Told {
    seq: u64,
    header: SignedHeader,
    envelopes: Vec<Vec<u8>>,
}

impl Told {
    fn frame(self, memory: &Memory) -> ServerFrame {
        ServerFrame::Entry {
            workspace: memory.shop,
            seq: self.seq,
            header: self.header,
            envelopes: self.envelopes.into_iter().map(Into::into).collect(),
        }
    }
}

/// Changes each live entry of `Shop`.
fn entry(mut change: impl FnMut(&Memory, &mut Told) + Send + 'static) -> Lie {
    server(move |memory, frame| {
        if let ServerFrame::Entry { workspace, seq, header, envelopes } = frame
            && *workspace == memory.shop
        {
            let envelopes = envelopes.iter().map(|envelope| envelope.to_vec()).collect();
            let mut told = Told { seq: *seq, header: header.clone(), envelopes };
            change(memory, &mut told);
            *frame = told.frame(memory);
        }
    })
}

/// Flips one bit of the byte in the middle.
fn flip(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
}

/// The same signature with one bit flipped.
fn flip_signature(header: &mut SignedHeader) {
    let mut bytes = *header.signature.as_bytes();
    flip(&mut bytes);
    header.signature = satchel_wire::Signature::new(bytes);
}

/// The same header with one bit flipped.
fn flip_header(header: &mut SignedHeader) {
    let mut bytes = header.header.to_vec();
    flip(&mut bytes);
    header.header = bytes.into();
}
