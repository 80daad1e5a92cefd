//! TLS: whom to trust, what to show, and what a handshake came to.
//!
//! A certificate is always verified. Where the settings do not enforce it the handshake goes on, and the response
//! says what was wrong with it.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore,
    SignatureScheme, SupportedProtocolVersion,
};
use rustls_platform_verifier::Verifier;

use crate::http::{SendError, Settings};

/// How many sets of extra authorities have their verifier kept.
const VERIFIERS_KEPT: usize = 8;

/// Why a certificate or key file cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateFault {
    /// It holds no certificate in PEM.
    NoCertificate,
    /// It holds no private key in PEM.
    NoKey,
    /// Its key is encrypted, and passphrases are not supported.
    EncryptedKey,
    /// Its PEM is malformed.
    Malformed,
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCertificate => "it holds no certificate in PEM",
            Self::NoKey => "it holds no private key in PEM",
            Self::EncryptedKey => "its private key is encrypted",
            Self::Malformed => "its PEM is malformed",
        })
    }
}

impl Error for CertificateFault {}

/// Authorities to trust beside the system's. A server's own certificate may be one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraRoots {
    certificates: Vec<CertificateDer<'static>>,
}

impl ExtraRoots {
    /// Reads certificates in PEM.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateFault> {
        certificates(pem).map(|certificates| Self { certificates })
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateFault> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|_| CertificateFault::Malformed)?;
    if read.is_empty() { Err(CertificateFault::NoCertificate) } else { Ok(read) }
}

/// What this side shows when a server asks who it is.
pub struct ClientCertificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl ClientCertificate {
    /// Reads a chain and a private key in PEM; both may be in one file.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateFault> {
        let chain = certificates(chain)?;
        let encrypted = key.windows(ENCRYPTED.len()).any(|it| it == ENCRYPTED)
            || key.windows(ENCRYPTED_OLD.len()).any(|it| it == ENCRYPTED_OLD);
        let missing = if encrypted { CertificateFault::EncryptedKey } else { CertificateFault::NoKey };
        let key = PrivateKeyDer::from_pem_slice(key).ok().filter(|_| !encrypted).ok_or(missing)?;
        Ok(Self { chain, key })
    }
}

const ENCRYPTED: &[u8] = b"BEGIN ENCRYPTED PRIVATE KEY";
const ENCRYPTED_OLD: &[u8] = b"Proc-Type: 4,ENCRYPTED";

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").field("chain", &self.chain.len()).finish_non_exhaustive()
    }
}

impl PartialEq for ClientCertificate {
    fn eq(&self, other: &Self) -> bool {
        // The certificate binds the public key, and so the private one.
        self.chain == other.chain
    }
}

impl Eq for ClientCertificate {}

/// Why a handshake failed, or what is wrong with a certificate that was not enforced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsFault {
    /// The other end does not speak TLS.
    NotTls,
    /// The certificate's authority is not trusted.
    Untrusted,
    /// The certificate is for another host.
    WrongHost,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate has been revoked.
    Revoked,
    /// The server wants a certificate of the client.
    CertificateRequired,
    /// No version of TLS, or no cipher, that both know.
    NothingInCommon,
    /// The connection broke during the handshake.
    Broken {
        /// What the system said.
        detail: String,
    },
    /// Anything else.
    Other {
        /// What the TLS library says.
        detail: String,
    },
}

impl TlsFault {
    /// The fault of a handshake.
    pub(crate) fn of(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error) => Self::of_tls(error),
            None => Self::Broken { detail: error.to_string() },
        }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            rustls::Error::InvalidCertificate(error) => Self::of_certificate(error),
            rustls::Error::AlertReceived(
                AlertDescription::CertificateRequired
                | AlertDescription::BadCertificate
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied,
            ) => Self::CertificateRequired,
            rustls::Error::PeerIncompatible(_)
            | rustls::Error::AlertReceived(
                AlertDescription::ProtocolVersion
                | AlertDescription::HandshakeFailure
                | AlertDescription::NoApplicationProtocol,
            ) => Self::NothingInCommon,
            other => Self::Other { detail: other.to_string() },
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongHost
            }
            // A bad signature is one by somebody who only bears the name of a trusted authority.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::Untrusted,
            CertificateError::Revoked => Self::Revoked,
            // An authority that shows itself as the server: what people call self-signed.
            other if is_authority(other) => Self::Untrusted,
            other => Self::Other { detail: other.to_string() },
        }
    }
}

/// webpki's word for an end entity that is an authority; rustls hands it through as an opaque error.
fn is_authority(error: &CertificateError) -> bool {
    format!("{error:?}").contains("CaUsedAsEndEntity")
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTls => f.write_str("the other end does not speak TLS"),
            Self::Untrusted => f.write_str("the certificate's authority is not trusted"),
            Self::WrongHost => f.write_str("the certificate is for another host"),
            Self::Expired => f.write_str("the certificate has expired"),
            Self::NotYetValid => f.write_str("the certificate is not valid yet"),
            Self::Revoked => f.write_str("the certificate has been revoked"),
            Self::CertificateRequired => {
                f.write_str("the server wants another client certificate, or one at all")
            }
            Self::NothingInCommon => f.write_str("no version or cipher that both ends know"),
            Self::Broken { detail } | Self::Other { detail } => f.write_str(detail),
        }
    }
}

impl Error for TlsFault {}

/// What a handshake came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSummary {
    /// `TLS 1.2` or `TLS 1.3`.
    pub version: &'static str,
    /// The cipher suite's name.
    pub cipher_suite: String,
    /// The protocol agreed on for what is inside.
    pub alpn: Option<String>,
    /// The server's certificates in DER, its own first.
    pub certificates: Vec<Vec<u8>>,
    /// What is wrong with the certificate; only where it was not enforced.
    pub problem: Option<TlsFault>,
}

impl TlsSummary {
    pub(crate) fn of(connection: &ClientConnection, judge: &Judge) -> Self {
        let version = match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
            _ => "TLS 1.3",
        };
        let suite = connection.negotiated_cipher_suite();
        let certificates = connection.peer_certificates().unwrap_or_default();
        Self {
            version,
            cipher_suite: suite.map(|suite| format!("{:?}", suite.suite())).unwrap_or_default(),
            alpn: connection.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
            certificates: certificates.iter().map(|it| it.as_ref().to_vec()).collect(),
            problem: judge.problem.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

type Roots = Option<Arc<ExtraRoots>>;

/// Makes configurations. Reading the system's authorities takes milliseconds, so their verifiers are kept.
#[derive(Debug, Default)]
pub(crate) struct Tls {
    verifiers: Mutex<Vec<(Roots, Arc<dyn ServerCertVerifier>)>>,
}

impl Tls {
    /// The configuration of one connection, and the judge that remembers what it saw there.
    pub(crate) fn config(
        &self,
        settings: &Settings,
        alpn: &[&[u8]],
    ) -> Result<(ClientConfig, Arc<Judge>), SendError> {
        let fault = |error: &dyn fmt::Display| SendError::Settings { detail: error.to_string() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = settings.extra_roots.as_ref();
        let inner = match self.verifier(roots, &provider) {
            Ok(verifier) => Some(verifier),
            Err(error) if settings.verify_tls => return Err(fault(&error)),
            Err(_) => None,
        };
        let judge = Arc::new(Judge {
            inner,
            schemes: provider.signature_verification_algorithms.supported_schemes(),
            pinned: roots.cloned(),
            enforce: settings.verify_tls,
            problem: Mutex::new(None),
        });
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions(settings))
            .map_err(|error| fault(&error))?
            .dangerous()
            .with_custom_certificate_verifier(judge.clone());
        let mut config = match &settings.client_certificate {
            None => builder.with_no_client_auth(),
            Some(own) => builder
                .with_client_auth_cert(own.chain.clone(), own.key.clone_key())
                .map_err(|error| fault(&error))?,
        };
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        // A resumed session is not verified again; kept connections spare handshakes, too.
        config.resumption = Resumption::disabled();
        Ok((config, judge))
    }

    fn verifier(
        &self,
        roots: Option<&Arc<ExtraRoots>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
        let mut kept = self.verifiers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, verifier)) = kept.iter().find(|(known, _)| known.as_ref() == roots) {
            return Ok(verifier.clone());
        }
        let extra = roots.map(|roots| roots.certificates.clone()).unwrap_or_default();
        let verifier: Arc<dyn ServerCertVerifier> =
            match Verifier::new_with_extra_roots(extra.clone(), provider.clone()) {
                Ok(verifier) => Arc::new(verifier),
                // A system without authorities of its own: those of the settings are all there are.
                Err(_) if !extra.is_empty() => only(extra, provider)?,
                Err(error) => return Err(error),
            };
        if kept.len() >= VERIFIERS_KEPT {
            kept.remove(0);
        }
        kept.push((roots.cloned(), verifier.clone()));
        Ok(verifier)
    }
}

fn only(
    extra: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(extra);
    let builder =
        rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone());
    let built = builder.build().map_err(|error| rustls::Error::General(error.to_string()))?;
    Ok(built)
}

fn versions(settings: &Settings) -> Vec<&'static SupportedProtocolVersion> {
    let one = settings.tls12.then_some(&rustls::version::TLS12);
    let two = settings.tls13.then_some(&rustls::version::TLS13);
    one.into_iter().chain(two).collect()
}

/// Verifies a server's certificate, and lets it pass or not.
#[derive(Debug)]
pub(crate) struct Judge {
    inner: Option<Arc<dyn ServerCertVerifier>>,
    schemes: Vec<SignatureScheme>,
    pinned: Roots,
    enforce: bool,
    problem: Mutex<Option<TlsFault>>,
}

impl Judge {
    /// Whether the certificate itself was named as trusted, and is for this host. That it is in force has been
    /// verified by then: the library looks at that first.
    fn is_pinned(&self, own: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
        let named = self.pinned.as_ref().is_some_and(|roots| roots.certificates.iter().any(|it| it == own));
        named
            && ParsedCertificate::try_from(own).is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok())
    }

    fn pass(&self, fault: TlsFault, error: rustls::Error) -> Result<(), rustls::Error> {
        if self.enforce {
            return Err(error);
        }
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
        Ok(())
    }

    fn signature(
        &self,
        verify: impl FnOnce(&dyn ServerCertVerifier) -> Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let unknown = || rustls::Error::General("no verifier".into());
        let verified = self.inner.as_deref().ok_or_else(unknown).and_then(verify);
        verified.or_else(|error| {
            self.pass(TlsFault::of_tls(&error), error).map(|()| HandshakeSignatureValid::assertion())
        })
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let unknown = || rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let verified = self.inner.as_ref().ok_or_else(unknown).and_then(|inner| {
            inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        });
        verified.or_else(|error| {
            let fault = TlsFault::of_tls(&error);
            if fault == TlsFault::Untrusted && self.is_pinned(end_entity, server_name) {
                return Ok(ServerCertVerified::assertion());
            }
            self.pass(fault, error).map(|()| ServerCertVerified::assertion())
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signature(|inner| inner.verify_tls12_signature(message, cert, dss))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signature(|inner| inner.verify_tls13_signature(message, cert, dss))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}
