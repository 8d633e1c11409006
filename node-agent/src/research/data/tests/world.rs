//! A register in a folder, its agent's store of people, and its publisher.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray as _;
use arrow_array::types::UInt32Type;
use arrow_array::{ArrayRef, Date32Array, RecordBatch, StringArray};
use arrow_select::concat::concat_batches;
use innsyn_policy::{
    Clock, LegalBasis, ManualClock, Register, RegisterId, RegisterKind, Timestamp,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::super::publisher::{Publisher, Refreshed, ViewOutcome};
use crate::sources::{FolderSource, Place, RegisterData, Silent, SourceConfig, SubjectsStore};
use crate::subjects::SubjectKey;
use crate::test_ids::{NUMBERS, digits};

pub(super) const HOUR: Duration = Duration::from_hours(1);

const PEOPLE: &str = r#"
[persons]
files = ["persons.csv"]
columns = { national_id = "fnr", status = "status" }
status = { deleted = ["2"] }

[settings]
files = ["settings.csv"]
columns = { national_id = "fnr", kind = "kind", purpose = "purpose", from = "from", until = "until" }
"#;

/// Dispensed prescriptions, as few words as a view can have.
pub(super) const VIEW: &str = r#"
[[view]]
name = "prescriptions"
label_nb = "Resepter"
label_en = "Prescriptions"
grain = "event"
files = "prescriptions.parquet"
id_column = "fnr"
event_date = "date"
from = "2010-01"
until = "2026-01"

[[view.variable]]
name = "date"
label_nb = "Dato"
label_en = "Date"
type = "date"

[[view.variable]]
name = "atc"
label_nb = "Legemiddel"
label_en = "Drug"
type = "code"
system = "ATC"
version = "2024"
level_characters = [1, 3, 5]
is_dimension = true
"#;

#[derive(Debug, Clone)]
pub(super) struct SharedClock(pub(super) Arc<ManualClock>);

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// A folder that is a source, and beside it one for research.
#[derive(Debug)]
pub(super) struct Folder(TempDir);

impl Folder {
    /// A register of `persons`, who have no settings, that says this of views.
    pub(super) fn of(persons: &[usize], views: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.source()).unwrap();
        folder.write("manifest.toml", &format!("{PEOPLE}{views}"));
        folder.write("settings.csv", "fnr,kind,purpose,from,until\n");
        folder.write_persons(persons, &[]);
        folder
    }

    pub(super) fn source(&self) -> PathBuf {
        self.0.path().join("export")
    }

    pub(super) fn research(&self) -> PathBuf {
        self.0.path().join("research")
    }

    pub(super) fn write(&self, name: &str, content: &str) {
        fs::write(self.source().join(name), content).unwrap();
    }

    pub(super) fn write_persons(&self, registered: &[usize], deleted: &[usize]) {
        let row = |status: u8| move |who: &usize| format!("{},{status}\n", digits(*who));
        let rows = registered
            .iter()
            .map(row(1))
            .chain(deleted.iter().map(row(2)));
        self.write(
            "persons.csv",
            &format!("fnr,status\n{}", rows.collect::<String>()),
        );
    }

    pub(super) fn write_settings(&self, rows: &[(usize, &str)]) {
        let rows = rows
            .iter()
            .map(|(who, rest)| format!("{},{rest}\n", digits(*who)));
        let rows = rows.collect::<String>();
        self.write(
            "settings.csv",
            &format!("fnr,kind,purpose,from,until\n{rows}"),
        );
    }

    pub(super) fn write_parquet(&self, name: &str, columns: Vec<(&str, ArrayRef)>) {
        write_parquet(&self.source().join(name), columns);
    }

    /// Prescriptions of the given people, one a day from the first day of 2020.
    pub(super) fn write_prescriptions(&self, rows: &[(usize, &str)]) {
        let ids: StringArray = rows.iter().map(|(who, _)| Some(digits(*who))).collect();
        let codes: StringArray = rows.iter().map(|(_, code)| Some(*code)).collect();
        let dates: Date32Array = (18_262..).take(rows.len()).map(Some).collect();
        self.write_parquet(
            "prescriptions.parquet",
            vec![
                ("fnr", Arc::new(ids)),
                ("atc", Arc::new(codes)),
                ("date", Arc::new(dates)),
            ],
        );
    }

    /// The files of the snapshots, by name.
    pub(super) fn snapshots(&self) -> Vec<String> {
        let entries = fs::read_dir(self.research().join("snapshots")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names
    }
}

pub(super) fn write_parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// The first batch of a file: all of a small one.
pub(super) fn read_parquet(path: &Path) -> RecordBatch {
    let file = File::open(path).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = Arc::clone(builder.schema());
    let batches: Result<Vec<_>, _> = builder.build().unwrap().collect();
    concat_batches(&schema, &batches.unwrap()).unwrap()
}

/// The persons' numbers in a file's rows.
pub(super) fn persons_of(rows: &RecordBatch) -> Vec<u32> {
    let persons = rows.column_by_name("person").unwrap();
    persons.as_primitive::<UInt32Type>().values().to_vec()
}

/// An agent at work over a folder.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) store: Arc<SubjectsStore<SharedClock>>,
    pub(super) publisher: Arc<Publisher<SharedClock>>,
    pub(super) clock: SharedClock,
}

impl Agent {
    pub(super) async fn over(folder: &Folder) -> Self {
        Self::with_basis(folder, LegalBasis::Mandatory).await
    }

    /// With `seed`s of their own, two agents have different keys.
    pub(super) async fn seeded(folder: &Folder, seed: u64) -> Self {
        Self::start(folder, LegalBasis::Mandatory, seed).await
    }

    pub(super) async fn with_basis(folder: &Folder, basis: LegalBasis) -> Self {
        Self::start(folder, basis, 1).await
    }

    async fn start(folder: &Folder, legal_basis: LegalBasis, seed: u64) -> Self {
        let clock = SharedClock(Arc::new(ManualClock::new(at("2026-03-10T12:00:00Z"))));
        let store = SubjectsStore::open(
            Arc::new(FolderSource::new(folder.source())),
            SubjectKey::generate(&mut StdRng::seed_from_u64(seed), None),
            NUMBERS,
            HOUR,
            clock.clone(),
            Arc::new(Silent),
        );
        let store = store.await.unwrap();
        let register = Register {
            id: RegisterId::parse("reseptreg").unwrap(),
            kind: RegisterKind::Central,
            legal_basis,
            membership_is_sensitive: false,
        };
        let publisher = Publisher::open(
            &config(folder),
            register,
            Arc::clone(&store),
            &folder.research(),
        );
        Self {
            store,
            publisher: publisher.unwrap().unwrap(),
            clock,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) async fn look(&self) -> Refreshed {
        self.publisher
            .refresh(&CancellationToken::new())
            .await
            .unwrap()
    }

    /// Looks once, which must lead to something being published.
    pub(super) async fn publish(&self) -> Vec<ViewOutcome> {
        match self.look().await {
            Refreshed::Published(outcomes) => outcomes,
            other => panic!("nothing published: {other:?}"),
        }
    }

    /// Reads people and settings again after they have changed.
    pub(super) async fn reload(&self) -> Arc<RegisterData> {
        self.store.refresh().await.unwrap();
        let reloaded = self.store.refresh().await.unwrap();
        assert_eq!(reloaded, crate::sources::Refreshed::Reloaded);
        self.store.current()
    }
}

pub(super) fn config(folder: &Folder) -> SourceConfig {
    SourceConfig {
        place: Place::Folder(folder.source()),
        refresh: HOUR,
        settings_max_age: HOUR,
        pseudonym_key_file: None,
    }
}

pub(super) fn at(utc: &str) -> Timestamp {
    let at: jiff::Timestamp = utc.parse().unwrap();
    Timestamp::from_micros(at.as_microsecond())
}
