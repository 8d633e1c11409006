//! Whether a query may be counted here, as the register itself sees it.

use std::collections::BTreeSet;
use std::sync::Arc;

use innsyn_policy::{
    Identifiability, PermitClearance, Register, Timestamp, Use, VariableName, Variables,
};
use innsyn_proto::data_permit::{SignedDataPermit, TrustedIssuers};
use innsyn_proto::query::{self, CheckedQuery, Language};
use innsyn_proto::receipt::StewardsWord;

use super::super::steward::queue::{HeldName, HeldQuery};
use super::super::steward::{Steward, StewardRefusal, Verdict};
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

/// A question of which everything is known that is decided by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) asked: &'a AskedQuery,
    pub(super) query: &'a CheckedQuery,
    pub(super) permit: &'a SignedDataPermit,
    pub(super) snapshot: [u8; 32],
}

/// A query that may be counted: the right to it, and what it is charged.
#[derive(Debug)]
pub(super) struct Cleared {
    pub(super) clearance: PermitClearance,
    pub(super) charge: Charge,
    pub(super) steward: StewardsWord,
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

    /// What the steward says of the query, as of `now`.
    pub(super) fn steward(&self, case: Case<'_>, now: Timestamp) -> Result<Verdict, Refused> {
        let Case {
            asked,
            query,
            permit,
            ..
        } = case;
        let issuer = permit.permit().terms().id.issuer();
        let facts = query.facts(&self.register, asked.asking(0));
        let held = HeldName::of(query.name().as_bytes(), permit.digest());
        Ok(self.steward.verdict(&facts, issuer, &held, now)?)
    }

    /// The query as the steward is told of it, and the digest of the rules that ask.
    pub(super) fn for_steward(
        &self,
        case: Case<'_>,
        rule: u32,
        now: Timestamp,
    ) -> Result<(HeldQuery, String), Refused> {
        let Case {
            asked,
            query,
            permit,
            ..
        } = case;
        let terms = permit.permit().terms();
        let facts = query.facts(&self.register, asked.asking(0));
        let variables = facts.views.iter().flat_map(|(view, used)| {
            let alone = used.is_empty().then(|| view.clone());
            let each = used.keys().map(move |name| format!("{view}.{name}"));
            alone.into_iter().chain(each)
        });
        let held = HeldQuery {
            query_name: query.name().to_string(),
            permit_digest: hex::encode(permit.digest()),
            permit: terms.id.to_string(),
            project: terms.project.clone(),
            organisation: asked.organisation.to_string(),
            purpose: asked.purpose.name().to_owned(),
            rule,
            variables: variables.collect(),
            words_nb: query.words(Language::Bokmal),
            words_en: query.words(Language::English),
            came_at: now.as_seconds(),
        };
        let rules = self.steward.rules().map_err(StewardRefusal::from)?;
        Ok((held, rules.digest()))
    }

    /// What the query does with people's data, as their settings speak of it.
    pub(super) fn use_of(&self, case: Case<'_>) -> Use {
        let facts = case.query.facts(&self.register, case.asked.asking(0));
        let names = facts.views.iter().flat_map(|(view, used)| {
            let alone = used.is_empty().then(|| view.clone());
            let each = used.keys().map(move |name| format!("{view}.{name}"));
            alone.into_iter().chain(each)
        });
        let names: Result<BTreeSet<_>, _> = names.map(|name| VariableName::parse(&name)).collect();
        Use {
            purpose: case.asked.purpose,
            identifiability: Identifiability::Aggregate,
            // A name that no setting can have is part of all.
            variables: names.map_or(Variables::All, |names| Variables::Only(Arc::new(names))),
        }
    }

    /// Whether the steward lets the query be counted and it is within the permit, as of `now`.
    pub(super) fn clear(&self, case: Case<'_>, now: Timestamp) -> Result<Cleared, Refused> {
        let Verdict::Allowed(steward) = self.steward(case, now)? else {
            return Err(StewardRefusal::NotDecided.into());
        };
        let (clearance, charge) = self.within(case, now)?;
        Ok(Cleared {
            clearance,
            charge,
            steward,
        })
    }

    /// Whether the query is within the permit, as of `now`.
    pub(super) fn within(
        &self,
        case: Case<'_>,
        now: Timestamp,
    ) -> Result<(PermitClearance, Charge), Refused> {
        let Case { asked, query, .. } = case;
        let permit = case.permit.permit();
        let charged = Charged {
            query: *query.name().as_bytes(),
            snapshot: case.snapshot,
        };
        let within = self
            .budget
            .charge(&permit.terms().id, charged, |queries_before| {
                let facts = query.facts(&self.register, asked.asking(queries_before));
                permit.check(&facts, now)
            })?;
        Ok(within)
    }
}
