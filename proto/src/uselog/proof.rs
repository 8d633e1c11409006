//! What a register showed of its log, as it came through a gateway, so that whoever is told can check
//! all of it again.
//!
//! A gateway checks what it tells, but could lie about that. With the proof, a person's own program
//! runs the same checks ([`checked`](super::checked)) over what the register has signed, and makes of
//! it what the gateway should have told ([`told`](super::told)). What it holds the register to is its
//! own receipt of an earlier reading, and what witnesses have seen, which registers have signed.

use std::collections::BTreeMap;

use bytes::Bytes;
use innsyn_policy::{QuestionId, RegisterId};
use prost::Message as _;

use super::checked::{CheckError, Checked, Held, SeenByOther, check};
use super::receipt::ReadingReceipt;
use super::told::tell;
use crate::head::{HeadError, HeadKey, SignedHead, WitnessKey};
use crate::wire::citizen::v1 as citizen;
use crate::wire::node::v1 as node;

/// Why what was told does not hold for whoever checks again.
#[derive(Debug, thiserror::Error)]
pub enum CheckAgainError {
    /// The gateway gave no proof, or one that is none.
    #[error("the gateway gave no proof that can be read")]
    NoProof,
    /// A head or a key in the proof is not good.
    #[error("a head in the proof is not good: {0}")]
    Head(#[from] HeadError),
    /// A check fails.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// What the gateway told is not what the register showed.
    #[error("the gateway tells something else than the register has shown")]
    ToldOtherwise,
}

/// What was shown in `pages` to the question `id` by a register that was held to `held`, by a gateway
/// that witnesses with `gateway`.
pub fn of(
    id: QuestionId,
    pages: &[node::ListUsesResponse],
    held: &Held,
    gateway: &WitnessKey,
) -> citizen::UsesProof {
    let QuestionId(id) = id;
    let pages = pages.iter().map(|page| {
        let page = node::ListUsesResponse {
            padding: Bytes::new(),
            ..page.clone()
        };
        page.encode_to_vec()
    });
    let others = held.others.iter().map(|seen| citizen::SeenHead {
        witness_key: seen.key.text(),
        head: seen.head.note().to_vec(),
    });
    citizen::UsesProof {
        question_id: id.to_vec(),
        pages: pages.collect(),
        kept: held.kept.as_ref().map(|(_, head)| head.note().to_vec()),
        gateway_key: gateway.text(),
        others: others.collect(),
    }
}

/// Checks what `uses` tells against the proof in it. The register is held to `receipt`, of an earlier
/// reading, where the gateway was given the same.
///
/// What only the gateway knows is taken from it: what witnesses said beside the heads that they have
/// seen, and which keys are witnesses'.
pub fn check_again(
    uses: &citizen::RegisterUses,
    receipt: Option<(ReadingReceipt, String)>,
) -> Result<Checked, CheckAgainError> {
    let register = RegisterId::parse(&uses.register_id).map_err(|_| CheckAgainError::NoProof)?;
    let proof = uses.proof.as_ref().ok_or(CheckAgainError::NoProof)?;
    let pages = proof.pages.iter();
    let pages: Vec<_> = pages
        .map(|page| node::ListUsesResponse::decode(page.as_slice()))
        .collect::<Result<_, _>>()
        .map_err(|_| CheckAgainError::NoProof)?;
    let first = pages.first().ok_or(CheckAgainError::NoProof)?;
    let log_key = HeadKey::parse(&first.log_key)?;
    let read = |note: &[u8]| SignedHead::read(note, &log_key);
    let kept = proof.kept.as_deref().map(read).transpose()?;
    let gateway = WitnessKey::parse(&proof.gateway_key)?;
    let others = proof.others.iter().map(|seen| {
        Ok::<_, HeadError>(SeenByOther {
            key: WitnessKey::parse(&seen.witness_key)?,
            head: read(&seen.head)?,
        })
    });
    let held = Held {
        register,
        kept: kept.map(|head| (first.log_key.clone(), head)),
        others: others.collect::<Result<_, _>>()?,
        doubts: BTreeMap::new(),
        receipt,
    };
    let id = proof.question_id.as_slice().try_into();
    let id = QuestionId(id.map_err(|_| CheckAgainError::NoProof)?);
    let mut witnesses = vec![gateway];
    witnesses.extend(held.others.iter().map(|seen| seen.key.clone()));
    let checked = check(&pages, &held, id, &witnesses)?;

    let mut told = citizen::RegisterUses {
        verified: None,
        ..uses.clone()
    };
    told.uses.clear();
    tell(&mut told, &pages, &checked);
    // Whom else the gateway counts as witnesses is its own word.
    if let (Some(told), Some(uses)) = (&mut told.verified, &uses.verified) {
        told.witnesses.clone_from(&uses.witnesses);
        told.witnessed_entries = uses.witnessed_entries;
        told.disputed_by.clone_from(&uses.disputed_by);
    }
    if told == *uses {
        Ok(checked)
    } else {
        Err(CheckAgainError::ToldOtherwise)
    }
}
