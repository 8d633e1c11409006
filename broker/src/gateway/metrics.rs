//! What a citizen gateway counts.

use innsyn_policy::{CannotBeAskedReason, NoAnswerReason, Outcome, Presence, WithheldReason};
use innsyn_proto::convert::outcome_to_wire;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::words;

/// Every outcome and reason there is; how many people have which is what is counted.
const OUTCOMES: [Outcome; 18] = [
    Outcome::Registered(NO_DATES),
    Outcome::NotRegistered,
    Outcome::Deleted(NO_DATES),
    Outcome::Withheld(WithheldReason::AreaNotCovered),
    Outcome::Withheld(WithheldReason::SensitiveFromTwelve),
    Outcome::CannotBeAsked(CannotBeAskedReason::Deidentified),
    Outcome::CannotBeAsked(CannotBeAskedReason::Pseudonymous),
    Outcome::NoAnswer(NoAnswerReason::Timeout),
    Outcome::NoAnswer(NoAnswerReason::Unresponsive),
    Outcome::NoAnswer(NoAnswerReason::Down),
    Outcome::NoAnswer(NoAnswerReason::RelayDown),
    Outcome::NoAnswer(NoAnswerReason::LogUnavailable),
    Outcome::NoAnswer(NoAnswerReason::OverCap),
    Outcome::NoAnswer(NoAnswerReason::Refused),
    Outcome::NoAnswer(NoAnswerReason::SourceUnavailable),
    Outcome::NoAnswer(NoAnswerReason::InvalidAnswer),
    Outcome::NoAnswer(NoAnswerReason::Overloaded),
    Outcome::NotConnected,
];
const NO_DATES: Presence = Presence {
    since: None,
    last_changed: None,
};
/// Room for a reason's number on the wire, and for an outcome's.
const REASON_STRIDE: usize = 16;
const PAIRS: usize = 8 * REASON_STRIDE;

/// The counters of one gateway. Outcomes are counted over all registers together: a register's
/// outcomes by itself could tell of a person who asks at night.
#[derive(Debug)]
pub struct CitizenMetrics {
    /// By outcome and reason, so that an update costs an addition and no lock.
    outcomes: [Option<Counter>; PAIRS],
    refusals: Family<Cause, Counter>,
    pub(crate) listing_seconds: Histogram,
    pub(crate) listings_in_flight: Gauge,
    pub(crate) listings_abandoned: Counter,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Cause {
    reason: &'static str,
    cause: &'static str,
}

impl CitizenMetrics {
    /// Registers the counters in `registry`.
    pub fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("innsyn_gateway");
        let outcomes: Family<OutcomeLabels, Counter> = Family::default();
        let refusals = Family::default();
        let listing_seconds = Histogram::new([
            0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 11.0,
        ]);
        let listings_in_flight = Gauge::default();
        let listings_abandoned = Counter::default();
        registry.register(
            "outcomes",
            "Outcomes told, over all registers",
            outcomes.clone(),
        );
        registry.register(
            "refusals",
            "Calls refused, by reason and, for tokens, cause",
            refusals.clone(),
        );
        registry.register(
            "listing_seconds",
            "From a request's arrival to its summary",
            listing_seconds.clone(),
        );
        registry.register(
            "listings_in_flight",
            "Listings under way",
            listings_in_flight.clone(),
        );
        registry.register(
            "listings_abandoned",
            "Listings whose caller left before the summary",
            listings_abandoned.clone(),
        );
        Self {
            outcomes: counters(&outcomes),
            refusals,
            listing_seconds,
            listings_in_flight,
            listings_abandoned,
        }
    }

    pub(crate) fn outcome(&self, outcome: &Outcome) {
        if let Some(Some(counter)) = self.outcomes.get(index(outcome)) {
            counter.inc();
        }
    }

    /// Counts a refusal; `cause` only where the reason hides one.
    pub(crate) fn refusal(&self, reason: &'static str, cause: &'static str) {
        self.refusals.get_or_create(&Cause { reason, cause }).inc();
    }
}

fn counters(family: &Family<OutcomeLabels, Counter>) -> [Option<Counter>; PAIRS] {
    let mut counters = [const { None }; PAIRS];
    for outcome in &OUTCOMES {
        if let Some(slot) = counters.get_mut(index(outcome)) {
            let (outcome, reason) = outcome_to_wire(outcome);
            let labels = OutcomeLabels {
                outcome: words::outcome(outcome),
                reason: words::reason(reason).unwrap_or(""),
            };
            *slot = Some(family.get_or_create(&labels).clone());
        }
    }
    counters
}

const fn index(outcome: &Outcome) -> usize {
    let (outcome, reason) = outcome_to_wire(outcome);
    outcome as usize * REASON_STRIDE + reason as usize
}
