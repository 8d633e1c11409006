//! Random questions over random registers: the engine and the naive evaluator agree, in every
//! order of rows and every range of persons.

use innsyn_proto::wire::research::v1::Query;
use tokio_util::sync::CancellationToken;

use super::super::{Answer, EngineError, Included, Memory, PersonSet, Plan, Run, SCAN_BYTES};
use super::naive::evaluate;
use super::placed;
use super::random::Random;
use super::world::World;

/// Registers, and questions asked of each: 2,000 cases.
const REGISTERS: u64 = 200;
const QUESTIONS: u32 = 10;

#[test]
fn the_engine_agrees_with_a_naive_evaluator() {
    let mut cells = 0;
    for seed in 0..REGISTERS {
        let mut random = Random::new(seed);
        let world = random.world();
        let in_pages = world.in_pages((60, 23), 4);
        for _ in 0..QUESTIONS {
            let (query, included) = (random.query(), random.included(world.snapshot.persons));
            let (table, counted) = evaluate(&world, &query, &included);
            for world in [&world, &in_pages] {
                let answer = world.run_for(&query, included.clone()).unwrap();
                assert_eq!(answer.table, table, "seed {seed}, {query:#?}");
                assert_eq!(answer.counted, counted, "seed {seed}, {query:#?}");
                placed::fits(&answer);
            }
            cells += table.cells.len();
        }
    }
    // The questions are not all about nobody.
    assert!(cells > 4_000, "{cells}");
}

#[test]
fn ranges_of_persons_give_what_one_range_gives() {
    let mut ranges = 0;
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let world = random.world();
        for _ in 0..4 {
            let (query, included) = (random.query(), random.included(world.snapshot.persons));
            let whole = world.run_for(&query, included.clone()).unwrap();
            let persons = 1 + random.below(9);
            let parts = run_in_spans(&world, &query, included, persons).unwrap();
            assert_eq!(parts, whole, "seed {seed}, {query:#?}");
            ranges += world.snapshot.persons.div_ceil(persons);
        }
    }
    assert!(ranges > 400, "{ranges}");
}

#[test]
fn the_order_of_rows_and_row_groups_changes_no_byte() {
    for seed in 0..25 {
        let mut random = Random::new(seed);
        let world = random.world();
        let mut turned = World::of(world.snapshot.persons);
        for stored in &world.snapshot.views {
            let mut rows = world.rows[&stored.description.name].clone();
            for at in 1..rows.len() {
                rows.swap(at, random.below(u32::try_from(at).unwrap() + 1) as usize);
            }
            turned = turned.with(stored.description.clone(), &rows, (11, 2));
        }
        for _ in 0..5 {
            let (query, included) = (random.query(), random.included(world.snapshot.persons));
            let one = world.run_for(&query, included.clone()).unwrap();
            let other = turned.run_for(&query, included).unwrap();
            // Their texts, so that two numbers that are equal but not alike are told apart.
            assert_eq!(
                format!("{:?}", one.table),
                format!("{:?}", other.table),
                "seed {seed}"
            );
        }
    }
}

/// Runs with persons taken so many at a time.
fn run_in_spans(
    world: &World,
    query: &Query,
    persons: PersonSet,
    span_persons: u32,
) -> Result<Answer, EngineError> {
    let (plan, conditions) = Plan::of(query, &world.snapshot)?;
    let run = Run {
        plan: &plan,
        included: &Included::new(persons),
        memory: Memory::share(SCAN_BYTES + (64 << 20), world.snapshot.persons),
        cancel: &CancellationToken::new(),
    };
    run.in_spans(conditions, span_persons)
}
