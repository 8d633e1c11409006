//! What tools ask before anybody asks a query.

use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{
    CommandGetDbSchemas, CommandGetSqlInfo, CommandGetTables, CommandGetXdbcTypeInfo, SqlInfo,
};
use arrow_flight::{Empty, IpcMessage};

use super::*;

fn tables(pattern: Option<&str>, include_schema: bool) -> CommandGetTables {
    CommandGetTables {
        table_name_filter_pattern: pattern.map(str::to_owned),
        include_schema,
        ..CommandGetTables::default()
    }
}

/// The schemas of tables, by name.
fn schemas(batch: &RecordBatch) -> Vec<(String, Schema)> {
    let names = batch.column(2).as_string::<i32>();
    let schemas = batch.column(4).as_binary::<i32>();
    names
        .iter()
        .zip(schemas.iter())
        .map(|(name, schema)| {
            let schema = IpcMessage(Bytes::copy_from_slice(schema.unwrap()));
            (name.unwrap().to_owned(), Schema::try_from(schema).unwrap())
        })
        .collect()
}

#[tokio::test]
async fn published_views_are_tables_with_all_that_is_said_of_their_columns() {
    let world = World::new().await;
    let driver = Driver::new(&world);

    let listed = driver.about(tables(None, true)).await;

    let schemas = schemas(&listed);
    let names_of: Vec<&str> = schemas.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names_of, ["persons", "query_report", "stays"]);
    let (_, stays) = &schemas[2];
    assert_eq!(
        names(stays),
        ["person", "_register", "admitted", "days", "died", "left"]
    );
    assert_eq!(stays.metadata()["innsyn.registers"], "nord, vest");
    assert_eq!(stays.metadata()["innsyn.grain"], "event");
    assert_eq!(stays.metadata()["innsyn.from"], "2015-01");
    let days = stays.field_with_name("days").unwrap();
    assert_eq!(days.data_type(), &DataType::Int64);
    for (key, value) in [
        ("innsyn.unit", "d"),
        ("innsyn.label_nb", "days"),
        ("innsyn.grain", "event"),
        ("innsyn.clip_to", "60"),
        ("ARROW:FLIGHT:SQL:TYPE_NAME", "BIGINT"),
        ("ARROW:FLIGHT:SQL:REMARKS", "days [d]"),
        ("ARROW:FLIGHT:SQL:TABLE_NAME", "stays"),
    ] {
        assert_eq!(days.metadata()[key], value, "{key}");
    }
    let (_, persons) = &schemas[0];
    let sex = persons.field_with_name("sex").unwrap();
    assert_eq!(sex.data_type(), &DataType::Utf8);
    assert_eq!(sex.metadata()["innsyn.code_system"], "sex");
    let income = persons.field_with_name("income").unwrap();
    assert_eq!(income.data_type(), &DataType::Float64);
    let admitted = stays.field_with_name("admitted").unwrap();
    assert_eq!(admitted.data_type(), &DataType::Date32);
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn tables_are_found_by_pattern_catalog_schema_and_type() {
    let world = World::new().await;
    let driver = Driver::new(&world);
    let found = async |command: CommandGetTables| {
        let batch = driver.about(command).await;
        let names = batch.column(2).as_string::<i32>();
        let names: Vec<String> = names.iter().map(|name| name.unwrap().to_owned()).collect();
        names.join(" ")
    };
    assert_eq!(found(tables(Some("sta%"), false)).await, "stays");
    assert_eq!(found(tables(Some("p_rsons"), false)).await, "persons");
    // What pandas looks for first: a table that is called like the whole statement.
    assert_eq!(found(tables(Some(BY_SEX), false)).await, "");
    let of = |catalog: &str, schema: &str, kind: &str| CommandGetTables {
        catalog: Some(catalog.to_owned()),
        db_schema_filter_pattern: Some(schema.to_owned()),
        table_types: vec![kind.to_owned()],
        ..CommandGetTables::default()
    };
    assert_eq!(
        found(of("innsyn", "views", "VIEW")).await,
        "persons query_report stays"
    );
    for other in [
        of("other", "views", "VIEW"),
        of("innsyn", "other", "VIEW"),
        of("innsyn", "views", "TABLE"),
    ] {
        assert_eq!(found(other).await, "");
    }
}

#[tokio::test]
async fn the_catalogue_is_read_with_arrows_own_client() {
    let world = World::new().await;
    let mut client = FlightSqlServiceClient::new(world.channel.clone());
    client.set_token(world.token_of(&claims()));
    let mut listed = Vec::new();
    for info in [
        client.get_catalogs().await.unwrap(),
        client
            .get_db_schemas(CommandGetDbSchemas::default())
            .await
            .unwrap(),
        client.get_table_types().await.unwrap(),
        client
            .get_sql_info(vec![SqlInfo::FlightSqlServerTransaction])
            .await
            .unwrap(),
        client
            .get_xdbc_type_info(CommandGetXdbcTypeInfo {
                data_type: Some(-5),
            })
            .await
            .unwrap(),
    ] {
        let announced = info.clone().try_decode_schema().unwrap();
        let ticket = info.endpoint[0].ticket.clone().unwrap();
        let stream = client.do_get(ticket).await.unwrap();
        let batches: Vec<RecordBatch> = stream.try_collect().await.unwrap();
        assert_eq!(*batches[0].schema(), announced);
        assert_eq!(batches[0].num_rows(), 1, "{announced:?}");
        listed.push(rows(&batches[0]).remove(0));
    }
    assert_eq!(&listed[..3], ["innsyn", "innsyn views", "VIEW"]);
    assert!(listed[4].starts_with("BIGINT "));
}

#[tokio::test]
async fn what_the_server_is_can_be_asked_in_parts_or_whole() {
    let world = World::new().await;
    let driver = Driver::new(&world);
    let told = async |info: &[u32]| {
        let command = CommandGetSqlInfo {
            info: info.to_vec(),
        };
        driver.about(command).await.num_rows()
    };
    let all = told(&[]).await;
    // Everything from 500 to 576, and the server's own.
    assert!(all > 80, "{all}");
    assert_eq!(told(&[0, 1, 2]).await, 3);
    assert_eq!(told(&[8]).await, 1);
    assert_eq!(told(&[123_456]).await, 0);
    assert_eq!(told(&vec![8; 100_000]).await, 1);
}

#[tokio::test]
async fn only_actions_that_are_here_are_listed() {
    let world = World::new().await;
    let driver = Driver::new(&world);
    let listed = driver
        .client
        .clone()
        .list_actions(driver.call(Empty {}))
        .await;
    let listed = listed.unwrap().into_inner();
    let names: Vec<String> = listed
        .map_ok(|action| action.r#type)
        .try_collect()
        .await
        .unwrap();
    assert!(names.contains(&"CancelFlightInfo".to_owned()));
    for name in names {
        // None of them is unknown, whatever it makes of nothing.
        if let Err(status) = driver.act(&name, Vec::new()).await {
            assert_ne!(reason(&status), "CALL_NOT_SERVED", "{name}");
        }
    }
}
