//! The rows of a database's tables that are about one person.

use futures::TryStreamExt as _;

use super::connect::{Login, Session};
use super::relation::{Column, Relation};
use super::{PostgresSource, failed, rights, text};
use crate::config::InsightTable;
use crate::sources::about::{ROWS_MAX, RowsAbout};
use crate::sources::error::SourceError;

const DOING: &str = "looking for a person's rows";

impl PostgresSource {
    /// What each of `tables` holds about the person whom the database calls `person`, at one moment.
    /// Called with a clearance in hand, by [`AboutPerson`](crate::sources::AboutPerson) alone.
    pub(in crate::sources) async fn about(
        &self,
        person: &str,
        tables: &[InsightTable],
    ) -> Result<Vec<RowsAbout>, SourceError> {
        let mut session = Session::open(&self.config, Login::Listing).await?;
        let relations: Vec<_> = tables.iter().map(|it| (&*it.schema, &*it.table)).collect();
        let rights = rights::of(&session.client, &relations).await?;
        if !rights.is_empty() {
            return Err(SourceError::MayWrite {
                role: self.config.user.clone(),
                rights,
            });
        }
        let transaction = session
            .client
            .build_transaction()
            .read_only(true)
            .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
            .start()
            .await
            .map_err(failed(DOING))?;
        let mut about = Vec::with_capacity(tables.len());
        for table in tables {
            let relation =
                Relation::find(&transaction, &self.config, &table.schema, &table.table).await?;
            let shown: Vec<_> = table
                .column
                .iter()
                .map(|it| Column::Text(Some(&it.name)))
                .collect();
            let id = Column::Id(&table.id_column);
            let query = relation
                .query_about(&transaction, id, &shown, ROWS_MAX + 1)
                .await?;
            let rows = transaction.query_raw(&query, [person]).await;
            let mut rows = Box::pin(rows.map_err(failed(DOING))?);
            let mut of_table = RowsAbout::default();
            while let Some(row) = rows.try_next().await.map_err(failed(DOING))? {
                let values = (0..shown.len()).map(|at| text(&row, at));
                let values: Vec<_> = values.collect::<Result<_, _>>()?;
                of_table.push(values.into_iter());
            }
            about.push(of_table);
        }
        Ok(about)
    }
}
