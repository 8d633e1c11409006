//! The records of transfers as a command sees them, beside the running agent.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use innsyn_policy::{RegisterId, Timestamp};
use innsyn_proto::sealing::OpeningKey;
use innsyn_proto::setting::export::{
    Export, ExportError, ExportFile, ExportFileError, FILE_LINE, ReadingExport,
};
use innsyn_proto::tls::Authority;
use rand::Rng as _;
use rand::rngs::StdRng;
use sqlx::Row as _;
use tokio::time::{Instant, sleep};

use super::importing::own_context;
use super::own::{OwnListError, OwnSetting};
use super::store::{self, TransferId};
use super::{SCHEMA, TransferError};
use crate::records::{OpenRecordsError, RECORDS_FILE, Records};

/// How often a word is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Settings of the own list that are sealed together.
const OWN_AT_ONCE: usize = 1_000;
/// Frames that are written together.
const FRAMES_AT_ONCE: usize = 64;

/// The records, as a command sees them.
#[derive(Debug)]
pub struct TransferDesk {
    records: Records,
    random: StdRng,
}

/// What became of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferOutcome {
    /// The agent has not seen it.
    Waiting,
    /// The agent is at it.
    Begun,
    /// It is done; what there is to say of it.
    Done(String),
    /// It could not be done, for this reason.
    Refused(String),
}

/// Why a command cannot do what it should.
#[derive(Debug, thiserror::Error)]
pub enum TransferDeskError {
    /// There are no records yet.
    #[error("there are no records in `{}`; the agent makes them at its first start", .0.display())]
    NoRecords(PathBuf),
    /// They cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenRecordsError),
    /// They cannot be read or written.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The file is no export.
    #[error("`{}`: {fault}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        fault: ExportFileError,
    },
    /// The file is no export that can be relied on.
    #[error("`{}`: {fault}", file.display())]
    Export {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        fault: ExportError,
    },
    /// The list of own settings.
    #[error(transparent)]
    Own(#[from] OwnListError),
    /// The file to make cannot be.
    #[error("`{}` cannot be made; it must not be there yet", .0.display())]
    Out(PathBuf, #[source] io::Error),
}

impl From<sqlx::Error> for TransferDeskError {
    fn from(error: sqlx::Error) -> Self {
        Self::Transfer(error.into())
    }
}

impl From<crate::records::RecordsError> for TransferDeskError {
    fn from(error: crate::records::RecordsError) -> Self {
        Self::Transfer(error.into())
    }
}

impl TransferDesk {
    /// Opens the records in `folder`, which the agent has made.
    pub async fn open(
        folder: &Path,
        key: &Path,
        mut random: StdRng,
    ) -> Result<Self, TransferDeskError> {
        if !folder.join(RECORDS_FILE).exists() {
            return Err(TransferDeskError::NoRecords(folder.to_owned()));
        }
        Ok(Self {
            records: Records::open(folder, key, &[SCHEMA], &mut random).await?,
            random,
        })
    }

    /// The key that opens what is sealed to this agent.
    pub fn opening(&self) -> OpeningKey {
        OpeningKey::from_seed(&self.records.key().mailbox_seed())
    }

    /// Asks for an export to the recipient whose signed text is `recipient`.
    pub async fn ask_export(
        &mut self,
        recipient: &str,
        now: Timestamp,
    ) -> Result<TransferId, TransferDeskError> {
        let id = self.sixteen_bytes();
        self.put_word(&id, Some(recipient), now).await?;
        self.is_ready(&id).await?;
        Ok(id)
    }

    /// Takes what was exported under `id` into the file `out`, whole or not at all.
    pub async fn collect(&self, id: &TransferId, out: &Path) -> Result<(), TransferDeskError> {
        let fails = |error| TransferDeskError::Out(out.to_owned(), error);
        let unfinished = out.with_added_extension("unfinished");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished);
        let mut file = BufWriter::new(file.map_err(fails)?);
        file.write_all(FILE_LINE.as_bytes()).map_err(fails)?;
        for number in 0.. {
            let frame = store::frame(self.records.pool(), id, (false, number)).await?;
            let Some(frame) = frame else {
                break;
            };
            let length = u32::try_from(frame.len()).map_err(|_| TransferError::Damaged)?;
            let written = file
                .write_all(&length.to_be_bytes())
                .and_then(|()| file.write_all(&frame));
            written.map_err(fails)?;
        }
        let file = file
            .into_inner()
            .map_err(|error| fails(error.into_error()))?;
        file.sync_all().map_err(fails)?;
        if out.exists() {
            return Err(fails(io::ErrorKind::AlreadyExists.into()));
        }
        std::fs::rename(&unfinished, out).map_err(fails)?;
        let mut writing = self.records.write().await?;
        store::drop_frames(&mut *writing, id).await?;
        writing.commit().await?;
        Ok(())
    }

    /// Looks at the export in `file` to its end, as the agent will.
    pub fn look(
        &self,
        file: &Path,
        register: &RegisterId,
        federation: &Authority,
        now: Timestamp,
    ) -> Result<Export, TransferDeskError> {
        let of_export = |fault| TransferDeskError::Export {
            file: file.to_owned(),
            fault,
        };
        let mut frames = Frames::open(file)?;
        let first = frames.next()?.ok_or(of_export(ExportError::Cut))?;
        let reading = ReadingExport::begin(&first, register, &self.opening());
        let mut reading = reading.map_err(of_export)?;
        while let Some(frame) = frames.next()? {
            reading.frame(&frame).map_err(of_export)?;
        }
        reading.end(federation, now).map_err(of_export)
    }

    /// Asks for the import of `file`, with the register's own settings in `own`.
    pub async fn ask_import(
        &mut self,
        file: &Path,
        own: impl Iterator<Item = Result<OwnSetting, OwnListError>>,
        now: Timestamp,
    ) -> Result<TransferId, TransferDeskError> {
        let id = self.sixteen_bytes();
        self.put_word(&id, None, now).await?;
        let mut frames = Frames::open(file)?;
        let mut number = 0;
        let mut is_end = false;
        while !is_end {
            let mut writing = self.records.write().await?;
            for _ in 0..FRAMES_AT_ONCE {
                let Some(frame) = frames.next()? else {
                    is_end = true;
                    break;
                };
                store::put_frame(&mut *writing, &id, (false, number), &frame).await?;
                number += 1;
            }
            writing.commit().await.map_err(TransferError::from)?;
        }
        let (mut own, mut number) = (own, 0);
        loop {
            let some = own
                .by_ref()
                .take(OWN_AT_ONCE)
                .collect::<Result<Vec<_>, _>>()?;
            if some.is_empty() {
                break;
            }
            let plain: Vec<u8> = some.iter().flat_map(OwnSetting::to_bytes).collect();
            let key = self.records.key();
            let sealed = key.seal(&plain, &own_context(&id, number), &mut self.random);
            let mut writing = self.records.write().await?;
            store::put_frame(&mut *writing, &id, (true, number), &sealed).await?;
            writing.commit().await.map_err(TransferError::from)?;
            number += 1;
        }
        self.is_ready(&id).await?;
        Ok(id)
    }

    /// What became of a word, after at most `patience`.
    pub async fn outcome(
        &self,
        id: &TransferId,
        patience: Duration,
    ) -> Result<TransferOutcome, TransferDeskError> {
        let ends = Instant::now() + patience;
        loop {
            let row = sqlx::query(
                "SELECT begun, taken_at, told, refused FROM setting_transfer WHERE id = $1",
            )
            .bind(&id[..])
            .fetch_one(self.records.pool())
            .await?;
            if row.try_get::<Option<i64>, _>("taken_at")?.is_some() {
                let told: Option<String> = row.try_get("told")?;
                return Ok(match row.try_get("refused")? {
                    Some(why) => TransferOutcome::Refused(why),
                    None => TransferOutcome::Done(told.unwrap_or_default()),
                });
            }
            if Instant::now() >= ends {
                return Ok(if row.try_get("begun")? {
                    TransferOutcome::Begun
                } else {
                    TransferOutcome::Waiting
                });
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Takes back a word that the agent has not seen.
    pub async fn withdraw(&self, id: &TransferId) -> Result<(), TransferDeskError> {
        let mut writing = self.records.write().await?;
        sqlx::query("DELETE FROM setting_transfer WHERE id = $1 AND begun = 0")
            .bind(&id[..])
            .execute(&mut *writing)
            .await?;
        writing.commit().await.map_err(TransferError::from)?;
        Ok(())
    }

    /// Lets the records go.
    pub async fn close(&self) {
        self.records.close().await;
    }

    /// A word that the agent does not look at yet.
    async fn put_word(
        &self,
        id: &TransferId,
        recipient: Option<&str>,
        now: Timestamp,
    ) -> Result<(), TransferDeskError> {
        let mut writing = self.records.write().await?;
        sqlx::query(
            "INSERT INTO setting_transfer (id, recipient, said_at, ready) VALUES ($1, $2, $3, 0)",
        )
        .bind(&id[..])
        .bind(recipient)
        .bind(now.as_micros())
        .execute(&mut *writing)
        .await?;
        writing.commit().await.map_err(TransferError::from)?;
        Ok(())
    }

    /// All that belongs to the word is there.
    async fn is_ready(&self, id: &TransferId) -> Result<(), TransferDeskError> {
        let mut writing = self.records.write().await?;
        sqlx::query("UPDATE setting_transfer SET ready = 1 WHERE id = $1")
            .bind(&id[..])
            .execute(&mut *writing)
            .await?;
        writing.commit().await.map_err(TransferError::from)?;
        Ok(())
    }

    fn sixteen_bytes(&mut self) -> TransferId {
        let mut id = [0; 16];
        self.random.fill_bytes(&mut id);
        id
    }
}

/// The frames in a file, which errors name.
struct Frames<'a> {
    path: &'a Path,
    file: ExportFile<BufReader<File>>,
}

impl<'a> Frames<'a> {
    fn open(path: &'a Path) -> Result<Self, TransferDeskError> {
        let fails = |fault| TransferDeskError::File {
            file: path.to_owned(),
            fault,
        };
        let file = File::open(path).map_err(|error| fails(error.into()))?;
        let file = ExportFile::begin(BufReader::new(file)).map_err(fails)?;
        Ok(Self { path, file })
    }

    fn next(&mut self) -> Result<Option<Vec<u8>>, TransferDeskError> {
        self.file.frame().map_err(|fault| TransferDeskError::File {
            file: self.path.to_owned(),
            fault,
        })
    }
}
