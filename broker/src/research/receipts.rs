//! A register's receipt, held against the part or the refusal that it came with.
//!
//! What holds: a receipt in a table is of this register, query, permit, purpose, data, rules and
//! entry in the log of use; that of a refusal is of this register, query, permit, purpose and ground.
//! That the register has signed it is checked where its key is known, and
//! said; whether what else it says is true, a gateway cannot know.

use innsyn_policy::RegisterId;
use innsyn_proto::head::HeadKey;
use innsyn_proto::receipt::{Receipt, ReceiptError, RefusalGround, RefusalReceipt};
use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::research::v1 as wire;

use super::face::Prepared;

/// A receipt that is of something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReceiptMismatchError {
    #[error(transparent)]
    Read(#[from] ReceiptError),
    #[error("the receipt is of another `{0}`")]
    Other(&'static str),
}

/// The receipt of `part`, if `register` gave one; `key` is that of its log of use, if it is known.
pub(super) fn check(
    register: &RegisterId,
    part: &node::Part,
    prepared: &Prepared,
    key: Option<&HeadKey>,
) -> Result<Option<wire::Receipt>, ReceiptMismatchError> {
    let text = &part.receipt;
    if text.is_empty() {
        return Ok(None);
    }
    let receipt = match key {
        Some(key) => Receipt::read(text, key)?,
        None => Receipt::read_unchecked(text)?,
    };
    let permit = &prepared.permit;
    let (k, base) = (prepared.rules.k(), prepared.rules.base());
    let fits = [
        ("register", receipt.register == *register),
        ("query", receipt.query == prepared.query.name()),
        ("permit", receipt.permit == permit.permit().terms().id),
        ("permit-digest", receipt.permit_digest == *permit.digest()),
        ("snapshot", receipt.snapshot == *part.snapshot),
        ("purpose", receipt.purpose == prepared.purpose),
        ("smallest-cell", u64::from(receipt.smallest_cell) == k),
        ("rounding-base", u64::from(receipt.rounding_base) == base),
        ("use-log-leaf", receipt.use_log_leaf == *part.use_log_leaf),
    ];
    all_fit(&fits)?;
    Ok(Some(told(register, text, key)))
}

/// The receipt that came as `text` with a refusal of `register`, if it gave one; `key` is that of
/// its log of use, if it is known.
pub(super) fn check_refusal(
    register: &RegisterId,
    refusal: node::Refusal,
    text: &str,
    prepared: &Prepared,
    key: Option<&HeadKey>,
) -> Result<Option<wire::Receipt>, ReceiptMismatchError> {
    if text.is_empty() {
        return Ok(None);
    }
    let receipt = match key {
        Some(key) => RefusalReceipt::read(text, key)?,
        None => RefusalReceipt::read_unchecked(text)?,
    };
    let ground = match receipt.ground {
        RefusalGround::SettingsTooOld(_) => node::Refusal::SettingsTooOld,
        RefusalGround::Steward => node::Refusal::Steward,
        RefusalGround::Permit => node::Refusal::Permit,
        RefusalGround::OutsidePermit => node::Refusal::OutsidePermit,
    };
    let permit = &prepared.permit;
    all_fit(&[
        ("register", receipt.register == *register),
        ("query", receipt.query == prepared.query.name()),
        ("permit", receipt.permit == permit.permit().terms().id),
        ("permit-digest", receipt.permit_digest == *permit.digest()),
        ("purpose", receipt.purpose == prepared.purpose),
        ("refused", ground == refusal),
    ])?;
    Ok(Some(told(register, text, key)))
}

/// An error about the first line that does not fit.
fn all_fit(fits: &[(&'static str, bool)]) -> Result<(), ReceiptMismatchError> {
    match fits.iter().find(|(_, fits)| !fits) {
        Some((line, _)) => Err(ReceiptMismatchError::Other(line)),
        None => Ok(()),
    }
}

fn told(register: &RegisterId, text: &str, key: Option<&HeadKey>) -> wire::Receipt {
    wire::Receipt {
        register_id: register.to_string(),
        text: text.to_owned(),
        is_signature_checked: key.is_some(),
    }
}
