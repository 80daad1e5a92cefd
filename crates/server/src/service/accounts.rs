//! The requests before a connection: sign-up, sign-in, recovery, password, deletion.
//!
//! Invariants: an unknown e-mail gets the same answers as a known one, after the same work; a wrong
//! password, code, login or grant is `Unauthorized` without saying which; tokens and grants leave
//! here once and are kept only as hashes.

use std::net::IpAddr;

use rand_core::{CryptoRng, RngCore};
use satchel_crypto::{AppCertificate, PasswordFile, derive_token_hash, verify_recovery};
use satchel_wire::limits::{APP_NAME_BYTES_MAX, EMAIL_BYTES_MAX};
use satchel_wire::{
    AccountBundle, AccountId, AppId, AppLogin, AppLoginReply, Bytes32, DeleteAccount, DeletionReceipt,
    ErrorCode, LoginId, Nonce, PasswordFinish, PasswordStart, PasswordStartReply, RecoverFinish,
    RecoverStart, RecoverStartReply, Refusal, SignInFinish, SignInFinishReply, SignInStart, SignInStartReply,
    SignUpFinish, SignUpFinishReply, SignUpStart, SignUpStartReply, Token,
};

use super::grants::{Login, Taken};
use super::{Service, check_protocol, places, refuse};
use crate::config::SignUp;
use crate::store::{AccountRow, Made, NewAccount, NewApp, SignedIn};
use crate::throttle::TooEarly;

/// Longest sealed or wrapped value of an account, in bytes.
const SEALED_BYTES_MAX: usize = 1024;
/// The Ed25519 base point: stands for the recovery key of an e-mail without an account, so that a
/// wrong proof costs the same.
const NOBODYS_KEY: [u8; 32] = {
    let mut key = [0x66; 32];
    key[0] = 0x58;
    key
};

/// Who asks, for throttling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address(pub IpAddr);

impl Service {
    /// `POST /v1/signup/start`.
    ///
    /// # Errors
    /// `UnsupportedVersion`, `Throttled`, `SignUpClosed`, `BadRequest`, `Unavailable`. A taken e-mail
    /// is told at the end only, to who has shown a whole registration.
    pub fn sign_up_start<R: RngCore + CryptoRng>(
        &self,
        from: Address,
        request: &SignUpStart,
        now_ms: u64,
        rng: &mut R,
    ) -> Result<SignUpStartReply, Refusal> {
        check_protocol(request.protocol)?;
        self.count_request(from, now_ms)?;
        let invite = self.check_invite(request.invite.as_deref())?;
        let email = normalise(&request.email)?;
        let registration_response = self
            .setup
            .register(&request.registration_request, email.as_bytes())
            .map_err(|_| bad("not a registration request"))?
            .into();
        let login = self.grants.put_login(Login::SignUp { email, invite }, now_ms, rng);
        Ok(SignUpStartReply { login, registration_response })
    }

    /// `POST /v1/signup/finish`.
    ///
    /// # Errors
    /// `Throttled`, `Unauthorized` for an unknown login, `BadRequest`, `BadSignature`, `EmailTaken`,
    /// `SignUpClosed`, `Unavailable`.
    pub fn sign_up_finish<R: RngCore + CryptoRng>(
        &self,
        from: Address,
        request: &SignUpFinish,
        now_ms: u64,
        rng: &mut R,
    ) -> Result<SignUpFinishReply, Refusal> {
        self.count_request(from, now_ms)?;
        check_bundle(&request.bundle)?;
        let (account, signing) = (request.bundle.account, request.bundle.signing_key);
        let (app, token) = check_app(account, signing, &request.app, now_ms, rng)?;
        let file =
            PasswordFile::from_upload(&request.registration_upload).map_err(|_| bad("not a registration"))?;
        let Some(Login::SignUp { email, invite }) = self.grants.take_login(request.login, now_ms) else {
            return Err(unauthorized());
        };
        let bundle = request.bundle.clone();
        let made = self.store.make_account(NewAccount {
            email,
            bundle,
            password_file: file.to_bytes(),
            app,
            invite,
        });
        match made.map_err(|error| refuse(&error))? {
            Made::Account => Ok(SignUpFinishReply { token, incarnation: self.incarnation() }),
            Made::EmailTaken => Err(Refusal::new(ErrorCode::EmailTaken, "the e-mail has an account already")),
            Made::IdTaken => Err(bad("the account's id is in use")),
            Made::InviteUnknown => Err(sign_up_closed()),
        }
    }

    /// `POST /v1/signin/start`.
    ///
    /// # Errors
    /// `UnsupportedVersion`, `Throttled`, `BadRequest`, `Unavailable`.
    pub fn sign_in_start<R: RngCore + CryptoRng>(
        &self,
        from: Address,
        request: &SignInStart,
        now_ms: u64,
        rng: &mut R,
    ) -> Result<SignInStartReply, Refusal> {
        check_protocol(request.protocol)?;
        self.count_request(from, now_ms)?;
        let email = normalise(&request.email)?;
        self.throttle.begin(&email, from.0, now_ms).map_err(throttled)?;
        let row = self.store.account_by_email(&email).map_err(|error| refuse(&error))?;
        let file = row.as_ref().map(|row| PasswordFile::from_bytes(&row.password_file)).transpose();
        let file =
            file.map_err(|_| Refusal::new(ErrorCode::Internal, "the stored password file is damaged"))?;
        let (state, answer) = self
            .setup
            .login(file.as_ref(), &request.credential_request, email.as_bytes(), rng)
            .map_err(|_| bad("not a credential request"))?;
        let account = row.filter(|row| !row.is_disabled).map(|row| row.bundle.account);
        let login = Login::SignIn { email, account, state: Box::new(state) };
        let login = self.grants.put_login(login, now_ms, rng);
        Ok(SignInStartReply { login, credential_response: answer.into() })
    }

    /// `POST /v1/signin/finish`.
    ///
    /// # Errors
    /// `Throttled`, `Unauthorized`, `Unavailable`.
    pub fn sign_in_finish<R: RngCore + CryptoRng>(
        &self,
        from: Address,
        request: &SignInFinish,
        now_ms: u64,
        rng: &mut R,
    ) -> Result<SignInFinishReply, Refusal> {
        self.count_request(from, now_ms)?;
        let Some(Login::SignIn { email, account, state }) = self.take_login(request.login, now_ms) else {
            return Err(unauthorized());
        };
        let proved = state.finish(&request.credential_finalization).is_ok();
        let account = account.filter(|_| proved).ok_or_else(unauthorized)?;
        self.throttle.succeed(&email, from.0);
        self.grant(account, now_ms, rng)
    }

    /// `POST /v1/signin/app`.
    ///
    /// # Errors
    /// `Throttled`, `Unauthorized`, `AppLimit` with the apps that hold the places, `BadRequest`,
    /// `BadSignature`, `Quota`, `Unavailable`. After an error the grant is still good.
    pub fn sign_in_app<R: RngCore + CryptoRng>(
        &self,
        from: Address,
        request: &AppLogin,
        now_ms: u64,
        rng: &mut R,
    ) -> Result<AppLoginReply, Refusal> {
        self.count_request(from, now_ms)?;
        let grant = request.grant.ok_or_else(unauthorized)?;
        let taken = self.grants.take(&grant, now_ms).ok_or_else(unauthorized)?;
        self.using(taken, |account| self.sign_app_in(account, request, now_ms, rng))
    }

    /// `POST /v1/recover/start`.
    ///
    /// # Errors
    /// `UnsupportedVersion`, `Throttled`, `BadRequest`, `Unavailable`.
    pub fn recover_start<R: RngCore + CryptoRng>(
        &self,
        from: Address,
        request: &RecoverStart,
        now_ms: u64,
        rng: &mut R,
    ) -> Result<RecoverStartReply, Refusal> {
        check_protocol(request.protocol)?;
        self.count_request(from, now_ms)?;
        let email = normalise(&request.email)?;
        self.throttle.begin(&email, from.0, now_ms).map_err(throttled)?;
        let row = self.store.account_by_email(&email).map_err(|error| refuse(&error))?;
        let mut challenge = [0; 32];
        rng.fill_bytes(&mut challenge);
        let challenge = Nonce::new(challenge);
        let account = row.filter(|row| !row.is_disabled).map(|row| row.bundle.account);
        let login = self.grants.put_login(Login::Recover { email, account, challenge }, now_ms, rng);
        Ok(RecoverStartReply { login, challenge })
    }

    /// `POST /v1/recover/finish`.
    ///
    /// # Errors
    /// `Throttled`, `Unauthorized`, `Unavailable`.
    pub fn recover_finish<R: RngCore + CryptoRng>(
        &self,
        from: Address,
        request: &RecoverFinish,
        now_ms: u64,
        rng: &mut R,
    ) -> Result<SignInFinishReply, Refusal> {
        self.count_request(from, now_ms)?;
        let Some(Login::Recover { email, account, challenge }) = self.take_login(request.login, now_ms)
        else {
            return Err(unauthorized());
        };
        let row = account.map(|account| self.find(account)).transpose()?;
        let key = row.map_or(NOBODYS_KEY, |(_, row)| *row.bundle.recovery_key.as_bytes());
        let proved = verify_recovery(&key, challenge.as_bytes(), request.proof.as_bytes()).is_ok();
        let account = account.filter(|_| proved).ok_or_else(unauthorized)?;
        self.throttle.succeed(&email, from.0);
        self.grant(account, now_ms, rng)
    }

    /// `POST /v1/password/start`. The grant stays good.
    ///
    /// # Errors
    /// `Throttled`, `Unauthorized`, `BadRequest`, `Unavailable`.
    pub fn password_start(
        &self,
        from: Address,
        request: &PasswordStart,
        now_ms: u64,
    ) -> Result<PasswordStartReply, Refusal> {
        self.count_request(from, now_ms)?;
        let taken = self.grants.take(&request.grant, now_ms).ok_or_else(unauthorized)?;
        let account = taken.account;
        self.grants.give_back(taken);
        let (email, _) = self.find(account)?;
        let response = self.setup.register(&request.registration_request, email.as_bytes());
        let response = response.map_err(|_| bad("not a registration request"))?;
        Ok(PasswordStartReply { registration_response: response.into() })
    }

    /// `POST /v1/password/finish`. Every session but the kept app's ends.
    ///
    /// # Errors
    /// `Throttled`, `Unauthorized`, `BadRequest`, `Unavailable`. After an error the grant is still good.
    pub fn password_finish<R: RngCore + CryptoRng>(
        &self,
        from: Address,
        request: &PasswordFinish,
        now_ms: u64,
        rng: &mut R,
    ) -> Result<SignInFinishReply, Refusal> {
        self.count_request(from, now_ms)?;
        let taken = self.grants.take(&request.grant, now_ms).ok_or_else(unauthorized)?;
        let account = taken.account;
        let ended = self.using(taken, |account| self.set_password(account, request))?;
        // Also of apps whose sign-in is still under way: the password they proved is the old one.
        self.grants.revoke(account);
        let why = Refusal::new(ErrorCode::SessionEnded, "the password was changed");
        let gone = self.places.clear(account, |app| ended.contains(&app), None);
        self.end_each(gone, &why);
        self.grant(account, now_ms, rng)
    }

    /// `POST /v1/account/delete`.
    ///
    /// # Errors
    /// `Throttled`, `Unauthorized`, `InTeams` with the rosters of the account, `LastAdmin` with the workspaces
    /// that would be without an admin, `Unavailable`. After an error the grant is still good.
    pub fn delete_account(
        &self,
        from: Address,
        request: &DeleteAccount,
        now_ms: u64,
    ) -> Result<DeletionReceipt, Refusal> {
        self.count_request(from, now_ms)?;
        let taken = self.grants.take(&request.grant, now_ms).ok_or_else(unauthorized)?;
        let account = taken.account;
        let receipt =
            self.using(taken, |account| self.store.delete_account(account).map_err(|error| refuse(&error)))?;
        self.grants.revoke(account);
        let why = Refusal::new(ErrorCode::SessionEnded, "the account was deleted");
        let gone = self.places.clear(account, |_| true, None);
        self.end_each(gone, &why);
        Ok(receipt)
    }

    /// Makes an invitation to this server.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn make_invite<R: RngCore + CryptoRng>(&self, now_ms: u64, rng: &mut R) -> Result<String, Refusal> {
        let (token, hash) = make_token(rng);
        self.store.add_invite(hash, now_ms).map_err(|error| refuse(&error))?;
        Ok(token.to_string())
    }

    fn count_request(&self, from: Address, now_ms: u64) -> Result<(), Refusal> {
        self.throttle.request(from.0, now_ms).map_err(throttled)
    }

    fn check_invite(&self, invite: Option<&str>) -> Result<Option<[u8; 32]>, Refusal> {
        match self.config.sign_up {
            SignUp::Open => Ok(None),
            SignUp::Closed => Err(sign_up_closed()),
            SignUp::Invite => {
                let token: Option<Token> = invite.and_then(|invite| invite.trim().parse().ok());
                let hash = derive_token_hash(token.ok_or_else(sign_up_closed)?.as_bytes());
                let known = self.store.has_invite(&hash).map_err(|error| refuse(&error))?;
                if known { Ok(Some(hash)) } else { Err(sign_up_closed()) }
            }
        }
    }

    fn take_login(&self, login: LoginId, now_ms: u64) -> Option<Login> {
        self.grants.take_login(login, now_ms)
    }

    fn find(&self, account: AccountId) -> Result<(String, AccountRow), Refusal> {
        let found = self.store.account(account).map_err(|error| refuse(&error))?;
        found.filter(|(_, row)| !row.is_disabled).ok_or_else(unauthorized)
    }

    /// A grant for an account that has just proven itself.
    pub(crate) fn grant<R: RngCore + CryptoRng>(
        &self,
        account: AccountId,
        now_ms: u64,
        rng: &mut R,
    ) -> Result<SignInFinishReply, Refusal> {
        let (_, row) = self.find(account)?;
        Ok(SignInFinishReply { grant: self.grants.make(account, now_ms, rng), bundle: row.bundle })
    }

    /// Uses a grant up, unless what it is for fails.
    fn using<T>(
        &self,
        taken: Taken,
        act: impl FnOnce(AccountId) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let result = act(taken.account);
        if result.is_err() {
            self.grants.give_back(taken);
        }
        result
    }

    fn sign_app_in<R: RngCore + CryptoRng>(
        &self,
        account: AccountId,
        request: &AppLogin,
        now_ms: u64,
        rng: &mut R,
    ) -> Result<AppLoginReply, Refusal> {
        let (_, row) = self.find(account)?;
        let (app, token) = check_app(account, row.bundle.signing_key, request, now_ms, rng)?;
        if let Err(places::Refused::Full(holders)) =
            self.places.check_room(account, app.app, request.take_over)
        {
            return Err(self.app_limit(account, &holders, now_ms));
        }
        let (id, name) = (app.app, app.name.clone());
        match self.store.sign_in(account, app).map_err(|error| refuse(&error))? {
            SignedIn::App => {}
            SignedIn::TooMany => return Err(Refusal::new(ErrorCode::Quota, "too many apps are signed in")),
        }
        // An earlier session of the same app ended by this.
        self.end_app(account, id, None, &Refusal::new(ErrorCode::SessionEnded, "the app signed in again"));
        self.end_all(self.places.make_room(account, id, request.take_over, &name), now_ms);
        Ok(AppLoginReply { token, incarnation: self.incarnation() })
    }

    fn set_password(&self, account: AccountId, request: &PasswordFinish) -> Result<Vec<AppId>, Refusal> {
        let file =
            PasswordFile::from_upload(&request.registration_upload).map_err(|_| bad("not a registration"))?;
        check_sealed(&request.update.wrapped_by_password)?;
        if let Some((wrap, _)) = &request.update.recovery {
            check_sealed(wrap)?;
        }
        self.store
            .set_password(account, file.to_bytes(), request.update.clone(), request.keep)
            .map_err(|error| refuse(&error))
    }
}

fn bad(detail: &str) -> Refusal {
    Refusal::new(ErrorCode::BadRequest, detail)
}

fn unauthorized() -> Refusal {
    Refusal::new(ErrorCode::Unauthorized, "the proof is wrong or too old")
}

fn sign_up_closed() -> Refusal {
    Refusal::new(ErrorCode::SignUpClosed, "this server needs an invitation, or takes no new accounts")
}

fn throttled(early: TooEarly) -> Refusal {
    let mut refusal = Refusal::new(ErrorCode::Throttled, "too many requests or failed sign-ins");
    refusal.retry_ms = Some(early.retry_ms);
    refusal
}

/// Trimmed and in lower case, as e-mails are compared.
fn normalise(email: &str) -> Result<String, Refusal> {
    if email.len() > EMAIL_BYTES_MAX {
        return Err(bad("the e-mail is too long"));
    }
    let email = email.trim().to_lowercase();
    let parts = email.split_once('@');
    let whole = parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if !whole || email.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return Err(bad("that is no e-mail"));
    }
    Ok(email)
}

fn check_bundle(bundle: &AccountBundle) -> Result<(), Refusal> {
    [&bundle.sealed_identity, &bundle.wrapped_by_password, &bundle.wrapped_by_recovery]
        .into_iter()
        .try_for_each(|sealed| check_sealed(sealed))
}

fn check_sealed(sealed: &[u8]) -> Result<(), Refusal> {
    if sealed.is_empty() || sealed.len() > SEALED_BYTES_MAX {
        return Err(bad("a wrapped key of a wrong length"));
    }
    Ok(())
}

fn make_token<R: RngCore + CryptoRng>(rng: &mut R) -> (Token, [u8; 32]) {
    let mut secret = [0; 32];
    rng.fill_bytes(&mut secret);
    (Token::new(secret), derive_token_hash(&secret))
}

/// Checks an app's name and certificate, and makes its token.
fn check_app<R: RngCore + CryptoRng>(
    account: AccountId,
    signing_key: Bytes32,
    login: &AppLogin,
    now_ms: u64,
    rng: &mut R,
) -> Result<(NewApp, Token), Refusal> {
    let name = login.name.trim();
    if name.is_empty() || name.len() > APP_NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err(bad("the app's name is empty, too long or not printable"));
    }
    let refused = || Refusal::new(ErrorCode::BadSignature, "the app's certificate does not verify");
    let certificate =
        AppCertificate::verify(&login.certificate, signing_key.as_bytes()).map_err(|_| refused())?;
    if certificate.account != *account.as_bytes() || certificate.app != *login.app.as_bytes() {
        return Err(refused());
    }
    let (token, token_hash) = make_token(rng);
    let key = Bytes32::new(certificate.key);
    Ok((NewApp { app: login.app, name: name.to_owned(), kind: login.kind, key, token_hash, now_ms }, token))
}
