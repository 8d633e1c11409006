//! One table or view: does it exist, which columns has it, and how are they read as text?

use tokio_postgres::Transaction;

use super::{failed, quoted};
use crate::sources::config::PostgresConfig;
use crate::sources::error::SourceError;

/// A column that is read; one without a name is not configured and arrives as NULL.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column<'a> {
    /// Ids; as a number, the leading zero is missing.
    Id(&'a str),
    /// A date or a time.
    Time(Option<&'a str>),
    /// Anything that has a text.
    Text(Option<&'a str>),
}

impl<'a> Column<'a> {
    const fn name(self) -> Option<&'a str> {
        match self {
            Self::Id(name) => Some(name),
            Self::Time(name) | Self::Text(name) => name,
        }
    }

    /// The expression that makes text of the column; `Err` says what type would have done.
    ///
    /// None of these can fail on a value, so none can carry one out in an error.
    fn as_text(self, type_name: &str) -> Result<String, &'static str> {
        let Some(name) = self.name() else {
            return Ok("NULL::text".to_owned());
        };
        let name = quoted(name);
        match (self, type_name) {
            (Self::Id(_), "int4" | "int8" | "numeric") => {
                Ok(format!("lpad({name}::text, 11, '0')"))
            }
            (Self::Id(_) | Self::Time(_), "text" | "varchar" | "bpchar" | "citext")
            | (Self::Text(_), _) => Ok(format!("{name}::text")),
            (Self::Id(_), _) => Err("text or a whole number"),
            (Self::Time(_), "date") => Ok(format!("to_char({name}, 'YYYY-MM-DD')")),
            (Self::Time(_), "timestamp") => {
                Ok(format!("to_char({name}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"))
            }
            (Self::Time(_), "timestamptz") => Ok(format!(
                "to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
            )),
            (Self::Time(_), _) => Err("a date, a timestamp or text"),
        }
    }
}

/// A table or view that exists.
#[derive(Debug)]
pub(super) struct Relation<'a> {
    oid: u32,
    rows_expected: f32,
    schema: &'a str,
    table: &'a str,
    role: &'a str,
}

impl<'a> Relation<'a> {
    pub(super) async fn find(
        transaction: &Transaction<'_>,
        config: &'a PostgresConfig,
        schema: &'a str,
        table: &'a str,
    ) -> Result<Self, SourceError> {
        let found = transaction
            .query_opt(
                "SELECT c.oid, c.reltuples FROM pg_class c JOIN pg_namespace n \
                 ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 \
                 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')",
                &[&schema, &table],
            )
            .await
            .map_err(failed("looking for the table"))?;
        let Some(row) = found else {
            return Err(SourceError::NoRelation {
                relation: format!("{}.{}", quoted(schema), quoted(table)),
                database: config.database.clone(),
            });
        };
        let error = failed("looking for the table");
        Ok(Self {
            oid: row.try_get(0).map_err(&error)?,
            rows_expected: row.try_get(1).map_err(&error)?,
            schema,
            table,
            role: &config.user,
        })
    }

    /// About how many rows there are, as the server's statistics have it; 0 if they do not.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate; the cast saturates, and -1 (unknown) becomes 0"
    )]
    pub(super) const fn rows_expected(&self) -> u64 {
        self.rows_expected as u64
    }

    /// The statement that reads `wanted` as text, in order.
    pub(super) async fn query(
        &self,
        transaction: &Transaction<'_>,
        wanted: &[Column<'_>],
    ) -> Result<String, SourceError> {
        let columns = self.expressions(transaction, wanted).await?.join(", ");
        Ok(format!("SELECT {columns} FROM {}", self.quoted()))
    }

    /// The statement that reads `wanted` as text, in order, of at most `limit` rows in which `id` is
    /// the statement's parameter.
    pub(super) async fn query_about(
        &self,
        transaction: &Transaction<'_>,
        id: Column<'_>,
        wanted: &[Column<'_>],
        limit: usize,
    ) -> Result<String, SourceError> {
        let id = self.expressions(transaction, &[id]).await?.join("");
        let query = self.query(transaction, wanted).await?;
        Ok(format!("{query} WHERE {id} = $1 LIMIT {limit}"))
    }

    /// The expression for each of `wanted`.
    async fn expressions(
        &self,
        transaction: &Transaction<'_>,
        wanted: &[Column<'_>],
    ) -> Result<Vec<String>, SourceError> {
        let rows = transaction
            .query(
                "SELECT a.attname::text, t.typname::text, format_type(t.oid, a.atttypmod), \
                 has_schema_privilege(n.oid, 'USAGE') \
                 AND has_column_privilege(c.oid, a.attnum, 'SELECT') \
                 FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
                 JOIN pg_class c ON c.oid = a.attrelid \
                 JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
                &[&self.oid],
            )
            .await
            .map_err(failed("looking at the columns"))?;
        let error = failed("looking at the columns");
        let mut present = Vec::with_capacity(rows.len());
        for row in &rows {
            present.push(Present {
                name: row.try_get(0).map_err(&error)?,
                type_name: row.try_get(1).map_err(&error)?,
                shown: row.try_get(2).map_err(&error)?,
                readable: row.try_get(3).map_err(&error)?,
            });
        }
        wanted
            .iter()
            .map(|column| self.expression(*column, &present))
            .collect()
    }

    fn expression(
        &self,
        column: Column<'_>,
        present: &[Present<'_>],
    ) -> Result<String, SourceError> {
        let Some(name) = column.name() else {
            return column.as_text("").map_err(|_| SourceError::Stopped);
        };
        let Some(found) = present.iter().find(|present| present.name == name) else {
            return Err(SourceError::NoColumn {
                place: self.quoted(),
                column: name.to_owned(),
                present: present.iter().map(|p| format!("`{}`", p.name)).collect(),
            });
        };
        if !found.readable {
            return Err(SourceError::MayNotRead {
                role: self.role.to_owned(),
                relation: self.quoted(),
                column: name.to_owned(),
            });
        }
        column
            .as_text(found.type_name)
            .map_err(|wanted| SourceError::ColumnType {
                place: self.quoted(),
                column: name.to_owned(),
                found: found.shown.to_owned(),
                wanted,
            })
    }

    fn quoted(&self) -> String {
        format!("{}.{}", quoted(self.schema), quoted(self.table))
    }
}

/// A column that is there.
#[derive(Debug)]
struct Present<'a> {
    name: &'a str,
    /// The type as the catalogue names it.
    type_name: &'a str,
    /// The type as people write it.
    shown: &'a str,
    readable: bool,
}
