//! The ways in which a secret may be written.

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use innsyn_policy::NationalId;

/// How a secret is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Writing {
    /// The bytes themselves: an id as ASCII digits, a canary as it is.
    Bytes,
    /// Digits as UTF-16, the low byte first.
    Utf16Le,
    /// Digits as UTF-16, the high byte first.
    Utf16Be,
    /// A 64-bit integer, the low byte first.
    IntegerLe,
    /// A 64-bit integer, the high byte first.
    IntegerBe,
    /// Two digits in a byte, with a zero before the first.
    PackedRight,
    /// Two digits in a byte, with a zero after the last.
    PackedLeft,
    /// Two digits in a byte, with the sign `0xC` after the last, as mainframes have it.
    PackedSigned,
    /// The bytes as hexadecimal.
    Hex,
    /// The bytes as hexadecimal in capitals.
    HexUpper,
    /// The bytes in base64, beginning so many bytes into a group of three.
    Base64(u8),
    /// The same in the alphabet of URLs, where it differs.
    Base64Url(u8),
    /// A list of decimal numbers, as `{:?}` prints a vector.
    List,
    /// Escaped text, as `{:?}` prints `Bytes`.
    Escaped,
    /// Hexadecimal in groups, as GUIDs are written.
    Guid,
}

/// A national id in every writing.
pub(super) fn of_national_id(id: &NationalId) -> Vec<(Writing, Vec<u8>)> {
    let digits = id.expose();
    let utf16 = |bytes_of: fn(u16) -> [u8; 2]| {
        let units = digits.iter().map(|digit| u16::from(*digit));
        units.flat_map(bytes_of).collect()
    };
    let integer = digits
        .iter()
        .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    let half = |digit: &u8| digit - b'0';
    let packed = |halves: &mut dyn Iterator<Item = u8>| {
        let halves: Vec<u8> = halves.collect();
        halves
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |byte, half| byte << 4 | half))
            .collect()
    };
    let mut writings = of_bytes(digits);
    writings.extend([
        (Writing::Utf16Le, utf16(u16::to_le_bytes)),
        (Writing::Utf16Be, utf16(u16::to_be_bytes)),
        (Writing::IntegerLe, integer.to_le_bytes().to_vec()),
        (Writing::IntegerBe, integer.to_be_bytes().to_vec()),
        (
            Writing::PackedRight,
            packed(&mut std::iter::once(0).chain(digits.iter().map(half))),
        ),
        (
            Writing::PackedLeft,
            packed(&mut digits.iter().map(half).chain([0])),
        ),
        (
            Writing::PackedSigned,
            packed(&mut digits.iter().map(half).chain([0xC])),
        ),
    ]);
    writings
}

/// Bytes that say nothing by themselves, such as a canary, in every writing.
pub(super) fn of_random(bytes: &[u8]) -> Vec<(Writing, Vec<u8>)> {
    let mut writings = of_bytes(bytes);
    writings.push((Writing::Escaped, bytes.escape_ascii().collect()));
    writings
}

/// What any bytes may be written as.
fn of_bytes(bytes: &[u8]) -> Vec<(Writing, Vec<u8>)> {
    let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let mut writings = vec![
        (Writing::Bytes, bytes.to_vec()),
        (Writing::Hex, hex::encode(bytes).into_bytes()),
        (Writing::HexUpper, hex::encode_upper(bytes).into_bytes()),
        (Writing::List, list.join(", ").into_bytes()),
    ];
    for offset in 0..3 {
        let standard = base64(&STANDARD_NO_PAD, bytes, offset);
        let url = base64(&URL_SAFE_NO_PAD, bytes, offset);
        if url != standard {
            writings.push((Writing::Base64Url(offset), url));
        }
        writings.push((Writing::Base64(offset), standard));
    }
    writings
}

/// What of `bytes` is the same in base64 whatever stands around them, if they begin `offset`
/// bytes into a group of three.
fn base64(engine: &impl base64::Engine, bytes: &[u8], offset: u8) -> Vec<u8> {
    let offset = usize::from(offset);
    let mut text = vec![0; offset];
    text.extend_from_slice(bytes);
    let mut written = engine.encode(&text).into_bytes();
    // Six bits to a character: those that hold a neighbour's bits are left out.
    written.truncate(text.len() * 8 / 6);
    written.drain(..(offset * 8).div_ceil(6));
    written
}
