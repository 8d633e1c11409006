//! The legal document that lets a project ask: what was granted, to whom, and until when.
//!
//! A [`DataPermit`] is the decision of an authority (Helsedataservice, a quality register's own
//! board) as data: people, purpose, registers, variables, limits of the population and of what
//! may be counted. Whoever holds a query writes its [`QueryFacts`], and [`DataPermit::check`]
//! gives a [`PermitClearance`] or the one field that the query is outside.
//!
//! What holds:
//!
//! - **A `DataPermit` is coherent**: there is no other way to one than [`DataPermit::new`].
//! - **A `PermitClearance` was checked**, for one query at one register. Only the check makes one.
//! - **Fields are checked in one order**, that of [`OutsidePermit`], so that equal queries are
//!   refused with equal reasons.
//! - **What a query does not say is not granted**: facts without a view or a kind are refused.
//! - **No error contains text of the permit**, so none contains a person.
//!
//! A permit limits a query as a whole. Which persons may be counted is a matter of their own
//! settings ([`crate::decision::secondary_use`]); that a permit is genuine is one of its signature
//! and stands where permits travel, not here. Project, number and legal reference name the permit
//! and limit nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::caller::{Organisation, Validity};
use crate::person::NationalId;
use crate::purpose::Purpose;
use crate::register::RegisterId;
use crate::time::Timestamp;

mod check;
mod id;
#[cfg(test)]
mod tests;
mod words;

pub use check::{OutsidePermit, PermitClearance, QueryFacts, VariableUse};
pub use id::{ParsePermitIdError, PermitId};
pub use words::month_in_words;

/// The least that a permit may call the smallest cell, in persons. SSB hides cells of fewer than
/// three; a register that wants more says so itself.
pub const SMALLEST_CELL_MIN: u32 = 3;

/// The longest text of a permit, in characters.
const TEXT_CHARACTERS_MAX: usize = 500;
/// The longest name of a view or variable, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// A data permit whose terms are coherent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataPermit(Terms);

/// What a data permit says, field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Who issued it, and under what number.
    pub id: PermitId,
    /// The project, in words.
    pub project: String,
    /// What sort of use it grants.
    pub kind: PermitKind,
    /// The people entitled to ask.
    pub people: BTreeSet<NationalId>,
    /// The organisation that is responsible for the use, and through which they ask.
    pub organisation: Organisation,
    /// What for. Always a secondary use.
    pub purpose: Purpose,
    /// On what ground.
    pub legal_basis: PermitBasis,
    /// Where the ground is written, in words: sections, the ethics committee's reference.
    pub legal_reference: String,
    /// The registers that may be asked.
    pub registers: BTreeSet<RegisterId>,
    /// The variables that may be used, by view. A view without variables may be counted.
    pub variables: BTreeMap<String, BTreeSet<String>>,
    /// Only people born in these years, the end excluded; `None` for people of any age.
    pub born_years: Option<Range<i32>>,
    /// Only data of these months, counted from January 1970, the end excluded.
    pub months: Range<i32>,
    /// What may be computed.
    pub kinds: BTreeSet<QueryKind>,
    /// Cells of fewer persons are hidden.
    pub smallest_cell: u32,
    /// Counts are rounded to multiples of this; 1 for not at all.
    pub rounding_base: u32,
    /// How many queries may be answered, at each register.
    pub budget_queries: u32,
    /// When it may be used.
    pub validity: Validity,
}

/// What sort of use a permit grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermitKind {
    /// A project over whole registers.
    Project,
    /// One's own unit against the country, as in feedback to clinics: `variable` tells units
    /// apart, and a query may single out the unit `code` but no other.
    OwnUnit {
        /// The variable that holds the unit.
        variable: String,
        /// One's own unit.
        code: String,
    },
}

/// The ground in GDPR article 9 (2) that a permit rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PermitBasis {
    /// (a), the persons' explicit consent.
    Consent,
    /// (h), management of health care systems and services.
    CareManagement,
    /// (i), public health, quality and safety of health care.
    PublicHealth,
    /// (j), research or statistics.
    ResearchOrStatistics,
}

/// Something that a query computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueryKind {
    /// Numbers of persons or events.
    Count,
    /// Anything by dimensions or periods.
    Table,
    /// Sums and means.
    Sum,
    /// Variances.
    Variance,
    /// Histograms, and quantiles from them.
    Histogram,
    /// Life tables.
    LifeTable,
}

/// Why terms are no permit: the field, and what is wrong with it. Never what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct TermsError {
    /// The field.
    pub field: &'static str,
    /// What is wrong.
    pub problem: &'static str,
}

impl DataPermit {
    /// A permit with these terms, if they are coherent.
    pub fn new(terms: Terms) -> Result<Self, TermsError> {
        let wrong = |field, problem| Err(TermsError { field, problem });
        for (field, is_missing) in [
            ("people", terms.people.is_empty()),
            ("registers", terms.registers.is_empty()),
            ("variables", terms.variables.is_empty()),
            ("kinds", terms.kinds.is_empty()),
            ("budget_queries", terms.budget_queries == 0),
        ] {
            if is_missing {
                return wrong(field, "grants nothing; name what is granted");
            }
        }
        for (field, text) in [
            ("project", &terms.project),
            ("legal_reference", &terms.legal_reference),
        ] {
            if !is_text(text) {
                return wrong(
                    field,
                    "must be 1 to 500 characters on one line without eleven digits in a row",
                );
            }
        }
        for (view, variables) in &terms.variables {
            if !std::iter::once(view).chain(variables).all(|n| is_name(n)) {
                return wrong(
                    "variables",
                    "has a name that is not 1 to 64 of a-z, 0-9 and _, beginning with a letter",
                );
            }
        }
        if let PermitKind::OwnUnit { variable, code } = &terms.kind {
            if !terms.variables.values().any(|view| view.contains(variable)) {
                return wrong("own_unit", "needs a variable that the permit grants");
            }
            if !is_text(code) {
                return wrong("own_unit", "needs the code of a unit");
            }
        }
        if !terms.purpose.is_secondary() {
            return wrong("purpose", "must be a secondary use");
        }
        if !terms.legal_basis.carries(terms.purpose) {
            return wrong("legal_basis", "is no ground for the purpose");
        }
        if terms.born_years.as_ref().is_some_and(Range::is_empty) {
            return wrong("born", "ends before it begins");
        }
        if terms.months.is_empty() {
            return wrong("data", "ends before it begins");
        }
        if terms.validity.from >= terms.validity.until {
            return wrong("valid", "ends before it begins");
        }
        for at in [terms.validity.from, terms.validity.until] {
            if at != Timestamp::from_seconds(at.as_seconds()) {
                return wrong("valid", "must be in whole seconds");
            }
        }
        if terms.smallest_cell < SMALLEST_CELL_MIN {
            return wrong("smallest_cell", "must be 3 persons or more");
        }
        if terms.rounding_base == 0 {
            return wrong("rounding_base", "must be 1 or more; 1 rounds nothing");
        }
        Ok(Self(terms))
    }

    /// What the permit says.
    pub const fn terms(&self) -> &Terms {
        &self.0
    }
}

impl PermitBasis {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Consent,
        Self::CareManagement,
        Self::PublicHealth,
        Self::ResearchOrStatistics,
    ];

    /// Its name in permits.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::CareManagement => "care_management",
            Self::PublicHealth => "public_health",
            Self::ResearchOrStatistics => "research_or_statistics",
        }
    }

    /// Whether it can be the ground for `purpose`. ASSUMED from the wording of article 9 (2); a
    /// lawyer must confirm it.
    const fn carries(self, purpose: Purpose) -> bool {
        match self {
            Self::Consent => true,
            Self::CareManagement | Self::PublicHealth => {
                matches!(
                    purpose,
                    Purpose::QualityImprovement | Purpose::Administration
                )
            }
            Self::ResearchOrStatistics => {
                matches!(purpose, Purpose::Research | Purpose::Administration)
            }
        }
    }
}

impl QueryKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Count,
        Self::Table,
        Self::Sum,
        Self::Variance,
        Self::Histogram,
        Self::LifeTable,
    ];

    /// Its name in permits.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Table => "table",
            Self::Sum => "sum",
            Self::Variance => "variance",
            Self::Histogram => "histogram",
            Self::LifeTable => "life_table",
        }
    }
}

/// Whether `text` can stand in a permit, be shown and be logged.
fn is_text(text: &str) -> bool {
    (1..=TEXT_CHARACTERS_MAX).contains(&text.chars().count())
        && !text.chars().any(char::is_control)
        && !is_like_a_person(text)
}

/// Whether `name` is one of a published view or variable.
fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !is_like_a_person(name)
}

/// Whether exactly eleven digits stand in a row somewhere: that could be a national id.
fn is_like_a_person(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() == 11)
}
