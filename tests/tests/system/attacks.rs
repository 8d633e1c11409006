//! What researchers with a good token and a permit try in order to see one person, over gRPC and
//! Flight SQL, against a real gateway and real agents.
//!
//! Two countries are alike but for twelve persons of the register that is attacked: in one they are
//! in it and have reserved themselves, in the other they were deleted from it. Whatever a statement
//! gives must be the same in both ([`statements`]): then no answer, and no refusal, depends on what
//! the register holds of them. Of persons who may be counted, what is attacked is that there are
//! few of them ([`tables`]): each of those attacks says itself what it has learnt.
//!
//! An attack is *refused*, *harmless*, or gets *through*. The suite is itself tested: without the
//! register's look at who has said no, without the overlap audit, and without the complementary
//! check, some attack gets through.
//!
//! What it does not try, because it is known to be open: the same tracker with two permits, or at
//! two gateways, that do not know of each other; combinations of three and more tables.

use std::collections::BTreeMap;

mod country;
mod statements;
mod tables;

use country::{Attacked, Opted};

/// What came of an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Refused,
    Harmless,
    Through,
}

/// The outcome of every attack, by what it is.
#[derive(Debug, Default)]
struct Score(BTreeMap<String, Outcome>);

impl Score {
    fn book(&mut self, attack: impl Into<String>, outcome: Outcome) {
        let attack = attack.into();
        assert!(self.0.insert(attack.clone(), outcome).is_none(), "{attack}");
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.0.values().filter(|one| **one == outcome).count()
    }

    fn through(&self) -> Vec<&str> {
        let attacks = self.0.iter();
        attacks
            .filter(|(_, outcome)| **outcome == Outcome::Through)
            .map(|(attack, _)| attack.as_str())
            .collect()
    }
}

/// Compares what each statement gave in the two countries.
fn compare(score: &mut Score, way: &str, here: &[statements::Told], there: &[statements::Told]) {
    assert_eq!(here.len(), there.len());
    for (at, (here, there)) in here.iter().zip(there).enumerate() {
        let outcome = match (&here.answer, &there.answer) {
            (here, there) if here != there => Outcome::Through,
            (Err(_), _) => Outcome::Refused,
            (Ok(_), _) => Outcome::Harmless,
        };
        score.book(format!("{way} {at}: {}", here.statement), outcome);
    }
}

#[tokio::test]
#[expect(
    clippy::print_stdout,
    reason = "the score is what the suite is run for"
)]
async fn promise_6_no_attack_of_a_researcher_gets_through() {
    let mut score = Score::default();
    let mut reserved = Attacked::start(Opted::Reserved, None).await;
    let gone = Attacked::start(Opted::Gone, None).await;
    let over_grpc = statements::over_grpc(&reserved).await;
    compare(
        &mut score,
        "gRPC",
        &over_grpc,
        &statements::over_grpc(&gone).await,
    );
    #[cfg(feature = "external")]
    {
        let over_flight = statements::over_flight_sql(&reserved).await;
        let there = statements::over_flight_sql(&gone).await;
        compare(&mut score, "Flight SQL", &over_flight, &there);
    }
    tables::all(&mut reserved, &mut score).await;
    println!(
        "attacks: {} refused, {} harmless, {} through",
        score.count(Outcome::Refused),
        score.count(Outcome::Harmless),
        score.count(Outcome::Through),
    );
    assert_eq!(score.through(), Vec::<&str>::new());
    // Some are questions that anybody may ask: the country answers at all.
    assert!(score.count(Outcome::Harmless) > 5, "{score:?}");
}

#[tokio::test]
async fn without_the_registers_look_at_settings_an_attack_gets_through() {
    let mut reserved = Attacked::start(Opted::Reserved, None).await;
    reserved.count_everybody().await;
    let gone = Attacked::start(Opted::Gone, None).await;
    let mut score = Score::default();
    let here = statements::over_grpc(&reserved).await;
    compare(
        &mut score,
        "gRPC",
        &here,
        &statements::over_grpc(&gone).await,
    );
    assert!(!score.through().is_empty(), "{score:?}");
}

#[tokio::test]
async fn without_the_overlap_audit_an_attack_gets_through() {
    let lacking = Some(["weakened-research-gateway", "audit"].as_slice());
    let mut attacked = Attacked::start(Opted::Reserved, lacking).await;
    let mut score = Score::default();
    tables::trackers(&mut attacked, &mut score).await;
    assert!(!score.through().is_empty(), "{score:?}");
}

#[tokio::test]
async fn without_the_complementary_check_an_attack_gets_through() {
    let lacking = Some(["weakened-research-gateway", "check"].as_slice());
    let mut attacked = Attacked::start(Opted::Reserved, lacking).await;
    let mut score = Score::default();
    tables::complements(&mut attacked, &mut score).await;
    assert!(!score.through().is_empty(), "{score:?}");
}
