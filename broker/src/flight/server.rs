//! What drivers ask of a server: its name, what its SQL can, and the types of its columns.
//!
//! JDBC reads many of these and older drivers fail where one is missing, so that all that it
//! reads are here.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use arrow_array::RecordBatch;
use arrow_flight::error::{FlightError, Result};
use arrow_flight::sql::SqlInfo as I;
use arrow_flight::sql::metadata::{
    SqlInfoData, SqlInfoDataBuilder, XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder,
};
use arrow_flight::sql::{
    CommandGetSqlInfo, CommandGetXdbcTypeInfo, Nullable, Searchable, SqlNullOrdering,
    SqlSupportedCaseSensitivity, SqlSupportedTransaction, XdbcDataType,
};

use crate::research::sql::SQL_BYTES_MAX;

/// The most numbers of information that are looked for at once.
const ASKED_MAX: usize = 1_000;

static INFO: LazyLock<Option<SqlInfoData>> = LazyLock::new(|| described().build().ok());
static TYPES: LazyLock<Option<XdbcTypeInfoData>> = LazyLock::new(|| known_types().build().ok());

/// The information that `command` asks for; all if it names none.
pub(super) fn info(command: &CommandGetSqlInfo) -> Result<RecordBatch> {
    let info = INFO.as_ref().ok_or_else(unknown)?;
    let asked = command.info.iter().copied().take(ASKED_MAX);
    info.record_batch(asked)
}

/// The types that `command` asks for.
pub(super) fn types(command: CommandGetXdbcTypeInfo) -> Result<RecordBatch> {
    let types = TYPES.as_ref().ok_or_else(unknown)?;
    types.record_batch(command.data_type)
}

fn unknown() -> FlightError {
    FlightError::ProtocolError("the server's description cannot be built".to_owned())
}

/// What can be.
const CAN: [I; 9] = [
    I::FlightSqlServerReadOnly,
    I::FlightSqlServerSql,
    I::FlightSqlServerCancel,
    I::SqlSupportsColumnAliasing,
    I::SqlNullPlusNullIsNull,
    I::SqlSupportsTableCorrelationNames,
    I::SqlSupportsNonNullableColumns,
    I::SqlCatalogAtStart,
    I::SqlCorrelatedSubqueriesSupported,
];

/// What cannot.
const CANNOT: [I; 23] = [
    I::FlightSqlServerSubstrait,
    I::FlightSqlServerBulkIngestion,
    I::FlightSqlServerIngestTransactionsSupported,
    I::SqlDdlCatalog,
    I::SqlDdlSchema,
    I::SqlDdlTable,
    // A view can only be counted.
    I::SqlAllTablesAreSelectable,
    I::SqlSupportsDifferentTableCorrelationNames,
    I::SqlSupportsExpressionsInOrderBy,
    I::SqlSupportsOrderByUnrelated,
    I::SqlSupportsLikeEscapeClause,
    I::SqlSupportsIntegrityEnhancementFacility,
    I::SqlSelectForUpdateSupported,
    I::SqlStoredProceduresSupported,
    I::SqlMaxRowSizeIncludesBlobs,
    I::SqlTransactionsSupported,
    I::SqlDataDefinitionCausesTransactionCommit,
    I::SqlDataDefinitionsInTransactionsIgnored,
    I::SqlBatchUpdatesSupported,
    I::SqlSavepointsSupported,
    I::SqlNamedParametersSupported,
    I::SqlLocatorsUpdateCopy,
    I::SqlStoredFunctionsUsingCallSyntaxSupported,
];

const TEXTS: [(I, &str); 9] = [
    (I::FlightSqlServerName, "Innsyn"),
    (I::FlightSqlServerVersion, env!("CARGO_PKG_VERSION")),
    (I::FlightSqlServerArrowVersion, "60.1.0"),
    (I::SqlIdentifierQuoteChar, "\""),
    (I::SqlSearchStringEscape, "\\"),
    (I::SqlExtraNameCharacters, ""),
    (I::SqlSchemaTerm, "schema"),
    (I::SqlProcedureTerm, "procedure"),
    (I::SqlCatalogTerm, "catalog"),
];

/// Names beside those that drivers know.
const WORDS: [(I, &[&str]); 5] = [
    (I::SqlKeywords, &[]),
    (I::SqlNumericFunctions, &["band", "histogram"]),
    (
        I::SqlStringFunctions,
        &["left", "level", "substr", "substring"],
    ),
    (
        I::SqlSystemFunctions,
        &[
            "events",
            "first_event",
            "last_event",
            "life_table",
            "period",
            "persons",
        ],
    ),
    (I::SqlDatetimeFunctions, &["date_trunc", "extract", "year"]),
];

/// Bits, each set by its number in Flight SQL.
const BITS: [(I, i32); 17] = [
    (
        I::SqlIdentifierCase,
        SqlSupportedCaseSensitivity::SqlCaseSensitivityLowercase as i32,
    ),
    (
        I::SqlQuotedIdentifierCase,
        SqlSupportedCaseSensitivity::SqlCaseSensitivityUnknown as i32,
    ),
    (
        I::SqlNullOrdering,
        SqlNullOrdering::SqlNullsSortedHigh as i32,
    ),
    (
        I::FlightSqlServerTransaction,
        SqlSupportedTransaction::None as i32,
    ),
    (I::FlightSqlServerStatementTimeout, 0),
    (I::FlightSqlServerTransactionTimeout, 0),
    // Groups that the list does not show.
    (I::SqlSupportedGroupBy, 0b01),
    (I::SqlSupportedGrammar, 0b001),
    (I::SqlAnsi92SupportedLevel, 0),
    (I::SqlOuterJoinsSupportLevel, 0),
    (I::SqlSchemasSupportedActions, 0),
    (I::SqlCatalogsSupportedActions, 0),
    (I::SqlSupportedPositionedCommands, 0),
    // Those in comparisons and in `EXISTS`.
    (I::SqlSupportedSubqueries, 0b0011),
    (I::SqlSupportedUnions, 0),
    // Read forward.
    (I::SqlSupportedResultSetTypes, 0b01),
    (I::SqlSupportedTransactionsIsolationLevels, 0b1),
];

/// What has no limit, or none that is known.
const NO_LIMIT: [I; 19] = [
    I::SqlMaxBinaryLiteralLength,
    I::SqlMaxCharLiteralLength,
    I::SqlMaxColumnNameLength,
    I::SqlMaxColumnsInGroupBy,
    I::SqlMaxColumnsInIndex,
    I::SqlMaxColumnsInOrderBy,
    I::SqlMaxColumnsInSelect,
    I::SqlMaxColumnsInTable,
    I::SqlMaxConnections,
    I::SqlMaxCursorNameLength,
    I::SqlMaxIndexLength,
    I::SqlDbSchemaNameLength,
    I::SqlMaxProcedureNameLength,
    I::SqlMaxCatalogNameLength,
    I::SqlMaxRowSize,
    I::SqlMaxStatements,
    I::SqlMaxTableNameLength,
    I::SqlMaxUsernameLength,
    // Isolation: none.
    I::SqlDefaultTransactionIsolation,
];

fn described() -> SqlInfoDataBuilder {
    let mut info = SqlInfoDataBuilder::new();
    for can in CAN {
        info.append(can, true);
    }
    for cannot in CANNOT {
        info.append(cannot, false);
    }
    for (name, text) in TEXTS {
        info.append(name, text);
    }
    for (name, words) in WORDS {
        info.append(name, words);
    }
    for (name, bits) in BITS {
        info.append(name, bits);
    }
    for none in NO_LIMIT {
        info.append(none, 0_i64);
    }
    let bytes = i64::try_from(SQL_BYTES_MAX).unwrap_or_default();
    info.append(I::SqlMaxStatementLength, bytes);
    info.append(I::SqlMaxTablesInSelect, 1_i64);
    info.append(I::SqlSupportsConvert, BTreeMap::<i32, Vec<i32>>::new());
    info
}

fn known_types() -> XdbcTypeInfoDataBuilder {
    let mut types = XdbcTypeInfoDataBuilder::new();
    for (name, kind, size, quote) in [
        ("BOOLEAN", XdbcDataType::XdbcBit, 1, None),
        ("BIGINT", XdbcDataType::XdbcBigint, 19, None),
        ("VARCHAR", XdbcDataType::XdbcVarchar, 256, Some("'")),
        ("DATE", XdbcDataType::XdbcDate, 10, Some("'")),
        ("TIMESTAMP", XdbcDataType::XdbcTimestamp, 20, Some("'")),
        ("DOUBLE", XdbcDataType::XdbcDouble, 53, None),
    ] {
        types.append(XdbcTypeInfo {
            type_name: name.to_owned(),
            data_type: kind,
            column_size: Some(size),
            literal_prefix: quote.map(str::to_owned),
            literal_suffix: quote.map(str::to_owned),
            nullable: Nullable::NullabilityNullable,
            case_sensitive: quote.is_some(),
            searchable: Searchable::Full,
            unsigned_attribute: quote.is_none().then_some(false),
            sql_data_type: kind,
            ..XdbcTypeInfo::default()
        });
    }
    types
}
