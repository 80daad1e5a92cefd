//! Sign-up and sign-in by OPAQUE (RFC 9807): the server never sees the password or anything equal to it.
//!
//! ```text
//! app                                     server
//! ClientRegistration::start ──request──▶ ServerSetup::register
//!                    finish ◀──response──
//!        ExportKey          ──upload────▶ PasswordFile::from_upload
//!
//! ClientLogin::start        ──KE1───────▶ ServerSetup::login
//!             finish        ◀──KE2──────
//!        ExportKey          ──KE3───────▶ ServerLogin::finish
//! ```
//!
//! The suite: ristretto255, 3DH, SHA-512, Argon2id with the parameters written here. They are part of the
//! suite: other ones find no account. The session key is not used; what follows has keys of its own.
//! It knows nothing of e-mails, throttling or storage.

use std::error::Error;
use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use opaque_ke::errors::ProtocolError;
use opaque_ke::{
    CipherSuite, ClientLoginFinishParameters, ClientRegistrationFinishParameters, CredentialFinalization,
    CredentialRequest, CredentialResponse, Identifiers, RegistrationRequest, RegistrationResponse,
    RegistrationUpload, Ristretto255, ServerLoginParameters, ServerRegistration, TripleDh,
};
use rand_core::{CryptoRng, RngCore};
use sha2::Sha512;
use zeroize::{Zeroize, Zeroizing};

use crate::primitive::redact;

const CONTEXT: &[u8] = b"satchel opaque 1";
const NO_NAMES: Identifiers<'static> = Identifiers { client: None, server: None };
/// Argon2id as OWASP recommends it: 19 MiB, two passes, one lane.
const ARGON2_KIB: u32 = 19 * 1024;
const ARGON2_PASSES: u32 = 2;
const ARGON2_LANES: u32 = 1;

#[derive(Debug)]
struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, Sha512>;
    type Ksf = Argon2<'static>;
}

/// Why a step of a sign-up or sign-in failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpaqueError {
    /// The password is wrong, or there is no such account: the two cannot be told apart.
    WrongPassword,
    /// A message or stored state is not in its one form, or not an answer to what was sent.
    Malformed {
        /// What was read.
        what: &'static str,
        /// What the protocol said; none if it was only the length.
        source: Option<ProtocolError>,
    },
    /// The protocol failed within.
    Protocol {
        /// What it said.
        source: ProtocolError,
    },
}

impl fmt::Display for OpaqueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongPassword => f.write_str("checking the password: it is wrong, or there is no account"),
            Self::Malformed { what, .. } => write!(f, "reading {what}: its form is not valid"),
            Self::Protocol { .. } => f.write_str("running the password protocol"),
        }
    }
}

impl Error for OpaqueError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::WrongPassword => None,
            Self::Malformed { source, .. } => source.as_ref().map(|source| source as &(dyn Error + 'static)),
            Self::Protocol { source } => Some(source),
        }
    }
}

/// What an error means at the end of a sign-in.
fn refuse(source: ProtocolError) -> OpaqueError {
    match source {
        ProtocolError::InvalidLoginError => OpaqueError::WrongPassword,
        source => OpaqueError::Protocol { source },
    }
}

/// Reads one message in its one form: the types of `opaque_ke` may leave bytes unread.
macro_rules! read {
    ($type:ty, $what:literal, $bytes:expr) => {{
        let bytes: &[u8] = $bytes;
        let read = <$type>::deserialize(bytes)
            .map_err(|source| OpaqueError::Malformed { what: $what, source: Some(source) })?;
        if read.serialize().as_slice() != bytes {
            return Err(OpaqueError::Malformed { what: $what, source: None });
        }
        read
    }};
}

fn make_stretch() -> Argon2<'static> {
    let params = Params::new(ARGON2_KIB, ARGON2_PASSES, ARGON2_LANES, None)
        .expect("the constants are within what Argon2 allows");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// What the password gives to the app alone: it wraps the account key.
pub struct ExportKey(Zeroizing<[u8; 64]>);

impl ExportKey {
    /// Takes the key and wipes where it came from.
    fn take(bytes: &mut [u8]) -> Self {
        let mut key = Zeroizing::new([0; 64]);
        key.copy_from_slice(bytes); // SHA-512 gives 64 bytes
        bytes.zeroize();
        Self(key)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// The app's side of a sign-up or of a new password.
pub struct ClientRegistration(opaque_ke::ClientRegistration<Suite>);

impl ClientRegistration {
    /// Begins; gives the request.
    pub fn start<R: RngCore + CryptoRng>(
        password: &[u8],
        rng: &mut R,
    ) -> Result<(Self, Vec<u8>), OpaqueError> {
        let started = opaque_ke::ClientRegistration::start(rng, password).map_err(refuse)?;
        Ok((Self(started.state), started.message.serialize().to_vec()))
    }

    /// Takes the server's response; gives the upload and the export key. Takes a moment (Argon2id).
    pub fn finish<R: RngCore + CryptoRng>(
        self,
        password: &[u8],
        response: &[u8],
        rng: &mut R,
    ) -> Result<(Vec<u8>, ExportKey), OpaqueError> {
        let response = read!(RegistrationResponse<Suite>, "the registration response", response);
        let stretch = make_stretch();
        let parameters = ClientRegistrationFinishParameters::new(NO_NAMES, Some(&stretch));
        let mut finished = self.0.finish(rng, password, response, parameters).map_err(refuse)?;
        let upload = finished.message.serialize().to_vec();
        Ok((upload, ExportKey::take(&mut finished.export_key)))
    }
}

/// The app's side of a sign-in.
pub struct ClientLogin(opaque_ke::ClientLogin<Suite>);

impl ClientLogin {
    /// Begins; gives KE1.
    pub fn start<R: RngCore + CryptoRng>(
        password: &[u8],
        rng: &mut R,
    ) -> Result<(Self, Vec<u8>), OpaqueError> {
        let started = opaque_ke::ClientLogin::start(rng, password).map_err(refuse)?;
        Ok((Self(started.state), started.message.serialize().to_vec()))
    }

    /// Takes KE2; gives KE3 and the export key. Takes a moment (Argon2id).
    pub fn finish<R: RngCore + CryptoRng>(
        self,
        password: &[u8],
        ke2: &[u8],
        rng: &mut R,
    ) -> Result<(Vec<u8>, ExportKey), OpaqueError> {
        let response = read!(CredentialResponse<Suite>, "the sign-in response", ke2);
        let stretch = make_stretch();
        let parameters = ClientLoginFinishParameters::new(Some(CONTEXT), NO_NAMES, Some(&stretch));
        let mut finished = self.0.finish(rng, password, response, parameters).map_err(refuse)?;
        finished.session_key.zeroize();
        let ke3 = finished.message.serialize().to_vec();
        Ok((ke3, ExportKey::take(&mut finished.export_key)))
    }
}

/// The server's own secrets. Losing them makes every password useless, so they are in its backups.
pub struct ServerSetup(opaque_ke::ServerSetup<Suite>);

impl ServerSetup {
    /// Makes a random setup.
    pub fn make<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        Self(opaque_ke::ServerSetup::new(rng))
    }

    /// The stored form.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = self.0.serialize();
        let stored = Zeroizing::new(bytes.to_vec());
        bytes.zeroize();
        stored
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OpaqueError> {
        Ok(Self(read!(opaque_ke::ServerSetup<Suite>, "the server's password setup", bytes)))
    }

    /// Answers a registration request. `credential` names the account for good.
    pub fn register(&self, request: &[u8], credential: &[u8]) -> Result<Vec<u8>, OpaqueError> {
        let request = read!(RegistrationRequest<Suite>, "the registration request", request);
        let started = ServerRegistration::<Suite>::start(&self.0, request, credential).map_err(refuse)?;
        Ok(started.message.serialize().to_vec())
    }

    /// Answers KE1 with KE2.
    ///
    /// Without a file (an unknown e-mail) the answer has the same shape, takes the same work, and leads
    /// to [`OpaqueError::WrongPassword`] on the app.
    pub fn login<R: RngCore + CryptoRng>(
        &self,
        file: Option<&PasswordFile>,
        ke1: &[u8],
        credential: &[u8],
        rng: &mut R,
    ) -> Result<(ServerLogin, Vec<u8>), OpaqueError> {
        let request = read!(CredentialRequest<Suite>, "the sign-in request", ke1);
        let file = file.map(|file| file.0.clone());
        let started =
            opaque_ke::ServerLogin::start(rng, &self.0, file, request, credential, server_parameters())
                .map_err(refuse)?;
        Ok((ServerLogin(started.state), started.message.serialize().to_vec()))
    }
}

fn server_parameters() -> ServerLoginParameters<'static, 'static> {
    ServerLoginParameters { context: Some(CONTEXT), identifiers: NO_NAMES }
}

/// What the server keeps of a password.
pub struct PasswordFile(ServerRegistration<Suite>);

impl PasswordFile {
    /// Takes the upload that ends a registration.
    pub fn from_upload(upload: &[u8]) -> Result<Self, OpaqueError> {
        let upload = read!(RegistrationUpload<Suite>, "the registration upload", upload);
        Ok(Self(ServerRegistration::finish(upload)))
    }

    /// The stored form.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.serialize().to_vec()
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OpaqueError> {
        Ok(Self(read!(ServerRegistration<Suite>, "the password file", bytes)))
    }
}

/// The server's side of a sign-in between KE2 and KE3.
pub struct ServerLogin(opaque_ke::ServerLogin<Suite>);

impl ServerLogin {
    /// Takes KE3: the app has proved the password.
    pub fn finish(self, ke3: &[u8]) -> Result<(), OpaqueError> {
        let last = read!(CredentialFinalization<Suite>, "the sign-in proof", ke3);
        let mut finished = self.0.finish(last, server_parameters()).map_err(refuse)?;
        finished.session_key.zeroize();
        Ok(())
    }

    /// The stored form, for a server that does not keep it in memory.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = self.0.serialize();
        let stored = Zeroizing::new(bytes.to_vec());
        bytes.zeroize();
        stored
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OpaqueError> {
        Ok(Self(read!(opaque_ke::ServerLogin<Suite>, "a sign-in under way", bytes)))
    }
}

redact!(ExportKey, ClientRegistration, ClientLogin, ServerSetup, PasswordFile, ServerLogin);
