//! A function's name and arguments, and nothing else.

use innsyn_proto::wire::research::v1::Period;
use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, ObjectName, Spanned as _,
};
use sqlparser::tokenizer::Span;

use super::catalogue::folded;
use super::error::{SqlError, SqlFault, refuse, shown};
use super::literal::Literal;

/// A function with its arguments.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) name: String,
    pub(super) arguments: Vec<&'a Expr>,
    /// `(*)`.
    pub(super) is_of_rows: bool,
    /// `(DISTINCT …)`.
    pub(super) is_distinct: bool,
    pub(super) span: Span,
}

impl<'a> Call<'a> {
    /// Reads `function`; refuses every clause that it may have.
    pub(super) fn of(function: &'a Function) -> Result<Self, SqlError> {
        let Function {
            name: ObjectName(parts),
            uses_odbc_syntax,
            parameters,
            args,
            filter,
            null_treatment,
            over,
            within_group,
        } = function;
        let span = function.span();
        if filter.is_some() {
            return refuse(span, "`FILTER`", "put the condition in `WHERE`");
        }
        if over.is_some() {
            return refuse(
                span,
                "a window function",
                "compute on the released table where you read it",
            );
        }
        if *uses_odbc_syntax
            || *parameters != FunctionArguments::None
            || null_treatment.is_some()
            || !within_group.is_empty()
        {
            return refuse(
                span,
                "a function with a clause",
                "write its arguments alone",
            );
        }
        let [part] = parts.as_slice() else {
            return refuse(span, "a function of a schema", "write its name alone");
        };
        let Some(name) = part.as_ident().map(folded) else {
            return refuse(span, "a name that is computed", "write a function's name");
        };
        let FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment,
            args,
            clauses,
        }) = args
        else {
            return Err(SqlError::at(span, SqlFault::UnknownFunction(shown(&name))));
        };
        if !clauses.is_empty() || *duplicate_treatment == Some(DuplicateTreatment::All) {
            return refuse(
                span,
                "a function with a clause",
                "write its arguments alone",
            );
        }
        let mut call = Self {
            name,
            arguments: Vec::with_capacity(args.len()),
            is_of_rows: false,
            is_distinct: duplicate_treatment.is_some(),
            span,
        };
        for argument in args {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => call.arguments.push(expr),
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if args.len() == 1 => {
                    call.is_of_rows = true;
                }
                _ => {
                    return refuse(
                        span,
                        "an argument like this",
                        "write columns and values alone",
                    );
                }
            }
        }
        Ok(call)
    }

    /// The function's arguments, if there are `N` and nothing else.
    pub(super) fn arguments<const N: usize>(
        &self,
        form: &'static str,
    ) -> Result<[&'a Expr; N], SqlError> {
        if self.is_of_rows || self.is_distinct {
            return Err(self.wrong(form));
        }
        self.arguments
            .as_slice()
            .try_into()
            .map_err(|_| self.wrong(form))
    }

    /// That the arguments are not as in `form`.
    pub(super) fn wrong(&self, form: &'static str) -> SqlError {
        SqlError::at(self.span, SqlFault::Arguments(form))
    }

    /// The whole number that `expr` must be.
    pub(super) fn whole<N: TryFrom<i64>>(
        &self,
        expr: &Expr,
        form: &'static str,
    ) -> Result<N, SqlError> {
        Literal::of(expr)?
            .and_then(|literal| literal.whole())
            .and_then(|number| number.try_into().ok())
            .ok_or_else(|| self.wrong(form))
    }

    /// The period that `expr` must name.
    pub(super) fn period(&self, expr: &Expr, form: &'static str) -> Result<Period, SqlError> {
        match Literal::of(expr)? {
            Some(Literal::Text(name)) => match name.to_lowercase().as_str() {
                "year" => Ok(Period::Year),
                "quarter" => Ok(Period::Quarter),
                "month" => Ok(Period::Month),
                _ => Err(self.wrong(form)),
            },
            _ => Err(self.wrong(form)),
        }
    }
}
