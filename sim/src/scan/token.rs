//! Tokens: whatever looks like a part of a JSON Web Token is decoded.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// `{"`, as base64 writes the beginning of a JSON object.
pub(super) const BEGINNING: [u8; 3] = *b"eyJ";
/// The longest part that is decoded, in bytes.
const PART_BYTES_MAX: usize = 12 << 10;

/// Dumps and logs cut tokens off anywhere, so that the last bits may be anything.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the part of a token at the beginning of `bytes` says, if there is one.
pub(super) fn decoded(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(&BEGINNING) {
        return None;
    }
    let is_url_safe = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'-' | b'_');
    let length = bytes.iter().take_while(is_url_safe).count();
    let mut length = length.min(PART_BYTES_MAX);
    // A single character over says nothing.
    if length % 4 == 1 {
        length -= 1;
    }
    LENIENT.decode(bytes.get(..length)?).ok()
}
