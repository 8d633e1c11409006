//! The envelope of a message: signed, and then encrypted (CMS, RFC 5652).
//!
//! Everything about the format comes from the crate `cms`, and everything that needs a key from
//! `aws-lc-rs`, as under TLS; the crate `rsa` is left out, because its decryption can be timed.
//!
//! What holds:
//!
//! - **AES-256 in CBC mode and nothing else**, neither written nor read.
//! - **Whoever signed is one of the certificates that are registered for the sender**; what else
//!   stands in the envelope's own bag of certificates is never looked at.
//! - **There is one way to fail.** CBC has no tag, so that an attacker could learn the content
//!   from being told what exactly was wrong: whatever cannot be opened gives the same error. A
//!   key that cannot be unwrapped is replaced by a random one, and the rest is done all the same.

mod ber;
mod certificate;
mod sealed;
mod signed;
#[cfg(test)]
mod tests;

use innsyn_policy::Timestamp;
use rand::CryptoRng;
use zeroize::Zeroizing;

use ber::Layer;
pub use certificate::{Certificate, CertificateError, DecryptionKey, SigningKey, Usage};

/// The largest envelope that is opened, in bytes: attachments, twice in Base64, and some.
pub(super) const ENVELOPE_BYTES_MAX: usize = 20 << 20;

/// An envelope cannot be opened, or who signed its content is not who should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the envelope cannot be opened, or is not signed by its sender")]
pub struct OpenError;

/// An envelope cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the content cannot be signed and encrypted with these certificates")]
pub struct SealError;

/// `content`, signed by `signer` and encrypted to `recipient`.
pub fn seal(
    content: &[u8],
    signer: &SigningKey,
    recipient: &Certificate,
    now: Timestamp,
    random: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let inner = Zeroizing::new(signed::sign(content, signer, now)?);
    sealed::encrypt(&inner, recipient, random)
}

/// What is in `envelope`, if it is encrypted to one of `keys` and signed by one of `signers`.
pub fn open(
    envelope: &[u8],
    keys: &[DecryptionKey],
    signers: &[&Certificate],
    random: &mut impl CryptoRng,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    if envelope.len() > ENVELOPE_BYTES_MAX {
        return Err(OpenError);
    }
    let envelope = ber::to_der(envelope, Layer::Sealed).ok_or(OpenError)?;
    let signed = sealed::decrypt(&envelope, keys, random)?;
    let signed = Zeroizing::new(ber::to_der(&signed, Layer::Signed).ok_or(OpenError)?);
    signed::verify(&signed, signers)
}
