//! The receipt of a part.

use innsyn_proto::head::HeadKey;
use innsyn_proto::receipt::{PersonsAbout, Receipt, StewardsWord};

use super::*;

#[tokio::test]
async fn a_part_has_a_receipt_that_the_logs_key_has_signed() {
    let world = World::with(ENOUGH, PLENTY, |_, data| {
        for person in 0..27 {
            data.included.remove(person);
        }
    });
    let deny = "[[rule]]\ndecision = \"deny\"\nissuers = [\"example.no\"]\n";
    world.steward_says(&format!("{deny}{ALLOW}"));
    let request = world.request();
    let permit = world.issuer.trusted().read(&request.data_permit, now());
    let part = world.part(request.clone()).await;
    let key = HeadKey::parse(world.log.public_key()).unwrap();
    let receipt = Receipt::read(&part.receipt, &key).unwrap();

    let asked =
        innsyn_proto::query::check_at(&register().id, &by_sex(), &[persons_view("persons")]);
    let entries = entries_on(&world.disk);
    let expected = Receipt {
        register: register().id,
        query: asked.unwrap().name(),
        permit: terms().id,
        permit_digest: *permit.unwrap().digest(),
        snapshot: [5; 32],
        purpose: Purpose::Research,
        settings_read_at: now().minus(Duration::from_secs(90)),
        settings_age_s: 4,
        smallest_cell: 5,
        rounding_base: 3,
        steward: StewardsWord {
            rule: 2,
            approved: false,
        },
        persons_excluded: PersonsAbout::of(27),
        use_log_leaf: entries[0].1,
        at: now(),
    };
    assert_eq!(receipt, expected);
    assert!(!part.receipt.contains(person(0).expose_str()));
    assert!(part.receipt.contains("persons-excluded-about: 30\n"));
}

#[tokio::test]
async fn a_receipt_is_the_same_whatever_the_population_of_the_query() {
    let world = World::with(ENOUGH, PLENTY, |_, data| {
        data.included.remove(3);
    });
    let mut told = Vec::new();
    for years in [1940..2000, 1943..1944, 1990..2000] {
        let mut request = world.request();
        request.query = Some(born_in("persons", years));
        let receipt = Receipt::read_unchecked(&world.part(request).await.receipt).unwrap();
        told.push(receipt.persons_excluded);
    }
    assert_eq!(told, [PersonsAbout::of(1); 3]);
}
