//! Rows that count, and one row for each person, or person and period, made of them.

use super::super::moments::Scale;
use super::super::plan::{Kind, Plan, Rows};
use super::super::predicate::Predicate;
use super::conditions::name;
use super::{Parameter, Writer, month_column, quoted};

impl Writer<'_> {
    /// `e`: of each row that counts its person, its period, the day where one event is picked, the
    /// kept values `k…`, and the added ones in units, `u…`.
    pub(super) fn events(&mut self, plan: &Plan<'_>, filter: &Predicate) -> String {
        let reading = &plan.counted;
        let person = quoted(&reading.stored.person_column);
        let mut columns = vec![
            format!("{person} AS person"),
            format!("{} AS period", period(plan)),
        ];
        if let (Rows::First | Rows::Last, Some((day, _))) = (plan.rows, &reading.covered) {
            columns.push(format!("{} AS day", name(reading, *day)));
        }
        for (at, column) in plan.kept.iter().enumerate() {
            columns.push(format!("{} AS k{at}", kept(plan, *column)));
        }
        for (at, added) in plan.added.iter().enumerate() {
            let units = self.units(&name(reading, added.column), &added.scale);
            columns.push(format!("{units} AS u{at}"));
        }
        let relation = self.relation(&reading.view.name);
        let counts = self.counts(filter, reading);
        format!(
            "e AS (SELECT {} FROM {relation} WHERE {counts})",
            columns.join(", ")
        )
    }

    /// `r`: one row for each person, or person and period.
    pub(super) fn rows(plan: &Plan<'_>) -> Vec<String> {
        match plan.rows {
            Rows::Together => together(plan),
            Rows::First => vec![picked(plan, "ASC NULLS FIRST")],
            Rows::Last => vec![picked(plan, "DESC NULLS LAST")],
        }
    }

    /// `value` in units from the centre (see `Scale::units_of`), halves rounded away from nought.
    pub(super) fn units(&mut self, value: &str, scale: &Scale) -> String {
        let from = self.bind(Parameter::Number(scale.clip_from));
        let to = self.bind(Parameter::Number(scale.clip_to));
        let centre = self.bind(Parameter::Number(scale.centre));
        let units = self.bind(Parameter::Number(scale.units));
        // Smaller differences are rounded to nought, and might be too small to multiply.
        let half = self.bind(Parameter::Number(0.5 / scale.units));
        let difference = format!("(least(greatest({value}, {from}), {to}) - {centre})");
        let scaled = format!("({difference} * {units})");
        format!(
            "(CASE WHEN {value} IS NULL THEN NULL WHEN abs({difference}) < {half} THEN 0 \
             ELSE (trunc({scaled}) + CASE WHEN abs({scaled} - trunc({scaled})) >= 0.5 \
             THEN sign({scaled}) ELSE 0 END) END)::int8"
        )
    }
}

/// Which period, counted from the first that is covered; all that count are not before it.
fn period(plan: &Plan<'_>) -> String {
    let day = plan.counted.covered.as_ref().map(|(column, _)| *column);
    match (plan.periods, day) {
        (Some(periods), Some(day)) => {
            let date = plan.counted.columns.get(day);
            let month = quoted(&month_column(date.map_or("", |date| date.name)));
            format!("({month} - ({})) / {}", periods.first, periods.months)
        }
        _ => "0".to_owned(),
    }
}

/// The value that a row keeps of a column: dates by the month, codes by their bytes.
fn kept(plan: &Plan<'_>, column: usize) -> String {
    let reading = &plan.counted;
    let name = name(reading, column);
    match reading.columns.get(column).map(|column| column.kind) {
        Some(Kind::Code) => format!("{name} COLLATE \"C\""),
        Some(Kind::Date) => {
            let date = reading.columns.get(column);
            quoted(&month_column(date.map_or("", |date| date.name)))
        }
        Some(Kind::Number { .. }) | None => name,
    }
}

/// All events make the row: of what they add the sums, by period; of the person's values the
/// least, over all periods.
fn together(plan: &Plan<'_>) -> Vec<String> {
    let mut sums = vec!["count(*) AS events".to_owned()];
    for (at, added) in plan.added.iter().enumerate() {
        sums.push(format!("count(u{at}) AS v{at}, sum(u{at}) AS s{at}"));
        if added.with_squares {
            sums.push(format!("sum(u{at}::numeric * u{at}) AS q{at}"));
        }
    }
    let sums = sums.join(", ");
    let least: Vec<_> = (0..plan.kept.len())
        .map(|at| format!("min(k{at}) AS k{at}"))
        .collect();
    if plan.periods.is_none() {
        let all = std::iter::once(sums).chain(least).collect::<Vec<_>>();
        let all = all.join(", ");
        return vec![format!(
            "r AS (SELECT person, 0 AS period, {all} FROM e GROUP BY person)"
        )];
    }
    let slots = format!("(SELECT person, period, {sums} FROM e GROUP BY person, period)");
    if least.is_empty() {
        return vec![format!("r AS {slots}")];
    }
    let least = least.join(", ");
    vec![
        format!("s AS {slots}"),
        format!("o AS (SELECT person, {least} FROM e GROUP BY person)"),
        "r AS (SELECT * FROM s JOIN o USING (person))".to_owned(),
    ]
}

/// One event makes the row: by day, and on one day by the kept values in their order.
fn picked(plan: &Plan<'_>, direction: &str) -> String {
    let day = plan.counted.covered.is_some().then(|| "day".to_owned());
    let kept = (0..plan.kept.len()).map(|at| format!("k{at}"));
    let kept: Vec<_> = kept.collect();
    let by = day.into_iter().chain(kept.iter().cloned());
    let order: String = by
        .flat_map(|by| [", ".to_owned(), by, format!(" {direction}")])
        .collect();
    let kept: String = kept.iter().flat_map(|kept| [", ", kept.as_str()]).collect();
    format!(
        "r AS (SELECT DISTINCT ON (person, period) person, period, 1::int8 AS events{kept} FROM e \
         ORDER BY person, period{order})"
    )
}
