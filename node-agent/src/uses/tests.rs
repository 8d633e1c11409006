//! Reading the log over the service, and checking what it shows.

use std::time::Duration;

use innsyn_policy::{
    Area, Assurance, Caller, LegalBasis, ManualClock, NationalId, Organisation, PersonUse, Purpose,
    QuestionId, RegisterId, RegisterKind, Representation, Timestamp, UseDecision, UseRecord,
    UseSubject, Validity, WithheldReason,
};
use innsyn_proto::convert::{encode_question, shown_from_wire, uses_head_from_wire};
use innsyn_proto::uselog::reading::{
    ShownEntry, Told, check_chain, check_inclusion, check_receipt, check_witnessed,
};
use innsyn_proto::uselog::receipt::ReadingReceipt;
use prost::Message as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tonic::Code;

mod again;

use super::*;
use crate::test_ids::{NUMBERS, person};
use crate::uselog::tests::entries_on;
use crate::uselog::{LogKeys, SimDisk, UseLog, UseLogConfig};

const PLENTY: Caps = Caps {
    per_minute: 1_000_000,
    per_day: 1_000_000,
};
const POLICE: &str = "974760673";

struct World {
    disk: SimDisk,
    log: Arc<UseLog>,
    clock: Arc<ManualClock>,
    uses: Uses,
}

fn now() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000)
}

fn gateway() -> GatewayName {
    "helsenorge".parse().unwrap()
}

fn organisation(text: &str) -> Organisation {
    Organisation::parse(text).unwrap()
}

impl World {
    fn new() -> Self {
        Self::with(PLENTY, Vec::new())
    }

    fn with(caps: Caps, delays: Vec<Delay>) -> Self {
        let register = innsyn_policy::Register {
            id: RegisterId::parse("kreft").unwrap(),
            kind: RegisterKind::Central,
            legal_basis: LegalBasis::Mandatory,
            membership_is_sensitive: false,
        };
        let disk = SimDisk::new(1);
        let keys = LogKeys::from_seed(&register.id, [7; 32]).unwrap();
        let random = StdRng::seed_from_u64(1);
        let log = UseLog::open(UseLogConfig::default(), keys, disk.clone(), random).unwrap();
        let (log, clock) = (Arc::new(log), Arc::new(ManualClock::new(now())));
        let reading = Reading::new(ReadingParts {
            register,
            rules: NUMBERS.rules,
            log: Arc::clone(&log),
            clock: Arc::clone(&clock) as Arc<_>,
            delays,
            counted: None,
            records: None,
        });
        Self {
            uses: Uses::new(Arc::new(reading), [(gateway(), caps)]),
            disk,
            log,
            clock,
        }
    }

    /// Person `n`'s data are used `times` times by `caller` through `by`.
    async fn used(&self, n: usize, times: u8, caller: NationalId, by: &str) {
        let record = |time| UseRecord {
            at: now().minus(Duration::from_hours(1)),
            question: QuestionId([time; 16]),
            subject: UseSubject::Person(person(n), PersonUse::Listing),
            caller,
            organisation: organisation(by),
            purpose: Purpose::OwnInsight,
            decision: UseDecision::Answered,
        };
        self.log
            .append((0..times).map(record).collect())
            .await
            .unwrap();
    }

    async fn list(&self, request: wire::ListUsesRequest) -> Result<wire::ListUsesResponse, Status> {
        self.list_as(gateway(), request).await
    }

    async fn list_as(
        &self,
        gateway: GatewayName,
        request: wire::ListUsesRequest,
    ) -> Result<wire::ListUsesResponse, Status> {
        let mut request = Request::new(request);
        let pin = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
        request.extensions_mut().insert(Peer { gateway, pin });
        self.uses.list_uses(request).await.map(Response::into_inner)
    }

    fn decisions(&self) -> Vec<UseDecision> {
        let entries = entries_on(&self.disk).into_iter();
        entries.map(|(entry, _)| entry.decision).collect()
    }
}

fn question(id: u8) -> QuestionId {
    QuestionId([id; 16])
}

fn asked(id: u8, n: usize, representation: Representation) -> wire::ListUsesRequest {
    let own = representation == Representation::Own;
    let request = innsyn_policy::Request {
        subject: person(n),
        caller: Caller {
            person: person(if own { n } else { 20 }),
            organisation: organisation("983658776"),
            assurance: Assurance::High,
        },
        representation,
        purpose: Purpose::OwnInsight,
    };
    let encoded = encode_question(question(id), 0, &request, 3000);
    wire::ListUsesRequest {
        question: Some(wire::Question::decode(encoded).unwrap()),
        ..wire::ListUsesRequest::default()
    }
}

fn own(id: u8, n: usize) -> wire::ListUsesRequest {
    asked(id, n, Representation::Own)
}

fn attorney(area: Area) -> Representation {
    Representation::PowerOfAttorney {
        areas: [area].into_iter().collect(),
        validity: Validity {
            from: Timestamp::from_seconds(0),
            until: Timestamp::from_seconds(2_000_000_000),
        },
    }
}

fn shown(page: &wire::ListUsesResponse) -> Vec<ShownEntry> {
    let uses = page.uses.iter();
    uses.map(|shown| shown_from_wire(shown).unwrap()).collect()
}

#[tokio::test]
async fn a_person_is_shown_every_use_with_proofs_and_the_reading_itself_first() {
    let world = World::new();
    world.used(0, 3, person(0), "983658776").await;
    world.used(1, 2, person(1), "983658776").await;
    let page = world.list(own(0xa1, 0)).await.unwrap();
    let (head, entries) = (uses_head_from_wire(&page).unwrap().head, shown(&page));
    check_inclusion(&head, &entries).unwrap();
    check_chain(&entries, question(0xa1)).unwrap();
    let numbers: Vec<u64> = entries.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [4, 3, 2, 1]);
    assert_eq!((head.size(), page.continued), (6, None));
    let askers = page.uses.iter().map(wire::ShownUse::asker);
    assert!(
        askers
            .into_iter()
            .all(|asker| asker == wire::Asker::Oneself)
    );
}

#[tokio::test]
async fn a_later_reading_continues_the_receipt_of_an_earlier_one() {
    let world = World::new();
    world.used(0, 3, person(0), "983658776").await;
    let first = world.list(own(0xa1, 0)).await.unwrap();
    let key = uses_head_from_wire(&first).unwrap().log_key;
    let receipt = ReadingReceipt::read(&first.receipt, &key).unwrap();
    assert_eq!((receipt.newest, receipt.entries), (4, 4));

    world.used(0, 2, person(0), "983658776").await;
    world.clock.set(now().plus(Duration::from_hours(24)));
    // Only what is newer is wanted, and the receipt is met all the same.
    let request = wire::ListUsesRequest {
        since: now().plus(Duration::from_hours(23)).as_seconds(),
        down_to: receipt.newest,
        known_sizes: vec![receipt.entries],
        ..own(0xa2, 0)
    };
    let second = world.list(request).await.unwrap();
    let (head, entries) = (uses_head_from_wire(&second).unwrap(), shown(&second));
    let person = check_chain(&entries, question(0xa2)).unwrap();
    let numbers: Vec<u64> = entries.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [7, 6, 5]);
    check_receipt(&receipt, &head.head, &head.known[0], &person, &entries).unwrap();
}

#[tokio::test]
async fn a_reading_that_is_refused_is_in_the_log() {
    let caps = Caps {
        per_minute: 3,
        per_day: 3,
    };
    let world = World::with(caps, Vec::new());
    let biobanks = attorney(Area::Kind(RegisterKind::Biobank));
    let withheld = world.list(asked(1, 0, biobanks)).await.unwrap_err();
    let mut weak = own(2, 0);
    weak.question.as_mut().unwrap().assurance = wire::Assurance::Substantial.into();
    let denied = world.list(weak).await.unwrap_err();
    let covered = world
        .list(asked(3, 0, attorney(Area::AllInsight)))
        .await
        .unwrap();
    let over = world.list(own(4, 0)).await.unwrap_err();
    assert_eq!(
        (withheld.code(), denied.code(), over.code()),
        (
            Code::PermissionDenied,
            Code::PermissionDenied,
            Code::ResourceExhausted
        )
    );
    assert_eq!(covered.uses[0].asker(), wire::Asker::You);
    assert_eq!(covered.uses.len(), 3, "those refused before are shown");
    let decisions = world.decisions();
    assert!(matches!(
        decisions[..],
        [
            UseDecision::Withheld(WithheldReason::AreaNotCovered),
            UseDecision::Denied(_),
            UseDecision::Answered,
            UseDecision::OverCap
        ]
    ));
}

#[tokio::test]
async fn promise_4_nothing_is_shown_when_the_reading_cannot_be_logged() {
    let world = World::new();
    world.used(0, 3, person(0), "983658776").await;
    world.disk.set_capacity(0);
    let refused = world.list(own(1, 0)).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(world.decisions().len(), 3);
}

#[tokio::test]
async fn a_gateway_that_may_not_ask_for_uses_is_refused_and_nothing_is_logged() {
    let world = World::new();
    let stranger = "research".parse().unwrap();
    let refused = world.list_as(stranger, own(1, 0)).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(world.decisions(), []);
}

#[tokio::test]
async fn many_uses_come_in_pages_of_one_size_and_one_reading() {
    let world = World::new();
    world.used(0, 120, person(0), "983658776").await;
    let first = world.list(own(0xa1, 0)).await.unwrap();
    let head = uses_head_from_wire(&first).unwrap().head;
    let (mut entries, mut sizes) = (shown(&first), vec![first.encoded_len()]);
    let mut continued = first.continued;
    while let Some(next) = continued {
        let request = wire::ListUsesRequest {
            continued: Some(next),
            ..own(0xa1, 0)
        };
        let page = world.list(request).await.unwrap();
        entries.extend(shown(&page));
        sizes.push(page.encoded_len());
        continued = page.continued;
    }
    assert_eq!((entries.len(), sizes.len()), (121, 3));
    check_inclusion(&head, &entries).unwrap();
    check_chain(&entries, question(0xa1)).unwrap();
    let nothing = world.list(own(0xa3, 7)).await.unwrap();
    sizes.push(nothing.encoded_len());
    sizes.dedup();
    assert_eq!(sizes.len(), 1, "{sizes:?}");
    assert_eq!(world.decisions().len(), 122, "pages are no readings");
}

#[tokio::test]
async fn a_page_is_given_to_the_reading_that_it_is_of_only() {
    let world = World::new();
    world.used(0, 60, person(0), "983658776").await;
    world.used(1, 60, person(1), "983658776").await;
    let continued = world.list(own(0xa1, 0)).await.unwrap().continued.unwrap();
    let refused = async |request, next| {
        let request = wire::ListUsesRequest {
            continued: Some(next),
            ..request
        };
        world.list(request).await.unwrap_err().code()
    };
    // Another person, another question, no reading, a log that is longer than it is.
    assert_eq!(
        refused(own(0xa1, 1), continued).await,
        Code::InvalidArgument
    );
    assert_eq!(
        refused(own(0xa2, 0), continued).await,
        Code::InvalidArgument
    );
    let listing = wire::Continued {
        reading: 3,
        ..continued
    };
    assert_eq!(refused(own(0xa1, 0), listing).await, Code::InvalidArgument);
    let longer = wire::Continued {
        entries: 1_000,
        ..continued
    };
    assert_eq!(refused(own(0xa1, 0), longer).await, Code::InvalidArgument);
    // Somebody else's entry as the next one.
    let others = wire::Continued {
        next_use: Some(70),
        ..continued
    };
    assert_eq!(refused(own(0xa1, 0), others).await, Code::Internal);
    // Long after.
    world.clock.set(now().plus(Duration::from_hours(1)));
    assert_eq!(
        refused(own(0xa1, 0), continued).await,
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn what_is_held_back_keeps_its_place_and_is_told_when_its_day_has_come() {
    let delays = toml::from_str::<std::collections::BTreeMap<String, Vec<Delay>>>(
        "held_back = [{ organisations = [\"974760673\"], kinds = [\"listing\"], days = 30 }]",
    );
    let world = World::with(PLENTY, delays.unwrap().remove("held_back").unwrap());
    world.used(0, 1, person(0), "983658776").await;
    world.used(0, 2, person(20), POLICE).await;
    world.used(0, 1, person(0), POLICE).await;
    let page = world.list(own(0xa1, 0)).await.unwrap();
    let (head, entries) = (uses_head_from_wire(&page).unwrap().head, shown(&page));
    check_inclusion(&head, &entries).unwrap();
    check_chain(&entries, question(0xa1)).unwrap();
    let day = now()
        .minus(Duration::from_hours(1))
        .plus(Duration::from_hours(24 * 30));
    let numbers: Vec<u64> = entries
        .iter()
        .filter(|entry| matches!(entry.told, Told::HeldBack { until, .. } if until == day))
        .map(|entry| entry.number)
        .collect();
    // Not what the person did themself through the same organisation.
    assert_eq!(numbers, [3, 2]);

    world.clock.set(day);
    let page = world.list(own(0xa2, 0)).await.unwrap();
    let told = shown(&page);
    assert!(
        told.iter()
            .all(|entry| matches!(entry.told, Told::Entry(_)))
    );
    assert_eq!(told[3].position, entries[2].position);
    check_chain(&told, question(0xa2)).unwrap();
}

#[tokio::test]
async fn a_head_that_witnesses_signed_is_shown_with_its_proof() {
    let world = World::new();
    world.used(0, 3, person(0), "983658776").await;
    let page = world.list(own(0xa1, 0)).await.unwrap();
    assert_eq!(page.witnessed, None);
    let early = uses_head_from_wire(&page).unwrap().head;
    world.used(0, 3, person(0), "983658776").await;
    let request = wire::ListUsesRequest {
        known_sizes: vec![early.size(), 0],
        ..own(0xa2, 0)
    };
    let page = world.list(request).await.unwrap();
    let head = uses_head_from_wire(&page).unwrap();
    check_witnessed(&early, &head.head, &head.known[0]).unwrap();
    assert!(check_witnessed(&early, &head.head, &head.known[1]).is_err());
}

#[tokio::test]
async fn a_table_for_a_dialog_has_every_use_after_the_reading_is_logged() {
    use crate::cases::{ShowUsesError, ShowsUses as _};
    let rule = format!("kinds = [\"listing\"]\norganisations = [\"{POLICE}\"]\ndays = 30\n");
    let world = World::with(PLENTY, vec![toml::from_str(&rule).unwrap()]);
    world.used(0, 100, person(0), "=983658776").await;
    world.used(0, 1, person(3), POLICE).await;
    world.used(1, 9, person(1), "999").await;
    let asks = |assurance| innsyn_policy::Request {
        subject: person(0),
        caller: Caller {
            person: person(0),
            organisation: organisation("her:90002"),
            assurance,
        },
        representation: Representation::Own,
        purpose: Purpose::OwnInsight,
    };
    let request = asks(Assurance::High);
    let table = world.uses.reading.uses(question(0xa1), &request).await;
    let table = table.unwrap();
    assert!(table.is_whole);
    let text = String::from_utf8(table.csv).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines.len(),
        1 + 1 + 1 + 100,
        "names, this reading, and all uses"
    );
    assert!(lines[1].contains("lesing av denne loggen"), "{}", lines[1]);
    assert!(lines[1].contains("her:90002"), "{}", lines[1]);
    assert!(
        lines[2].contains("holdes tilbake til 2027-02-14"),
        "{}",
        lines[2]
    );
    assert!(!text.contains(POLICE) && !text.contains("999"));
    assert!(lines[3].contains("'=983658776"), "no formula: {}", lines[3]);
    assert!(lines[3].contains("personen selv"), "{}", lines[3]);

    // What is too long is cut, and says so.
    for _ in 0..8 {
        world.used(0, 250, person(0), "983658776").await;
    }
    let table = world.uses.reading.uses(question(0xa2), &request).await;
    let table = table.unwrap();
    assert!(!table.is_whole && table.csv.len() < 256 * 1024);
    // Who is not proven well enough is refused, which is logged too.
    let weak = asks(Assurance::Substantial);
    let refused = world.uses.reading.uses(question(0xa3), &weak).await;
    assert!(matches!(refused, Err(ShowUsesError::Refused)));
    assert!(matches!(
        world.decisions().last(),
        Some(UseDecision::Denied(_))
    ));
}
