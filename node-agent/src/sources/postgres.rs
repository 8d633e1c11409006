//! A table or view in PostgreSQL, read only.
//!
//! A load is one transaction, read only and repeatable: people and settings are from the same
//! moment. Rows are streamed. Every column arrives as text, which the server makes, so that one
//! place (the intake) reads dates and ids whatever the source.
//!
//! Before every load the role's rights are looked at; one that may write is refused, because a
//! mistake of ours must not be able to change a register.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt as _, TryStreamExt as _};
use tokio::sync::mpsc;
use tokio_postgres::{Client, Row, Transaction};

use super::config::PostgresConfig;
use super::error::SourceError;
use super::intake::{Intake, Loaded, PersonFields};
use super::{Fingerprint, Source};
use crate::settings::SettingFields;

use relation::{Column, Relation};

pub(crate) use connect::{Login, Session};
pub use rights::WriteRight;

mod about;
mod connect;
mod relation;
pub(crate) mod rights;
pub(crate) mod sight;

/// A PostgreSQL database.
#[derive(Debug, Clone)]
pub struct PostgresSource {
    config: Arc<PostgresConfig>,
}

impl PostgresSource {
    /// The source that `config` describes; nothing is connected yet.
    pub fn new(config: PostgresConfig) -> Self {
        Self {
            config: Arc::new(config),
        }
    }

    async fn read(&self, mut intake: Intake) -> Result<Loaded, SourceError> {
        let mut session = Session::open(&self.config, Login::Listing).await?;
        self.refuse_writers(&session.client).await?;
        let transaction = session
            .client
            .build_transaction()
            .read_only(true)
            .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
            .start()
            .await
            .map_err(failed("beginning to read"))?;
        self.read_persons(&transaction, &mut intake).await?;
        // Last, because an error ends the transaction.
        if let Err(error) = self.read_settings(&transaction, &mut intake).await {
            intake.settings_unreadable(&error);
        }
        tokio::task::spawn_blocking(move || intake.finish())
            .await
            .unwrap_or(Err(SourceError::Stopped))
    }

    /// Sends the id of every row about a person, as the listing reads it; ends early when nobody
    /// takes them any more.
    pub(crate) async fn send_ids(&self, ids: mpsc::Sender<String>) -> Result<(), SourceError> {
        let mut session = Session::open(&self.config, Login::Listing).await?;
        let transaction = session.client.transaction().await;
        let transaction = transaction.map_err(failed("beginning to read"))?;
        let persons = &self.config.persons;
        let relation =
            Relation::find(&transaction, &self.config, &persons.schema, &persons.table).await?;
        let wanted = [Column::Id(&persons.columns.national_id)];
        let query = relation.query(&transaction, &wanted).await?;
        let mut rows = stream(&transaction, &query, "reading the people").await?;
        while let Some(row) = rows
            .try_next()
            .await
            .map_err(failed("reading the people"))?
        {
            if let Some(id) = text(&row, 0)?
                && ids.send(id.to_owned()).await.is_err()
            {
                break;
            }
        }
        Ok(())
    }

    async fn refuse_writers(&self, client: &Client) -> Result<(), SourceError> {
        let persons = &self.config.persons;
        let settings = self.config.settings.as_ref();
        let mut relations = vec![(&*persons.schema, &*persons.table)];
        relations.extend(settings.map(|s| (&*s.schema, &*s.table)));
        let rights = rights::of(client, &relations).await?;
        if rights.is_empty() {
            return Ok(());
        }
        Err(SourceError::MayWrite {
            role: self.config.user.clone(),
            rights,
        })
    }

    async fn read_persons(
        &self,
        transaction: &Transaction<'_>,
        intake: &mut Intake,
    ) -> Result<(), SourceError> {
        let persons = &self.config.persons;
        let columns = &persons.columns;
        let wanted = [
            Column::Id(&columns.national_id),
            Column::Time(columns.registered_since.as_deref()),
            Column::Time(columns.last_changed.as_deref()),
            Column::Text(columns.status.as_deref()),
        ];
        let relation =
            Relation::find(transaction, &self.config, &persons.schema, &persons.table).await?;
        intake.expect(relation.rows_expected());
        let query = relation.query(transaction, &wanted).await?;
        let mut rows = stream(transaction, &query, "reading the people").await?;
        while let Some(row) = rows
            .try_next()
            .await
            .map_err(failed("reading the people"))?
        {
            let fields = PersonFields {
                id: text(&row, 0)?,
                since: text(&row, 1)?,
                last_changed: text(&row, 2)?,
                status: text(&row, 3)?,
            };
            intake.person(fields, &persons.status)?;
        }
        Ok(())
    }

    async fn read_settings(
        &self,
        transaction: &Transaction<'_>,
        intake: &mut Intake,
    ) -> Result<(), SourceError> {
        let Some(settings) = &self.config.settings else {
            return Ok(());
        };
        let columns = &settings.columns;
        let wanted = [
            Column::Id(&columns.national_id),
            Column::Text(Some(&columns.kind)),
            Column::Text(columns.purpose.as_deref()),
            Column::Time(Some(&columns.from)),
            Column::Time(columns.until.as_deref()),
        ];
        let relation =
            Relation::find(transaction, &self.config, &settings.schema, &settings.table).await?;
        let query = relation.query(transaction, &wanted).await?;
        let mut rows = stream(transaction, &query, "reading the settings").await?;
        while let Some(row) = rows
            .try_next()
            .await
            .map_err(failed("reading the settings"))?
        {
            let fields = SettingFields {
                kind: text(&row, 1)?,
                purpose: text(&row, 2)?,
                from: text(&row, 3)?,
                until: text(&row, 4)?,
            };
            intake.setting(text(&row, 0)?, &fields);
        }
        Ok(())
    }
}

impl Source for PostgresSource {
    fn load(&self, intake: Intake) -> BoxFuture<'_, Result<Loaded, SourceError>> {
        let limit = self.config.load_timeout;
        async move {
            tokio::time::timeout(limit, self.read(intake))
                .await
                .unwrap_or(Err(SourceError::TooSlow(limit)))
        }
        .boxed()
    }

    fn fingerprint(&self) -> BoxFuture<'_, Result<Option<Fingerprint>, SourceError>> {
        async { Ok(None) }.boxed()
    }
}

/// A name as PostgreSQL takes it literally.
pub(super) use crate::engine::postgres::quoted;

async fn stream(
    transaction: &Transaction<'_>,
    query: &str,
    doing: &'static str,
) -> Result<std::pin::Pin<Box<tokio_postgres::RowStream>>, SourceError> {
    let none: [&str; 0] = [];
    let rows = transaction.query_raw(query, none).await;
    rows.map(Box::pin).map_err(failed(doing))
}

fn text(row: &Row, at: usize) -> Result<Option<&str>, SourceError> {
    row.try_get(at).map_err(failed("reading a row"))
}

/// Keeps the code and leaves the words: they may quote a row.
pub(crate) fn failed(doing: &'static str) -> impl Fn(tokio_postgres::Error) -> SourceError {
    move |error| SourceError::Query {
        doing,
        state: error
            .code()
            .map_or_else(|| "none".to_owned(), |state| state.code().to_owned()),
    }
}
