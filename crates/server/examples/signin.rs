//! Whether the time or the size of an answer tells if an e-mail has an account.
//!
//! 2,000 sign-ins with a wrong proof through the real service and store, every other one with a known
//! e-mail: the sizes of the answers, and the medians of the times. It fails where they can be told apart.

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand_core::{OsRng, RngCore};
use satchel_crypto::{AppCertificate, AppKey, ClientLogin, ClientRegistration, IdentityKeys};
use satchel_server::Config;
use satchel_server::service::{Address, Outcome, Publish, Service};
use satchel_server::store::sqlite::{DataDir, SqliteStore};
use satchel_wire::{
    AccountBundle, AccountId, AppId, AppKind, AppLogin, Bytes32, PROTOCOL_VERSION, SignInFinish, SignInStart,
    SignUpFinish, SignUpStart, encode,
};

const TRIES: usize = 2_000;
const APART_MAX: Duration = Duration::from_millis(2);
const HERE: Address = Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
const KNOWN: &str = "known@example.org";
const UNKNOWN: &str = "other@example.org";

#[derive(Debug)]
struct Deaf;

impl Publish for Deaf {
    fn publish(&self, _: Outcome) {}
}

fn sign_up(service: &Service) {
    let (client, request) = ClientRegistration::start(b"secret", &mut OsRng).expect("it starts");
    let start = SignUpStart {
        protocol: PROTOCOL_VERSION,
        email: KNOWN.to_owned(),
        registration_request: request.into(),
        invite: None,
    };
    let reply = service.sign_up_start(HERE, &start, 1, &mut OsRng).expect("it is open");
    let (upload, _) =
        client.finish(b"secret", &reply.registration_response, &mut OsRng).expect("it finishes");
    let (keys, key) = (IdentityKeys::make(&mut OsRng), AppKey::make(&mut OsRng));
    let public = keys.public();
    let (account, app) = ([1; 16], [2; 16]);
    let bundle = AccountBundle {
        account: AccountId::new(account),
        signing_key: Bytes32::new(public.signing),
        sealing_key: Bytes32::new(public.sealing),
        sealed_identity: vec![1; 100].into(),
        wrapped_by_password: vec![1; 72].into(),
        wrapped_by_recovery: vec![1; 72].into(),
        recovery_key: Bytes32::new([1; 32]),
    };
    let app = AppLogin {
        grant: None,
        app: AppId::new(app),
        name: "app".to_owned(),
        kind: AppKind::CommandLine,
        certificate: AppCertificate::issue(&keys, account, app, key.public()).into(),
        take_over: None,
    };
    let finish = SignUpFinish { login: reply.login, registration_upload: upload.into(), bundle, app };
    service.sign_up_finish(HERE, &finish, 1, &mut OsRng).expect("it is taken");
}

/// One sign-in that is refused: how long it took, and the sizes of its two answers.
fn try_it(service: &Service, email: &str, request: &[u8]) -> (Duration, usize, String) {
    let start = SignInStart {
        protocol: PROTOCOL_VERSION,
        email: email.to_owned(),
        credential_request: request.to_vec().into(),
    };
    let begin = Instant::now();
    let reply = service.sign_in_start(HERE, &start, 1, &mut OsRng).expect("it answers");
    let finish = SignInFinish { login: reply.login, credential_finalization: vec![7; 64].into() };
    let refused = service.sign_in_finish(HERE, &finish, 1, &mut OsRng).expect_err("the proof is wrong");
    (begin.elapsed(), encode(&reply).len(), format!("{refused:?}"))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn main() -> ExitCode {
    let mut name = [0; 8];
    OsRng.fill_bytes(&mut name);
    let folder = std::env::temp_dir().join(format!("satchel-signin-{:016x}", u64::from_be_bytes(name)));
    let publish: Arc<dyn Publish> = Arc::new(Deaf);
    let data = DataDir::lock(&folder).expect("the folder can be made");
    let store = SqliteStore::open(data, publish.clone(), &mut OsRng).expect("it opens");
    let (login_requests_per_minute, login_failures_max) = (u32::MAX, u32::MAX);
    let config = Config { login_requests_per_minute, login_failures_max, ..Config::default() };
    let service = Service::new(Arc::new(store), publish, config).expect("the setup reads");
    sign_up(&service);
    let (_, request) = ClientLogin::start(b"wrong", &mut OsRng).expect("it starts");
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    let mut answers = Vec::new();
    for turn in 0..TRIES {
        let (email, times) = if turn % 2 == 0 { (KNOWN, &mut known) } else { (UNKNOWN, &mut unknown) };
        let (time, size, refused) = try_it(&service, email, &request);
        times.push(time);
        answers.push((size, refused));
    }
    answers.dedup();
    drop(service);
    // It lies among temporary files; one that stays does no harm.
    let _ = std::fs::remove_dir_all(&folder);
    let (known, unknown) = (median(known), median(unknown));
    let apart = known.abs_diff(unknown);
    println!("{TRIES} sign-ins: known {known:?}, unknown {unknown:?}, {apart:?} apart; answers: {answers:?}");
    if apart <= APART_MAX && answers.len() == 1 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
