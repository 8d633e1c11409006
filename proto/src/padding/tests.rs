//! Every length can be reached, but the one byte that a tag alone would be.

use bytes::Bytes;
use prost::Message as _;

use super::Padded as _;
use crate::wire::node::v1::{GetCaseResponse, ListCasesRequest};

#[test]
fn a_message_is_filled_up_to_the_very_byte() {
    let mut message = ListCasesRequest {
        reply_bytes: 1024,
        ..ListCasesRequest::default()
    };
    let bare = message.encoded_len();
    for bytes in (bare + 2..bare + 600).chain(bare + 16_300..bare + 16_500) {
        assert!(message.pad_to(bytes), "{bytes}");
        assert_eq!(message.encoded_len(), bytes);
        assert!(message.padding.len() <= 2);
    }
    assert!(message.pad_to(bare) && message.padding.is_empty());
    for bytes in [bare + 1, bare - 1, 0] {
        assert!(!message.pad_to(bytes));
        assert!(message.padding.is_empty());
    }
}

#[test]
fn the_least_size_that_fits_is_found() {
    let of = |bytes: usize| GetCaseResponse {
        padding: vec![Bytes::from(vec![0; bytes])],
        ..GetCaseResponse::default()
    };
    // A tag and a length beside the content.
    assert_eq!(of(60).fits(&[64, 128]), Some(64));
    assert_eq!(of(62).fits(&[64, 128]), Some(64));
    assert_eq!(
        of(61).fits(&[64, 128]),
        Some(128),
        "one byte cannot be filled"
    );
    assert_eq!(of(200).fits(&[64, 128]), None);
}
