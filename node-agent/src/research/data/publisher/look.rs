//! One look at the published views, and what it leads to.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use innsyn_policy::Register;
use tokio_util::sync::CancellationToken;

use super::super::digest::{self, Contents, Digest};
use super::super::error::{ViewError, ViewFault};
use super::super::rows::People;
use super::super::shelf::Shelf;
use super::super::stored::{self, ViewReport};
use super::super::view::{self, PublishedView};
use super::super::{ResearchData, SnapshotName};
use super::{Refreshed, ViewOutcome};
use crate::engine::{Snapshot, StoredFile, StoredView};
use crate::sources::{FileStamp, Fingerprint, FolderSource, RegisterData, SourceError};

/// One look at the views, which may take as long as they are large.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) source: FolderSource,
    pub(super) register: Register,
    pub(super) data: Arc<RegisterData>,
    pub(super) stop: CancellationToken,
}

/// What is known from one look to the next.
#[derive(Debug)]
pub(super) struct Work {
    shelf: Shelf,
    contents: Contents,
    /// For which data something was published last.
    data: Weak<RegisterData>,
    /// How the files stood then.
    stood: Option<Stood>,
    /// How they stood at the last look, if they had changed by then.
    changed: Option<Stood>,
    /// Everything that was published and may still be in use.
    published: Vec<Weak<ResearchData>>,
}

/// How the files of people and views stood; a view without files has none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stood(Vec<FileStamp>);

impl Look {
    /// Takes the look, and publishes what is ready.
    pub(super) fn take(&self, work: &mut Work) -> Result<Refreshed, SourceError> {
        work.tidy();
        let people = self.source.stamp_of_people()?;
        let read_so = self.data.fingerprint();
        if !read_so.is_some_and(|read| read.covers(&people)) {
            // The people will be read again, and have other numbers then.
            return Ok(Refreshed::Settling);
        }
        let views: Vec<_> = view::all(self.source.views()?)
            .into_iter()
            .map(|view| view.and_then(|view| self.find(view)))
            .collect();
        let stood = Stood::of(&people, &views);
        let is_same_data = work.data.ptr_eq(&Arc::downgrade(&self.data));
        if work.stood.as_ref() == Some(&stood) {
            work.changed = None;
            if is_same_data {
                return Ok(Refreshed::Unchanged);
            }
        } else if work.stood.is_some() && work.changed.as_ref() != Some(&stood) {
            work.changed = Some(stood);
            return Ok(Refreshed::Settling);
        }
        let source = match work.contents.of(&people, &self.stop) {
            Ok(source) => source,
            Err(ViewFault::Source(error)) => return Err(error),
            Err(_) => return Ok(Refreshed::Settling),
        };
        // INVARIANT: `source` is of the people whose numbers are used, so that no file is ever
        // called after people of other numbers.
        if self.source.stamp_of_people()? != people {
            return Ok(Refreshed::Settling);
        }
        let (ready, outcomes) = self.make_ready(work, &source, views);
        if self.stop.is_cancelled() {
            return Ok(Refreshed::Settling);
        }
        let research = self.research(ready).map(Arc::new);
        work.published.extend(research.as_ref().map(Arc::downgrade));
        self.data.publish(research);
        work.data = Arc::downgrade(&self.data);
        work.contents.keep_only(&stood.0);
        work.stood = Some(stood);
        work.changed = None;
        work.sweep();
        Ok(Refreshed::Published(outcomes))
    }

    fn find(&self, view: PublishedView) -> Result<(PublishedView, Fingerprint), ViewError> {
        match self.source.stamp_of(&view.files) {
            Ok(files) => Ok((view, files)),
            Err(error) => Err(ViewFault::from(error).of(&view.description.name)),
        }
    }

    /// Makes all `views` ready that can be, and tells what became of each.
    fn make_ready(
        &self,
        work: &mut Work,
        source: &Digest,
        views: Vec<Result<(PublishedView, Fingerprint), ViewError>>,
    ) -> (Vec<Ready>, Vec<ViewOutcome>) {
        let mut ready = Vec::with_capacity(views.len());
        let mut outcomes = Vec::with_capacity(views.len());
        for view in views {
            outcomes.push(match view {
                Err(error) => Err(error),
                Ok((view, files)) => match self.one(work, source, &view, &files) {
                    Err(fault) => Err(fault.of(&view.description.name)),
                    Ok((name, path, report)) => {
                        let outcome = (view.description.name.clone(), report);
                        ready.push(Ready {
                            name,
                            stored: self.stored(view, path, report),
                        });
                        Ok(outcome)
                    }
                },
            });
        }
        (ready, outcomes)
    }

    fn one(
        &self,
        work: &mut Work,
        source: &Digest,
        view: &PublishedView,
        files: &Fingerprint,
    ) -> Result<(SnapshotName, PathBuf, ViewReport), ViewFault> {
        let people = People {
            subjects: &self.data.loaded().subjects,
            numbers: self.data.numbers(),
        };
        let rows = work.contents.of(files, &self.stop)?;
        let view_name = &view.description.name;
        let name = digest::of_view(&self.register.id, people, source, view_name, &rows);
        let is_changed = || self.source.stamp_of(&view.files).ok().as_ref() != Some(files);
        let (path, report) = work.shelf.get(&name, |file| {
            let made = stored::write(view, files, people, file, &self.stop);
            // What was read while files changed is neither the old content nor the new.
            if is_changed() {
                return Err(ViewFault::Changed);
            }
            made
        })?;
        Ok((name, path, report))
    }

    fn stored(&self, view: PublishedView, path: PathBuf, report: ViewReport) -> StoredView {
        let mut description = view.description;
        description.register_id = self.register.id.to_string();
        description.persons_about = report.persons_about();
        StoredView {
            description,
            files: vec![StoredFile::new(path)],
            person_column: view::PERSON.to_owned(),
        }
    }

    /// What `ready` views make; `None` if there is none.
    fn research(&self, ready: Vec<Ready>) -> Option<ResearchData> {
        if ready.is_empty() {
            return None;
        }
        let name = digest::of_snapshot(ready.iter().map(|view| view.name));
        let persons = self.data.loaded().subjects.len();
        let snapshot = Snapshot {
            // A number is a `u32`, so there are no more people.
            persons: u32::try_from(persons).unwrap_or(u32::MAX),
            views: ready.into_iter().map(|view| view.stored).collect(),
        };
        let basis = self.register.legal_basis;
        Some(ResearchData::new(&self.data, basis, snapshot, name))
    }
}

/// A view that is ready.
struct Ready {
    name: SnapshotName,
    stored: StoredView,
}

impl Stood {
    fn of(people: &Fingerprint, views: &[Result<(PublishedView, Fingerprint), ViewError>]) -> Self {
        let of_views = views.iter().flatten().map(|(_, files)| files);
        let all = std::iter::once(people).chain(of_views);
        Self(all.flat_map(Fingerprint::files).cloned().collect())
    }
}

impl Work {
    /// Nothing is known yet.
    pub(super) fn new(shelf: Shelf) -> Self {
        Self {
            shelf,
            contents: Contents::default(),
            data: Weak::new(),
            stood: None,
            changed: None,
            published: Vec::new(),
        }
    }

    /// Deletes files when something that was published is used no more.
    fn tidy(&mut self) {
        let is_used = |research: &Weak<ResearchData>| research.strong_count() > 0;
        if !self.published.iter().all(is_used) {
            self.sweep();
        }
    }

    /// Deletes the files of all that is used no more.
    fn sweep(&mut self) {
        let used: Vec<_> = self.published.iter().filter_map(Weak::upgrade).collect();
        let views = used.iter().flat_map(|research| &research.snapshot.views);
        let files = views.flat_map(|view| &view.files);
        let in_use: BTreeSet<_> = files.map(|file| file.path().to_owned()).collect();
        if let Err(error) = self.shelf.sweep(&in_use) {
            tracing::warn!(%error, "old snapshots not deleted");
        }
        self.published = used.iter().map(Arc::downgrade).collect();
    }
}
