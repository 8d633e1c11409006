//! The claims of a data permit, and their crossing into the policy's type.
//!
//! These are the only types outside a test that write national ids as JSON: a permit names the
//! people whom it entitles. They are private to this module and its parent, and have no `Debug`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use innsyn_policy::data_permit::month_in_words;
use innsyn_policy::data_permit::{PermitBasis, PermitKind, QueryKind, Terms, TermsError};
use innsyn_policy::{
    DataPermit, NationalId, NumberRules, Organisation, PermitId, Purpose, RegisterId, Timestamp,
    Validity,
};
use serde::{Deserialize, Serialize};

/// The purposes that a permit can have.
const PURPOSES: [(&str, Purpose); 3] = [
    ("quality_improvement", Purpose::QualityImprovement),
    ("research", Purpose::Research),
    ("administration", Purpose::Administration),
];

/// All that is signed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims {
    /// The issuer.
    iss: String,
    /// The issuer's number of the permit.
    jti: String,
    /// From when it is valid, seconds since 1970-01-01T00:00:00Z.
    nbf: i64,
    /// Until when (excluded), likewise.
    exp: i64,
    permit: Grant,
}

/// What is granted.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    project: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    own_unit: Option<OwnUnit>,
    people: Vec<String>,
    organisation: String,
    purpose: String,
    legal_basis: String,
    legal_reference: String,
    registers: Vec<String>,
    variables: BTreeMap<String, BTreeSet<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    born: Option<Years>,
    data: Months,
    kinds: Vec<String>,
    smallest_cell: u32,
    rounding_base: u32,
    budget_queries: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnUnit {
    variable: String,
    code: String,
}

/// Years, the last one included.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Years {
    from: i32,
    to: i32,
}

/// Months as in `2015-01`, the last one included.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Months {
    from: String,
    to: String,
}

/// What a permit is to grant, as an issuer describes it in a file: the `permit` claim, with its
/// names and its strictness, in any format that serde reads.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct PermitDescription(Grant);

impl PermitDescription {
    /// The permit `id` that grants this for the time of `validity`.
    pub fn permit(self, id: PermitId, validity: Validity) -> Result<DataPermit, TermsError> {
        self.0.into_permit(id, validity)
    }
}

impl fmt::Debug for PermitDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PermitDescription(***)")
    }
}

impl Claims {
    pub(super) fn into_permit(self) -> Result<DataPermit, TermsError> {
        let id = PermitId::new(&self.iss, &self.jti)
            .map_err(|_| wrong("iss, jti", "cannot name a permit"))?;
        let validity = Validity {
            from: Timestamp::from_seconds(self.nbf),
            until: Timestamp::from_seconds(self.exp),
        };
        self.permit.into_permit(id, validity)
    }
}

impl Grant {
    fn into_permit(self, id: PermitId, validity: Validity) -> Result<DataPermit, TermsError> {
        let purpose = PURPOSES.iter().find(|(name, _)| *name == self.purpose);
        let basis = PermitBasis::ALL
            .into_iter()
            .find(|basis| basis.name() == self.legal_basis);
        DataPermit::new(Terms {
            id,
            project: self.project,
            kind: match self.own_unit {
                None => PermitKind::Project,
                Some(OwnUnit { variable, code }) => PermitKind::OwnUnit { variable, code },
            },
            people: read_all(&self.people, |digits| {
                NationalId::parse(digits, NumberRules::default())
                    .map_err(|_| wrong("people", "has a number that is no national id"))
            })?,
            organisation: Organisation::parse(&self.organisation)
                .map_err(|_| wrong("organisation", "is no organisation number"))?,
            purpose: purpose
                .ok_or(wrong(
                    "purpose",
                    "is none of quality_improvement, research and administration",
                ))?
                .1,
            legal_basis: basis.ok_or(wrong(
                "legal_basis",
                "is none of consent, care_management, public_health and research_or_statistics",
            ))?,
            legal_reference: self.legal_reference,
            registers: read_all(&self.registers, |id| {
                RegisterId::parse(id).map_err(|_| wrong("registers", "has a name that is no id"))
            })?,
            variables: self.variables,
            born_years: self.born.map(|born| born.from..born.to.saturating_add(1)),
            months: read_month(&self.data.from)?..read_month(&self.data.to)?.saturating_add(1),
            kinds: read_all(&self.kinds, |name| {
                QueryKind::ALL
                    .into_iter()
                    .find(|kind| kind.name() == name)
                    .ok_or(wrong(
                        "kinds",
                        "has one that is none of count, table, sum, variance, histogram and \
                         life_table",
                    ))
            })?,
            smallest_cell: self.smallest_cell,
            rounding_base: self.rounding_base,
            budget_queries: self.budget_queries,
            validity,
        })
    }
}

impl From<&DataPermit> for Claims {
    fn from(permit: &DataPermit) -> Self {
        let terms = permit.terms();
        let last = |end: i32| end.saturating_sub(1);
        Self {
            iss: terms.id.issuer().to_owned(),
            jti: terms.id.number().to_owned(),
            nbf: terms.validity.from.as_seconds(),
            exp: terms.validity.until.as_seconds(),
            permit: Grant {
                project: terms.project.clone(),
                own_unit: match &terms.kind {
                    PermitKind::Project => None,
                    PermitKind::OwnUnit { variable, code } => Some(OwnUnit {
                        variable: variable.clone(),
                        code: code.clone(),
                    }),
                },
                people: write_all(&terms.people, NationalId::expose_str),
                organisation: terms.organisation.to_string(),
                purpose: PURPOSES
                    .iter()
                    .find(|(_, purpose)| *purpose == terms.purpose)
                    // A permit's purpose is always a secondary use.
                    .map_or_else(String::new, |(name, _)| (*name).to_owned()),
                legal_basis: terms.legal_basis.name().to_owned(),
                legal_reference: terms.legal_reference.clone(),
                registers: write_all(&terms.registers, RegisterId::as_str),
                variables: terms.variables.clone(),
                born: terms.born_years.as_ref().map(|years| Years {
                    from: years.start,
                    to: last(years.end),
                }),
                data: Months {
                    from: month_in_words(terms.months.start),
                    to: month_in_words(last(terms.months.end)),
                },
                kinds: write_all(&terms.kinds, |kind| kind.name()),
                smallest_cell: terms.smallest_cell,
                rounding_base: terms.rounding_base,
                budget_queries: terms.budget_queries,
            },
        }
    }
}

fn read_all<T: Ord>(
    texts: &[String],
    read: impl Fn(&str) -> Result<T, TermsError>,
) -> Result<BTreeSet<T>, TermsError> {
    texts.iter().map(|text| read(text)).collect()
}

fn write_all<T>(items: &BTreeSet<T>, text: impl Fn(&T) -> &str) -> Vec<String> {
    items.iter().map(|item| text(item).to_owned()).collect()
}

/// Months since January 1970 of a month as in `2015-01`.
fn read_month(text: &str) -> Result<i32, TermsError> {
    let month: Option<jiff::civil::Date> = format!("{text}-01").parse().ok();
    match month {
        Some(date) if text.len() == 7 => {
            Ok((i32::from(date.year()) - 1970) * 12 + i32::from(date.month()) - 1)
        }
        _ => Err(wrong("data", "must be months as in 2015-01")),
    }
}

const fn wrong(field: &'static str, problem: &'static str) -> TermsError {
    TermsError { field, problem }
}
