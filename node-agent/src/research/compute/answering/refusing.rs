//! The last message of a query that is refused, with what the register signs of it.

use innsyn_proto::head::LogHash;
use innsyn_proto::receipt::RefusalReceipt;
use innsyn_proto::wire::node::v1 as wire;
use wire::compute_response::Message;

use super::super::asked::AskedQuery;
use super::super::refused::Refused;
use super::{Computing, Known};

impl Computing {
    /// Refuses on `ground`, now that its entry `leaf` is durable.
    pub(super) fn refuse(
        &self,
        known: &Known,
        asked: &AskedQuery,
        ground: &Refused,
        leaf: &LogHash,
    ) -> wire::ComputeResponse {
        let receipt = self.refusal_receipt(known, asked, ground, leaf);
        wire::ComputeResponse {
            message: Some(Message::Refusal(ground.told().into())),
            refusal_receipt: receipt.unwrap_or_default(),
        }
    }

    /// The receipt; `None` where the ground is none that is signed, or query and permit were not
    /// found to be good.
    fn refusal_receipt(
        &self,
        known: &Known,
        asked: &AskedQuery,
        ground: &Refused,
        leaf: &LogHash,
    ) -> Option<String> {
        let permit = known.permit.as_ref()?;
        let receipt = RefusalReceipt {
            register: self.deciding.register.id.clone(),
            query: known.query.as_ref()?.name(),
            permit: permit.permit().terms().id.clone(),
            permit_digest: *permit.digest(),
            snapshot: known.snapshot?,
            purpose: asked.purpose,
            ground: ground.signed()?,
            use_log_leaf: *leaf,
            at: self.clock.now(),
        };
        match self.log.sign_refusal(&receipt) {
            Ok(receipt) => Some(receipt),
            Err(error) => {
                // It stays refused, and says why unsigned.
                tracing::error!(%error, "the receipt of a refusal cannot be signed");
                None
            }
        }
    }
}
