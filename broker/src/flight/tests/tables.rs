//! Tables as Arrow: every kind of column, what is hidden, who has answered.

use arrow_schema::Fields;
use innsyn_proto::wire::node::v1 as node;

use super::*;
use crate::research::tests::agent::Behaviour;
use crate::research::tests::queries::{band, cell, code, counted, moments};

/// Announced when prepared, announced with the query, and streamed: the fields are the same.
async fn is_as_announced(driver: &Driver, sql: &str) -> (Fields, RecordBatch) {
    let request = arrow_flight::sql::ActionCreatePreparedStatementRequest {
        query: sql.to_owned(),
        transaction_id: None,
    };
    let body = request.as_any().encode_to_vec();
    let results = driver.act("CreatePreparedStatement", body).await.unwrap();
    let any = arrow_flight::sql::Any::decode(results[0].as_ref()).unwrap();
    let result: arrow_flight::sql::ActionCreatePreparedStatementResult =
        any.unpack().unwrap().unwrap();
    let when_prepared = Schema::try_from(arrow_flight::IpcMessage(result.dataset_schema)).unwrap();
    let parameters = Schema::try_from(arrow_flight::IpcMessage(result.parameter_schema)).unwrap();
    assert!(parameters.fields().is_empty());

    let by_schema = driver.call(descriptor(&statement(sql)));
    let by_schema = driver.client.clone().get_schema(by_schema).await.unwrap();
    let by_schema = Schema::try_from(&by_schema.into_inner()).unwrap();

    let handle = prepared(&result.prepared_statement_handle);
    let batch = driver.about(handle).await;
    assert_eq!(when_prepared.fields(), batch.schema().fields(), "{sql}");
    assert_eq!(by_schema.fields(), batch.schema().fields(), "{sql}");
    (batch.schema().fields().clone(), batch)
}

#[tokio::test]
async fn the_schema_is_as_announced_for_every_kind_of_column() {
    let world = World::of(&["nord"], true).await;
    let driver = Driver::new(&world);
    let bins = node::measured::Measured::Histogram(node::Bins {
        persons: vec![40, 50, 30],
    });
    let followed = node::measured::Measured::LifeTable(node::Followed {
        events: vec![10, 12],
        left: vec![20, 20],
        beyond: 50,
    });
    let of_income = |squares| moments(90, 9_000.0, squares);
    let year = |first_month: i32| node::Category {
        category: Some(node::category::Category::FirstMonth(first_month)),
    };
    let queries = [
        (
            "SELECT sex, persons() AS n FROM persons GROUP BY sex",
            vec![cell(vec![code("K")], 103, vec![counted()])],
            "K 105 - 1 1",
        ),
        (
            "SELECT AVG(income) AS m, SUM(income), VAR_SAMP(income) FROM persons",
            vec![cell(
                vec![],
                103,
                vec![of_income(None), of_income(None), of_income(Some(24e6))],
            )],
            "",
        ),
        (
            "SELECT histogram(born_year, 1940, 20, 3) AS born FROM persons",
            vec![cell(vec![], 120, vec![bins])],
            "<1960 40 - 1 1",
        ),
        (
            "SELECT life_table(admitted, died, \"left\", 'year', 2) FROM stays WHERE first_event()",
            vec![cell(vec![], 112, vec![followed])],
            "0 event 10 - 1 1",
        ),
        (
            "SELECT period('year'), COUNT(*), persons() FROM stays GROUP BY period('year')",
            vec![cell(vec![year(540)], 103, vec![counted(), counted()])],
            "2015 105 105 - - 1 1",
        ),
        (
            "SELECT person_time(admitted, died, \"left\") AS t FROM stays WHERE first_event()",
            vec![cell(vec![], 103, vec![moments(103, 2_000.0, None)])],
            "",
        ),
        (
            "SELECT persons() FROM persons LIMIT 0",
            vec![cell(vec![], 120, vec![counted()])],
            "none",
        ),
    ];
    for (sql, cells, first) in queries {
        world.agent("nord").counts(cells);
        let (fields, batch) = is_as_announced(&driver, sql).await;
        match first {
            "none" => assert_eq!(batch.num_rows(), 0),
            "" => assert_eq!(batch.num_rows(), 1),
            first => assert_eq!(rows(&batch)[0], first, "{sql}"),
        }
        // Coverage is never absent; all else may be.
        let (told, coverage) = fields.split_at(fields.len() - 2);
        assert!(told.iter().all(|field| field.is_nullable()));
        assert!(coverage.iter().all(|field| !field.is_nullable()));
    }
    let (_, report) = is_as_announced(&driver, "SELECT * FROM query_report").await;
    assert_eq!(report.num_rows(), 1);
}

#[tokio::test]
async fn units_stand_in_the_fields() {
    let world = World::of(&["nord"], true).await;
    let of_income = |squares| moments(90, 9_000.0, squares);
    let cells = vec![cell(
        vec![],
        103,
        vec![of_income(None), of_income(Some(24e6))],
    )];
    world.agent("nord").counts(cells);
    let sql = "SELECT AVG(income) AS m, VAR_SAMP(income) AS v FROM persons";

    let batch = Driver::new(&world).run(sql).await.unwrap();

    let unit = |name: &str| {
        let schema = batch.schema();
        let field = schema.field_with_name(name).unwrap();
        field.metadata().get("innsyn.unit").cloned()
    };
    assert_eq!(unit("m").as_deref(), Some("kr"));
    assert_eq!(unit("v").as_deref(), Some("kr^2"));
    assert_eq!(unit("m_hidden"), None);
}

#[tokio::test]
async fn promise_6_a_hidden_value_is_absent_and_a_column_says_why() {
    let world = World::of(&["nord"], true).await;
    let of = |sex: &str, at: u32, persons: u64, sum: f64| {
        let measures = vec![counted(), moments(persons, sum, None)];
        cell(vec![code(sex), band(at)], persons, measures)
    };
    world.agent("nord").counts(vec![
        of("K", 0, 4, 0.0),
        of("K", 2, 50, 0.0),
        of("M", 0, 60, 0.0),
        // Their incomes are 1,000 together: as much as one person can have.
        of("M", 2, 70, -6_000.0),
    ]);
    let sql = "SELECT sex, band(born_year, 1950, 1980) AS born, persons() AS n, AVG(income) AS m \
               FROM persons GROUP BY sex, born ORDER BY sex, born";

    let batch = Driver::new(&world).run(sql).await.unwrap();

    assert_eq!(
        names(&batch.schema()),
        [
            "sex",
            "born",
            "n",
            "m",
            "n_hidden",
            "m_hidden",
            "_registers_asked",
            "_registers_answered"
        ]
    );
    let rows = rows(&batch);
    assert!(
        rows.contains(&"K <1950 - - few few 1 1".to_owned()),
        "{rows:?}"
    );
    assert!(
        rows.contains(&"M >=1980 70 - - dominance 1 1".to_owned()),
        "{rows:?}"
    );
}

#[tokio::test]
async fn coverage_stands_in_every_row_in_the_metadata_and_in_the_report() {
    let world = counting().await;
    world
        .agent("vest")
        .does(Behaviour::Refuses(node::Refusal::Steward));
    let driver = Driver::new(&world);

    let batch = driver.run(&format!("{BY_SEX} ORDER BY sex")).await.unwrap();

    assert_eq!(rows(&batch), ["K 105 - 2 1", "M 50 - 2 1"]);
    let schema = batch.schema();
    let told = |name: &str| {
        schema
            .metadata()
            .get(&format!("innsyn.{name}"))
            .unwrap()
            .as_str()
    };
    assert_eq!(told("registers_asked"), "2");
    assert_eq!(told("registers_answered"), "1");
    assert_eq!(told("registers_missing"), "vest: refused (steward)");
    assert_eq!(told("released_at"), "2026-01-01T00:01:00Z");
    assert_eq!(told("is_earlier"), "false");
    assert_eq!((told("smallest_cell"), told("rounding_base")), ("5", "5"));
    assert_eq!(told("counted"), "persons");
    assert_eq!(told("query_name").len(), 64);

    let report = driver.run("select * from QUERY_REPORT;").await.unwrap();
    let name = told("query_name");
    let at = 1_767_225_660;
    assert_eq!(
        rows(&report),
        [
            format!("{name} {at} false nord answered -"),
            format!("{name} {at} false vest refused steward")
        ]
    );
}

#[tokio::test]
async fn columns_that_registers_may_share_persons_in_count_registrations() {
    let world = World::of(&["nord", "vest"], false).await;
    world.agent("nord").counts(sexes(103, 52));
    world.agent("vest").counts(sexes(104, 51));
    let driver = Driver::new(&world);

    let sql = "SELECT sex, COUNT(DISTINCT person) FROM persons GROUP BY sex ORDER BY registrations";
    let batch = driver.run(sql).await.unwrap();

    assert_eq!(names(&batch.schema())[..2], ["sex", "registrations"]);
    assert_eq!(batch.schema().metadata()["innsyn.counted"], "registrations");
}
