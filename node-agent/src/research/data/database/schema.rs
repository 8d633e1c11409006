//! The agent's own schema: the table of persons, and the views that queries read.
//!
//! Names of its own begin with a capital, which no published view's name does.

use innsyn_proto::wire::research::v1::Variable;
use tokio_postgres::{Client, GenericClient};

use super::super::error::ViewFault;
use super::super::view::{DatabaseView, PERSON};
use super::{FOR_PURPOSE, LEFT_OUT, columns};
use crate::engine::postgres::quoted;
use crate::sources::config::PostgresResearch;
use crate::sources::{SourceError, failed};

/// The persons who are registered now: key, number, and for which purposes they are included.
pub(super) const PERSONS: &str = "Person";
/// What the next table of persons will be.
pub(super) const INCOMING: &str = "Incoming";

/// `name` in the agent's own schema.
pub(super) fn own(research: &PostgresResearch, name: &str) -> String {
    format!("{}.{}", quoted(&research.schema), quoted(name))
}

/// Fails if the keeper does not own the schema.
pub(super) async fn check_owner(
    client: &Client,
    research: &PostgresResearch,
) -> Result<(), SourceError> {
    let owned = client
        .query_opt(
            "SELECT FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner \
             WHERE n.nspname = $1 AND r.rolname = session_user",
            &[&research.schema],
        )
        .await
        .map_err(failed("looking for the schema"))?;
    match owned {
        Some(_) => Ok(()),
        None => Err(SourceError::NoSchema {
            schema: research.schema.clone(),
            role: research.keeper.user.clone(),
        }),
    }
}

/// A view as it is made in the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) name: String,
    /// The rows of all who are registered: the number of the person, and the values.
    pub(super) rows: String,
    /// The register's relation.
    pub(super) relation: String,
    /// Its codes.
    pub(super) codes: Vec<String>,
    /// For the rows of the included.
    included: String,
}

impl Made {
    /// What `view` is, if its relation has the columns.
    pub(super) async fn of(
        client: &impl GenericClient,
        research: &PostgresResearch,
        view: &DatabaseView,
    ) -> Result<Self, ViewFault> {
        let relation = format!("{}.{}", quoted(&view.schema), quoted(&view.table));
        let found = Found::in_relation(client, view, &relation, &research.keeper.user).await?;
        let key = found.column(&view.id_column, columns::key)?;
        let mut values = vec![format!("p.number AS {}", quoted(PERSON))];
        let variables = view.description.variables.iter().zip(&view.columns);
        for (variable, column) in variables.clone() {
            let value = |name: &str, of_type: &str| columns::value(variable, name, of_type);
            values.extend(found.column(column, value)?);
        }
        let rows = format!(
            "SELECT {} FROM {relation} r JOIN {} p ON p.key = {key}",
            values.join(", "),
            own(research, PERSONS)
        );
        let included = format!(
            "{rows} WHERE (p.purposes & (SELECT current_setting('{FOR_PURPOSE}')::int4)) <> 0 \
             AND p.number NOT IN (SELECT unnest(current_setting('{LEFT_OUT}')::int4[]))"
        );
        let is_code = |variable: &&Variable| {
            use innsyn_proto::wire::research::v1::variable::Type;
            matches!(variable.r#type, Some(Type::Code(_)))
        };
        let codes = view.description.variables.iter().filter(is_code);
        Ok(Self {
            name: view.description.name.clone(),
            rows,
            relation,
            codes: codes.map(|code| code.name.clone()).collect(),
            included,
        })
    }

    /// The statements that make it.
    pub(super) fn statements(&self, research: &PostgresResearch) -> String {
        let (name, reader) = (own(research, &self.name), quoted(&research.reader.user));
        format!(
            "CREATE VIEW {name} WITH (security_barrier) AS {}; \
             GRANT SELECT ON {name} TO {reader};",
            self.included
        )
    }
}

/// The columns that a relation has.
struct Found<'a> {
    relation: &'a str,
    /// Who must be able to read them.
    keeper: &'a str,
    /// Name, type as the expressions know it, type as people write it, whether it may be read.
    columns: Vec<(String, String, String, bool)>,
}

impl<'a> Found<'a> {
    async fn in_relation(
        client: &impl GenericClient,
        view: &DatabaseView,
        relation: &'a str,
        keeper: &'a str,
    ) -> Result<Self, ViewFault> {
        let rows = client
            .query(
                "SELECT a.attname::text, \
                 CASE WHEN b.typtype = 'e' THEN 'enum' ELSE b.typname::text END, \
                 format_type(t.oid, a.atttypmod), has_schema_privilege(n.oid, 'USAGE') \
                 AND has_column_privilege(c.oid, a.attnum, 'SELECT') \
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid \
                 JOIN pg_type b ON b.oid = \
                 CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END \
                 WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
                 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
                &[&view.schema, &view.table],
            )
            .await
            .map_err(failed("looking at the columns"))?;
        if rows.is_empty() {
            return Err(ViewFault::NoRelation(relation.to_owned()));
        }
        let columns = rows.iter().map(|row| {
            Ok((
                row.try_get(0)?,
                row.try_get(1)?,
                row.try_get(2)?,
                row.try_get(3)?,
            ))
        });
        let columns: Result<_, tokio_postgres::Error> = columns.collect();
        Ok(Self {
            relation,
            keeper,
            columns: columns.map_err(failed("looking at the columns"))?,
        })
    }

    /// What `made` makes of column `name`.
    fn column<T>(
        &self,
        name: &str,
        made: impl Fn(&str, &str) -> Result<T, &'static str>,
    ) -> Result<T, ViewFault> {
        let place = || self.relation.to_owned();
        let found = self.columns.iter().find(|(column, ..)| column == name);
        let Some((_, of_type, shown, is_readable)) = found else {
            return Err(ViewFault::Source(SourceError::NoColumn {
                place: place(),
                column: name.to_owned(),
                present: self
                    .columns
                    .iter()
                    .map(|(column, ..)| format!("`{column}`"))
                    .collect(),
            }));
        };
        if !is_readable {
            return Err(ViewFault::Source(SourceError::MayNotRead {
                role: self.keeper.to_owned(),
                relation: place(),
                column: name.to_owned(),
            }));
        }
        made(name, of_type).map_err(|wanted| {
            ViewFault::Source(SourceError::ColumnType {
                place: place(),
                column: name.to_owned(),
                found: shown.clone(),
                wanted,
            })
        })
    }
}
