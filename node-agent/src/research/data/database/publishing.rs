//! Looking at the views of a database, and publishing what they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use innsyn_policy::{Clock, Identifiability, Register, Use};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_postgres::Transaction;

use super::super::error::{ViewError, ViewFault};
use super::super::inclusion::{Inclusion, Reliance};
use super::super::publisher::{Refreshed, ViewOutcome};
use super::super::rows::People;
use super::super::view::{self, DatabaseView, PERSON};
use super::super::{ResearchData, digest};
use super::schema::{self, Made};
use super::{Moment, PURPOSES, looking, people, roles};
use crate::engine::postgres::quoted;
use crate::engine::{Snapshot, StoredView};
use crate::sources::config::{PostgresConfig, PostgresResearch};
use crate::sources::{PostgresSource, RegisterData, Session, SourceError, SubjectsStore, failed};

/// Publishes the views of one database.
#[derive(Debug)]
pub(in super::super) struct DatabasePublisher {
    config: Arc<PostgresConfig>,
    research: PostgresResearch,
    register: Register,
    /// Held while a look is taken, so that one follows another.
    kept: Mutex<Kept>,
}

/// What is known from one look to the next.
#[derive(Debug, Default)]
struct Kept {
    looked_at: Option<Instant>,
    /// What was published last.
    latest: Option<Arc<ResearchData>>,
    /// The views as they were made.
    made: Vec<Made>,
}

/// A view that can be made, or what keeps it from it.
type Tried = Result<(DatabaseView, Made), ViewError>;

impl DatabasePublisher {
    pub(in super::super) fn new(
        config: &PostgresConfig,
        research: &PostgresResearch,
        register: Register,
    ) -> Self {
        Self {
            config: Arc::new(config.clone()),
            research: research.clone(),
            register,
            kept: Mutex::default(),
        }
    }

    /// Fails if a role may do more than it is for, or less.
    pub(in super::super) async fn check_roles(&self) -> Result<(), SourceError> {
        let views = self.views();
        let readable = views.iter().flatten();
        roles::keeper(&self.config, &self.research, readable.clone()).await?;
        let names: Vec<_> = readable.map(|view| &*view.description.name).collect();
        roles::reader(&self.config, &self.research, &names).await?;
        Ok(())
    }

    /// Looks at the views if that is due, and publishes what they are.
    pub(in super::super) async fn refresh<C: Clock>(
        &self,
        subjects: &SubjectsStore<C>,
    ) -> Result<Refreshed, SourceError> {
        let mut kept = self.kept.lock().await;
        let is_fresh = kept
            .looked_at
            .is_some_and(|at| at.elapsed() < self.research.refresh());
        let latest = kept
            .latest
            .as_ref()
            .filter(|latest| latest.can_be_counted());
        if let (true, Some(latest)) = (is_fresh, latest) {
            hand_over(latest, &subjects.current());
            return Ok(Refreshed::Unchanged);
        }
        let data = subjects.current();
        let inclusion = Inclusion::of(&data, self.register.legal_basis);
        let (research, outcomes) = self.look(&mut kept, &data, inclusion, subjects).await?;
        kept.looked_at = Some(Instant::now());
        kept.latest = research.map(Arc::new);
        let current = subjects.current();
        match &kept.latest {
            Some(latest) => hand_over(latest, &current),
            None => current.publish(None),
        }
        Ok(Refreshed::Published(outcomes))
    }

    fn views(&self) -> Vec<Result<DatabaseView, ViewError>> {
        view::all_of_database(self.research.views.clone())
    }

    /// Looks at the views, over the people of `data`.
    async fn look<C: Clock>(
        &self,
        kept: &mut Kept,
        data: &RegisterData,
        inclusion: Inclusion,
        subjects: &SubjectsStore<C>,
    ) -> Result<(Option<ResearchData>, Vec<ViewOutcome>), SourceError> {
        let now = subjects.now();
        let included = PURPOSES.map(|(purpose, _)| {
            // Whatever a query uses is among these; what is too old is found out when one comes.
            let of = Use::of_all(purpose, Identifiability::Aggregate);
            (purpose, inclusion.included(&of, now, Reliance::AsIfCurrent))
        });
        let included = BTreeMap::from(included);
        let people = People {
            subjects: &data.loaded().subjects,
            numbers: data.numbers(),
        };
        let views = self.views();
        let mut keeper =
            roles::keeper(&self.config, &self.research, views.iter().flatten()).await?;
        let source = PostgresSource::new((*self.config).clone());

        let writing = failed("keeping the agent's own schema");
        let transaction = keeper.client.transaction().await.map_err(&writing)?;
        // One agent at a time, should two be set to the same schema.
        transaction
            .execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('innsyn ' || $1, 0))",
                &[&self.research.schema],
            )
            .await
            .map_err(&writing)?;
        people::write(&transaction, &self.research, &source, people, &included).await?;
        let mut tried = Vec::with_capacity(views.len());
        for view in views {
            tried.push(match view {
                Err(error) => Err(error),
                Ok(view) => match Made::of(&transaction, &self.research, &view).await {
                    Ok(made) => Ok((view, made)),
                    Err(fault) => Err(fault.of(&view.description.name)),
                },
            });
        }
        let made: Vec<_> = tried
            .iter()
            .flatten()
            .map(|(_, made)| made.clone())
            .collect();
        let views: Vec<_> = tried
            .iter()
            .flatten()
            .map(|(view, _)| view.clone())
            .collect();
        let there = self.there(&transaction).await?;
        let are_all_there = made
            .iter()
            .map(|made| made.name.clone())
            .collect::<BTreeSet<_>>()
            == there;
        if kept.made != made || !are_all_there {
            let statements = self.statements(&there, &made);
            transaction
                .batch_execute(&statements)
                .await
                .map_err(&writing)?;
        }
        transaction.commit().await.map_err(&writing)?;
        let names: Vec<_> = made.iter().map(|made| &*made.name).collect();
        roles::reader(&self.config, &self.research, &names).await?;
        kept.made.clone_from(&made);

        let storage = looking::storage(&keeper.client, &self.research).await?;
        let exported = export(&keeper).await?;
        // The transaction that is kept open touches no table, so that it holds no lock on one.
        let looker = roles::keeper(&self.config, &self.research, views.iter()).await?;
        looker
            .client
            .batch_execute(&at_moment(&exported))
            .await
            .map_err(failed("looking at a moment of the database"))?;
        let persons = looking::persons(&looker.client, &self.research).await?;
        let (stored, contents, outcomes) = self.looked(&looker, tried, people).await;
        if looking::storage(&looker.client, &self.research).await? != storage {
            return Err(SourceError::ChangedWhileRead);
        }
        if stored.is_empty() {
            return Ok((None, outcomes));
        }
        let contents = std::iter::once(persons).chain(contents).collect::<Vec<_>>();
        let name = digest::of_database(&self.register.id, people, &contents);
        let moment = Moment {
            config: Arc::clone(&self.config),
            exported,
            keeper,
            storage,
            is_gone: AtomicBool::new(false),
            included,
            name,
        };
        let snapshot = Snapshot {
            persons: inclusion.persons(),
            views: stored,
        };
        let research = ResearchData::of_database(inclusion, snapshot, Arc::new(moment));
        Ok((Some(research), outcomes))
    }

    /// The views that are in the schema.
    async fn there(&self, keeper: &Transaction<'_>) -> Result<BTreeSet<String>, SourceError> {
        let looking = failed("looking at the agent's own schema");
        let rows = keeper
            .query(
                "SELECT c.relname::text FROM pg_class c \
                 JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = $1 AND c.relkind = 'v'",
                &[&self.research.schema],
            )
            .await
            .map_err(&looking)?;
        let names = rows.iter().map(|row| row.try_get(0));
        names.collect::<Result<_, _>>().map_err(looking)
    }

    /// The statements that make `made` the schema's views instead of those `there`, and let the
    /// reader at them alone.
    fn statements(&self, there: &BTreeSet<String>, made: &[Made]) -> String {
        let dropped = there
            .iter()
            .map(|name| format!("DROP VIEW {}; ", schema::own(&self.research, name)));
        let made = made.iter().map(|made| made.statements(&self.research));
        let granted = format!(
            "GRANT USAGE ON SCHEMA {} TO {}",
            quoted(&self.research.schema),
            quoted(&self.research.reader.user)
        );
        dropped.chain(made).chain([granted]).collect()
    }

    /// What was looked at, what its content is, and what became of each view.
    async fn looked(
        &self,
        keeper: &Session,
        tried: Vec<Tried>,
        people: People<'_>,
    ) -> (Vec<StoredView>, Vec<Vec<u8>>, Vec<ViewOutcome>) {
        let (mut stored, mut contents, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
        for tried in tried {
            let looked = match tried {
                Err(error) => Err(error),
                Ok((view, made)) => match looking::look(&keeper.client, &made, people).await {
                    Ok((report, content)) => Ok((view, report, content)),
                    Err(fault) => Err(ViewFault::of(fault, &view.description.name)),
                },
            };
            outcomes.push(looked.map(|(view, report, content)| {
                contents.push(looking::described(&view));
                contents.push(content);
                let mut description = view.description;
                description.register_id = self.register.id.to_string();
                description.persons_about = report.persons_about();
                let name = description.name.clone();
                stored.push(StoredView {
                    description,
                    files: Vec::new(),
                    person_column: PERSON.to_owned(),
                });
                (name, report)
            }));
        }
        (stored, contents, outcomes)
    }
}

/// Begins a transaction that sees the moment called `exported`.
pub(super) fn at_moment(exported: &str) -> String {
    // What the server calls it, which is letters, digits and `-`.
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let exported: String = exported.chars().filter(is_plain).collect();
    format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{exported}'"
    )
}

/// Begins the transaction whose snapshot queries import, and keeps it open.
async fn export(keeper: &Session) -> Result<String, SourceError> {
    let exporting = failed("keeping a moment of the database");
    keeper
        .client
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await
        .map_err(&exporting)?;
    let row = keeper
        .client
        .query_one("SELECT pg_export_snapshot()", &[])
        .await
        .map_err(&exporting)?;
    row.try_get(0).map_err(&exporting)
}

/// Lets `data` have `latest`, unless it has it already.
fn hand_over(latest: &Arc<ResearchData>, data: &RegisterData) {
    if data.research().is_some_and(|has| has.is_of_moment(latest)) {
        return;
    }
    data.publish(latest.renewed(data).map(Arc::new));
}
