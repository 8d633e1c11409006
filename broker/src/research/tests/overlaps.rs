//! Tables of one permit that differ by a few persons.

use std::ops::Range;
use std::pin::pin;

use innsyn_proto::wire::research::v1 as wire;
use tokio::join;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use wire::RegisterState;

use super::agent::Behaviour;
use super::queries::*;
use super::world::*;

/// Women and men with these numbers.
fn women_and_men(women: Range<u32>, men: Range<u32>) -> [(&'static str, Vec<u32>); 2] {
    [("K", women.collect()), ("M", men.collect())]
}

/// The n-th question about persons by sex: each counts others, by which year they were born.
fn born_after(year: i64) -> wire::Query {
    let born = wire::Comparison {
        variable: "born_year".to_owned(),
        operator: wire::Operator::GreaterOrEqual.into(),
        literal: Some(wire::Literal {
            literal: Some(wire::literal::Literal::Integer(year)),
        }),
    };
    wire::Query {
        population: Some(wire::Expression {
            expression: Some(wire::expression::Expression::Comparison(born)),
        }),
        ..persons_by_sex()
    }
}

/// A world whose permit has had a table of these persons of `nord` and as many of `vest`.
async fn after_a_table_of(women: Range<u32>, men: Range<u32>) -> World {
    let world = World::new().await;
    for register in ["nord", "vest"] {
        let agent = world.agent(register);
        agent.counts_persons(&women_and_men(women.clone(), men.clone()));
    }
    world.run(persons_by_sex()).await.unwrap();
    world
}

async fn releases(world: &World) -> usize {
    let ledger = wire::LedgerRequest {
        data_permit: world.permit(),
    };
    let ledger = world.client().ledger(world.call(ledger)).await.unwrap();
    ledger.into_inner().releases.len()
}

fn is_not_available(ended: Ended) -> Status {
    let error = ended.expect_err("the table tells of a few persons");
    assert_eq!(error.code(), Code::FailedPrecondition);
    let details = error.get_details_error_info().unwrap();
    assert_eq!(details.reason, "NOT_AVAILABLE");
    assert!(details.metadata.is_empty());
    error
}

#[tokio::test]
async fn promise_6_tables_that_differ_by_a_few_persons_do_not_both_leave() {
    let world = after_a_table_of(0..100, 200..300).await;
    let [nord, vest] = ["nord", "vest"].map(|register| world.agent(register));

    // One man less at one register, and the women are the same.
    nord.counts_persons(&women_and_men(0..100, 200..299));
    let of_one = is_not_available(world.run(born_after(1901)).await);

    // Two at each register are four.
    nord.counts_persons(&women_and_men(0..98, 200..300));
    vest.counts_persons(&women_and_men(0..98, 200..300));
    let of_four = is_not_available(world.run(born_after(1902)).await);
    assert_eq!(of_one.message(), of_four.message());
    assert_eq!(releases(&world).await, 1);

    // Two and three are five, and five may be seen.
    vest.counts_persons(&women_and_men(0..97, 200..300));
    world.run(born_after(1903)).await.unwrap();

    // It is compared with both tables now: with the second, one woman differs.
    vest.counts_persons(&women_and_men(0..96, 200..300));
    is_not_available(world.run(born_after(1904)).await);
    assert_eq!(releases(&world).await, 2);
}

#[tokio::test]
async fn the_same_population_may_be_seen_again_in_another_table() {
    let world = after_a_table_of(0..100, 200..300).await;
    // It says which registers are asked.
    let named = wire::Query {
        registers: vec!["nord".to_owned(), "vest".to_owned()],
        ..persons_by_sex()
    };

    let again = world.run(named).await.unwrap();

    assert!(!again.is_earlier);
    assert_eq!(releases(&world).await, 2);
}

#[tokio::test]
async fn promise_6_that_two_populations_are_the_same_persons_is_not_told() {
    let world = after_a_table_of(0..100, 200..300).await;
    let [nord, vest] = ["nord", "vest"].map(|register| world.agent(register));

    // Nobody was born before 1900, or somebody was: it looks the same.
    let of_nobody = is_not_available(world.run(born_after(1900)).await);
    nord.counts_persons(&women_and_men(0..99, 200..300));
    let of_one = is_not_available(world.run(born_after(1900)).await);
    assert_eq!(of_nobody.message(), of_one.message());

    // What is kept of a release knows its population.
    nord.counts_persons(&women_and_men(0..50, 200..250));
    vest.counts_persons(&women_and_men(0..50, 200..250));
    world.run(born_after(1950)).await.unwrap();
    is_not_available(world.run(born_after(1951)).await);
    let named = wire::Query {
        registers: vec!["nord".to_owned(), "vest".to_owned()],
        ..born_after(1950)
    };
    world.run(named).await.unwrap();
}

/// Which of three tables of 22 persons leave, asked for in this order: how many they are, by sex, and
/// by age. Of 13 men and 13 who are old, 4 are both, and whoever is neither is nobody; so that all
/// are 22 at most, as is shown, tells of 4 at least. With `others` more there could be fewer.
async fn margins_that_leave(order: [usize; 3], others: u32) -> Vec<usize> {
    let world = World::of(&["nord"], true).await;
    let women: Vec<u32> = (0..9).chain(22..22 + others).collect();
    let (men, old) = ((9..22).collect(), (0..13).collect());
    let young = (13..22 + others).collect();
    let everybody = (0..22 + others).collect();
    let tables = [
        (vec![], vec![(vec![], everybody)]),
        (
            vec![by_sex()],
            vec![(vec![code("K")], women), (vec![code("M")], men)],
        ),
        (
            vec![by_age()],
            vec![(vec![band(0)], old), (vec![band(1)], young)],
        ),
    ];
    let mut left = Vec::new();
    for at in order {
        let (dimensions, cells) = tables[at].clone();
        world.agent("nord").counts_cells(cells);
        match world.run(asks(dimensions, vec![persons()])).await {
            Ok(_) => left.push(at),
            refused => drop(is_not_available(refused)),
        }
    }
    left
}

#[tokio::test]
async fn promise_6_margins_that_tell_together_of_a_few_do_not_all_leave() {
    assert_eq!(margins_that_leave([0, 1, 2], 0).await, [0, 1]);
    // How many they are is taken as known before it is asked for.
    assert_eq!(margins_that_leave([2, 1, 0], 0).await, [2, 0]);
    assert_eq!(margins_that_leave([1, 0, 2], 0).await, [1, 0]);
    for order in [[0, 1, 2], [2, 1, 0]] {
        assert_eq!(margins_that_leave(order, 5).await, order);
    }
}

/// What comes of the last of four halves of two sets, which are as many persons apart at `nord`.
async fn last_half(differ: u32, vest_compares_pairs_only: bool) -> Ended {
    let world = World::new().await;
    if vest_compares_pairs_only {
        world.agent("vest").compares_pairs_only();
    }
    let mut last = None;
    for (year, half) in (1900..).zip([0..30, 30..60, 0..40, 40..60]) {
        let more = if half == (40..60) {
            90..90 + differ
        } else {
            0..0
        };
        let persons = half.clone().chain(more);
        world
            .agent("nord")
            .counts_persons(&[("K", persons.collect())]);
        world.agent("vest").counts_persons(&[("K", half.collect())]);
        if let Some(Err(error)) = last {
            return Err(error);
        }
        last = Some(world.run(born_after(year)).await);
    }
    last.unwrap()
}

#[tokio::test]
async fn promise_6_halves_whose_sums_differ_by_a_few_persons_do_not_all_leave() {
    for differ in [1, 4] {
        is_not_available(last_half(differ, false).await);
    }
    for differ in [0, 5] {
        last_half(differ, false).await.unwrap();
    }
}

#[tokio::test]
async fn an_agent_that_does_not_know_what_counts_have_in_common_gives_no_third_table() {
    is_not_available(last_half(5, true).await);
}

#[tokio::test]
async fn halves_at_other_registers_are_not_added_up() {
    let world = World::new().await;
    for (year, half) in (1900..).zip([0..30, 30..60, 0..40, 40..61]) {
        for register in ["nord", "vest"] {
            let agent = world.agent(register);
            agent.counts_persons(&[("K", half.clone().collect())]);
        }
        let registers = if year == 1900 {
            vec!["nord"]
        } else {
            vec!["nord", "vest"]
        };
        let of_these = wire::Query {
            registers: registers.into_iter().map(str::to_owned).collect(),
            ..born_after(year)
        };
        world.run(of_these).await.unwrap();
    }
}

#[tokio::test]
async fn as_many_others_are_not_the_same_persons() {
    let world = after_a_table_of(0..100, 200..300).await;

    // As many women, of whom one is another: they differ by two.
    world
        .agent("nord")
        .counts_persons(&women_and_men(1..101, 200..300));

    is_not_available(world.run(born_after(1901)).await);
}

#[tokio::test]
async fn what_follows_by_adding_cells_up_is_compared_too() {
    let world = after_a_table_of(0..100, 200..300).await;
    let everybody = (0..100).chain(200..299).collect();
    // Neither women nor men are everybody, but together they are, but for one.
    world.agent("nord").counts_persons(&[("K", everybody)]);

    is_not_available(world.run(born_after(1901)).await);
}

#[tokio::test]
async fn an_agent_that_knows_no_overlaps_gives_no_second_table() {
    let world = World::new().await;
    let vest = world.agent("vest");
    vest.is_old();
    for agent in ["nord", "vest"] {
        let agent = world.agent(agent);
        agent.counts_persons(&women_and_men(0..100, 200..300));
    }
    // There is nothing yet to compare with.
    world.run(persons_by_sex()).await.unwrap();

    vest.counts_persons(&women_and_men(0..50, 200..250));
    is_not_available(world.run(born_after(1901)).await);
    assert_eq!(releases(&world).await, 1);

    // Without it there is one.
    let of_nord = wire::Query {
        registers: vec!["nord".to_owned()],
        ..born_after(1901)
    };
    world
        .agent("nord")
        .counts_persons(&women_and_men(0..50, 200..250));
    world.run(of_nord).await.unwrap();
}

#[tokio::test]
async fn an_agent_that_has_lost_what_it_counted_gives_no_second_table() {
    let world = after_a_table_of(0..100, 200..300).await;
    let vest = world.agent("vest");
    vest.forgets();
    vest.counts_persons(&women_and_men(0..50, 200..250));

    let (told, ended) = world.run_of(world.asking(born_after(1901))).await;

    is_not_available(ended);
    assert!(told.contains(&"vest REFUSED".to_owned()), "{told:?}");
}

#[tokio::test]
async fn overlaps_that_do_not_fit_what_was_released_give_no_table() {
    let world = after_a_table_of(0..100, 200..300).await;
    let vest = world.agent("vest");
    // It says that it had counted one woman when the first table left.
    vest.begins_anew();
    vest.counts_persons(&women_and_men(0..1, 200..300));
    vest.counts_persons(&women_and_men(0..50, 200..250));

    is_not_available(world.run(born_after(1901)).await);
}

/// The permit's first table is of both registers. Then `vest` is silent, and `nord` counts the
/// same persons: the tables differ by all whom `vest` had.
async fn without_vest(of_vest: [(&'static str, Vec<u32>); 2]) -> Ended {
    let world = World::new().await;
    let nord = women_and_men(0..100, 200..300);
    world.agent("nord").counts_persons(&nord);
    world.agent("vest").counts_persons(&of_vest);
    world.run(persons_by_sex()).await.unwrap();
    world.agent("vest").does(Behaviour::Ends);
    let request = world.asking(born_after(1901));
    let (told, ended) = world.run_of(request).await;
    assert!(told.contains(&"vest SILENT".to_owned()), "{told:?}");
    ended
}

#[tokio::test]
async fn a_register_that_is_missing_counts_with_all_whom_it_had() {
    // It had two women: the difference between the tables would show them.
    is_not_available(without_vest(women_and_men(0..2, 200..300)).await);
    // It had five, and five may be seen; or none, and there is no difference.
    without_vest(women_and_men(0..5, 200..300)).await.unwrap();
    let table = without_vest([("L", (0..100).collect()), ("M", (200..300).collect())]);
    let table = table.await.unwrap();
    assert_eq!(table.registers[1].state(), RegisterState::Silent);
}

#[tokio::test]
async fn a_register_that_joins_counts_with_all_whom_it_has() {
    let world = World::new().await;
    world.agent("vest").does(Behaviour::Ends);
    world
        .agent("nord")
        .counts_persons(&women_and_men(0..100, 200..300));
    world.run(persons_by_sex()).await.unwrap();

    world
        .agent("vest")
        .counts_persons(&women_and_men(0..4, 200..300));
    is_not_available(world.run(born_after(1901)).await);

    world
        .agent("vest")
        .counts_persons(&women_and_men(0..5, 200..300));
    world.run(born_after(1901)).await.unwrap();
}

/// A world in which two queries are under way at once, and the first has had its table.
async fn overtaken(of_second: Range<u32>) -> Ended {
    let world = World::of(&["nord"], true).await;
    let nord = world.agent("nord");
    nord.counts_persons_when_let(&women_and_men(0..100, 200..300));
    let first = async { world.run(born_after(1901)).await };
    let second = async {
        nord.has_under_way(1).await;
        nord.counts_persons_when_let(&women_and_men(of_second, 200..300));
        world.run(born_after(1902)).await
    };
    let one_by_one = async {
        nord.has_under_way(2).await;
        nord.lets(1);
    };
    let mut second = pin!(second);
    let (first, ()) = tokio::select! {
        both = async { join!(first, one_by_one) } => both,
        ended = &mut second => panic!("the second has not been let: {ended:?}"),
    };
    first.unwrap();
    // It is asked anew, now with an audit of the first.
    nord.lets(2);
    let ended = second.await;
    let audits: Vec<_> = nord
        .asked()
        .iter()
        .map(|asked| asked.audit.is_some())
        .collect();
    assert_eq!(audits, [false, false, true]);
    ended
}

#[tokio::test]
async fn promise_6_two_queries_at_once_do_not_pass_unseen_by_each_other() {
    is_not_available(overtaken(0..99).await);
    overtaken(0..95).await.unwrap();
}

#[tokio::test]
async fn a_query_travels_with_its_name() {
    let world = World::new().await;
    world
        .agent("nord")
        .counts_persons(&women_and_men(0..100, 200..300));
    world
        .agent("vest")
        .counts_persons(&women_and_men(0..100, 200..300));
    let table = world.run(persons_by_sex()).await.unwrap();

    for register in ["nord", "vest"] {
        let asked = world.agent(register).asked();
        assert_eq!(asked[0].query_name.as_ref(), table.query_name);
    }
}
