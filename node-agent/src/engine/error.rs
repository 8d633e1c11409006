//! Why a query was not run to its end. No variant holds anything of the data.

/// Why there is no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The query cannot be run over what the register publishes.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The included persons are not of this snapshot.
    #[error("the included persons are of another snapshot; build them from this one")]
    OtherSnapshot,
    /// A file is missing, or is not sound Parquet.
    #[error("a file of view `{view}` cannot be read; export the view again")]
    Unreadable {
        /// The view whose file it is.
        view: String,
    },
    /// A file does not have a column as it is published.
    #[error("a file of view `{view}` has no column `{column}` of {wanted}; export it so")]
    Column {
        /// The view whose file it is.
        view: String,
        /// The column.
        column: String,
        /// What it should hold.
        wanted: &'static str,
    },
    /// The query needs more memory than it may have.
    #[error("the query needs more memory than {limit_bytes} bytes; allow it more")]
    Memory {
        /// What it may have.
        limit_bytes: usize,
    },
    /// The table is larger than it may be.
    #[error("the table has more than {0} cells; ask for coarser or fewer parts")]
    TooManyCells(usize),
    /// The caller wants no answer any more.
    #[error("the query was cancelled")]
    Cancelled,
}

impl EngineError {
    /// A stable name of the reason, for logs and for the wire.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Plan(plan) => plan.code(),
            Self::OtherSnapshot => "OTHER_SNAPSHOT",
            Self::Unreadable { .. } => "UNREADABLE",
            Self::Column { .. } => "COLUMN",
            Self::Memory { .. } => "MEMORY",
            Self::TooManyCells(_) => "TOO_MANY_CELLS",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// Makes the variants of [`PlanError`], each with its code and its text.
macro_rules! plan_errors {
    ($($variant:ident $code:literal $text:literal)*) => {
        /// What in a query cannot be run.
        ///
        /// `innsyn_proto::query` checks a query and tells whoever wrote it where it is wrong and
        /// what to write. The engine trusts no check but its own: these mean that the two differ.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        pub enum PlanError {
            $(#[doc = $text] #[error($text)] $variant,)*
        }

        impl PlanError {
            /// A stable name of the reason, for logs and for the wire.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }
        }
    };
}

plan_errors! {
    NotChosen "NOT_CHOSEN" "nothing is chosen where one thing must be"
    Empty "EMPTY" "a list that must not be empty is"
    TooDeep "TOO_DEEP" "an expression is nested too deep"
    TooMany "TOO_MANY" "a list is longer than it may be"
    UnknownView "UNKNOWN_VIEW" "the register does not publish the view"
    BadView "BAD_VIEW" "the register publishes the view wrongly"
    NotAsked "NOT_ASKED" "the register is not among those asked"
    UnknownVariable "UNKNOWN_VARIABLE" "the view has no such variable"
    WrongType "WRONG_TYPE" "the variable is of another type"
    OfEvent "OF_EVENT" "the variable is of an event and not of the person"
    OfManyEvents "OF_MANY_EVENTS" "the variable is of an event, and many events make the row"
    EventsOfEvent "EVENTS_OF_EVENT" "one event has no events"
    NeedsEvents "NEEDS_EVENTS" "the view has one row for each person, not events"
    Operator "OPERATOR" "the variable cannot be compared so"
    Literal "LITERAL" "the literal is not one for the variable"
    UnknownLevel "UNKNOWN_LEVEL" "the code system has no such level"
    NotADimension "NOT_A_DIMENSION" "tables are not divided by the variable"
    NoClipBounds "NO_CLIP_BOUNDS" "the variable has no clip bounds that can be used"
    NoMonths "NO_MONTHS" "no month is in the window"
    NotRising "NOT_RISING" "bands begin at rising whole numbers"
    Nought "NOUGHT" "a number that must be 1 or more is 0"
    GridTooLong "GRID_TOO_LONG" "the grid ends beyond the whole numbers"
    SameDate "SAME_DATE" "a life table needs three different dates"
    FollowedByPeriods "FOLLOWED_BY_PERIODS" "a life table and person-time follow persons, not periods"
    PeriodNotDimension "PERIOD_NOT_DIMENSION" "rows of periods need the period as a dimension"
    NoPeriod "NO_PERIOD" "the rows have no period"
}
