//! Messages of one size, whatever they say.
//!
//! The relay between a gateway and an agent sees how long a message is. What must not tell by its
//! length what it says has a field `repeated bytes padding = 15`, which fills it up to a size that
//! was agreed on before.

use bytes::Bytes;
use prost::Message;

use crate::wire::node::v1 as wire;

#[cfg(test)]
mod tests;

/// A message that can be filled up.
pub trait Padded: Message + Default {
    /// Its field 15.
    fn padding(&mut self) -> &mut Vec<Bytes>;

    /// Fills the message up to exactly `bytes`; where it is too long, it stays without padding and
    /// the answer is `false`.
    #[must_use = "a message that is too long shows its length"]
    fn pad_to(&mut self, bytes: usize) -> bool {
        self.padding().clear();
        let bare = self.encoded_len();
        match fill(bare, bytes) {
            Some(padding) => *self.padding() = padding,
            None => return false,
        }
        true
    }

    /// The least of `sizes`, ascending, to which the message can be filled up.
    fn fits(&self, sizes: &[usize]) -> Option<usize> {
        let bare = self.encoded_len();
        let mut sizes = sizes.iter().copied();
        sizes.find(|bytes| fill(bare, *bytes).is_some())
    }
}

/// Elements of the padding that take `bytes` to from `bare` exactly. One element of n bytes takes
/// a byte for its tag, n, and what n takes to be written, which leaves out some lengths; an empty
/// one beside it takes two bytes and makes up for that.
fn fill(bare: usize, bytes: usize) -> Option<Vec<Bytes>> {
    let missing = bytes.checked_sub(bare)?;
    let element = |missing: usize| {
        (1..=5).find_map(|length_bytes| {
            let content = missing.checked_sub(1 + length_bytes)?;
            let written = prost::length_delimiter_len(content);
            (written == length_bytes).then(|| Bytes::from(vec![0; content]))
        })
    };
    if missing == 0 {
        return Some(Vec::new());
    }
    if let Some(one) = element(missing) {
        return Some(vec![one]);
    }
    Some(vec![Bytes::new(), element(missing.checked_sub(2)?)?])
}

macro_rules! padded {
    ($($message:ident),+ $(,)?) => {$(
        impl Padded for wire::$message {
            fn padding(&mut self) -> &mut Vec<Bytes> {
                &mut self.padding
            }
        }
    )+};
}

padded! {
    OpenCaseRequest,
    OpenCaseResponse,
    AddMessageRequest,
    AddMessageResponse,
    AppealCaseRequest,
    AppealCaseResponse,
    ListCasesRequest,
    ListCasesResponse,
    GetCaseRequest,
    GetCaseResponse,
    FindMessageRequest,
    FindMessageResponse,
    NoticesRequest,
    NoticesResponse,
    ListSettingsResponse,
    ShowInsightRequest,
    ShowInsightResponse,
}
