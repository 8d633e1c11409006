//! The standing rules: which of them fits a query.

use std::collections::BTreeSet;

use innsyn_policy::{Purpose, QueryFacts};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The rules as they stood when they were read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingRules {
    /// Whether nothing is counted for anybody.
    #[serde(default)]
    pub stopped: bool,
    /// The rules, of which the first that fits decides.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    decision: RuleDecision,
    purposes: Option<BTreeSet<PurposeName>>,
    issuers: Option<BTreeSet<String>>,
    variables: Option<BTreeSet<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RuleDecision {
    Allow,
    Deny,
    /// The steward decides, query by query.
    Ask,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PurposeName {
    QualityImprovement,
    Research,
    Administration,
}

impl StandingRules {
    /// The number, from 1, and the decision of the first rule that fits a query with these `facts`
    /// under a permit of `issuer`.
    pub(super) fn first(
        &self,
        facts: &QueryFacts<'_>,
        issuer: &str,
    ) -> Option<(u32, RuleDecision)> {
        let fits = |(_, rule): &(u32, &Rule)| rule.fits(facts, issuer);
        let (number, rule) = (1..).zip(&self.rules).find(fits)?;
        Some((number, rule.decision))
    }

    /// Names the rules: a decision by hand stands only as long as they are the same. The kill
    /// switch is none of them.
    pub fn digest(&self) -> String {
        // Names and lists of names are always written.
        let rules = serde_json::to_vec(&self.rules).unwrap_or_default();
        hex::encode(Sha256::digest(rules))
    }
}

impl Rule {
    fn fits(&self, facts: &QueryFacts<'_>, issuer: &str) -> bool {
        let is_of = |purposes: &BTreeSet<PurposeName>| {
            name_of(facts.purpose).is_some_and(|name| purposes.contains(&name))
        };
        self.purposes.as_ref().is_none_or(is_of)
            && self
                .issuers
                .as_ref()
                .is_none_or(|issuers| issuers.contains(issuer))
            && self
                .variables
                .as_ref()
                .is_none_or(|named| self.fits_variables(named, facts))
    }

    fn fits_variables(&self, named: &BTreeSet<String>, facts: &QueryFacts<'_>) -> bool {
        let is_named = |(view, variable): (&str, &str)| {
            named.contains(view) || named.contains(&format!("{view}.{variable}"))
        };
        match self.decision {
            RuleDecision::Allow => facts.views.iter().all(|(view, used)| {
                // A view that is only counted is used, too: the rule must name it whole.
                (!used.is_empty() || named.contains(view))
                    && used.keys().all(|variable| is_named((view, variable)))
            }),
            RuleDecision::Deny | RuleDecision::Ask => facts.views.iter().any(|(view, used)| {
                named.contains(view) || used.keys().any(|variable| is_named((view, variable)))
            }),
        }
    }
}

/// The name of a secondary use; no rule can name another.
const fn name_of(purpose: Purpose) -> Option<PurposeName> {
    match purpose {
        Purpose::OwnInsight | Purpose::Treatment => None,
        Purpose::QualityImprovement => Some(PurposeName::QualityImprovement),
        Purpose::Research => Some(PurposeName::Research),
        Purpose::Administration => Some(PurposeName::Administration),
    }
}
