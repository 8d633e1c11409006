//! Every call that the JDBC driver makes, in its order.
//!
//! No registry that can be reached here ships the driver; what it sends was read in its source
//! (`flight-sql-jdbc-core` of Arrow's Java, 19.0): `ArrowFlightSqlClientHandler`,
//! `ArrowFlightMetaImpl`, `ArrowDatabaseMetadata`. It prepares every statement, takes one without
//! columns for an update, and reads columns from the tables' schemas.

use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, Any, CommandGetCatalogs, CommandGetCrossReference,
    CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys, CommandGetPrimaryKeys,
    CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables, CommandGetXdbcTypeInfo,
};
use arrow_flight::{HandshakeRequest, IpcMessage};

use super::*;
use crate::flight::session::{
    CloseSessionResult, SessionOptionValue, SetSessionOptionsRequest, SetSessionOptionsResult,
};

/// `DriverManager.getConnection(…)` with a token and a catalog.
async fn connect(driver: &Driver, catalog: &str) -> SetSessionOptionsResult {
    let handshake = driver.call(tokio_stream::once(HandshakeRequest::default()));
    let mut answers = driver
        .client
        .clone()
        .handshake(handshake)
        .await
        .unwrap()
        .into_inner();
    // It waits for the end of the stream, and needs nothing in it.
    assert!(answers.message().await.unwrap().is_none());
    let catalog = SessionOptionValue {
        string_value: Some(catalog.to_owned()),
    };
    let request = SetSessionOptionsRequest {
        session_options: [("catalog".to_owned(), catalog)].into(),
    };
    let results = driver
        .act("SetSessionOptions", request.encode_to_vec())
        .await
        .unwrap();
    SetSessionOptionsResult::decode(results[0].as_ref()).unwrap()
}

async fn prepare(driver: &Driver, sql: &str) -> ActionCreatePreparedStatementResult {
    let request = ActionCreatePreparedStatementRequest {
        query: sql.to_owned(),
        transaction_id: None,
    };
    let body = request.as_any().encode_to_vec();
    let results = driver.act("CreatePreparedStatement", body).await.unwrap();
    assert_eq!(results.len(), 1);
    let any = Any::decode(results[0].as_ref()).unwrap();
    any.unpack().unwrap().unwrap()
}

/// `Statement.executeQuery(…)`, read to the end, and `close()`.
async fn execute_query(driver: &Driver, sql: &str) -> RecordBatch {
    let statement = prepare(driver, sql).await;
    let signature = Schema::try_from(IpcMessage(statement.dataset_schema)).unwrap();
    assert!(
        !signature.fields().is_empty(),
        "else it would be run as an update"
    );
    let handle = statement.prepared_statement_handle;
    let batch = driver.about(prepared(&handle)).await;
    assert_eq!(signature.fields(), batch.schema().fields());
    let close = ActionClosePreparedStatementRequest {
        prepared_statement_handle: handle,
    };
    let closed = driver
        .act("ClosePreparedStatement", close.as_any().encode_to_vec())
        .await;
    assert!(closed.unwrap().is_empty());
    batch
}

#[tokio::test]
async fn a_jdbc_client_connects_browses_asks_and_closes() {
    let world = counting().await;
    let driver = Driver::new(&world);
    assert!(connect(&driver, "innsyn").await.errors.is_empty());

    // `DatabaseMetaData`: all information at once, kept.
    let info = driver.about(CommandGetSqlInfo { info: Vec::new() }).await;
    let known: Vec<u32> = info
        .column(0)
        .as_primitive::<arrow_array::types::UInt32Type>()
        .values()
        .to_vec();
    for number in read_by_jdbc() {
        assert!(
            known.contains(&number),
            "{number} is read, and older drivers fail without it"
        );
    }
    assert_eq!(rows(&driver.about(CommandGetCatalogs {}).await), ["innsyn"]);
    let schemas = CommandGetDbSchemas {
        catalog: None,
        db_schema_filter_pattern: None,
    };
    assert_eq!(rows(&driver.about(schemas).await), ["innsyn views"]);
    assert_eq!(rows(&driver.about(CommandGetTableTypes {}).await), ["VIEW"]);
    let tables = |include_schema| CommandGetTables {
        catalog: Some("innsyn".to_owned()),
        db_schema_filter_pattern: Some("%".to_owned()),
        table_name_filter_pattern: Some("%".to_owned()),
        include_schema,
        ..CommandGetTables::default()
    };
    assert_eq!(driver.about(tables(false)).await.num_rows(), 3);
    // `getColumns` is made of the tables' schemas.
    let columns = driver.about(tables(true)).await;
    let schema = columns.column(4).as_binary::<i32>().value(0);
    let schema = Schema::try_from(IpcMessage(Bytes::copy_from_slice(schema))).unwrap();
    assert_eq!(
        names(&schema),
        ["person", "_register", "sex", "born_year", "income"]
    );
    let table = || "persons".to_owned();
    let none = [
        driver
            .about(CommandGetPrimaryKeys {
                table: table(),
                ..Default::default()
            })
            .await,
        driver
            .about(CommandGetExportedKeys {
                table: table(),
                ..Default::default()
            })
            .await,
        driver
            .about(CommandGetImportedKeys {
                table: table(),
                ..Default::default()
            })
            .await,
        driver
            .about(CommandGetCrossReference {
                pk_table: table(),
                fk_table: table(),
                ..Default::default()
            })
            .await,
    ];
    assert!(none.iter().all(|keys| keys.num_rows() == 0));
    assert_eq!(names(&none[0].schema())[4..], ["key_sequence", "key_name"]);
    assert_eq!(none[1].num_columns(), 13);
    let types = driver
        .about(CommandGetXdbcTypeInfo { data_type: None })
        .await;
    assert_eq!(types.num_rows(), 6);

    let batch = execute_query(&driver, &format!("{BY_SEX} ORDER BY n DESC")).await;
    assert_eq!(rows(&batch), ["K 205 - 2 2", "M 105 - 2 2"]);
    let report = execute_query(&driver, "SELECT * FROM query_report").await;
    assert_eq!(report.num_rows(), 2);

    let closed = driver.act("CloseSession", Vec::new()).await.unwrap();
    let closed = CloseSessionResult::decode(closed[0].as_ref()).unwrap();
    assert_eq!(closed.status, 1);
}

#[tokio::test]
async fn a_catalog_that_is_not_here_is_told() {
    let world = World::new().await;
    let errors = connect(&Driver::new(&world), "other").await.errors;
    assert_eq!(errors["catalog"].value, 2);
}

/// A prepared statement that is run twice asks twice, and is answered from the ledger.
#[tokio::test]
async fn a_prepared_statement_can_be_run_again() {
    let world = counting().await;
    let driver = Driver::new(&world);
    let handle = prepare(&driver, BY_SEX).await.prepared_statement_handle;
    let first = driver.about(prepared(&handle)).await;
    let again = driver.about(prepared(&handle)).await;
    assert_eq!(first.columns(), again.columns());
    assert_eq!(again.schema().metadata()["innsyn.is_earlier"], "true");
    assert_eq!(world.asked(), 2);
}

/// What `ArrowDatabaseMetadata` reads, by its numbers in `FlightSql.proto`.
fn read_by_jdbc() -> impl Iterator<Item = u32> {
    [0, 1, 3, 504].into_iter().chain(508..=567).chain(572..=576)
}
