//! Is this query within the permit?

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use super::{DataPermit, PermitBasis, PermitId, PermitKind, QueryKind, Terms};
use crate::caller::Organisation;
use crate::person::NationalId;
use crate::purpose::Purpose;
use crate::register::{LegalBasis, Register, RegisterId};
use crate::time::Timestamp;

/// How long a clearance lasts: longer than any query runs. A query that waits longer, for a
/// steward, is checked again.
const CLEARANCE_LASTS: Duration = Duration::from_mins(10);

/// What is known of one query at one register; whoever holds the query fills it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryFacts<'a> {
    /// The SHA-256 of its normal form, which names it.
    pub query: [u8; 32],
    /// Who asks.
    pub person: NationalId,
    /// Through which organisation.
    pub organisation: Organisation,
    /// What for.
    pub purpose: Purpose,
    /// The register that is asked.
    pub register: &'a Register,
    /// How it uses which variables, by view, wherever they stand in it. A view that is counted
    /// without any variable is there too.
    pub views: BTreeMap<String, BTreeMap<String, VariableUse>>,
    /// The birth years to which its population is limited, the end excluded; every year
    /// (`i32::MIN..i32::MAX`) where it is not.
    pub born_years: Range<i32>,
    /// The months of data that it can reach, counted from January 1970, the end excluded. What
    /// it does not limit reaches all that the register publishes.
    pub months: Range<i32>,
    /// What it computes.
    pub kinds: BTreeSet<QueryKind>,
    /// The smallest cell that will be released, in persons.
    pub smallest_cell: u32,
    /// To multiples of what counts will be rounded.
    pub rounding_base: u32,
    /// How many queries this permit has had answered here before.
    pub queries_before: u32,
}

/// How a query uses one variable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VariableUse {
    /// The codes that it is compared with for equality or membership, also under a negation. A
    /// code with its descendants is that code.
    pub codes: BTreeSet<String>,
    /// Whether it is used in any other way: as a dimension, in order, measured.
    pub is_used_otherwise: bool,
}

/// Proof that [`DataPermit::check`] found one query at one register within the permit. Only the
/// check makes one, and it is used up by the run.
#[derive(Debug, PartialEq, Eq)]
pub struct PermitClearance {
    permit: PermitId,
    query: [u8; 32],
    register: RegisterId,
    purpose: Purpose,
    expires_at: Timestamp,
}

/// The field of the permit that a query is outside, in the order in which they are checked. The
/// exact field is for the log of use; the wire tells less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum OutsidePermit {
    /// Not valid yet, or not any more.
    #[error("the data permit is not valid at this time")]
    Validity,
    /// Who asks is not entitled.
    #[error("the person is not entitled by the data permit")]
    People,
    /// Not through this organisation.
    #[error("the data permit is for another organisation")]
    Organisation,
    /// Not for this purpose.
    #[error("the data permit is for another purpose")]
    Purpose,
    /// The permit rests on consent, and nobody consents to this register.
    #[error("the data permit's legal basis does not reach this register")]
    LegalBasis,
    /// Not of this register.
    #[error("the data permit does not name this register")]
    Registers,
    /// Not of this view, or not by this variable.
    #[error("the query uses a view or variable that the data permit does not name")]
    Variables,
    /// Of people born in other years.
    #[error("the query is not limited to the data permit's birth years")]
    BornYears,
    /// Of other months.
    #[error("the query is not limited to the data permit's months")]
    Months,
    /// Of another unit than one's own.
    #[error("the query tells other units apart than the data permit's own")]
    OwnUnit,
    /// Something that may not be computed.
    #[error("the query computes what the data permit does not allow")]
    Kinds,
    /// Smaller cells would be released.
    #[error("cells smaller than the data permit's smallest would be released")]
    SmallestCell,
    /// Counts would be rounded less.
    #[error("counts would be rounded less than the data permit says")]
    RoundingBase,
    /// The budget is used up.
    #[error("the data permit's budget of queries is used up")]
    Budget,
}

impl OutsidePermit {
    /// The field's name, for logs and metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Validity => "validity",
            Self::People => "people",
            Self::Organisation => "organisation",
            Self::Purpose => "purpose",
            Self::LegalBasis => "legal_basis",
            Self::Registers => "registers",
            Self::Variables => "variables",
            Self::BornYears => "born_years",
            Self::Months => "months",
            Self::OwnUnit => "own_unit",
            Self::Kinds => "kinds",
            Self::SmallestCell => "smallest_cell",
            Self::RoundingBase => "rounding_base",
            Self::Budget => "budget",
        }
    }
}

impl DataPermit {
    /// Whether a query with these facts is within the permit at `now`; else the first field, in
    /// the order of [`OutsidePermit`], that it is outside. Pure: no clock, no I/O, no panics.
    pub fn check(
        &self,
        facts: &QueryFacts<'_>,
        now: Timestamp,
    ) -> Result<PermitClearance, OutsidePermit> {
        use OutsidePermit as F;
        let terms = self.terms();
        let validity = terms.validity;
        let fields = [
            (F::Validity, validity.from <= now && now < validity.until),
            (F::People, terms.people.contains(&facts.person)),
            (F::Organisation, terms.organisation == facts.organisation),
            (F::Purpose, terms.purpose == facts.purpose),
            (F::LegalBasis, reaches(terms.legal_basis, facts.register)),
            (F::Registers, terms.registers.contains(&facts.register.id)),
            (F::Variables, names_all(terms, &facts.views)),
            (
                F::BornYears,
                terms
                    .born_years
                    .as_ref()
                    .is_none_or(|born| contains(born, &facts.born_years)),
            ),
            (F::Months, contains(&terms.months, &facts.months)),
            (F::OwnUnit, keeps_to_own_unit(&terms.kind, &facts.views)),
            (
                F::Kinds,
                !facts.kinds.is_empty() && facts.kinds.is_subset(&terms.kinds),
            ),
            (F::SmallestCell, facts.smallest_cell >= terms.smallest_cell),
            (F::RoundingBase, facts.rounding_base >= terms.rounding_base),
            (F::Budget, facts.queries_before < terms.budget_queries),
        ];
        if let Some((field, _)) = fields.into_iter().find(|(_, is_within)| !is_within) {
            return Err(field);
        }
        Ok(PermitClearance {
            permit: terms.id.clone(),
            query: facts.query,
            register: facts.register.id.clone(),
            purpose: facts.purpose,
            expires_at: now.plus(CLEARANCE_LASTS).min(validity.until),
        })
    }
}

impl PermitClearance {
    /// The permit that the query is within.
    pub const fn permit(&self) -> &PermitId {
        &self.permit
    }

    /// The SHA-256 that names the query.
    pub const fn query(&self) -> &[u8; 32] {
        &self.query
    }

    /// The register that may be asked.
    pub const fn register(&self) -> &RegisterId {
        &self.register
    }

    /// For what purpose.
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Whether it still holds at `now`.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

/// Whether a use on this ground can be made of this register. Where nobody was asked for consent,
/// no permit can rest on it. ASSUMED; a lawyer must confirm it.
fn reaches(basis: PermitBasis, register: &Register) -> bool {
    basis != PermitBasis::Consent || register.legal_basis == LegalBasis::Consent
}

/// Whether every view is named, and every variable that is used of it.
fn names_all(terms: &Terms, views: &BTreeMap<String, BTreeMap<String, VariableUse>>) -> bool {
    !views.is_empty()
        && views.iter().all(|(view, used)| {
            terms
                .variables
                .get(view)
                .is_some_and(|named| used.keys().all(|variable| named.contains(variable)))
        })
}

/// Whether no unit but one's own is told apart. The rest of the country is what is not one's own.
fn keeps_to_own_unit(
    kind: &PermitKind,
    views: &BTreeMap<String, BTreeMap<String, VariableUse>>,
) -> bool {
    let PermitKind::OwnUnit { variable, code } = kind else {
        return true;
    };
    views
        .values()
        .filter_map(|used| used.get(variable))
        .all(|used| !used.is_used_otherwise && used.codes.iter().all(|named| named == code))
}

/// Whether `outer` contains all of `inner`.
fn contains(outer: &Range<i32>, inner: &Range<i32>) -> bool {
    inner.is_empty() || (outer.start <= inner.start && inner.end <= outer.end)
}
