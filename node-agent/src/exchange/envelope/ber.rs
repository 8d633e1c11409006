//! BER with lengths left open, brought into the form that is read here.
//!
//! CMS allows BER, and some systems write what they stream: lengths that are not known beforehand
//! and octet strings in pieces. This rewrites both with definite lengths, and nothing else: whether
//! the result means anything is for its reader to say.

/// The deepest that values may stand in each other.
const DEPTH_MAX: usize = 16;

const OCTET_STRING: u8 = 0x04;
const CONSTRUCTED: u8 = 0x20;
/// The encrypted content, where it is in pieces.
const ENCRYPTED_CONTENT: u8 = 0xa0;

/// Which layer is rewritten: an octet string with a tag of its own, as the encrypted content's is,
/// comes in one of them alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// `EnvelopedData`.
    Sealed,
    /// `SignedData`.
    Signed,
}

/// `input` with definite lengths; `None` where it is no BER, is too deep or has something after.
pub(super) fn to_der(input: &[u8], layer: Layer) -> Option<Vec<u8>> {
    let mut output = Vec::new();
    let rest = value(input, layer, 0, &mut output)?;
    rest.is_empty().then_some(output)
}

/// Rewrites the first value of `input` and gives what follows it.
fn value<'a>(
    input: &'a [u8],
    layer: Layer,
    depth: usize,
    output: &mut Vec<u8>,
) -> Option<&'a [u8]> {
    if depth > DEPTH_MAX {
        return None;
    }
    let header = Header::read(input)?;
    if header.tag & CONSTRUCTED == 0 {
        let length = header.length?;
        let (content, rest) = header.rest.split_at_checked(length)?;
        write(header.tag, content, output);
        return Some(rest);
    }
    let (mut content, rest) = match header.length {
        Some(length) => {
            let (content, rest) = header.rest.split_at_checked(length)?;
            (content, Some(rest))
        }
        None => (header.rest, None),
    };
    let is_string = header.tag == OCTET_STRING | CONSTRUCTED
        || (layer == Layer::Sealed && header.tag == ENCRYPTED_CONTENT && in_pieces(content));
    let mut inner = Vec::new();
    let after = loop {
        match (content, rest) {
            ([], Some(rest)) => break rest,
            ([0, 0, after @ ..], None) => break after,
            ([], None) => return None,
            _ if is_string => content = piece(content, depth + 1, &mut inner)?,
            _ => content = value(content, layer, depth + 1, &mut inner)?,
        }
    };
    let tag = if is_string {
        header.tag & !CONSTRUCTED
    } else {
        header.tag
    };
    write(tag, &inner, output);
    Some(after)
}

/// Whether all values up to the end are octet strings: the pieces of one.
fn in_pieces(mut content: &[u8]) -> bool {
    let mut any = false;
    loop {
        if let [] | [0, 0, ..] = content {
            return any;
        }
        let Some(header) = Header::read(content) else {
            return false;
        };
        let (OCTET_STRING, Some(length)) = (header.tag, header.length) else {
            return false;
        };
        let Some((_, rest)) = header.rest.split_at_checked(length) else {
            return false;
        };
        (content, any) = (rest, true);
    }
}

/// Adds the content of one piece of an octet string.
fn piece<'a>(input: &'a [u8], depth: usize, output: &mut Vec<u8>) -> Option<&'a [u8]> {
    let header = Header::read(input)?;
    if depth > DEPTH_MAX || header.tag != OCTET_STRING {
        return None;
    }
    let (content, rest) = header.rest.split_at_checked(header.length?)?;
    output.extend_from_slice(content);
    Some(rest)
}

struct Header<'a> {
    tag: u8,
    /// `None` where it is left open.
    length: Option<usize>,
    rest: &'a [u8],
}

impl<'a> Header<'a> {
    fn read(input: &'a [u8]) -> Option<Self> {
        let [tag, first, rest @ ..] = input else {
            return None;
        };
        // No tag of CMS has more than one byte.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, rest) = match *first {
            0x80 => (None, rest),
            short if short < 0x80 => (Some(usize::from(short)), rest),
            long => {
                let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                if digits.len() > 4 {
                    return None;
                }
                let add = |length: usize, digit: &u8| (length << 8) | usize::from(*digit);
                (Some(digits.iter().fold(0, add)), rest)
            }
        };
        // Only what is made of parts can be left open.
        if length.is_none() && tag & CONSTRUCTED == 0 {
            return None;
        }
        Some(Self {
            tag: *tag,
            length,
            rest,
        })
    }
}

fn write(tag: u8, content: &[u8], output: &mut Vec<u8>) {
    output.push(tag);
    let length = content.len();
    if let Ok(short @ 0..=0x7f) = u8::try_from(length) {
        output.push(short);
    } else {
        let digits = length.to_be_bytes();
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        let digits = digits.get(zeros..).unwrap_or_default();
        output.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
        output.extend_from_slice(digits);
    }
    output.extend_from_slice(content);
}
