//! What is refused, and with which sentence.

use arrow_flight::FlightData;
use arrow_flight::sql::{
    ActionBeginTransactionRequest, ActionCreatePreparedStatementRequest, CommandGetCatalogs,
    CommandPreparedStatementUpdate, CommandStatementIngest, CommandStatementSubstraitPlan,
    CommandStatementUpdate,
};
use tonic::Code;

use super::*;

#[tokio::test]
async fn no_call_is_served_without_a_researchers_token() {
    let world = World::new().await;
    let stranger = Driver {
        token: "x".to_owned(),
        ..Driver::new(&world)
    };
    let mut client = stranger.client.clone();
    let catalogs = descriptor(&CommandGetCatalogs {});
    let statuses = [
        client
            .get_flight_info(stranger.call(catalogs.clone()))
            .await
            .map(|_| ()),
        client
            .poll_flight_info(stranger.call(catalogs.clone()))
            .await
            .map(|_| ()),
        client
            .get_schema(stranger.call(catalogs.clone()))
            .await
            .map(|_| ()),
        client
            .do_get(stranger.call(Ticket::new(catalogs.cmd.clone())))
            .await
            .map(|_| ()),
        client
            .list_actions(stranger.call(arrow_flight::Empty {}))
            .await
            .map(|_| ()),
        client
            .do_action(stranger.call(Action::new("CloseSession", Vec::new())))
            .await
            .map(|_| ()),
        client
            .list_flights(stranger.call(arrow_flight::Criteria::default()))
            .await
            .map(|_| ()),
        client
            .handshake(stranger.call(tokio_stream::empty()))
            .await
            .map(|_| ()),
        client
            .do_put(stranger.call(tokio_stream::empty()))
            .await
            .map(|_| ()),
        client
            .do_exchange(stranger.call(tokio_stream::empty()))
            .await
            .map(|_| ()),
    ];
    for status in statuses {
        let status = status.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(reason(&status), "TOKEN_REFUSED");
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_told_in_our_own_words() {
    let world = World::new().await;
    let driver = Driver::new(&world);
    let without = Driver {
        headers: Vec::new(),
        ..Driver::new(&world)
    };
    let cases = [
        (
            &without,
            BY_SEX,
            "DATA_PERMIT_MISSING",
            "`innsyn-data-permit`",
        ),
        (
            &without,
            "SELECT * FROM query_report",
            "DATA_PERMIT_MISSING",
            "header",
        ),
        (
            &driver,
            "SELECT * FROM query_report",
            "NO_REPORT",
            "run a query under this data permit",
        ),
        (
            &driver,
            "SELECT register FROM query_report",
            "SQL_REFUSED",
            "`SELECT * FROM query_report`",
        ),
        (
            &driver,
            "SELECT * FROM persons",
            "SQL_REFUSED",
            "line 1, column 8: `*`, which is rows of persons, cannot be asked; name groups and \
             measures: `sex, COUNT(DISTINCT person)`",
        ),
        (&driver, "SELECT 1", "SQL_REFUSED", "anything but one view"),
        (
            &driver,
            "DELETE FROM persons",
            "SQL_REFUSED",
            "write one `SELECT`",
        ),
        (
            &driver,
            "SELECT persons() AS _registers_asked FROM persons",
            "COLUMN_NAME_TAKEN",
            "give one another name with `AS`",
        ),
        (
            &driver,
            "SELECT sex AS n_hidden, persons() AS n FROM persons GROUP BY sex",
            "COLUMN_NAME_TAKEN",
            "`n_hidden`",
        ),
        (
            &driver,
            "SELECT SUM(days) FROM stays",
            "NOT_RELEASABLE",
            "PICK_FIRST",
        ),
        (
            &driver,
            "SELECT persons() FROM persons WHERE sex = $1",
            "SQL_REFUSED",
            "parameter",
        ),
    ];
    for (driver, sql, expected, told) in cases {
        let status = driver.run(sql).await.unwrap_err();
        assert_eq!(reason(&status), expected, "{sql}: {}", status.message());
        assert!(status.message().contains(told), "{}", status.message());
        // And the same when it is prepared.
        let request = ActionCreatePreparedStatementRequest {
            query: sql.to_owned(),
            transaction_id: None,
        };
        let body = request.as_any().encode_to_vec();
        match driver.act("CreatePreparedStatement", body).await {
            Err(status) => assert_eq!(reason(&status), expected),
            // Whether there is a report, or a permit to read it under, is seen when it is read.
            Ok(_) => assert!(sql.ends_with("* FROM query_report"), "{sql}"),
        }
    }
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn headers_that_cannot_be_read_are_refused() {
    let world = World::new().await;
    for (header, value, expected) in [
        ("innsyn-deadline-ms", "soon", "HEADER_REFUSED"),
        ("innsyn-deadline-ms", "100", "DEADLINE_OUT_OF_BOUNDS"),
        ("innsyn-must-be-complete", "perhaps", "HEADER_REFUSED"),
        ("innsyn-data-permit", "e30.e30.e30", "DATA_PERMIT_REFUSED"),
    ] {
        let status = Driver::new(&world).with(header, value).run(BY_SEX).await;
        assert_eq!(reason(&status.unwrap_err()), expected, "{value}");
    }
    let driver = Driver::new(&world);
    let mut request = driver.call(descriptor(&statement(BY_SEX)));
    request
        .metadata_mut()
        .append("innsyn-data-permit", world.permit().parse().unwrap());
    let twice = driver.client.clone().get_flight_info(request).await;
    assert_eq!(reason(&twice.unwrap_err()), "HEADER_REFUSED");
}

#[tokio::test]
async fn headers_set_the_deadline_and_whether_every_register_must_answer() {
    let world = counting().await;
    world
        .agent("vest")
        .does(crate::research::tests::agent::Behaviour::Hangs);
    let driver = Driver::new(&world)
        .with("innsyn-deadline-ms", "500")
        .with("innsyn-must-be-complete", "true");
    let status = driver.run(BY_SEX).await.unwrap_err();
    assert_eq!(reason(&status), "REGISTERS_MISSING");
    assert!(status.message().contains("`vest`"));
    assert_eq!(world.agent("vest").asked()[0].deadline_ms, 500);
}

#[tokio::test]
async fn nothing_is_written_and_there_are_no_transactions_parameters_or_plans() {
    let world = World::new().await;
    let driver = Driver::new(&world);
    let put = async |command: FlightDescriptor| {
        let data = FlightData {
            flight_descriptor: Some(command),
            ..FlightData::default()
        };
        let put = driver.call(tokio_stream::once(data));
        reason(&driver.client.clone().do_put(put).await.unwrap_err())
    };
    let update = CommandStatementUpdate {
        query: "DELETE FROM persons".to_owned(),
        transaction_id: None,
    };
    assert_eq!(put(descriptor(&update)).await, "READ_ONLY");
    let update = CommandPreparedStatementUpdate::default();
    assert_eq!(put(descriptor(&update)).await, "READ_ONLY");
    let ingest = CommandStatementIngest::default();
    assert_eq!(put(descriptor(&ingest)).await, "READ_ONLY");
    let parameters = prepared(&Bytes::from_static(BY_SEX.as_bytes()));
    assert_eq!(put(descriptor(&parameters)).await, "NO_PARAMETERS");
    let plan = CommandStatementSubstraitPlan::default();
    assert_eq!(put(descriptor(&plan)).await, "CALL_NOT_SERVED");
    assert_eq!(
        put(FlightDescriptor::default()).await,
        "CALL_NOT_UNDERSTOOD"
    );

    let begin = ActionBeginTransactionRequest {}.as_any().encode_to_vec();
    let refused = driver.act("BeginTransaction", begin).await.unwrap_err();
    assert_eq!(reason(&refused), "NO_TRANSACTIONS");
    assert!(refused.message().contains("autocommit"));
    let within = CommandPreparedStatementQuery::default();
    let mut within_transaction = statement(BY_SEX);
    within_transaction.transaction_id = Some(Bytes::from_static(b"1"));
    let refused = driver.info(within_transaction).await.unwrap_err();
    assert_eq!(reason(&refused), "NO_TRANSACTIONS");
    let refused = driver.info(within).await.unwrap_err();
    assert_eq!(reason(&refused), "SQL_REFUSED");
    let refused = driver.info(plan).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    let refused = driver.act("Drop", Vec::new()).await.unwrap_err();
    assert_eq!(reason(&refused), "CALL_NOT_SERVED");
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn calls_that_are_no_flight_sql_are_refused() {
    let world = World::new().await;
    let driver = Driver::new(&world);
    for bytes in [&b""[..], b"\xff\xff", b"SELECT 1"] {
        let request = driver.call(FlightDescriptor::new_cmd(bytes.to_vec()));
        let status = driver.client.clone().get_flight_info(request).await;
        assert_eq!(reason(&status.unwrap_err()), "CALL_NOT_UNDERSTOOD");
        let status = driver.get(Ticket::new(bytes.to_vec())).await.unwrap_err();
        assert_eq!(reason(&status), "CALL_NOT_UNDERSTOOD");
    }
    let path = FlightDescriptor::new_path(vec!["persons".to_owned()]);
    let status = driver
        .client
        .clone()
        .get_flight_info(driver.call(path))
        .await;
    assert_eq!(reason(&status.unwrap_err()), "CALL_NOT_UNDERSTOOD");
}
