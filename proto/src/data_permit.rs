//! Data permits on their way: signed by an issuer, read by whoever trusts it.
//!
//! A permit travels as a compact JWS (RFC 7515) with the type `innsyn-data-permit+jwt`, signed
//! with `EdDSA` or `ES256`. Its claims are `iss`, `jti` (the issuer's number), `nbf`, `exp` and
//! `permit`, which says what is granted; [`IssuerSigner::sign`] writes all of them, and a claim
//! more or less is refused.
//!
//! What holds:
//!
//! - **A [`SignedDataPermit`] was verified**: by a key of the issuer it names, and that issuer
//!   stands in the reader's own list. A permit never brings its own key.
//! - **A key verifies one algorithm**, its own, whatever a permit's header says.
//! - **What is not understood is refused**: unknown claims could be limits.
//! - **No error quotes the permit**: it names the people who are entitled.
//!
//! Whether a query is within a permit is [`DataPermit::check`]'s matter. A permit cannot be
//! called back before it ends, except by taking its issuer's key out of the list.

use std::collections::BTreeMap;
use std::fmt;

use innsyn_policy::data_permit::TermsError;
use innsyn_policy::{DataPermit, Timestamp};
use jsonwebtoken::dangerous::insecure_decode;
use serde::Deserialize;
use sha2::{Digest, Sha256};

mod claims;
mod keys;
#[cfg(test)]
mod tests;

use claims::Claims;
pub use claims::PermitDescription;
use keys::VerifyError;
pub use keys::{IssuerKey, IssuerKeyError, IssuerSigner, SignDataPermitError};

/// The longest permit that is read or signed, in bytes.
pub const PERMIT_BYTES_MAX: usize = 64 * 1024;

/// The type in a permit's header.
const TYPE: &str = "innsyn-data-permit+jwt";

/// A data permit whose signature was verified by a trusted issuer's key.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedDataPermit {
    permit: DataPermit,
    text: String,
    digest: [u8; 32],
}

/// The issuers that somebody trusts, each with its public keys. Every register has its own list.
#[derive(Debug, Clone, Default)]
pub struct TrustedIssuers(BTreeMap<String, Vec<IssuerKey>>);

/// Why a text is not a permit here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadDataPermitError {
    /// Longer than any permit.
    #[error("the data permit is longer than {PERMIT_BYTES_MAX} bytes")]
    TooLong,
    /// Not a compact JWS.
    #[error("the data permit is not a compact JWS that can be read")]
    Malformed,
    /// A JWS, but of something else.
    #[error("the type in the header is not `{TYPE}`")]
    Type,
    /// The header asks for an extension.
    #[error("the data permit asks for an extension that is not known")]
    Critical,
    /// The issuer is not in the list.
    #[error("the data permit's issuer is not one that is trusted here")]
    Issuer,
    /// None of the issuer's keys made the signature.
    #[error("the data permit is signed by none of its issuer's keys, or was altered")]
    Signature,
    /// Signed, but the claims are not those of a permit.
    #[error("a claim of the data permit is missing, unknown or of another type")]
    Claims,
    /// Signed, but what it grants is not coherent.
    #[error("the data permit contradicts itself")]
    Terms(#[from] TermsError),
    /// Its time has not come.
    #[error("the data permit is not valid yet")]
    NotYetValid,
    /// Its time is over.
    #[error("the data permit has expired")]
    Expired,
}

/// Read before the signature is verified, to find the issuer's keys; verified with the rest.
#[derive(Deserialize)]
struct IssuerOnly {
    iss: String,
}

impl TrustedIssuers {
    /// Reads a permit that is valid at `now`.
    pub fn read(
        &self,
        text: &str,
        now: Timestamp,
    ) -> Result<SignedDataPermit, ReadDataPermitError> {
        use ReadDataPermitError as E;
        check_header(text)?;
        let IssuerOnly { iss } = insecure_decode(text).map_err(|_| E::Malformed)?.claims;
        let keys = self.0.get(&iss).ok_or(E::Issuer)?;
        let permit = verified(keys, text)?.into_permit()?;
        let validity = permit.terms().validity;
        if now < validity.from {
            return Err(E::NotYetValid);
        }
        if now >= validity.until {
            return Err(E::Expired);
        }
        Ok(SignedDataPermit {
            permit,
            text: text.to_owned(),
            digest: digest(text),
        })
    }
}

impl FromIterator<(String, IssuerKey)> for TrustedIssuers {
    /// The issuers by name; one with several keys, while they are changed, comes once for each.
    fn from_iter<I: IntoIterator<Item = (String, IssuerKey)>>(issuers: I) -> Self {
        let mut keys: BTreeMap<String, Vec<IssuerKey>> = BTreeMap::new();
        for (issuer, key) in issuers {
            keys.entry(issuer).or_default().push(key);
        }
        Self(keys)
    }
}

impl SignedDataPermit {
    /// What was signed.
    pub const fn permit(&self) -> &DataPermit {
        &self.permit
    }

    /// The permit as it travels. It names the people entitled, so it has no place in a log.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The SHA-256 of what was signed (header and claims, not the signature, of which there can
    /// be several), for receipts and the log of use.
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

impl fmt::Debug for SignedDataPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedDataPermit({})", self.permit.terms().id)
    }
}

/// What a permit says in words, **without verifying who signed it**: for reading, never for
/// deciding.
pub fn words_unverified(text: &str) -> Result<Vec<(String, String)>, ReadDataPermitError> {
    check_header(text)?;
    let claims: Claims = insecure_decode(text)
        .map_err(|_| ReadDataPermitError::Claims)?
        .claims;
    Ok(claims.into_permit()?.words())
}

/// Checks what the header promises. `jwk`, `jku`, `x5u` and `x5c` are never looked at.
fn check_header(text: &str) -> Result<(), ReadDataPermitError> {
    use ReadDataPermitError as E;
    if text.len() > PERMIT_BYTES_MAX {
        return Err(E::TooLong);
    }
    let header = jsonwebtoken::decode_header(text).map_err(|_| E::Malformed)?;
    if header.typ.as_deref() != Some(TYPE) {
        return Err(E::Type);
    }
    if header.crit.is_some() {
        return Err(E::Critical);
    }
    Ok(())
}

/// The claims, if one of `keys` signed them.
fn verified(keys: &[IssuerKey], text: &str) -> Result<Claims, ReadDataPermitError> {
    for key in keys {
        match key.verify(text) {
            Ok(claims) => return Ok(claims),
            Err(VerifyError::OtherKey) => {}
            Err(VerifyError::Claims) => return Err(ReadDataPermitError::Claims),
            Err(VerifyError::Malformed) => return Err(ReadDataPermitError::Malformed),
        }
    }
    Err(ReadDataPermitError::Signature)
}

fn digest(text: &str) -> [u8; 32] {
    let signed = text.rsplit_once('.').map_or(text, |(signed, _)| signed);
    Sha256::digest(signed).into()
}
