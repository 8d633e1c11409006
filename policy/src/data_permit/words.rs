//! A data permit in words, for those who sign, check or carry it.

use std::ops::Range;

use super::{DataPermit, PermitBasis, PermitKind, QueryKind};
use crate::purpose::Purpose;
use crate::time::Timestamp;

impl DataPermit {
    /// What the permit says, a heading and a sentence for each field. People are counted, never
    /// named.
    pub fn words(&self) -> Vec<(String, String)> {
        let terms = self.terms();
        let mut words: Vec<(String, String)> = Vec::new();
        let mut say = |heading: &str, text: String| words.push((heading.to_owned(), text));
        say("permit", terms.id.to_string());
        say("project", terms.project.clone());
        say("kind", kind(&terms.kind));
        say("people", format!("{} entitled", terms.people.len()));
        say("organisation", terms.organisation.to_string());
        say("purpose", purpose(terms.purpose).to_owned());
        say(
            "legal basis",
            format!("{}; {}", basis(terms.legal_basis), terms.legal_reference),
        );
        say("registers", list(&terms.registers));
        for (view, variables) in &terms.variables {
            let variables = if variables.is_empty() {
                "persons only, no variable".to_owned()
            } else {
                list(variables)
            };
            say(&format!("view {view}"), variables);
        }
        say("born", born(terms.born_years.as_ref()));
        say(
            "data of",
            format!(
                "{} to {}",
                month_in_words(terms.months.start),
                month_in_words(terms.months.end.saturating_sub(1)),
            ),
        );
        say(
            "may compute",
            list(terms.kinds.iter().copied().map(computed)),
        );
        say(
            "smallest cell",
            format!("{} persons; smaller ones are hidden", terms.smallest_cell),
        );
        say(
            "rounding",
            match terms.rounding_base {
                1 => "none".to_owned(),
                base => format!("to multiples of {base}"),
            },
        );
        say("budget", format!("{} queries", terms.budget_queries));
        say(
            "valid",
            format!(
                "from {}, until {}",
                utc(terms.validity.from),
                utc(terms.validity.until)
            ),
        );
        words
    }
}

/// The month that is `month` months after January 1970, as in `2015-01`.
pub fn month_in_words(month: i32) -> String {
    let year = i64::from(month.div_euclid(12)) + 1970;
    format!("{year:04}-{:02}", month.rem_euclid(12) + 1)
}

fn kind(kind: &PermitKind) -> String {
    match kind {
        PermitKind::Project => "a project over whole registers".to_owned(),
        PermitKind::OwnUnit { variable, code } => {
            format!("one's own unit against the country: `{code}` of `{variable}`")
        }
    }
}

const fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::OwnInsight => "the person's own insight",
        Purpose::Treatment => "health care of the person",
        Purpose::QualityImprovement => "improving the quality of care",
        Purpose::Research => "research",
        Purpose::Administration => "official statistics, planning and administration",
    }
}

const fn basis(basis: PermitBasis) -> &'static str {
    match basis {
        PermitBasis::Consent => "GDPR article 9 (2) (a), consent",
        PermitBasis::CareManagement => "GDPR article 9 (2) (h), management of health care",
        PermitBasis::PublicHealth => "GDPR article 9 (2) (i), public health",
        PermitBasis::ResearchOrStatistics => "GDPR article 9 (2) (j), research or statistics",
    }
}

const fn computed(kind: QueryKind) -> &'static str {
    match kind {
        QueryKind::Count => "counts",
        QueryKind::Table => "tables",
        QueryKind::Sum => "sums and means",
        QueryKind::Variance => "variances",
        QueryKind::Histogram => "histograms and quantiles",
        QueryKind::LifeTable => "life tables",
    }
}

fn born(years: Option<&Range<i32>>) -> String {
    match years {
        Some(years) => format!("{} to {}", years.start, years.end.saturating_sub(1)),
        None => "in any year".to_owned(),
    }
}

fn utc(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.as_micros())
        .map_or_else(|_| "outside the calendar".to_owned(), |at| at.to_string())
}

fn list(items: impl IntoIterator<Item = impl ToString>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    items.join(", ")
}
