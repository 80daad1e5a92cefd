//! Signing with private keys in PEM: for JWT and ASAP by `ring`, for OAuth 1.0 with RSA here.
//!
//! `ring` signs with no SHA-1 and no RSA key below 2,048 bits, and OAuth 1.0 has both in use; the `rsa` crate has
//! an open advisory on its timing. So RSA by PKCS#1 v1.5 is done here on big integers, blinded, and checked before
//! it leaves.

use num_bigint::BigUint;
use rand_core::RngCore;
use ring::rand::SystemRandom;
use ring::signature;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use crate::auth::AuthError;
use crate::auth::hash::Hash;

/// The largest RSA key that is taken, in bytes; a larger one would only burn time.
const MODULUS_BYTES_MAX: usize = 2048;

fn bad(reason: impl Into<String>) -> AuthError {
    AuthError::Key { reason: reason.into() }
}

fn read(pem: &str) -> Result<PrivateKeyDer<'static>, AuthError> {
    PrivateKeyDer::from_pem_slice(pem.trim().as_bytes())
        .map_err(|error| bad(format!("{error:?}").to_lowercase()))
}

/// A JWS signature by the name of its algorithm: RS, PS and ES.
pub(crate) fn sign_jws(algorithm: &str, pem: &str, text: &[u8]) -> Result<Vec<u8>, AuthError> {
    let rsa: Option<&'static dyn signature::RsaEncoding> = match algorithm {
        "RS256" => Some(&signature::RSA_PKCS1_SHA256),
        "RS384" => Some(&signature::RSA_PKCS1_SHA384),
        "RS512" => Some(&signature::RSA_PKCS1_SHA512),
        "PS256" => Some(&signature::RSA_PSS_SHA256),
        "PS384" => Some(&signature::RSA_PSS_SHA384),
        "PS512" => Some(&signature::RSA_PSS_SHA512),
        _ => None,
    };
    if let Some(encoding) = rsa {
        let pair = match read(pem)? {
            PrivateKeyDer::Pkcs8(der) => signature::RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => signature::RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(bad("it is no RSA key")),
        };
        let pair = pair.map_err(|error| bad(error.to_string()))?;
        let mut signed = vec![0; pair.public().modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), text, &mut signed)
            .map_err(|error| bad(error.to_string()))?;
        return Ok(signed);
    }
    let curve = match algorithm {
        "ES256" => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        "ES384" => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
        _ => return Err(AuthError::Algorithm { algorithm: algorithm.to_owned() }),
    };
    let PrivateKeyDer::Pkcs8(der) = read(pem)? else {
        return Err(bad("a key of this kind is read as PKCS#8 only"));
    };
    let random = SystemRandom::new();
    let pair = signature::EcdsaKeyPair::from_pkcs8(curve, der.secret_pkcs8_der(), &random)
        .map_err(|error| bad(error.to_string()))?;
    Ok(pair.sign(&random, text).map_err(|error| bad(error.to_string()))?.as_ref().to_vec())
}

/// An RSA signature by PKCS#1 v1.5 with a key of any size.
pub(crate) fn sign_rsa(
    pem: &str,
    hash: Hash,
    text: &[u8],
    rng: &mut dyn RngCore,
) -> Result<Vec<u8>, AuthError> {
    let key = match read(pem)? {
        PrivateKeyDer::Pkcs8(der) => Rsa::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => Rsa::from_pkcs1(der.secret_pkcs1_der()),
        _ => None,
    };
    key.ok_or_else(|| bad("it is no RSA key"))?.sign(hash, text, rng)
}

struct Rsa {
    modulus: BigUint,
    public: BigUint,
    private: BigUint,
    bytes: usize,
}

impl Rsa {
    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let (outer, _) = element(der, 0x30)?;
        let (_, rest) = element(outer, 0x02)?;
        let (algorithm, rest) = element(rest, 0x30)?;
        let (oid, _) = element(algorithm, 0x06)?;
        let is_rsa = oid == [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
        let (inner, _) = element(rest, 0x04)?;
        if is_rsa { Self::from_pkcs1(inner) } else { None }
    }

    fn from_pkcs1(der: &[u8]) -> Option<Self> {
        let (fields, _) = element(der, 0x30)?;
        let (_, rest) = element(fields, 0x02)?;
        let (modulus, rest) = element(rest, 0x02)?;
        let (public, rest) = element(rest, 0x02)?;
        let (private, _) = element(rest, 0x02)?;
        let [modulus, public, private] = [modulus, public, private].map(BigUint::from_bytes_be);
        let bytes = usize::try_from(modulus.bits().div_ceil(8)).ok()?;
        let is_odd = modulus.bit(0);
        (is_odd && (64..=MODULUS_BYTES_MAX).contains(&bytes)).then_some(Self {
            modulus,
            public,
            private,
            bytes,
        })
    }

    fn sign(&self, hash: Hash, text: &[u8], rng: &mut dyn RngCore) -> Result<Vec<u8>, AuthError> {
        let padded = self.padded(hash, text).ok_or_else(|| bad("it is too small for the hash"))?;
        let message = BigUint::from_bytes_be(&padded);
        let mut random = vec![0; self.bytes + 8];
        rng.fill_bytes(&mut random);
        let blind = BigUint::from_bytes_be(&random) % &self.modulus;
        let unblind =
            blind.modinv(&self.modulus).ok_or_else(|| bad("its modulus is no product of two primes"))?;
        let hidden = message.clone() * blind.modpow(&self.public, &self.modulus) % &self.modulus;
        let signed = hidden.modpow(&self.private, &self.modulus) * unblind % &self.modulus;
        if signed.modpow(&self.public, &self.modulus) != message {
            return Err(bad("its private and public halves do not belong together"));
        }
        let bytes = signed.to_bytes_be();
        let mut out = vec![0; self.bytes.saturating_sub(bytes.len())];
        out.extend(bytes);
        Ok(out)
    }

    /// The hash with its name and the padding of PKCS#1 v1.5.
    fn padded(&self, hash: Hash, text: &[u8]) -> Option<Vec<u8>> {
        let name: &[u8] = match hash {
            Hash::Sha1 => {
                &[0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14]
            }
            Hash::Sha256 => &[
                0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
                0x05, 0x00, 0x04, 0x20,
            ],
            Hash::Sha512 => &[
                0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03,
                0x05, 0x00, 0x04, 0x40,
            ],
            _ => return None,
        };
        let digest = hash.of(text);
        let fill = self.bytes.checked_sub(name.len() + digest.len() + 3).filter(|fill| *fill >= 8)?;
        Some([&[0, 1], vec![0xff; fill].as_slice(), &[0], name, &digest].concat())
    }
}

/// The content of a DER element of a tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    if *found == tag { rest.split_at_checked(length) } else { None }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use ring::signature::{self, RsaPublicKeyComponents};

    use super::{Rsa, read, sign_jws, sign_rsa};
    use crate::auth::hash::Hash;

    /// Made for this test.
    const SMALL: &str = "-----BEGIN PRIVATE KEY-----\n\
        MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAMhOz/sf6gGbAc9M\n\
        6DZobj439a1RxOa45EREZNf4YuDaOOkZdA+JZNr6/bn9PVQwHeHp4nBc8er62412\n\
        eFTG+MORtCAgat9k301sXgVQHrL6r3fLhYfRIMZHWotvTuv9x4cBoodk+EQXjOFN\n\
        kIlLqaZUjsgNrrra07eLAgVWGH3rAgMBAAECgYEAwaEt+5uGIbctsK6vaqjYqNx/\n\
        aOO6ay4fur5CnWNGcgWBLhOk1cAC9ovZ6YibWF6LBG+KrQOr93I3+i+jcpBEt0+i\n\
        Kila622a6b1Bqk+kTNJETNNUP41bNA/2Wb3SSiZdZNRbC0DV/Bfsn1HzbhtEGZbh\n\
        gGdQl53tvddhQEzfxIECQQD/DXqmOLH8bWDa4qHg0j1Ftj055qB608yIulSK753H\n\
        Q2O9bcPM4nsvhgP5nmH614e3RX0Wl1lfk6NDPgLbw0xDAkEAyQ1HQuVQ5rjinFzO\n\
        +4ICE/JYw5gq/d/VM7SjbirWoa7cjz0CU2Jx/JWHLm9jrRLy1MehgIsFGJDRT001\n\
        RYrBOQJARZ+GVY2weHnbMKUhD2AUvczrlbyxHhZnBQPoRCz44wYwWet2wZ0ph2WL\n\
        /D4R/QmM0Ki1Zs9V5FNHA/oPibIcRQJAIPwMtOzqWO/8Par8SkcKEDuyVGSiqQQP\n\
        9musZGaiz+PgS5+2wfdkvAvMIdIkiECTllUqKeyk6WLY9Cm2k7IwAQJBALD9V8bJ\n\
        SnimBTieL93eJk+/DYpHrqDPAaDJ9MHFXh+MKvmrmNWs8qwoJ5dXTg+yB+GrX3bd\n\
        ohqXbymmi/QdRtw=\n\
        -----END PRIVATE KEY-----";
    /// In the older form, PKCS#1; made for this test too.
    const OLDER: &str = include_str!("fixture_rsa.pem");

    fn check(hash: Hash, expected: &str) {
        let signed = sign_rsa(SMALL, hash, b"base string", &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(signed.map(|signed| STANDARD.encode(signed)).unwrap_or_default(), expected, "{hash:?}");
    }

    #[test]
    fn rsa_signs_as_openssl_does() {
        check(
            Hash::Sha1,
            "u+E5E/3+IWDsw9vE2W/ODGcWSfhVcTm8reTmlC4R27g/M2EEUK3vTj1fleRm0aKqI/1jH5ZvUrGeuOBCgkrqbbotmAJPNKOMrGgsA//g4CJqX7u7TsCIwwH2fbqL4T+Y1bCMlGzQboLMi95GRcbH2Gto9FOc8h9rzbrDjcwHG+U=",
        );
        check(
            Hash::Sha256,
            "G8lhc3j5aImCHM8LmHnaoD3dDbMhy6CeWWjV/m8ROqeletTU/63lVz6/qCDV5mj3ZWF6I55HqR+WW0T4aKv1Cr0Dojpb9x8GboNbO1ehlEwH14ajR127UYIv02LqlE3Nu7LmkLRPui2+R2ZgbAFqXNJBzTqOqN2Z7BJJiKlijMM=",
        );
        check(
            Hash::Sha512,
            "sGZu7bHaV8UmJZDEMm9ZSsgQivnzW/8e0gDTBRKzxMDaxI1VF/ZnXPTNp0LstbpWSSzHQ9JqldsbhFQUGzjm4xm7RI5CmH/bFry0raMt9fGxu48sI3DLvzFxjooPNst7GgYOKWZmCHaPo1ioWpW4l4/Wnd1FioUQlDeOJo8sD9M=",
        );
    }

    #[test]
    fn jws_signatures_verify() {
        let key = read(OLDER).ok().and_then(|key| Rsa::from_pkcs1(key.secret_der())).expect("it is a key");
        let public = RsaPublicKeyComponents { n: key.modulus.to_bytes_be(), e: key.public.to_bytes_be() };
        let checks: [(&str, &signature::RsaParameters); 3] = [
            ("RS256", &signature::RSA_PKCS1_2048_8192_SHA256),
            ("RS512", &signature::RSA_PKCS1_2048_8192_SHA512),
            ("PS384", &signature::RSA_PSS_2048_8192_SHA384),
        ];
        for (name, parameters) in checks {
            let signed = sign_jws(name, OLDER, b"text").expect("it is signed");
            assert!(public.verify(parameters, b"text", &signed).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_is_no_key_is_an_error() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for pem in [
            "",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----",
            "x",
        ] {
            assert!(
                sign_rsa(pem, Hash::Sha1, b"", &mut rng).is_err() && sign_jws("RS256", pem, b"").is_err()
            );
            assert!(sign_jws("ES256", pem, b"").is_err());
        }
        assert!(sign_jws("ES512", OLDER, b"").is_err_and(|error| error.to_string().contains("ES512")));
    }
}
