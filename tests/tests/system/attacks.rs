//! What researchers with a good token and a permit try in order to see one person, over gRPC and
//! Flight SQL, against a real gateway and real agents; kind by kind ([`Kind`]).
//!
//! Two countries are alike but for twelve persons of the register that is attacked: in one they are
//! in it and have reserved themselves, in the other they were deleted from it. Whatever a statement
//! gives must be the same in both ([`statements`]): then no answer, and no refusal, depends on what
//! the register holds of them. Of persons who may be counted, what is attacked is that there are
//! few of them: each of those attacks says itself what it has learnt. Those few are put into the
//! register ([`planted`]) so that an attack that is not stopped learns of them for certain, and
//! not by the luck of a seed.
//!
//! An attack is *refused*, *harmless*, *open*, or gets *through*. Open are three beyond the list of
//! what must be stopped: they learn from a refusal that somebody differs in a part of a table, or
//! take from a mean what everybody else is known to have. `ARCHITECTURE.md` says of a researcher
//! with a permit that these remain, and here it is seen what they give. The suite is itself tested:
//! without the register's look at who has said no, without the overlap audit, and without the
//! complementary check, attacks get through.
//!
//! What it does not try, because nothing here could stop it: the same tracker with two permits, or
//! at two gateways, that do not know of each other.

use std::collections::BTreeMap;
use std::fmt;

mod asking;
mod complements;
mod country;
mod dominance;
mod existence;
mod models;
mod planted;
mod repetition;
mod sites;
mod statements;
mod temporal;
mod tracker;

use asking::Way;
use country::{Attacked, Opted};

/// Cells of fewer persons may not be known.
const SMALLEST: u64 = 5;
/// Counts are rounded to multiples of it.
const BASE: u64 = 5;

/// What an attacker tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Statement,
    Tracker,
    Repetition,
    Rewrite,
    Existence,
    Complement,
    Dominance,
    Model,
    Temporal,
    OneSite,
    /// Not on the list of what must be stopped.
    Beyond,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Statement,
        Self::Tracker,
        Self::Repetition,
        Self::Rewrite,
        Self::Existence,
        Self::Complement,
        Self::Dominance,
        Self::Model,
        Self::Temporal,
        Self::OneSite,
        Self::Beyond,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Statement => "statements past the engine",
            Self::Tracker => "tracker: two big sets a few apart",
            Self::Repetition => "the same query again",
            Self::Rewrite => "equivalent rewrite, split and sum",
            Self::Existence => "small totals, existence",
            Self::Complement => "complementary cells",
            Self::Dominance => "dominance in sums and means",
            Self::Model => "models with vectors of one's own",
            Self::Temporal => "again after the register changed",
            Self::OneSite => "one register's cells",
            Self::Beyond => "beyond the list",
        })
    }
}

/// What is known to learn something. An attack that does not any more is to leave this list, and the
/// table in `ARCHITECTURE.md`.
const OPEN: [(Kind, &str); 3] = [
    (Kind::Beyond, "means of groups beside others"),
    (
        Kind::Beyond,
        "whether a table with others beside them is refused",
    ),
    (Kind::Beyond, "whether the last part of a table is refused"),
];

/// What came of an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Refused,
    Harmless,
    /// It learns something, and `ARCHITECTURE.md` says so.
    Open,
    Through,
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Refused, Self::Harmless, Self::Open, Self::Through];

    /// That of an attack that learns something.
    fn of_what_learns(kind: Kind, attack: &str) -> Self {
        if OPEN.contains(&(kind, attack)) {
            Self::Open
        } else {
            Self::Through
        }
    }
}

/// The outcome of every attack, by what it is.
#[derive(Debug, Default)]
struct Score(BTreeMap<(Kind, Way, String), Outcome>);

impl Score {
    fn book(&mut self, kind: Kind, way: Way, attack: impl Into<String>, outcome: Outcome) {
        let attack = (kind, way, attack.into());
        assert!(
            self.0.insert(attack.clone(), outcome).is_none(),
            "{attack:?}"
        );
    }

    fn count(&self, kind: Kind, way: Way, outcome: Outcome) -> usize {
        let attacks = self.0.iter();
        attacks
            .filter(|((of, by, _), came)| (*of, *by, **came) == (kind, way, outcome))
            .count()
    }

    /// The attacks that came to this.
    fn of(&self, outcome: Outcome) -> Vec<String> {
        let attacks = self.0.iter().filter(|(_, came)| **came == outcome);
        attacks
            .map(|((kind, way, attack), _)| format!("{kind}, {way}: {attack}"))
            .collect()
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "attack                             by         refused harmless open through"
        )?;
        for kind in Kind::ALL {
            for way in Way::ALL {
                let [refused, harmless, open, through] =
                    Outcome::ALL.map(|outcome| self.count(kind, *way, outcome));
                writeln!(
                    f,
                    "{kind:34} {way:10} {refused:7} {harmless:8} {open:4} {through:7}"
                )?;
            }
        }
        for open in self.of(Outcome::Open) {
            writeln!(f, "open: {open}")?;
        }
        Ok(())
    }
}

#[tokio::test]
#[expect(
    clippy::print_stdout,
    reason = "the score is what the suite is run for"
)]
async fn promise_6_no_attack_of_a_researcher_gets_through() {
    let mut score = Score::default();
    let (reserved, gone) = (Opted::Reserved, Opted::Gone);
    let started = tokio::join!(Attacked::start(reserved, None), Attacked::start(gone, None));
    let (mut attacked, mut gone) = started;
    for way in Way::ALL {
        let here = statements::all(&mut attacked, *way).await;
        let there = statements::all(&mut gone, *way).await;
        statements::compare(&here, &there, *way, &mut score);
    }
    drop(gone);
    for way in Way::ALL {
        tracker::all(&mut attacked, *way, &mut score).await;
        repetition::repeats(&mut attacked, *way, &mut score).await;
        repetition::rewrites(&mut attacked, *way, &mut score).await;
        repetition::splits(&mut attacked, *way, &mut score).await;
        existence::all(&mut attacked, *way, &mut score).await;
        complements::all(&mut attacked, *way, &mut score).await;
        dominance::all(&mut attacked, *way, &mut score).await;
        models::all(&mut attacked, *way, &mut score).await;
        sites::all(&mut attacked, *way, &mut score).await;
    }
    models::formulas(&mut attacked, &mut score).await;
    temporal::all(&mut attacked, &mut score).await;
    println!("{score}");
    assert_eq!(score.of(Outcome::Through), Vec::<String>::new());
    for way in Way::ALL {
        let open = OPEN.map(|(kind, attack)| format!("{kind}, {way}: {attack}"));
        let of_this_way = |attack: &String| attack.contains(&format!(", {way}: "));
        let came: Vec<String> = score
            .of(Outcome::Open)
            .into_iter()
            .filter(of_this_way)
            .collect();
        assert_eq!(came, open);
        for kind in Kind::ALL {
            let mut tried = score.0.keys();
            assert!(
                tried.any(|(of, by, _)| (*of, *by) == (kind, *way)),
                "{kind}, {way}"
            );
        }
    }
    // Some are questions that anybody may ask: the country answers at all.
    assert!(score.of(Outcome::Harmless).len() > 20, "{score:?}");
}

#[tokio::test]
async fn without_the_registers_look_at_settings_attacks_get_through() {
    let mut reserved = Attacked::start(Opted::Reserved, None).await;
    // The same as where they are not in the register.
    let there = statements::all(&mut reserved, Way::Grpc).await;
    reserved.count_everybody().await;
    let here = statements::all(&mut reserved, Way::Grpc).await;
    let mut score = Score::default();
    statements::compare(&here, &there, Way::Grpc, &mut score);
    assert!(score.of(Outcome::Through).len() > 5, "{score:?}");
}

#[tokio::test]
async fn without_the_overlap_audit_attacks_get_through() {
    let lacking = Some(["weakened-research-gateway", "audit"].as_slice());
    let mut attacked = Attacked::start(Opted::Reserved, lacking).await;
    let mut score = Score::default();
    tracker::all(&mut attacked, Way::Grpc, &mut score).await;
    sites::all(&mut attacked, Way::Grpc, &mut score).await;
    temporal::all(&mut attacked, &mut score).await;
    repetition::splits(&mut attacked, Way::Grpc, &mut score).await;
    for (kind, least) in [
        (Kind::Tracker, 10),
        (Kind::OneSite, 4),
        (Kind::Temporal, 2),
        (Kind::Rewrite, 1),
    ] {
        let through = score.count(kind, Way::Grpc, Outcome::Through);
        assert!(through >= least, "{kind}: {score:?}");
    }
}

#[tokio::test]
async fn without_the_complementary_check_attacks_get_through() {
    let lacking = Some(["weakened-research-gateway", "check"].as_slice());
    let mut attacked = Attacked::start(Opted::Reserved, lacking).await;
    let mut score = Score::default();
    complements::all(&mut attacked, Way::Grpc, &mut score).await;
    let through = score.of(Outcome::Through);
    assert!(through.len() >= 5, "{score:?}");
    let of_margins = through
        .iter()
        .filter(|attack| attack.contains("from margins"));
    assert_eq!(of_margins.count(), 2, "{score:?}");
}
