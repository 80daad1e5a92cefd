//! Lies around accounts: signing up, signing in, recovering.

use satchel_client::api::ErrorKind;
use satchel_wire::{
    AppLoginReply, Bytes32, RecoverStartReply, SignInFinishReply, SignInStartReply, SignUpStartReply, Token,
    decode, encode,
};

use super::{answer, flip};
use crate::harness::{Attack, Ends, Scene};
use crate::proxy::Lie;

fn sign_in(kind: &'static str, name: &'static str, ends: ErrorKind, lie: fn() -> Lie) -> Attack {
    Attack::new(kind, name, Scene::SignIn, Ends::Refused(ends), lie)
}

/// Changes the first answer of a sign-in.
fn start(change: fn(&mut Vec<u8>)) -> Lie {
    answer("/v1/signin/start", move |_, body| {
        let mut reply: SignInStartReply = decode("answer", body).expect("it is one");
        let mut response = reply.credential_response.to_vec();
        change(&mut response);
        reply.credential_response = response.into();
        *body = encode(&reply);
    })
}

/// Changes the keys that come with a proof.
fn bundle(route: &'static str, change: fn(&mut satchel_wire::AccountBundle)) -> Lie {
    answer(route, move |_, body| {
        let mut reply: SignInFinishReply = decode("answer", body).expect("it is one");
        change(&mut reply.bundle);
        *body = encode(&reply);
    })
}

fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    flip(&mut bytes);
    bytes
}

const SIGN_IN: &str = "/v1/signin/finish";
const RECOVER: &str = "/v1/recover/finish";

pub(super) fn attacks() -> Vec<Attack> {
    let mut rows = sign_ins();
    rows.extend(others());
    rows
}

fn sign_ins() -> Vec<Attack> {
    vec![
        sign_in("altered OPAQUE", "one bit of the server's message", ErrorKind::Unauthorized, || {
            start(|response| flip(response))
        }),
        sign_in("altered OPAQUE", "the server's message cut off", ErrorKind::Unauthorized, || {
            start(|response| response.truncate(100))
        }),
        sign_in(
            "altered OPAQUE",
            "the server's message with its bytes in reverse",
            ErrorKind::Unauthorized,
            || start(|response| *response = response.iter().rev().copied().collect()),
        ),
        sign_in("substituted keys", "another public signing key", ErrorKind::LyingServer, || {
            bundle(SIGN_IN, |bundle| bundle.signing_key = Bytes32::new([1; 32]))
        }),
        sign_in("substituted keys", "another public encryption key", ErrorKind::LyingServer, || {
            bundle(SIGN_IN, |bundle| bundle.sealing_key = Bytes32::new([1; 32]))
        }),
        sign_in("substituted keys", "one bit of the sealed identity", ErrorKind::NotSatchel, || {
            bundle(SIGN_IN, |bundle| bundle.sealed_identity = flipped(&bundle.sealed_identity).into())
        }),
        sign_in("substituted keys", "one bit of the wrapped account key", ErrorKind::NotSatchel, || {
            bundle(SIGN_IN, |bundle| {
                bundle.wrapped_by_password = flipped(&bundle.wrapped_by_password).into();
            })
        }),
        sign_in("mixed accounts", "another account's id", ErrorKind::NotSatchel, || {
            bundle(SIGN_IN, |bundle| bundle.account = satchel_wire::AccountId::new([2; 16]))
        }),
        sign_in("limits", "an answer that is no message", ErrorKind::NotSatchel, || {
            answer(SIGN_IN, |_, body| *body = b"<html>".to_vec())
        }),
        sign_in("limits", "an answer over the limit", ErrorKind::NotSatchel, || {
            answer(SIGN_IN, |_, body| *body = vec![0; satchel_wire::limits::FRAME_BYTES_MAX + 1])
        }),
        sign_in("limits", "an answer with bytes after its end", ErrorKind::NotSatchel, || {
            answer(SIGN_IN, |_, body| body.push(0))
        }),
        Attack::new(
            "swap",
            "another token for a new app",
            Scene::SignIn,
            Ends::Link("session_ended"),
            || {
                answer("/v1/signin/app", |_, body| {
                    let mut reply: AppLoginReply = decode("answer", body).expect("it is one");
                    reply.token = Token::new([1; 32]);
                    *body = encode(&reply);
                })
            },
        ),
    ]
}

fn others() -> Vec<Attack> {
    let refused = Ends::Refused(ErrorKind::NotSatchel);
    vec![
        Attack::new("altered OPAQUE", "a registration that is no point", Scene::SignUp, refused, || {
            answer("/v1/signup/start", |_, body| {
                let mut reply: SignUpStartReply = decode("answer", body).expect("it is one");
                reply.registration_response = vec![0xff; reply.registration_response.len()].into();
                *body = encode(&reply);
            })
        }),
        Attack::new(
            "recovery",
            "one bit of the key under the recovery code",
            Scene::Recover,
            refused,
            || {
                bundle(RECOVER, |bundle| {
                    bundle.wrapped_by_recovery = flipped(&bundle.wrapped_by_recovery).into();
                })
            },
        ),
        Attack::new(
            "recovery",
            "another account's public key with the recovery",
            Scene::Recover,
            Ends::Refused(ErrorKind::LyingServer),
            || bundle(RECOVER, |bundle| bundle.signing_key = Bytes32::new([1; 32])),
        ),
        Attack::new(
            "recovery",
            "another challenge than the server knows",
            Scene::Recover,
            Ends::Refused(ErrorKind::Unauthorized),
            || {
                answer("/v1/recover/start", |_, body| {
                    let mut reply: RecoverStartReply = decode("answer", body).expect("it is one");
                    reply.challenge = satchel_wire::Nonce::new([0; 32]);
                    *body = encode(&reply);
                })
            },
        ),
    ]
}
