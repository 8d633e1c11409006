//! SQL at the research gateway: the same query, and a table shown as the statement says.

use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::research::v1 as wire;
use tonic::Code;
use tonic_types::StatusExt as _;
use wire::run_request::Question;

use super::queries::*;
use super::tables::{columns, rows};
use super::world::*;

fn sql(world: &World, text: &str) -> wire::RunRequest {
    wire::RunRequest {
        question: Some(Question::Sql(text.to_owned())),
        ..world.asking(wire::Query::default())
    }
}

/// Bands of years of birth; the middle one's incomes are as much as one person can have.
async fn counting_bands() -> World {
    let world = World::of(&["nord"], true).await;
    let cells = [(0, 40, 0.0), (1, 50, -4_000.0), (2, 90, 9_000.0)];
    let cells = cells.map(|(at, persons, sum)| {
        let measures = vec![counted(), moments(persons, sum, None)];
        cell(vec![band(at)], persons, measures)
    });
    world.agent("nord").counts(cells.into());
    world
}

#[tokio::test]
async fn sql_asks_the_same_query_and_shows_its_columns_and_rows_as_it_says() {
    let world = World::new().await;
    world.agent("nord").counts(sexes(103, 52));
    world.agent("vest").counts(sexes(104, 51));
    let plain = world.run(persons_by_sex()).await.unwrap();
    let ways = [
        (
            "SELECT sex, persons() FROM persons GROUP BY sex",
            vec!["sex", "persons"],
            vec!["K 205", "M 105"],
        ),
        (
            "SELECT COUNT(*) AS n, sex AS kjonn, persons() AS again FROM persons \
             GROUP BY kjonn ORDER BY n",
            vec!["n", "kjonn", "again"],
            vec!["105 M 105", "205 K 205"],
        ),
        (
            "SELECT persons() FROM persons GROUP BY sex ORDER BY 1 DESC LIMIT 1",
            vec!["persons"],
            vec!["205"],
        ),
        (
            "SELECT sex, persons() FROM persons GROUP BY sex LIMIT 0",
            vec!["sex", "persons"],
            vec![],
        ),
    ];
    for (text, named, shown) in ways {
        let table = world.run_of(sql(&world, text)).await.1.unwrap();
        assert_eq!(columns(&table), named, "{text}");
        assert_eq!(rows(&table), shown, "{text}");
        // One question, one table: only the first asked anybody.
        assert!(table.is_earlier);
        assert_eq!(table.query_name, plain.query_name);
    }
    assert_eq!(world.asked(), 2);
    // What is kept is what was released, whoever asked first and how they had it shown.
    assert_eq!(world.run(persons_by_sex()).await.unwrap().rows, plain.rows);
}

#[tokio::test]
async fn the_ledger_keeps_the_table_as_released_when_sql_asks_first() {
    let world = World::new().await;
    world.agent("nord").counts(sexes(103, 52));
    world.agent("vest").counts(sexes(104, 51));
    let first = "SELECT persons() AS n FROM persons GROUP BY sex ORDER BY n LIMIT 1";
    let first = world.run_of(sql(&world, first)).await.1.unwrap();
    assert_eq!(
        (columns(&first), rows(&first)),
        (vec!["n"], vec!["105".to_owned()])
    );

    let whole = world.run(persons_by_sex()).await.unwrap();

    assert!(whole.is_earlier && !first.is_earlier);
    assert_eq!(columns(&whole), ["sex", "persons"]);
    assert_eq!(rows(&whole), ["K 205", "M 105"]);
}

#[tokio::test]
async fn rows_are_ordered_by_what_is_shown_and_hidden_values_are_absent() {
    let world = counting_bands().await;
    let select = "SELECT band(born_year, 1950, 1980) AS b, persons() AS n, AVG(income) AS m \
                  FROM persons GROUP BY b";
    for (order, shown) in [
        // Bands in their own order, though `<` sorts before `[` and `>` after it.
        ("ORDER BY b", vec!["<1950", "[1950,1980)", ">=1980"]),
        ("ORDER BY b DESC", vec![">=1980", "[1950,1980)", "<1950"]),
        ("ORDER BY n", vec!["<1950", "[1950,1980)", ">=1980"]),
        ("ORDER BY m", vec!["<1950", ">=1980", "[1950,1980)"]),
        ("ORDER BY m DESC", vec!["[1950,1980)", ">=1980", "<1950"]),
        (
            "ORDER BY m DESC NULLS LAST LIMIT 2",
            vec![">=1980", "<1950"],
        ),
        ("ORDER BY m NULLS FIRST LIMIT 1", vec!["[1950,1980)"]),
    ] {
        let table = world
            .run_of(sql(&world, &format!("{select} {order}")))
            .await;
        let table = table.1.unwrap();
        let bands = rows(&table);
        let bands: Vec<_> = bands
            .iter()
            .filter_map(|row| row.split(' ').next())
            .collect();
        assert_eq!(bands, shown, "{order}: {:?}", rows(&table));
    }
}

#[tokio::test]
async fn a_statement_that_cannot_be_asked_is_refused_at_its_place() {
    let world = World::new().await;
    for (text, place, told) in [
        ("SELECT * FROM persons", Some(("1", "8")), "rows of persons"),
        (
            "SELECT persons()\nFROM nobody",
            Some(("2", "6")),
            "`persons`, `stays`",
        ),
        ("", None, "it is empty"),
    ] {
        let request = sql(&world, text);
        let error = world
            .client()
            .dry_run(world.call(request))
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        let details = error.get_details_error_info().unwrap();
        assert_eq!(details.reason, "SQL_REFUSED");
        let at = |name: &str| details.metadata.get(name).map(String::as_str);
        assert_eq!(at("line").zip(at("column")), place, "{text}");
        assert!(error.message().contains(told), "{}", error.message());
    }
    // SQL that is well said of what no table can show, or what the permit is not for.
    let error = world
        .run_of(sql(&world, "SELECT SUM(days) FROM stays"))
        .await;
    assert!(error.1.unwrap_err().message().contains("PICK_FIRST"));
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn a_dry_run_of_sql_tells_how_it_was_understood() {
    let world = World::new().await;
    let text = "SELECT persons() AS n, sex FROM persons GROUP BY sex ORDER BY n LIMIT 3";
    let told = world.client().dry_run(world.call(sql(&world, text))).await;
    assert_eq!(told.unwrap().into_inner().query, Some(persons_by_sex()));
}

#[tokio::test]
async fn bins_are_columns_of_their_own_and_named_by_the_alias() {
    let world = World::of(&["nord"], true).await;
    let bins = node::measured::Measured::Histogram(node::Bins {
        persons: vec![40, 50, 30],
    });
    world
        .agent("nord")
        .counts(vec![cell(vec![], 120, vec![bins])]);
    let text = "SELECT histogram(born_year, 1940, 20, 3) AS born FROM persons";

    let table = world.run_of(sql(&world, text)).await.1.unwrap();

    assert_eq!(columns(&table), ["born_bin", "born_persons"]);
    assert_eq!(rows(&table), ["<1960 40", "[1960,1980) 50", ">=1980 30"]);
}
