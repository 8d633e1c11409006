//! Many parts, one after the other, sealed to one agent: HPKE (RFC 9180), base mode, one context.
//!
//! The suite is that of an item. Each part is sealed under the next sequence number of the context,
//! so that none can be left out, repeated or moved; that nothing is cut off at the end, whoever seals
//! must say in the last part.

use std::fmt;

use hpke::aead::{AeadCtxR, AeadCtxS, ChaCha20Poly1305};
use hpke::kdf::HkdfSha256;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use rand_core::CryptoRng;

use super::{KEY_BYTES, OpeningKey, SealError, SealingKey, Suite};

/// The key that opens a stream, for whoever it is sealed to.
pub type EncapsulatedKey = [u8; KEY_BYTES];

/// Seals one part after the other.
pub struct SealingStream(AeadCtxS<ChaCha20Poly1305, HkdfSha256, Suite>);

/// Opens one part after the other.
pub struct OpeningStream(AeadCtxR<ChaCha20Poly1305, HkdfSha256, Suite>);

impl SealingKey {
    /// A stream to the agent with this key. `info` says what it is, and is needed to open it.
    pub fn stream(
        &self,
        info: &[u8],
        random: &mut impl CryptoRng,
    ) -> Result<(EncapsulatedKey, SealingStream), SealError> {
        let (key, context) = hpke::setup_sender_with_rng::<ChaCha20Poly1305, HkdfSha256, Suite>(
            &OpModeS::Base,
            &self.0,
            info,
            random,
        )
        .map_err(|_| SealError::Key)?;
        let key = key.to_bytes().as_slice().try_into();
        Ok((key.map_err(|_| SealError::Key)?, SealingStream(context)))
    }
}

impl OpeningKey {
    /// The stream that was sealed to this key under `info`.
    pub fn stream(&self, key: &EncapsulatedKey, info: &[u8]) -> Result<OpeningStream, SealError> {
        let key = <Suite as Kem>::EncappedKey::from_bytes(key).map_err(|_| SealError::NotOurs)?;
        hpke::setup_receiver(&OpModeR::Base, &self.secret, &key, info)
            .map(OpeningStream)
            .map_err(|_| SealError::NotOurs)
    }
}

impl SealingStream {
    /// The next part, sealed; `about` must be the same when it is opened.
    pub fn seal(&mut self, part: &[u8], about: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.seal(part, about).map_err(|_| SealError::Key)
    }
}

impl OpeningStream {
    /// The next part, opened.
    pub fn open(&mut self, sealed: &[u8], about: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.open(sealed, about).map_err(|_| SealError::NotOurs)
    }
}

impl fmt::Debug for SealingStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingStream(***)")
    }
}

impl fmt::Debug for OpeningStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpeningStream(***)")
    }
}
