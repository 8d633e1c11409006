//! Whether a query may be counted here, as the register itself sees it.

use std::sync::Arc;

use innsyn_policy::{PermitClearance, Register, Timestamp};
use innsyn_proto::data_permit::{SignedDataPermit, TrustedIssuers};
use innsyn_proto::query::{self, CheckedQuery};

use super::super::steward::Steward;
use super::Countable;
use super::asked::AskedQuery;
use super::budget::{Budget, Charge, Charged};
use super::refused::Refused;

/// What the register decides by.
#[derive(Debug)]
pub(super) struct Deciding {
    pub(super) register: Register,
    pub(super) issuers: TrustedIssuers,
    pub(super) steward: Steward,
    pub(super) budget: Arc<Budget>,
}

/// A query that may be counted: the right to it, and what it is charged.
#[derive(Debug)]
pub(super) struct Cleared {
    pub(super) clearance: PermitClearance,
    pub(super) charge: Charge,
}

impl Deciding {
    /// The data permit, verified.
    pub(super) fn permit(
        &self,
        asked: &AskedQuery,
        now: Timestamp,
    ) -> Result<SignedDataPermit, Refused> {
        Ok(self.issuers.read(&asked.data_permit, now)?)
    }

    /// The query, checked against what the register publishes, and the one that was meant.
    pub(super) fn query(
        &self,
        asked: &AskedQuery,
        data: &dyn Countable,
    ) -> Result<CheckedQuery, Refused> {
        let query = query::check_at(&self.register.id, &asked.query, data.views())
            .map_err(|error| Refused::Query(Box::new(error)))?;
        // A field that this program does not know is dropped when the message is read.
        if *query.name().as_bytes() != asked.query_name {
            return Err(Refused::OtherName);
        }
        Ok(query)
    }

    /// Whether the steward's rules allow the query and it is within the permit, as of `now`.
    pub(super) fn clear(
        &self,
        asked: &AskedQuery,
        query: &CheckedQuery,
        permit: &SignedDataPermit,
        snapshot: &[u8; 32],
        now: Timestamp,
    ) -> Result<Cleared, Refused> {
        let permit = permit.permit();
        let terms = permit.terms();
        let facts = |before| query.facts(&self.register, asked.asking(terms.purpose, before));
        self.steward.allows(&facts(0), terms.id.issuer())?;
        let charged = Charged {
            query: *query.name().as_bytes(),
            snapshot: *snapshot,
        };
        let (clearance, charge) = self.budget.charge(&terms.id, charged, |before| {
            permit.check(&facts(before), now)
        })?;
        Ok(Cleared { clearance, charge })
    }
}
