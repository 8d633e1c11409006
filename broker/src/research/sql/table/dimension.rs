//! What a table is divided by.

use innsyn_proto::wire::research::v1::{
    Bands, Code, CodeLevel, DatePeriod, Dimension, Period, Pick, Variable,
    dimension::Dimension as Divided, variable::Type,
};
use sqlparser::ast::{Expr, Spanned as _};

use super::super::date::DatePart;
use super::super::error::{SqlError, SqlFault, refuse};
use super::super::function::Call;
use super::super::leaf::wrong_type;
use super::super::literal::Literal;
use super::RowsOf;
use crate::research::naming;

const LEVEL: &str = "`level(column, 1)`";
const LEFT: &str = "`LEFT(column, 3)`";
const SUBSTRING: &str = "`SUBSTRING(column FROM 1 FOR 3)`";
const BAND: &str = "`band(column, 18, 65)`, with a whole number where each band begins";
const PERIOD: &str = "`period('month')`, with 'year', 'quarter' or 'month'";

/// A dimension, or the period of the rows themselves.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Division {
    Dimension(Dimension),
    /// A person has a row for each.
    Own(Period),
}

impl RowsOf<'_, '_> {
    /// A column by its name alone.
    pub(super) fn whole_column(&self, expr: &Expr) -> Result<Division, SqlError> {
        let variable = self.scope.variable(expr)?;
        match &variable.r#type {
            Some(Type::Code(_)) => self.code(variable, 0, expr),
            Some(Type::Number(_)) => Err(wrong_type(
                variable,
                expr.span(),
                "write the bands that it is divided into: `band(column, 18, 65)`",
            )),
            Some(Type::Date(_)) | None => Err(wrong_type(
                variable,
                expr.span(),
                "write its period: `year(column)` or `DATE_TRUNC('month', column)`",
            )),
        }
    }

    /// A period of a date; that of the events themselves makes a row for each period.
    pub(super) fn date_part(&self, part: DatePart<'_>, expr: &Expr) -> Result<Division, SqlError> {
        let is_own = part.variable.name == self.scope.view.event_date;
        if is_own && self.pick == Pick::All {
            return Ok(Division::Own(part.period));
        }
        self.has_one(part.variable, expr)?;
        Ok(dimension(Divided::Date(DatePeriod {
            variable: part.variable.name.clone(),
            period: part.period.into(),
        })))
    }

    /// A function that divides, if `call` is one.
    pub(super) fn division(&self, call: &Call<'_>) -> Result<Option<Division>, SqlError> {
        match call.name.as_str() {
            "level" => {
                let [of, level] = call.arguments(LEVEL)?;
                let level: u32 = call.whole(level, LEVEL)?;
                self.level_of(of, |code| {
                    Some(level).filter(|level| {
                        usize::try_from(*level)
                            .is_ok_and(|level| level <= code.level_characters.len())
                    })
                })
            }
            "left" => {
                let [of, characters] = call.arguments(LEFT)?;
                self.characters(of, call.whole(characters, LEFT)?)
            }
            "band" => self.band(call),
            "period" => {
                let [period] = call.arguments(PERIOD)?;
                if !self.scope.is_of_events() {
                    return refuse(
                        call.span,
                        "the period of the events of a view without events",
                        "name a date: `year(column)`",
                    );
                }
                Ok(Division::Own(call.period(period, PERIOD)?))
            }
            _ => return Ok(None),
        }
        .map(Some)
    }

    /// `SUBSTRING` of the first characters.
    pub(super) fn substring(
        &self,
        of: &Expr,
        from: Option<&Expr>,
        characters: Option<&Expr>,
    ) -> Result<Division, SqlError> {
        let whole = |expr: Option<&Expr>| match expr.map(Literal::of).transpose()? {
            Some(Some(literal)) => Ok(literal.whole()),
            _ => Ok(None),
        };
        match (whole(from)?, whole(characters)?) {
            (Some(1), Some(characters)) => {
                self.characters(of, u32::try_from(characters).unwrap_or(u32::MAX))
            }
            _ => Err(SqlError::at(of.span(), SqlFault::Arguments(SUBSTRING))),
        }
    }

    /// The level of so many characters.
    fn characters(&self, of: &Expr, characters: u32) -> Result<Division, SqlError> {
        self.level_of(of, |code| {
            let level = code
                .level_characters
                .iter()
                .position(|at| *at == characters)?;
            u32::try_from(level + 1).ok()
        })
    }

    fn level_of(
        &self,
        of: &Expr,
        level: impl Fn(&Code) -> Option<u32>,
    ) -> Result<Division, SqlError> {
        let variable = self.scope.variable(of)?;
        let Some(Type::Code(code)) = &variable.r#type else {
            return Err(wrong_type(
                variable,
                of.span(),
                "name a column that is a code",
            ));
        };
        if let Some(level) = level(code) {
            return self.code(variable, level, of);
        }
        let name = &variable.name;
        let forms: Vec<_> = (1..)
            .zip(&code.level_characters)
            .map(|(level, characters)| {
                format!("`LEFT({name}, {characters})` or `level({name}, {level})`")
            })
            .collect();
        Err(SqlError::at(
            of.span(),
            SqlFault::NoLevel {
                column: name.clone(),
                forms: if forms.is_empty() {
                    format!("`{name}`")
                } else {
                    forms.join(", ")
                },
            },
        ))
    }

    fn code(&self, variable: &Variable, level: u32, expr: &Expr) -> Result<Division, SqlError> {
        self.has_one(variable, expr)?;
        Ok(dimension(Divided::Code(CodeLevel {
            variable: variable.name.clone(),
            level,
        })))
    }

    fn band(&self, call: &Call<'_>) -> Result<Division, SqlError> {
        let (Some((of, begins)), false, false) = (
            call.arguments.split_first(),
            call.is_of_rows,
            call.is_distinct,
        ) else {
            return Err(call.wrong(BAND));
        };
        let variable = self.scope.variable(of)?;
        if !matches!(variable.r#type, Some(Type::Number(_))) {
            return Err(wrong_type(
                variable,
                of.span(),
                "name a column that is a number",
            ));
        }
        self.has_one(variable, of)?;
        let begins: Vec<i64> = begins
            .iter()
            .map(|begin| call.whole(begin, BAND))
            .collect::<Result<_, _>>()?;
        if begins.is_empty() || !begins.is_sorted_by(|one, next| one < next) {
            return Err(call.wrong("`band(column, 18, 65)`, with whole numbers that rise"));
        }
        Ok(dimension(Divided::Bands(Bands {
            variable: variable.name.clone(),
            begins,
        })))
    }

    /// Fails if a row has many values of `variable`.
    pub(super) fn has_one(&self, variable: &Variable, expr: &Expr) -> Result<(), SqlError> {
        if self.scope.is_of_events() && self.pick == Pick::All && !variable.of_person {
            return Err(SqlError::at(
                expr.span(),
                SqlFault::OfManyEvents(variable.name.clone()),
            ));
        }
        Ok(())
    }
}

impl Division {
    /// What a column that tells it is called, where rows have the period `own`.
    pub(super) fn name(&self, own: Period) -> String {
        match self {
            Self::Own(period) => naming::period(*period).to_owned(),
            Self::Dimension(Dimension { dimension }) => dimension
                .as_ref()
                .map(|divided| naming::dimension(divided, own))
                .unwrap_or_default(),
        }
    }
}

const fn dimension(divided: Divided) -> Division {
    Division::Dimension(Dimension {
        dimension: Some(divided),
    })
}
