//! The keys that sign and verify data permits: Ed25519, or P-256 where a key store has no other.

use std::fmt;

use innsyn_policy::DataPermit;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};

use super::claims::Claims;
use super::{PERMIT_BYTES_MAX, TYPE};

/// The bytes of an Ed25519 public key, and of a P-256 point that is not compressed.
const ED25519_BYTES: usize = 32;
const P256_BYTES: usize = 65;

/// A public key of an issuer.
#[derive(Clone)]
pub struct IssuerKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

/// The secret key of an issuer.
#[derive(Clone)]
pub struct IssuerSigner {
    algorithm: Algorithm,
    key: EncodingKey,
}

/// A text is not an issuer's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IssuerKeyError {
    /// Not a public key of a kind that is used.
    #[error("not an Ed25519 or P-256 public key in PEM (`-----BEGIN PUBLIC KEY-----`)")]
    Public,
    /// Not a secret key of a kind that is used.
    #[error("not an Ed25519 or P-256 private key in PEM (PKCS #8, `-----BEGIN PRIVATE KEY-----`)")]
    Secret,
}

/// Why a permit was not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignDataPermitError {
    /// The key cannot sign.
    #[error("the issuer's key cannot sign: it is neither Ed25519 nor P-256")]
    Key,
    /// Nobody would read it.
    #[error("the data permit would be longer than {PERMIT_BYTES_MAX} bytes")]
    TooLong,
}

/// Why a key does not give the claims.
pub(super) enum VerifyError {
    /// Another key signed, or the text was altered.
    OtherKey,
    /// This key signed, but not a permit's claims.
    Claims,
    /// The text cannot be read.
    Malformed,
}

impl IssuerKey {
    /// Reads a public key in PEM, as `openssl pkey -pubout` writes it.
    pub fn from_pem(pem: &str) -> Result<Self, IssuerKeyError> {
        // Certificates would be read too, and the wrong part of them.
        if !pem.trim_start().starts_with("-----BEGIN PUBLIC KEY-----") {
            return Err(IssuerKeyError::Public);
        }
        let pem = pem.as_bytes();
        let (algorithm, key, bytes) = match DecodingKey::from_ed_pem(pem) {
            Ok(key) => (Algorithm::EdDSA, key, ED25519_BYTES),
            Err(_) => match DecodingKey::from_ec_pem(pem) {
                Ok(key) => (Algorithm::ES256, key, P256_BYTES),
                Err(_) => return Err(IssuerKeyError::Public),
            },
        };
        match key.try_get_as_bytes() {
            Ok(public) if public.len() == bytes => Ok(Self { algorithm, key }),
            _ => Err(IssuerKeyError::Public),
        }
    }

    /// The claims of `text`, if this key signed them. Times are left to the caller: the library
    /// would read the machine's clock.
    pub(super) fn verify(&self, text: &str) -> Result<Claims, VerifyError> {
        let mut validation = Validation::new(self.algorithm);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        jsonwebtoken::decode::<Claims>(text, &self.key, &validation)
            .map(|read| read.claims)
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => VerifyError::OtherKey,
                ErrorKind::Json(_) | ErrorKind::Utf8(_) => VerifyError::Claims,
                _ => VerifyError::Malformed,
            })
    }
}

impl IssuerSigner {
    /// Reads a secret key in PEM, as `openssl genpkey -algorithm ed25519` writes it.
    pub fn from_pem(pem: &str) -> Result<Self, IssuerKeyError> {
        let pem = pem.as_bytes();
        let ed25519 = EncodingKey::from_ed_pem(pem).map(|key| (Algorithm::EdDSA, key));
        let (algorithm, key) = ed25519
            .or_else(|_| EncodingKey::from_ec_pem(pem).map(|key| (Algorithm::ES256, key)))
            .map_err(|_| IssuerKeyError::Secret)?;
        Ok(Self { algorithm, key })
    }

    /// Signs `permit`. That its issuer is whose key this is, readers find out by their lists.
    pub fn sign(&self, permit: &DataPermit) -> Result<String, SignDataPermitError> {
        let mut header = Header::new(self.algorithm);
        header.typ = Some(TYPE.to_owned());
        let text = jsonwebtoken::encode(&header, &Claims::from(permit), &self.key)
            .map_err(|_| SignDataPermitError::Key)?;
        if text.len() > PERMIT_BYTES_MAX {
            return Err(SignDataPermitError::TooLong);
        }
        Ok(text)
    }
}

impl fmt::Debug for IssuerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuerKey({:?})", self.algorithm)
    }
}

impl fmt::Debug for IssuerSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuerSigner({:?}, ***)", self.algorithm)
    }
}
