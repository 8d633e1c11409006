//! Tables against sums by hand.

use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::research::v1 as wire;
use prost::Message as _;
use wire::measure::Measure as Told;
use wire::value::Value;

use super::queries::*;
use super::world::*;

/// The rows as text: `-` where the value is missing, `few` or `dominance` where it is hidden.
pub(super) fn rows(table: &wire::ReleasedTable) -> Vec<String> {
    let value = |value: &wire::Value| match &value.value {
        None => "-".to_owned(),
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Count(count)) => count.to_string(),
        Some(Value::Real(real)) => real.to_string(),
        Some(Value::Hidden(hidden)) => match wire::Hidden::try_from(*hidden).unwrap() {
            wire::Hidden::Few => "few".to_owned(),
            wire::Hidden::Dominance => "dominance".to_owned(),
            wire::Hidden::Unspecified => panic!("a hidden value has a reason"),
        },
    };
    let row = |row: &wire::Row| {
        assert_eq!(row.values.len(), table.columns.len());
        let values: Vec<_> = row.values.iter().map(value).collect();
        values.join(" ")
    };
    table.rows.iter().map(row).collect()
}

pub(super) fn columns(table: &wire::ReleasedTable) -> Vec<&str> {
    table.columns.iter().map(|c| c.name.as_str()).collect()
}

#[tokio::test]
async fn the_registers_parts_are_added_rounded_and_shown() {
    let world = World::new().await;
    world.agent("nord").counts(sexes(103, 52));
    world.agent("vest").counts(sexes(104, 51));

    let (told, table) = world.run_of(world.asking(persons_by_sex())).await;
    let table = table.unwrap();

    assert_eq!(columns(&table), ["sex", "persons"]);
    assert_eq!(rows(&table), ["K 205", "M 105"]);
    assert!(!table.counts_registrations && !table.is_earlier);
    assert_eq!(table.released_at, NOW + 60);
    assert_eq!((table.smallest_cell, table.rounding_base), (5, 5));
    for register in ["nord", "vest"] {
        for state in ["ASKED", "RUNNING", "ANSWERED"] {
            assert!(told.contains(&format!("{register} {state}")), "{told:?}");
        }
    }
    let registers = table.registers.iter();
    let answered: Vec<_> = registers
        .map(|r| (r.register_id.as_str(), r.state()))
        .collect();
    let state = wire::RegisterState::Answered;
    assert_eq!(answered, [("nord", state), ("vest", state)]);
}

#[tokio::test]
async fn every_register_is_asked_the_same_once() {
    let world = World::new().await;
    world.agent("nord").counts(sexes(103, 52));
    world.agent("vest").counts(sexes(104, 51));
    let request = world.asking(persons_by_sex());

    world.run_of(request.clone()).await.1.unwrap();

    let asked = [world.agent("nord").asked(), world.agent("vest").asked()];
    assert_eq!((asked[0].len(), asked[1].len()), (1, 1));
    assert_eq!(asked[0][0].encode_to_vec(), asked[1][0].encode_to_vec());
    let asked = &asked[0][0];
    assert_eq!(asked.question_id.len(), 16);
    assert_eq!(asked.query, Some(persons_by_sex()));
    assert_eq!(asked.data_permit, request.data_permit);
    assert_eq!(asked.researcher, KARI.parse::<u64>().unwrap());
    assert_eq!(asked.organisation, ORGANISATION);
    assert_eq!((asked.smallest_cell, asked.rounding_base), (5, 5));
    assert_eq!(asked.deadline_ms, 10_000);
}

#[tokio::test]
async fn the_stricter_of_permit_and_gateway_decides_what_is_small() {
    let world = World::of(&["nord"], true).await;
    world.agent("nord").counts(sexes(103, 9));
    let mut terms = world.terms();
    (terms.smallest_cell, terms.rounding_base) = (10, 3);
    let request = wire::RunRequest {
        data_permit: world.permit_of(terms),
        ..world.asking(persons_by_sex())
    };

    let table = world.run_of(request).await.1.unwrap();

    assert_eq!((table.smallest_cell, table.rounding_base), (10, 5));
    assert_eq!(rows(&table), ["K 105"]);
}

#[tokio::test]
async fn few_persons_are_hidden_also_where_they_are_many_registers() {
    let world = World::new().await;
    let cells = |few| {
        vec![
            cell(vec![code("K"), band(0)], few, vec![counted()]),
            cell(vec![code("K"), band(1)], 50, vec![counted()]),
            cell(vec![code("M"), band(0)], 60, vec![counted()]),
            cell(vec![code("M"), band(1)], 70, vec![counted()]),
        ]
    };
    world.agent("nord").counts(cells(1));
    world.agent("vest").counts(cells(3));

    let table = world
        .run(asks(vec![by_sex(), by_age()], vec![persons()]))
        .await;
    let rows = rows(&table.unwrap());

    assert!(rows.contains(&"K <1950 few".to_owned()), "{rows:?}");
}

#[tokio::test]
async fn registers_that_may_share_persons_count_registrations() {
    let world = World::of(&["nord", "vest"], false).await;
    world.agent("nord").counts(sexes(100, 4));
    world.agent("vest").counts(sexes(103, 4));

    let table = world.run(persons_by_sex()).await.unwrap();

    assert!(table.counts_registrations);
    assert_eq!(columns(&table), ["sex", "registrations"]);
    // Eight registrations may be four persons.
    assert_eq!(rows(&table), ["K 205"]);
    // One register by itself counts persons.
    let alone = wire::Query {
        registers: vec!["nord".to_owned()],
        ..persons_by_sex()
    };
    assert!(!world.run(alone).await.unwrap().counts_registrations);
}

/// 200 values with a sum of 1,200 about 100: the mean is 106, one person could move it by 5, and
/// so it is shown to 5. The sum of squares is 50,000,000, the variance 251,220, shown to 5,000.
#[tokio::test]
async fn means_sums_and_variances_are_of_all_registers_values() {
    let world = World::new().await;
    let of = |sum, squares| {
        let measures = vec![
            moments(100, sum, None),
            moments(100, sum, None),
            moments(100, sum, Some(squares)),
        ];
        vec![cell(vec![], 110, measures)]
    };
    world.agent("nord").counts(of(500.0, 24e6));
    world.agent("vest").counts(of(700.0, 26e6));
    let income = || "income".to_owned();
    let measures = [
        Told::Mean(income()),
        Told::Sum(income()),
        Told::Variance(income()),
    ];

    let query = asks(vec![], measures.map(measure).into());
    let table = world.run(query).await.unwrap();

    assert_eq!(
        columns(&table),
        ["mean_income", "sum_income", "variance_income"]
    );
    let units: Vec<_> = table.columns.iter().map(|c| c.unit.as_str()).collect();
    assert_eq!(units, ["kr", "kr", "kr^2"]);
    assert_eq!(rows(&table), ["105 21000 250000"]);
}

#[tokio::test]
async fn a_histogram_is_a_table_of_its_bins() {
    let world = World::new().await;
    let bins = |persons: [u64; 3]| {
        node::measured::Measured::Histogram(node::Bins {
            persons: persons.into(),
        })
    };
    world
        .agent("nord")
        .counts(vec![cell(vec![], 125, vec![bins([40, 50, 30])])]);
    world
        .agent("vest")
        .counts(vec![cell(vec![], 123, vec![bins([42, 51, 30])])]);
    let histogram = Told::Histogram(wire::Histogram {
        variable: "born_year".to_owned(),
        from: 1940,
        width: 20,
        bins: 3,
    });

    let table = world
        .run(asks(vec![], vec![measure(histogram)]))
        .await
        .unwrap();

    assert_eq!(columns(&table), ["born_year_bin", "persons"]);
    assert_eq!(
        rows(&table),
        ["<1960 80", "[1960,1980) 100", ">=1980 60", "- 5"]
    );
}

#[tokio::test]
async fn a_life_table_is_a_table_of_its_steps() {
    let world = World::of(&["nord"], true).await;
    let followed = node::measured::Measured::LifeTable(node::Followed {
        events: vec![10, 12],
        left: vec![20, 2],
        beyond: 50,
    });
    world
        .agent("nord")
        .counts(vec![cell(vec![], 100, vec![followed])]);

    let table = world.run(life_table()).await.unwrap();

    assert_eq!(columns(&table), ["step", "left_by", "persons"]);
    let rows = rows(&table);
    assert!(rows.contains(&"0 event 10".to_owned()), "{rows:?}");
    assert!(rows.contains(&"0 exit 20".to_owned()), "{rows:?}");
    assert!(rows.contains(&"2 beyond 50".to_owned()), "{rows:?}");
    // Two left in the second step, which would tell of them.
    assert!(
        !rows
            .iter()
            .any(|row| row.starts_with("1 exit") && !row.ends_with("few"))
    );
}

#[tokio::test]
async fn equal_questions_give_equal_bytes() {
    let world = World::of(&["nord", "sor", "vest"], false).await;
    let of = |sum: f64| {
        let measures = vec![counted(), moments(90, sum, None)];
        vec![cell(vec![code("K")], 103, measures)]
    };
    world.agent("nord").counts(of(0.1));
    world.agent("sor").counts(of(0.2));
    world.agent("vest").counts(of(0.3));
    let mut tables = Vec::new();
    for number in 0..20 {
        // Of another permit, so that the ledger knows none of it.
        let mut terms = world.terms();
        terms.id = innsyn_policy::PermitId::new(terms.id.issuer(), &format!("n{number}")).unwrap();
        let income = measure(Told::Mean("income".to_owned()));
        let query = asks(vec![by_sex()], vec![persons(), income]);
        let request = wire::RunRequest {
            data_permit: world.permit_of(terms),
            ..world.asking(query)
        };
        tables.push(world.run_of(request).await.1.unwrap().encode_to_vec());
    }
    tables.dedup();
    assert_eq!(tables.len(), 1);
    assert_eq!(world.asked(), 60);
}
