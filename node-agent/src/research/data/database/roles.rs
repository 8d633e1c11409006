//! Whether the two roles may do what they are for, and nothing else.

use super::super::view::DatabaseView;
use super::schema;
use crate::sources::config::{PostgresConfig, PostgresResearch};
use crate::sources::{Login, Session, SourceError, rights, sight};

/// A session of the keeper, who owns the schema and may write nowhere else.
pub(super) async fn keeper<'v>(
    config: &PostgresConfig,
    research: &PostgresResearch,
    views: impl IntoIterator<Item = &'v DatabaseView>,
) -> Result<Session, SourceError> {
    let session = Session::open(config, Login::Keeping(&research.keeper)).await?;
    schema::check_owner(&session.client, research).await?;
    let persons = &config.persons;
    let mut relations = vec![(&*persons.schema, &*persons.table)];
    relations.extend(config.settings.iter().map(|s| (&*s.schema, &*s.table)));
    relations.extend(views.into_iter().map(|view| (&*view.schema, &*view.table)));
    let mut rights = rights::of(&session.client, &relations).await?;
    rights.retain(|right| !right.is_to_schema(&research.schema));
    if rights.is_empty() {
        Ok(session)
    } else {
        Err(SourceError::MayWrite {
            role: research.keeper.user.clone(),
            rights,
        })
    }
}

/// A session of the reader, who may select from `views` and do nothing else.
pub(super) async fn reader(
    config: &PostgresConfig,
    research: &PostgresResearch,
    views: &[&str],
) -> Result<Session, SourceError> {
    let session = Session::open(config, Login::Reading(&research.reader)).await?;
    sight::refuse_more(
        &session.client,
        &research.reader.user,
        &research.schema,
        views,
    )
    .await?;
    Ok(session)
}
