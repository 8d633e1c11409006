//! What a table tells of each group, and which expressions tell something at all.

use innsyn_proto::wire::research::v1::{
    EventCount, Histogram, LifeTable, Measure, PersonTime, Persons, Pick, measure::Measure as Told,
    variable::Type,
};
use sqlparser::ast::{Expr, Spanned as _};

use super::super::catalogue::Column;
use super::super::date::DatePart;
use super::super::error::{SqlError, SqlFault, refuse, shown};
use super::super::expression::bare;
use super::super::function::Call;
use super::super::leaf::wrong_type;
use super::{Output, RowsOf};

const COUNT: &str = "`COUNT(DISTINCT person)` for persons or `COUNT(*)` for rows";
const HISTOGRAM: &str = "`histogram(column, from, width, bins)`, with whole numbers";
const PERSON_TIME: &str = "`person_time(entry, event, exit)`, with three dates";
const LIFE_TABLE: &str = "`life_table(entry, event, exit, 'month', 60)`, with three dates";

impl RowsOf<'_, '_> {
    /// What `expr` tells, as an item of the list or as a group.
    pub(super) fn output(&self, expr: &Expr) -> Result<Output, SqlError> {
        if let Some(part) = DatePart::of(expr, self.scope)? {
            return self.date_part(part, expr).map(Output::Division);
        }
        match bare(expr) {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                self.whole_column(expr).map(Output::Division)
            }
            Expr::Substring {
                expr,
                substring_from,
                substring_for,
                // Two ways to write the same.
                special: _,
                shorthand: _,
            } => self
                .substring(expr, substring_from.as_deref(), substring_for.as_deref())
                .map(Output::Division),
            Expr::Function(function) => {
                let call = Call::of(function)?;
                if let Some(division) = self.division(&call)? {
                    return Ok(Output::Division(division));
                }
                self.measure(&call).map(|told| {
                    Output::Measure(Measure {
                        measure: Some(told),
                    })
                })
            }
            other => Err(refused(other)),
        }
    }

    fn measure(&self, call: &Call<'_>) -> Result<Told, SqlError> {
        match call.name.as_str() {
            "count" => self.count(call),
            "persons" => {
                let [] = call.arguments("`persons()`")?;
                Ok(Told::Persons(Persons {}))
            }
            "events" => {
                let [] = call.arguments("`events()`")?;
                self.events(call)
            }
            "sum" => self.summed(call, "`SUM(column)`").map(Told::Sum),
            "avg" => self.summed(call, "`AVG(column)`").map(Told::Mean),
            "var_samp" | "variance" => self.summed(call, "`VAR_SAMP(column)`").map(Told::Variance),
            "histogram" => self.histogram(call),
            "life_table" => self.life_table(call),
            "person_time" => self.person_time(call),
            "stddev" | "stddev_samp" | "stddev_pop" => refuse(
                call.span,
                "a standard deviation",
                "write `VAR_SAMP(column)` and take the root of the released value",
            ),
            "var_pop" => refuse(
                call.span,
                "the variance of a whole population",
                "write `VAR_SAMP(column)`",
            ),
            "min" | "max" | "median" | "mode" | "percentile_cont" | "percentile_disc"
            | "quantile" | "approx_percentile" | "first_value" | "last_value" => refuse(
                call.span,
                "the value of one person",
                "write `histogram(column, from, width, bins)` and read quantiles from it",
            ),
            _ => Err(SqlError::at(
                call.span,
                SqlFault::UnknownFunction(shown(&call.name)),
            )),
        }
    }

    fn count(&self, call: &Call<'_>) -> Result<Told, SqlError> {
        match call.arguments.as_slice() {
            [] if call.is_of_rows && !call.is_distinct => {
                if self.scope.is_of_events() {
                    Ok(Told::Events(EventCount {}))
                } else {
                    Ok(Told::Persons(Persons {}))
                }
            }
            [of] if call.is_distinct && self.scope.column(of)? == Some(Column::Person) => {
                Ok(Told::Persons(Persons {}))
            }
            _ => Err(call.wrong(COUNT)),
        }
    }

    fn events(&self, call: &Call<'_>) -> Result<Told, SqlError> {
        if self.scope.is_of_events() {
            return Ok(Told::Events(EventCount {}));
        }
        refuse(
            call.span,
            "the number of events in a view without events",
            "write `persons()`",
        )
    }

    /// The number that is summed.
    fn summed(&self, call: &Call<'_>, form: &'static str) -> Result<String, SqlError> {
        let [of] = call.arguments(form)?;
        if let Some(what) = computed(of) {
            return refuse(
                of.span(),
                what,
                "name one column; choose persons and events in `WHERE`",
            );
        }
        let variable = self.scope.variable(of)?;
        let Some(Type::Number(number)) = &variable.r#type else {
            return Err(wrong_type(
                variable,
                of.span(),
                "name a column that is a number",
            ));
        };
        if number.clip_from.is_none() || number.clip_to.is_none() {
            return Err(wrong_type(
                variable,
                of.span(),
                "it has no bounds in the catalogue, so it is never summed; write `histogram(…)`",
            ));
        }
        if self.scope.is_of_events() && self.pick == Pick::All && variable.of_person {
            return Err(SqlError::at(
                of.span(),
                SqlFault::OfPerson(variable.name.clone()),
            ));
        }
        Ok(variable.name.clone())
    }

    fn histogram(&self, call: &Call<'_>) -> Result<Told, SqlError> {
        let [of, from, width, bins] = call.arguments(HISTOGRAM)?;
        let variable = self.scope.variable(of)?;
        self.has_one(variable, of)?;
        Ok(Told::Histogram(Histogram {
            variable: variable.name.clone(),
            from: call.whole(from, HISTOGRAM)?,
            width: call.whole(width, HISTOGRAM)?,
            bins: call.whole(bins, HISTOGRAM)?,
        }))
    }

    fn life_table(&self, call: &Call<'_>) -> Result<Told, SqlError> {
        let [entry, event, exit, step, steps] = call.arguments(LIFE_TABLE)?;
        Ok(Told::LifeTable(LifeTable {
            entry: self.date_of_one(entry)?,
            event: self.date_of_one(event)?,
            exit: self.date_of_one(exit)?,
            step: call.period(step, LIFE_TABLE)?.into(),
            steps: call.whole(steps, LIFE_TABLE)?,
        }))
    }

    fn person_time(&self, call: &Call<'_>) -> Result<Told, SqlError> {
        let [entry, event, exit] = call.arguments(PERSON_TIME)?;
        Ok(Told::PersonTime(PersonTime {
            entry: self.date_of_one(entry)?,
            event: self.date_of_one(event)?,
            exit: self.date_of_one(exit)?,
        }))
    }

    /// A variable of which a row has one value; that it is a date is checked with the query.
    fn date_of_one(&self, of: &Expr) -> Result<String, SqlError> {
        let variable = self.scope.variable(of)?;
        self.has_one(variable, of)?;
        Ok(variable.name.clone())
    }
}

/// What `expr` computes, if it is no column.
fn computed(expr: &Expr) -> Option<&'static str> {
    match bare(expr) {
        Expr::Case { .. } => Some("`CASE`"),
        Expr::Cast { .. } | Expr::Convert { .. } => Some("a cast"),
        Expr::BinaryOp { .. } | Expr::UnaryOp { .. } => Some("arithmetic"),
        _ => None,
    }
}

/// Why `expr` tells nothing.
fn refused(expr: &Expr) -> SqlError {
    let (what, instead) = match (expr, computed(expr)) {
        (Expr::Case { .. }, _) => (
            "`CASE`",
            "write `band(column, 18, 65)` for bands of a number, `level(column, 1)` for codes",
        ),
        (_, Some(what)) => (what, "compute on the released table where you read it"),
        (Expr::Subquery(_), _) => (
            "a `SELECT` here",
            "ask it as a query of its own, or as a condition in `WHERE`",
        ),
        (Expr::Extract { .. } | Expr::Value(_) | Expr::TypedString(_), _) => {
            ("a value that is always the same", "name a column")
        }
        (Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_) | Expr::Tuple(_), _) => (
            "totals of a table",
            "ask for each total as a query of its own",
        ),
        _ => (
            "this as a column",
            "name a column to group by, or one of `COUNT`, `SUM`, `AVG` and `VAR_SAMP`",
        ),
    };
    SqlError::at(expr.span(), SqlFault::Refused { what, instead })
}
