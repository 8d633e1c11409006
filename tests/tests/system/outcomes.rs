//! Who may ask about whom, and what each is told: a table over a few registers.

use std::time::Duration;

use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_sim::country::Role;
use innsyn_sim::sts::Mandate;

use super::federation::{Federation, Listing, list, spec_of_today};

/// A register whose membership is a health fact, one whose is not, a sensitive quality register,
/// a survey, and one that knows people by pseudonyms.
const REGISTERS: [&str; 5] = ["kreft", "npr", "norhiv", "hunt", "lmr"];
const DAY: Duration = Duration::from_hours(24);

/// The cast that every country begins with: a mother, her children of 17, 13 and 8, and somebody
/// in no register at all.
const MOTHER: u32 = 0;
const SEVENTEEN: u32 = 2;
const THIRTEEN: u32 = 3;
const EIGHT: u32 = 4;
const NOWHERE: u32 = 6;

/// What the person asked about would be told.
const SAME: &str = "the same";
const NOT_IN: &str = "NOT_REGISTERED";
const UNCOVERED: &str = "WITHHELD/AREA_NOT_COVERED";
const SENSITIVE: &str = "WITHHELD/SENSITIVE_FROM_TWELVE";

/// What must come of a question: words from [`REGISTERS`], in their order, or a refusal of the
/// whole with its reason.
type Must = Result<[&'static str; 5], &'static str>;

fn words(listing: &Listing) -> [String; 5] {
    REGISTERS.map(|register| listing.told[register].words())
}

#[tokio::test]
async fn each_caller_is_told_what_the_table_says() {
    let federation = Federation::start(&spec_of_today(2_000, 1), &REGISTERS).await;
    let caller = federation.caller().await;
    let now = SystemClock.now();
    let (before, after) = (now.minus(10 * DAY), now.plus(10 * DAY));
    let mandate = |area: &str, from, until| {
        Some(Mandate {
            areas: vec![area.to_owned()],
            from,
            until,
        })
    };
    let good = |area| mandate(area, before, after);
    let expired = || mandate("insight", before, now.minus(DAY));
    let early = mandate("insight", now.plus(DAY), after);
    let poa = Role::Poa;
    #[rustfmt::skip]
    let table: [(u32, Role, Option<Mandate>, Must); 15] = [
        (NOWHERE, Role::Oneself, None, Ok([NOT_IN; 5])),
        (MOTHER, Role::Oneself, None, Ok([SAME; 5])),
        (EIGHT, Role::Parent, None, Ok([SAME; 5])),
        (THIRTEEN, Role::Oneself, None, Ok([SAME; 5])),
        (THIRTEEN, Role::Parent, None, Ok([SENSITIVE, SAME, SENSITIVE, SAME, SAME])),
        (SEVENTEEN, Role::Oneself, None, Ok([SAME; 5])),
        (SEVENTEEN, Role::Parent, None, Err("CHILD_NOT_UNDER_16")),
        (MOTHER, poa, good("insight"), Ok([SAME; 5])),
        (MOTHER, poa, good("insight/kind/survey"), Ok([UNCOVERED, UNCOVERED, UNCOVERED, SAME, UNCOVERED])),
        (MOTHER, poa, good("insight/register/npr"), Ok([UNCOVERED, SAME, UNCOVERED, UNCOVERED, UNCOVERED])),
        (THIRTEEN, Role::Guardian, good("insight"), Ok([SAME; 5])),
        (MOTHER, Role::Guardian, expired(), Err("REPRESENTATION_EXPIRED")),
        (MOTHER, poa, expired(), Err("REPRESENTATION_EXPIRED")),
        (MOTHER, poa, early, Err("REPRESENTATION_NOT_YET_VALID")),
        (MOTHER, poa, good("mail"), Err("REPRESENTATION_COVERS_NOTHING")),
    ];
    for (row, (number, role, mandate, must)) in table.into_iter().enumerate() {
        let asks_oneself = federation.question(number, Role::Oneself);
        let oneself = words(&list(&caller, &asks_oneself).await.unwrap());
        let must = must.map_err(ToOwned::to_owned).map(|must| {
            std::array::from_fn(|register| match must[register] {
                SAME => oneself[register].clone(),
                word => word.to_owned(),
            })
        });
        let country = &federation.world.country;
        let asking = country.asking(number, role, mandate, now).unwrap();
        let said = list(&caller, &federation.question_of(&asking)).await;
        assert_eq!(said.map(|said| words(&said)), must, "row {row}");
        // So that "the same" says something.
        assert!(number == NOWHERE || oneself.iter().any(|word| word == "REGISTERED"));
        assert!(oneself.iter().any(|word| word == NOT_IN));
    }
}
