//! What a lying server, or a broken disk below it, makes of a frame.

use satchel_wire::{Chain, Digest, ServerFrame, Signature};

use crate::rng::SimRng;

/// What was done to a frame.
pub(crate) enum Lie {
    /// The frame says something else than was signed.
    Changed(&'static str),
    /// The frame does not come.
    Withheld,
}

/// Changes a frame, if there is something in it that can be changed unseen.
pub(crate) fn tell(frame: &mut ServerFrame, rng: &mut SimRng) -> Option<Lie> {
    match frame {
        ServerFrame::Entry { header, envelopes, .. } => match rng.below(4) {
            0 => Some(Lie::Withheld),
            1 if !envelopes.is_empty() => {
                let at = rng.below(envelopes.len());
                flip(&mut envelopes[at], rng);
                Some(Lie::Changed("an entry with another envelope"))
            }
            2 => {
                flip(&mut header.header, rng);
                Some(Lie::Changed("an entry with another header"))
            }
            _ => {
                header.signature = flip_signature(header.signature, rng);
                Some(Lie::Changed("an entry with another signature"))
            }
        },
        ServerFrame::Headers { headers, .. } => {
            let at = rng.below(headers.len());
            headers[at].signature = flip_signature(headers[at].signature, rng);
            Some(Lie::Changed("headers with another signature"))
        }
        ServerFrame::Page { envelopes, .. } => {
            let at = rng.below(envelopes.len());
            flip(&mut envelopes[at].envelope, rng);
            Some(Lie::Changed("a page with another envelope"))
        }
        ServerFrame::CaughtUp { head, digest, .. } => {
            if rng.one_in(2) {
                let mut bytes = *digest.as_bytes();
                flip(&mut bytes, rng);
                *digest = Digest::new(bytes);
                return Some(Lie::Changed("another digest at the end of a catch-up"));
            }
            let mut bytes = *head.chain.as_bytes();
            flip(&mut bytes, rng);
            head.chain = Chain::new(bytes);
            Some(Lie::Changed("another chain at the end of a catch-up"))
        }
        _ => None,
    }
}

fn flip_signature(signature: Signature, rng: &mut SimRng) -> Signature {
    let mut bytes = *signature.as_bytes();
    flip(&mut bytes, rng);
    Signature::new(bytes)
}

/// Turns one bit of some bytes.
fn flip(bytes: &mut [u8], rng: &mut SimRng) {
    if bytes.is_empty() {
        return;
    }
    let at = rng.below(bytes.len());
    bytes[at] ^= 1 << rng.below(8);
}
