//! Why a view cannot be made ready, and what its owner can do about it.
//!
//! No message contains anything of a row.

use std::fmt;
use std::io;

use crate::finding::Finding;
use crate::sources::SourceError;

/// One view cannot be made ready. The others, and the citizens' listing, are as they were.
#[derive(Debug)]
pub struct ViewError {
    /// The view: its name, or which of the manifest's it is.
    pub(super) view: String,
    /// The variable, where it is one's fault.
    pub(super) variable: Option<String>,
    /// What is wrong.
    pub(super) fault: Box<ViewFault>,
}

/// What is wrong with a view.
#[derive(Debug, thiserror::Error)]
pub(super) enum ViewFault {
    #[error("`view` in manifest.toml is not a list of tables")]
    NotTables,
    #[error("manifest.toml has more than {max} {what}")]
    TooMany { what: &'static str, max: usize },
    #[error("{0}")]
    Syntax(String),
    #[error("`{0}` is not a name")]
    Name(String),
    #[error("the name is taken")]
    Twice,
    #[error("`{0}` is the name of the snapshot's own column")]
    Reserved(&'static str),
    #[error("it is the column of national ids, which are never published")]
    PublishesIds,
    #[error("`{0}` names no Parquet file in the manifest's folder")]
    FileName(String),
    #[error("there is no table or view {0}")]
    NoRelation(String),
    #[error("`{key}` is `{text}`, which is no month")]
    Month { key: &'static str, text: String },
    #[error("`from` is not before `until`")]
    NoMonths,
    #[error("its rows are events, and `event_date` names no date of theirs")]
    NoEventDate,
    #[error("its rows are persons, which have no `event_date`")]
    EventDateOfPersons,
    #[error("`level_characters` are not rising from 1 on")]
    Levels,
    #[error("`clip_from` and `clip_to` are no range")]
    Clip,
    #[error("`centre` is not a finite number")]
    Centre,
    #[error("{0}")]
    Source(#[from] SourceError),
    #[error(
        "a value of column `{column}` is a national id or pseudonym, which are never published"
    )]
    HoldsIds { column: String },
    #[error("none of its {rows} rows is about a person of this register")]
    AboutNobody { rows: u64 },
    #[error("its files changed while they were read")]
    Changed,
    #[error("it cannot be written to the folder of research: {0}")]
    NotWritten(String),
    #[error("the agent is being stopped")]
    Stopped,
}

impl ViewFault {
    /// The same, of the view called `view`.
    pub(super) fn of(self, view: &str) -> ViewError {
        ViewError {
            view: view.to_owned(),
            variable: None,
            fault: Box::new(self),
        }
    }

    /// What its owner can do about it.
    fn what_to_do(&self) -> String {
        match self {
            Self::NotTables => "begin each view with `[[view]]`, in two brackets",
            Self::TooMany { .. } => "publish fewer",
            Self::Syntax(_) => "correct it in manifest.toml; unknown keys are not accepted",
            Self::Name(_) => "write 1 to 64 of a-z, 0-9 and _, beginning with a letter",
            Self::Twice => "give each a name of its own",
            Self::Reserved(_) => "give the column, and the variable, another name",
            Self::PublishesIds | Self::HoldsIds { .. } => "take the variable out of the view",
            Self::FileName(_) => {
                "write the name of a file of its own folder, `*.parquet` or with more before it"
            }
            Self::NoRelation(_) => "correct its `schema` and `table`",
            Self::Month { .. } => "write a month as in \"2010-01\"",
            Self::NoMonths => {
                "write the first month as `from` and the month after the last as `until`"
            }
            Self::NoEventDate => {
                "name a variable of type \"date\", without `of_person`, in `event_date`"
            }
            Self::EventDateOfPersons => "take `event_date` out, or write `grain = \"event\"`",
            Self::Levels => "write how many characters each level has, as in [1, 3]",
            Self::Clip => "write both, finite and the lesser first, or neither",
            Self::Centre => "write a number near the mean that is known to everybody",
            Self::Source(error) => return error.what_to_do(),
            Self::AboutNobody { .. } => "see whether `id_column` names the right column",
            Self::Changed => {
                "nothing, if an export is under way: it is read again when the files stand still"
            }
            Self::NotWritten(_) => {
                "see that the disk has room and that the agent may write to `research.folder`"
            }
            Self::Stopped => "nothing: it is made ready at the next start",
        }
        .to_owned()
    }
}

impl ViewError {
    /// The same, of `variable`.
    pub(super) fn in_variable(mut self, variable: &str) -> Self {
        self.variable = Some(variable.to_owned());
        self
    }

    /// The same for `innsyn-agent check`. Whoever is a citizen is served all the same.
    pub fn finding(&self) -> Finding {
        Finding::warning(self.to_string(), self.fault.what_to_do())
    }

    /// What can be done about it.
    pub fn what_to_do(&self) -> String {
        self.fault.what_to_do()
    }
}

impl fmt::Display for ViewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "view `{}` is not published: ", self.view)?;
        if let Some(variable) = &self.variable {
            write!(f, "variable `{variable}`: ")?;
        }
        self.fault.fmt(f)
    }
}

impl std::error::Error for ViewError {}

/// The folder of research cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ResearchFolderError {
    /// It cannot be made, read or written.
    #[error("the folder of research `{folder}` cannot be used: {error}")]
    Io {
        /// The folder.
        folder: String,
        /// What the operating system says.
        #[source]
        error: io::Error,
    },
    /// Another process has it.
    #[error("the folder of research `{folder}` is another agent's; name one of its own for each")]
    Taken {
        /// The folder.
        folder: String,
    },
}
