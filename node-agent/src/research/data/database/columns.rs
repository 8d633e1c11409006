//! How the columns of a register's relation become those that statements read
//! (`engine::postgres` has them): none of these expressions fails on a value.

use innsyn_proto::wire::research::v1::Variable;
use innsyn_proto::wire::research::v1::variable::Type;

use crate::engine::postgres::{month_column, quoted};

/// The digits of a national id.
const ID_DIGITS: usize = 11;
/// White space that an id may have around it.
const WHITE: &str = r"E' \t\r\n'";

/// The key of the person whose row it is, from column `name` of type `found`; or what would have
/// done instead.
pub(super) fn key(name: &str, found: &str) -> Result<String, &'static str> {
    let column = format!("r.{}", quoted(name));
    match found {
        // As a number, the leading zero is missing.
        "int4" | "int8" | "numeric" => Ok(format!(
            "CASE WHEN length({column}::text) <= {ID_DIGITS} \
             THEN lpad({column}::text, {ID_DIGITS}, '0') END"
        )),
        "text" | "varchar" | "bpchar" | "citext" => {
            Ok(format!("lower(btrim({column}::text, {WHITE}))"))
        }
        _ => Err("text or a whole number"),
    }
}

/// The columns of `variable`, each `expression AS name`, from column `name` of type `found`; or
/// what would have done instead.
pub(super) fn value(
    variable: &Variable,
    name: &str,
    found: &str,
) -> Result<Vec<String>, &'static str> {
    let column = format!("r.{}", quoted(name));
    let as_named = quoted(&variable.name);
    match &variable.r#type {
        Some(Type::Code(_)) => match found {
            "text" | "varchar" | "bpchar" | "citext" | "enum" | "int2" | "int4" | "int8" => {
                Ok(vec![format!("{column}::text AS {as_named}")])
            }
            _ => Err("text or a whole number"),
        },
        Some(Type::Number(number)) => {
            let expression = if number.is_integer {
                whole(&column, found).ok_or("a whole number")?
            } else {
                real(&column, found).ok_or("a number")?
            };
            Ok(vec![format!("{expression} AS {as_named}")])
        }
        Some(Type::Date(_)) => {
            let date = match found {
                "date" => column.clone(),
                "timestamp" => format!("CASE WHEN isfinite({column}) THEN {column}::date END"),
                "timestamptz" => format!(
                    "CASE WHEN isfinite({column}) \
                     THEN ({column} AT TIME ZONE 'Europe/Oslo')::date END"
                ),
                _ => return Err("a date or a timestamp"),
            };
            let month = quoted(&month_column(&variable.name));
            Ok(vec![
                format!("{} AS {as_named}", days(&date)),
                format!("{} AS {month}", months(&date)),
            ])
        }
        None => Err("a variable with a type"),
    }
}

/// A whole number that a `float8` cannot tell from its neighbour is missing.
fn whole(column: &str, found: &str) -> Option<String> {
    match found {
        "int2" | "int4" => Some(format!("{column}::float8")),
        "int8" => Some(format!(
            "CASE WHEN {column} > -9007199254740992 AND {column} < 9007199254740992 \
             THEN {column}::float8 END"
        )),
        _ => None,
    }
}

/// A number that is not finite is missing; no nought is negative.
fn real(column: &str, found: &str) -> Option<String> {
    match found {
        "int2" | "int4" | "int8" => Some(format!("{column}::float8")),
        "float4" | "float8" => Some(format!(
            "CASE WHEN abs({column}::float8) < 'Infinity'::float8 \
             THEN {column}::float8 + 0::float8 END"
        )),
        // Not a number is greater than all.
        "numeric" => Some(format!(
            "CASE WHEN abs({column}) >= 1e308 THEN NULL WHEN abs({column}) < 1e-300 THEN 0 \
             ELSE {column}::float8 END"
        )),
        _ => None,
    }
}

fn days(date: &str) -> String {
    format!("CASE WHEN isfinite({date}) THEN ({date}) - DATE '1970-01-01' END")
}

/// Months since January 1970. PostgreSQL has no year 0: what it calls -1 is that year.
fn months(date: &str) -> String {
    let year = format!("extract(year FROM {date})");
    format!(
        "CASE WHEN isfinite({date}) THEN ((CASE WHEN {year} < 0 THEN {year} + 1 ELSE {year} END \
         - 1970) * 12 + extract(month FROM {date}) - 1)::int4 END"
    )
}

#[cfg(test)]
mod tests {
    use innsyn_proto::wire::research::v1 as wire;

    use super::{Type, Variable, key, value};

    fn of(r#type: Type) -> Variable {
        Variable {
            name: "it".to_owned(),
            r#type: Some(r#type),
            ..Variable::default()
        }
    }

    #[test]
    fn a_column_of_a_type_that_does_not_do_is_refused() {
        let code = of(Type::Code(wire::Code::default()));
        let whole = of(Type::Number(wire::Number {
            is_integer: true,
            ..wire::Number::default()
        }));
        let real = of(Type::Number(wire::Number::default()));
        let date = of(Type::Date(wire::Date {}));
        for (variable, suits, does_not) in [
            (&code, &["text", "enum", "int4"][..], &["date", "jsonb"][..]),
            (&whole, &["int2", "int8"], &["numeric", "float8", "text"]),
            (&real, &["numeric", "float4", "int8"], &["text", "money"]),
            (&date, &["date", "timestamptz"], &["text", "time"]),
        ] {
            for found in suits {
                assert!(value(variable, "x", found).is_ok(), "{found}");
            }
            for found in does_not {
                assert!(value(variable, "x", found).is_err(), "{found}");
            }
        }
        assert!(key("x", "int8").is_ok() && key("x", "text").is_ok());
        assert!(key("x", "date").is_err());
    }

    #[test]
    fn names_are_quoted() {
        let date = of(Type::Date(wire::Date {}));
        let columns = value(&date, "a \"day\"", "date").unwrap();
        assert_eq!(columns.len(), 2);
        for (column, name) in columns.iter().zip(["\"it\"", "\"it month\""]) {
            assert!(column.contains("r.\"a \"\"day\"\"\""), "{column}");
            assert!(column.ends_with(name), "{column}");
        }
    }
}
