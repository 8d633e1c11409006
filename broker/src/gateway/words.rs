//! The wire's enums as JSON and metrics write them: `OUTCOME_REGISTERED` is `REGISTERED`.
//!
//! The .proto files stay the only vocabulary; what OpenAPI lists is read from them too.

use innsyn_proto::wire::types::v1 as wire;

pub(super) fn outcome(outcome: wire::Outcome) -> &'static str {
    strip(outcome.as_str_name(), "OUTCOME_")
}

/// `None` where there is no reason to give.
pub(super) fn reason(reason: wire::Reason) -> Option<&'static str> {
    (reason != wire::Reason::Unspecified).then(|| strip(reason.as_str_name(), "REASON_"))
}

pub(super) fn kind(kind: wire::RegisterKind) -> &'static str {
    strip(kind.as_str_name(), "REGISTER_KIND_")
}

pub(super) fn legal_basis(basis: wire::LegalBasis) -> &'static str {
    strip(basis.as_str_name(), "LEGAL_BASIS_")
}

pub(super) fn insight_method(method: wire::InsightMethod) -> &'static str {
    strip(method.as_str_name(), "INSIGHT_METHOD_")
}

/// Every word of an enum, its `UNSPECIFIED` left out.
pub(super) fn every<E: TryFrom<i32>>(word: impl Fn(E) -> &'static str) -> Vec<&'static str> {
    (1..)
        .map_while(|number| E::try_from(number).ok())
        .map(word)
        .collect()
}

/// A word of another enum.
pub(super) fn word(name: &'static str, prefix: &str) -> &'static str {
    strip(name, prefix)
}

fn strip(name: &'static str, prefix: &str) -> &'static str {
    name.strip_prefix(prefix).unwrap_or(name)
}
