//! The requests around accounts: sign-up, sign-in, recovery, change of password, deletion.
//!
//! Passwords and keys stay on this side: the server sees OPAQUE messages, public keys and wraps. Each
//! function is one whole conversation and leaves nothing on this device; the core keeps what it gives.
//!
//! Knows nothing of the store and of connections.

use std::time::Duration;

use rand_core::{OsRng, RngCore};
use satchel_crypto::{
    AccountKey, AppCertificate, AppKey, ClientLogin, ClientRegistration, IdentityKeys, RecoveryCode,
};
use satchel_sync::Disconnected;
use satchel_wire::{
    AccountBundle, AccountId, AppId, AppKind, AppLogin, AppLoginReply, BundleUpdate, Bytes32, DeleteAccount,
    DeletionReceipt, ErrorCode, GrantId, PROTOCOL_VERSION, PasswordFinish, PasswordStart, PasswordStartReply,
    RecoverFinish, RecoverStart, RecoverStartReply, Refusal, SignInFinish, SignInFinishReply, SignInStart,
    SignInStartReply, SignUpFinish, SignUpFinishReply, SignUpStart, SignUpStartReply, Signature, Token,
    decode, encode,
};
use zeroize::Zeroizing;

use crate::api::{ApiError, ErrorKind, Secret};
use crate::credential::Credential;
use crate::problem::{disconnected, find_app, problem, refused};
use crate::server::{Server, not_satchel};

const ANSWER_TIME: Duration = Duration::from_secs(30);

/// Who signs in, where.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) server: Server,
    /// The server's URL as it is kept.
    pub(crate) url: String,
    pub(crate) email: String,
    pub(crate) app_name: String,
    /// The account whose data is here, and whose app's session has ended. It signs in as another app: charters
    /// may have revoked the one before, which is for good.
    pub(crate) before: Option<AccountId>,
}

/// The account's secrets, opened by a fresh proof.
struct Proven {
    grant: GrantId,
    account: AccountId,
    key: AccountKey,
    identity: IdentityKeys,
}

/// This app's part of a sign-in.
struct NewApp {
    app: AppId,
    key: AppKey,
    certificate: Vec<u8>,
}

/// Makes an account and signs in; gives the recovery code with it.
pub(crate) async fn sign_up(
    login: Login,
    password: Secret,
    invite: Option<String>,
) -> Result<(Credential, Secret), ApiError> {
    let tried = "signing up";
    let (state, request) =
        ClientRegistration::start(password.0.as_bytes(), &mut OsRng).map_err(|e| internal(tried, &e))?;
    let start = SignUpStart {
        protocol: PROTOCOL_VERSION,
        email: login.email.clone(),
        registration_request: request.into(),
        invite,
    };
    let bytes = login.post(tried, "/v1/signup/start", encode(&start)).await?;
    let reply: SignUpStartReply = decode("sign-up answer", &bytes).map_err(|e| strange(tried, &e))?;
    let (upload, export_key) = state
        .finish(password.0.as_bytes(), &reply.registration_response, &mut OsRng)
        .map_err(|e| strange(tried, &e))?;

    let account = AccountId::new(random());
    let key = AccountKey::make(&mut OsRng);
    let identity = IdentityKeys::make(&mut OsRng);
    let code = RecoveryCode::make(&mut OsRng);
    let public = identity.public();
    let bundle = AccountBundle {
        account,
        signing_key: Bytes32::new(public.signing),
        sealing_key: Bytes32::new(public.sealing),
        sealed_identity: key.seal_identity(&identity, account.as_bytes(), &mut OsRng).into(),
        wrapped_by_password: key.wrap_by_password(&export_key, account.as_bytes(), &mut OsRng).into(),
        wrapped_by_recovery: key.wrap_by_recovery(&code, account.as_bytes(), &mut OsRng).into(),
        recovery_key: Bytes32::new(code.recovery_key().public()),
    };
    let app = new_app(account, &identity);
    let finish = SignUpFinish {
        login: reply.login,
        registration_upload: upload.into(),
        bundle,
        app: login.app_login(None, &app, None),
    };
    let bytes = login.post(tried, "/v1/signup/finish", encode(&finish)).await?;
    let reply: SignUpFinishReply = decode("sign-up answer", &bytes).map_err(|e| strange(tried, &e))?;
    let code = Secret(code.expose_secret().to_string());
    let proven = Proven { grant: GrantId::new([0; 32]), account, key, identity };
    Ok((login.credential(&proven, &app, reply.token), code))
}

/// Signs in; `take_over` is the app (name or id) that makes room when all places are in use.
pub(crate) async fn sign_in(
    login: Login,
    password: Secret,
    take_over: Option<String>,
) -> Result<Credential, ApiError> {
    let proven = prove(&login.server, "signing in", &login.email, &password).await?;
    login.sign_app_in("signing in", &proven, take_over.as_deref()).await
}

/// Sets a new password by the recovery code, and signs in; gives a new code with it.
pub(crate) async fn recover(
    login: Login,
    code: Secret,
    password: Secret,
) -> Result<(Credential, Secret), ApiError> {
    let tried = "recovering the account";
    let code = RecoveryCode::parse(&code.0).map_err(|_| {
        problem(ErrorKind::Invalid, tried, "that is not a recovery code: it has 32 letters and digits")
    })?;
    let proven = prove_by_code(&login, tried, &code).await?;
    let new_code = RecoveryCode::make(&mut OsRng);
    let grant = set_password(&login.server, tried, &proven, &password, Some(&new_code), None).await?;
    let proven = Proven { grant, ..proven };
    let credential = login.sign_app_in(tried, &proven, None).await?;
    Ok((credential, Secret(new_code.expose_secret().to_string())))
}

/// Changes the password; this app stays signed in, every other session ends.
pub(crate) async fn change_password(
    server: Server,
    email: String,
    app: AppId,
    old: Secret,
    new: Secret,
) -> Result<(), ApiError> {
    let tried = "changing the password";
    let proven = prove(&server, tried, &email, &old).await?;
    set_password(&server, tried, &proven, &new, None, Some(app)).await.map(drop)
}

/// Proves the password, for [`delete_account`].
pub(crate) async fn prove_for_deletion(
    server: Server,
    email: String,
    password: Secret,
) -> Result<GrantId, ApiError> {
    prove(&server, "deleting the account", &email, &password).await.map(|proven| proven.grant)
}

/// Deletes the account on the server.
pub(crate) async fn delete_account(server: Server, grant: GrantId) -> Result<DeletionReceipt, ApiError> {
    let tried = "deleting the account";
    let delete = DeleteAccount { grant };
    let bytes = post(&server, tried, "/v1/account/delete", encode(&delete)).await?;
    decode("receipt", &bytes).map_err(|e| strange(tried, &e))
}

/// Proves the password and opens the account's keys.
async fn prove(server: &Server, tried: &str, email: &str, password: &Secret) -> Result<Proven, ApiError> {
    let (state, request) =
        ClientLogin::start(password.0.as_bytes(), &mut OsRng).map_err(|e| internal(tried, &e))?;
    let start = SignInStart {
        protocol: PROTOCOL_VERSION,
        email: email.to_owned(),
        credential_request: request.into(),
    };
    let bytes = post(server, tried, "/v1/signin/start", encode(&start)).await?;
    let reply: SignInStartReply = decode("sign-in answer", &bytes).map_err(|e| strange(tried, &e))?;
    let (finalization, export_key) = state
        .finish(password.0.as_bytes(), &reply.credential_response, &mut OsRng)
        .map_err(|_| unauthorized(tried))?;
    let finish = SignInFinish { login: reply.login, credential_finalization: finalization.into() };
    let bytes = post(server, tried, "/v1/signin/finish", encode(&finish)).await?;
    let reply: SignInFinishReply = decode("sign-in answer", &bytes).map_err(|e| strange(tried, &e))?;
    let account = reply.bundle.account;
    let key =
        AccountKey::unwrap_by_password(&export_key, account.as_bytes(), &reply.bundle.wrapped_by_password)
            .map_err(|e| strange(tried, &e))?;
    open_bundle(tried, reply.grant, &reply.bundle, key)
}

async fn prove_by_code(login: &Login, tried: &str, code: &RecoveryCode) -> Result<Proven, ApiError> {
    let start = RecoverStart { protocol: PROTOCOL_VERSION, email: login.email.clone() };
    let bytes = login.post(tried, "/v1/recover/start", encode(&start)).await?;
    let reply: RecoverStartReply = decode("recovery answer", &bytes).map_err(|e| strange(tried, &e))?;
    let proof = code.recovery_key().sign_challenge(reply.challenge.as_bytes());
    let finish = RecoverFinish { login: reply.login, proof: Signature::new(proof) };
    let bytes = login.post(tried, "/v1/recover/finish", encode(&finish)).await?;
    let reply: SignInFinishReply = decode("recovery answer", &bytes).map_err(|e| strange(tried, &e))?;
    let account = reply.bundle.account;
    let key = AccountKey::unwrap_by_recovery(code, account.as_bytes(), &reply.bundle.wrapped_by_recovery)
        .map_err(|e| strange(tried, &e))?;
    open_bundle(tried, reply.grant, &reply.bundle, key)
}

/// Opens the identity and checks that the public keys are the ones that belong to it.
fn open_bundle(
    tried: &str,
    grant: GrantId,
    bundle: &AccountBundle,
    key: AccountKey,
) -> Result<Proven, ApiError> {
    let identity = key
        .open_identity(bundle.account.as_bytes(), &bundle.sealed_identity)
        .map_err(|e| strange(tried, &e))?;
    let public = identity.public();
    if &public.signing != bundle.signing_key.as_bytes() || &public.sealing != bundle.sealing_key.as_bytes() {
        return Err(problem(
            ErrorKind::LyingServer,
            tried,
            "the server shows keys that are not this account's",
        ));
    }
    Ok(Proven { grant, account: bundle.account, key, identity })
}

async fn set_password(
    server: &Server,
    tried: &str,
    proven: &Proven,
    password: &Secret,
    recovery: Option<&RecoveryCode>,
    keep: Option<AppId>,
) -> Result<GrantId, ApiError> {
    let (state, request) =
        ClientRegistration::start(password.0.as_bytes(), &mut OsRng).map_err(|e| internal(tried, &e))?;
    let start = PasswordStart { grant: proven.grant, registration_request: request.into() };
    let bytes = post(server, tried, "/v1/password/start", encode(&start)).await?;
    let reply: PasswordStartReply = decode("password answer", &bytes).map_err(|e| strange(tried, &e))?;
    let (upload, export_key) = state
        .finish(password.0.as_bytes(), &reply.registration_response, &mut OsRng)
        .map_err(|e| strange(tried, &e))?;
    let wrap = proven.key.wrap_by_password(&export_key, proven.account.as_bytes(), &mut OsRng);
    let recovery = recovery.map(|code| {
        let wrap = proven.key.wrap_by_recovery(code, proven.account.as_bytes(), &mut OsRng);
        (wrap.into(), Bytes32::new(code.recovery_key().public()))
    });
    let update = BundleUpdate { wrapped_by_password: wrap.into(), recovery };
    let finish = PasswordFinish { grant: proven.grant, registration_upload: upload.into(), update, keep };
    let bytes = post(server, tried, "/v1/password/finish", encode(&finish)).await?;
    let reply: SignInFinishReply = decode("password answer", &bytes).map_err(|e| strange(tried, &e))?;
    Ok(reply.grant)
}

impl Login {
    async fn post(&self, tried: &str, route: &str, body: Vec<u8>) -> Result<Vec<u8>, ApiError> {
        post(&self.server, tried, route, body).await
    }

    fn app_login(&self, grant: Option<GrantId>, app: &NewApp, take_over: Option<AppId>) -> AppLogin {
        AppLogin {
            grant,
            app: app.app,
            name: self.app_name.clone(),
            kind: AppKind::CommandLine,
            certificate: app.certificate.clone().into(),
            take_over,
        }
    }

    async fn sign_app_in(
        &self,
        tried: &str,
        proven: &Proven,
        take_over: Option<&str>,
    ) -> Result<Credential, ApiError> {
        if self.before.is_some_and(|before| before != proven.account) {
            let detail = "this profile holds another account's data; sign out first";
            return Err(problem(ErrorKind::SignedIn, tried, detail));
        }
        let app = new_app(proven.account, &proven.identity);
        let token = match self.ask_token(proven, &app, None).await {
            Err(Disconnected::Refused(refusal))
                if refusal.code == ErrorCode::AppLimit && take_over.is_some() =>
            {
                // The refusal did not use the grant up: choose from its list and ask again.
                let victim = find_app(tried, &refusal.apps, take_over.unwrap_or_default())?;
                self.ask_token(proven, &app, Some(victim)).await
            }
            first => first,
        };
        let token = token.map_err(|why| disconnected_login(tried, &why))?;
        Ok(self.credential(proven, &app, token))
    }

    async fn ask_token(
        &self,
        proven: &Proven,
        app: &NewApp,
        take_over: Option<AppId>,
    ) -> Result<Token, Disconnected> {
        let login = self.app_login(Some(proven.grant), app, take_over);
        let bytes = self.server.post("/v1/signin/app", encode(&login), ANSWER_TIME).await?;
        let reply: AppLoginReply =
            decode("sign-in answer", &bytes).map_err(|error| not_satchel(format!("it sent a {error}")))?;
        Ok(reply.token)
    }

    fn credential(&self, proven: &Proven, app: &NewApp, token: Token) -> Credential {
        Credential {
            server: self.url.clone(),
            email: self.email.clone(),
            account: proven.account,
            app: app.app,
            app_name: self.app_name.clone(),
            token,
            certificate: app.certificate.clone(),
            app_secret: app.key.expose_secret(),
            identity_secret: proven.identity.expose_secret(),
            account_secret: Zeroizing::new(*proven.key.expose_secret()),
        }
    }
}

fn new_app(account: AccountId, identity: &IdentityKeys) -> NewApp {
    let (app, key) = (AppId::new(random()), AppKey::make(&mut OsRng));
    let certificate = AppCertificate::issue(identity, *account.as_bytes(), *app.as_bytes(), key.public());
    NewApp { app, key, certificate }
}

async fn post(server: &Server, tried: &str, route: &str, body: Vec<u8>) -> Result<Vec<u8>, ApiError> {
    server.post(route, body, ANSWER_TIME).await.map_err(|why| disconnected_login(tried, &why))
}

/// A refusal before sign-in is about the password, not about a session.
fn disconnected_login(tried: &str, why: &Disconnected) -> ApiError {
    match why {
        Disconnected::Refused(refusal) if refusal.code == ErrorCode::Unauthorized => {
            unauthorized_because(tried, refusal)
        }
        Disconnected::Refused(refusal) => refused(tried, refusal, None),
        why => disconnected(tried, why, None),
    }
}

fn unauthorized_because(tried: &str, refusal: &Refusal) -> ApiError {
    if refusal.detail.is_empty() { unauthorized(tried) } else { refused(tried, refusal, None) }
}

fn unauthorized(tried: &str) -> ApiError {
    problem(ErrorKind::Unauthorized, tried, "the e-mail and the secret do not belong together")
}

fn strange(tried: &str, error: &impl std::fmt::Display) -> ApiError {
    problem(ErrorKind::NotSatchel, tried, format!("the server's answer is not usable: {error}"))
}

fn internal(tried: &str, error: &impl std::fmt::Display) -> ApiError {
    problem(ErrorKind::Internal, tried, error.to_string())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

/// A name for this app when none was chosen: the machine's.
pub(crate) fn machine_name() -> String {
    let read = |path: &str| std::fs::read_to_string(path).ok().map(|name| name.trim().to_owned());
    let name = read("/proc/sys/kernel/hostname").or_else(|| read("/etc/hostname"));
    let name = name.or_else(|| std::env::var("HOSTNAME").ok()).filter(|name| !name.is_empty());
    let mut name = name.unwrap_or_else(|| "this computer".into());
    while name.len() > satchel_wire::limits::APP_NAME_BYTES_MAX {
        name.pop();
    }
    name
}
