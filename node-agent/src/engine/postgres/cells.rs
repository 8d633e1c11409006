//! Persons' rows become cells: the columns of `c`, and the statement's own rows.
//!
//! All rows have the same columns, so that one statement gives cells, bins and persons from one
//! reading: `part`, the dimensions `d…`, `bin`, `n`, `events`, `sums`, `bins`, `words`, `bits`.

use super::super::plan::{Dimension, Follow, LifeTable, Measure, Plan};
use super::{Parameter, Writer};

/// `part` of a row that is a cell.
pub(super) const CELL: i32 = -1;
/// `part` of a row that says who is in a cell; of a bin it is the measure's place.
pub(super) const WHO: i32 = -2;
/// Persons in a word.
const WORD: u32 = 32;

impl Writer<'_> {
    /// `c`: each row's cell and what it measures.
    pub(super) fn measured(&mut self, plan: &Plan<'_>) -> String {
        let mut columns = vec!["person".to_owned(), "events".to_owned()];
        for (at, dimension) in plan.dimensions.iter().enumerate() {
            columns.push(format!("{} AS d{at}", self.place(dimension)));
        }
        for (at, measure) in plan.measures.iter().enumerate() {
            columns.extend(self.measure(at, measure));
        }
        format!("c AS MATERIALIZED (SELECT {} FROM r)", columns.join(", "))
    }

    /// Where the row is along one dimension.
    fn place(&mut self, dimension: &Dimension) -> String {
        match dimension {
            Dimension::Code { kept, characters } => match characters {
                None => format!("k{kept}"),
                Some(characters) => {
                    let most = i32::try_from(*characters).unwrap_or(i32::MAX);
                    format!("left(k{kept}, {most})")
                }
            },
            Dimension::Bands { kept, begins } => {
                let begins = self.bind(Parameter::Numbers(begins.clone()));
                format!("width_bucket(k{kept}, {begins})")
            }
            Dimension::Own => "period".to_owned(),
            Dimension::Date { kept, months } => {
                format!("k{kept} - ((k{kept} % {months}) + {months}) % {months}")
            }
        }
    }

    /// The columns of measure `at`: sums `v…`, `s…`, `q…` of moments, or the bin `b…`.
    fn measure(&mut self, at: usize, measure: &Measure) -> Vec<String> {
        match measure {
            Measure::Counted => Vec::new(),
            Measure::Value { kept, scale, .. } => {
                vec![format!(
                    "{} AS s{at}",
                    self.units(&format!("k{kept}"), scale)
                )]
            }
            Measure::Values {
                added,
                with_squares,
                ..
            } => {
                let mut sums = vec![format!("v{added} AS v{at}"), format!("s{added} AS s{at}")];
                if *with_squares {
                    sums.push(format!("q{added} AS q{at}"));
                }
                sums
            }
            Measure::Histogram {
                kept,
                from,
                width,
                bins,
            } => {
                let from = self.bind(Parameter::Number(*from));
                let width = self.bind(Parameter::Number(*width));
                let last = i32::try_from(bins - 1).unwrap_or(i32::MAX);
                let off = format!("(k{kept} - {from})");
                // So little is in the first bin, and might be too small to divide.
                vec![format!(
                    "(CASE WHEN k{kept} IS NULL THEN NULL WHEN abs({off}) < 1e-300 THEN 0 \
                     ELSE least(greatest(floor({off} / {width}), 0), {last}) END)::int8 AS b{at}"
                )]
            }
            Measure::LifeTable(table) => vec![format!("{} AS b{at}", steps(table))],
            Measure::PersonTime { follow, scale } => {
                let months = format!("{}::float8", followed(follow).months);
                vec![format!("{} AS s{at}", self.units(&months, scale))]
            }
        }
    }

    /// What the statement gives.
    pub(super) fn gathered(plan: &Plan<'_>) -> String {
        let places: Vec<_> = (0..plan.dimensions.len())
            .map(|at| format!("d{at}"))
            .collect();
        let listed = listed(places.iter().map(String::as_str));
        let by = |more: &[&str]| {
            let by = places.iter().map(String::as_str);
            let by: Vec<_> = by.chain(more.iter().copied()).collect();
            if by.is_empty() {
                String::new()
            } else {
                format!(" GROUP BY {}", by.join(", "))
            }
        };
        let sums = sums(plan);
        let binned = plan.measures.iter().enumerate();
        let binned = binned.filter(|(_, measure)| is_binned(measure));
        let binned: Vec<_> = binned.map(|(at, _)| (at, format!("b{at}"))).collect();
        let bins: Vec<_> = binned.iter().map(|(_, bin)| bin.as_str()).collect();
        let list = bins.join(", ");
        let listed_bins = self::listed(bins.iter().copied());
        let words: Vec<_> = bins.iter().copied().chain(["word"]).collect();
        let mut selects = vec![
            format!(
                "SELECT {CELL} AS part, {listed}NULL::int8 AS bin, count(*) AS n, \
                 sum(events)::int8 AS events, {sums} AS sums, NULL::int8[] AS bins, \
                 NULL::int4[] AS words, NULL::int8[] AS bits FROM c{} HAVING count(*) > 0",
                by(&[])
            ),
            format!(
                "SELECT {WHO}, {listed}NULL, NULL, NULL, NULL, ARRAY[{list}]::int8[], \
                 array_agg(word), array_agg(persons) \
                 FROM (SELECT {listed}{}person / {WORD} AS word, \
                 bit_or(1::int8 << (person % {WORD})) AS persons FROM c{}) w{} \
                 HAVING count(*) > 0",
                listed_bins,
                by(&words),
                by(&bins)
            ),
        ];
        for (at, bin) in &binned {
            selects.push(format!(
                "SELECT {at}, {listed}{bin}, count(*), NULL, NULL, NULL, NULL, NULL FROM c \
                 WHERE {bin} IS NOT NULL{}",
                by(&[bin])
            ));
        }
        selects.join("\nUNION ALL\n")
    }
}

/// `columns`, each with a comma after it.
fn listed<'a>(columns: impl Iterator<Item = &'a str>) -> String {
    columns.flat_map(|column| [column, ", "]).collect()
}

/// Whether a measure divides a cell's persons.
const fn is_binned(measure: &Measure) -> bool {
    matches!(measure, Measure::Histogram { .. } | Measure::LifeTable(_))
}

/// Of all moments, in the order of the measures: how many values, their sum and, where it is asked
/// for, the sum of their squares; exact, as text.
fn sums(plan: &Plan<'_>) -> String {
    let mut sums = Vec::new();
    for (at, measure) in plan.measures.iter().enumerate() {
        let (values, squares) = match measure {
            Measure::Value { with_squares, .. } => (
                format!("count(s{at})"),
                with_squares.then(|| format!("sum(s{at}::numeric * s{at})")),
            ),
            Measure::Values { with_squares, .. } => (
                format!("sum(v{at})"),
                with_squares.then(|| format!("sum(q{at})")),
            ),
            Measure::PersonTime { .. } => (format!("count(s{at})"), None),
            Measure::Counted | Measure::Histogram { .. } | Measure::LifeTable(_) => continue,
        };
        let all = [Some(values), Some(format!("sum(s{at})")), squares];
        let all = all.into_iter().flatten();
        sums.extend(all.map(|sum| format!("coalesce({sum}, 0)::text")));
    }
    format!("ARRAY[{}]::text[]", sums.join(", "))
}

/// The bin of a life table: for each step one of who had the event and one of who left without it,
/// and at last one of who was still there.
fn steps(table: &LifeTable) -> String {
    let LifeTable {
        follow,
        months,
        steps,
    } = table;
    let Followed {
        had_event,
        months: followed,
    } = followed(follow);
    let step = format!("({followed} / {months})::int8");
    format!(
        "(CASE WHEN {step} >= {steps} THEN 2 * {steps}::int8 \
         WHEN {had_event} THEN 2 * {step} ELSE 2 * {step} + 1 END)"
    )
}

/// How someone is followed.
struct Followed {
    /// Whether they had the event at the end; never unknown.
    had_event: String,
    /// For how many months; NULL where no entry is known, or they left before it.
    months: String,
}

/// Who left before the event did not have it; who did neither left with the last month.
fn followed(follow: &Follow) -> Followed {
    let Follow {
        entry,
        event,
        exit,
        last_month,
    } = follow;
    let had_event = format!("(k{event} IS NOT NULL AND (k{exit} IS NULL OR k{event} <= k{exit}))");
    let end =
        format!("CASE WHEN {had_event} THEN k{event} ELSE coalesce(k{exit}, ({last_month})) END");
    Followed {
        months: format!("(CASE WHEN ({end}) >= k{entry} THEN ({end}) - k{entry} END)"),
        had_event,
    }
}
