//! Keeps what is published up to date with the source.
//!
//! It looks at the manifest and at the views' files every few seconds, apart from whoever reads
//! people and settings, and makes views ready again when they have changed *and then stood still*
//! for one look, or at once when people or settings were read again. What was published before
//! stays in use for whoever holds it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::{Clock, Register};
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::database::DatabasePublisher;
use super::error::{ResearchFolderError, ViewError};
use super::shelf::Shelf;
use super::stored::ViewReport;
use crate::sources::{FolderSource, Place, SourceConfig, SourceError, SubjectsStore};

use look::{Look, Work};

mod look;

/// What a look at the published views led to.
#[derive(Debug)]
pub enum Refreshed {
    /// They are as they were.
    Unchanged,
    /// They have changed, or the people have, and are given time to stand still.
    Settling,
    /// They were made ready, each or not; what is ready is published.
    Published(Vec<ViewOutcome>),
}

/// What became of one view of the manifest.
pub type ViewOutcome = Result<(String, ViewReport), ViewError>;

/// Makes a register's views ready, and ready again when they change.
#[derive(Debug)]
pub struct Publisher<C> {
    source: Published,
    subjects: Arc<SubjectsStore<C>>,
}

/// What is published, by what kind of source.
#[derive(Debug)]
enum Published {
    Files {
        source: FolderSource,
        register: Register,
        /// Held while a look is taken, so that one follows another.
        work: Arc<Mutex<Work>>,
    },
    Database(Box<DatabasePublisher>),
}

impl<C: Clock> Publisher<C> {
    /// A publisher of the views of the source in `config`, which `subjects` reads people from;
    /// snapshots are kept in `folder`, the folder of research. `None` where the source publishes
    /// nothing.
    pub fn open(
        config: &SourceConfig,
        register: Register,
        subjects: Arc<SubjectsStore<C>>,
        folder: &Path,
    ) -> Result<Option<Arc<Self>>, ResearchFolderError> {
        let source = match &config.place {
            Place::Folder(source) => Published::Files {
                source: FolderSource::new(source),
                register,
                work: Arc::new(Mutex::new(Work::new(Shelf::open(folder)?))),
            },
            Place::Postgres(config) => match &config.research {
                Some(research) => {
                    let publisher = DatabasePublisher::new(config, research, register);
                    Published::Database(Box::new(publisher))
                }
                None => return Ok(None),
            },
        };
        Ok(Some(Arc::new(Self { source, subjects })))
    }

    /// Fails if a role of the database may do more than it is for; of files there is none.
    pub async fn check_roles(&self) -> Result<(), SourceError> {
        match &self.source {
            Published::Files { .. } => Ok(()),
            Published::Database(publisher) => publisher.check_roles().await,
        }
    }

    /// Looks at the views once, and makes them ready if that is due. On an error, what was
    /// published stays. Making ready ends early when `stop` is cancelled.
    pub async fn refresh(&self, stop: &CancellationToken) -> Result<Refreshed, SourceError> {
        let (source, register, work) = match &self.source {
            Published::Files {
                source,
                register,
                work,
            } => (source, register, work),
            Published::Database(publisher) => {
                let refreshing = Box::pin(publisher.refresh(&self.subjects));
                let refreshed = stop.run_until_cancelled(refreshing).await;
                return refreshed.unwrap_or(Err(SourceError::Stopped));
            }
        };
        let work = Arc::clone(work).lock_owned().await;
        let look = Look {
            source: source.clone(),
            register: register.clone(),
            data: self.subjects.current(),
            stop: stop.clone(),
        };
        let looked = spawn_blocking(move || {
            let mut work = work;
            look.take(&mut work)
        });
        looked.await.unwrap_or(Err(SourceError::Stopped))
    }

    /// Makes the views ready, and looks at them every `every` until `shutdown`.
    pub fn spawn_refresh(
        self: &Arc<Self>,
        every: Duration,
        shutdown: CancellationToken,
    ) -> JoinHandle<()> {
        let publisher = Arc::clone(self);
        tokio::spawn(async move {
            let refreshing = async {
                let mut ticks = tokio::time::interval(every);
                ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                let mut told = Vec::new();
                loop {
                    ticks.tick().await;
                    tell(publisher.refresh(&shutdown).await, &mut told);
                }
            };
            shutdown.run_until_cancelled(refreshing).await;
        })
    }
}

/// Logs what is new since `told`.
fn tell(refreshed: Result<Refreshed, SourceError>, told: &mut Vec<String>) {
    let errors: Vec<String> = match refreshed {
        Ok(Refreshed::Unchanged | Refreshed::Settling) => return,
        Ok(Refreshed::Published(outcomes)) => outcomes.into_iter().filter_map(of_view).collect(),
        Err(error) => vec![error.to_string()],
    };
    for error in errors.iter().filter(|error| !told.contains(error)) {
        tracing::warn!(%error, "not published");
    }
    *told = errors;
}

/// Logs a view that is ready; what is wrong with one that is not.
fn of_view(outcome: ViewOutcome) -> Option<String> {
    match outcome {
        Ok((view, report)) => {
            tracing::info!(
                view,
                rows = report.rows,
                rows.of_nobody = report.rows_of_nobody,
                persons = report.persons,
                "view published"
            );
            None
        }
        Err(error) => Some(error.to_string()),
    }
}
