//! Parties in a file, and how long they are remembered.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use innsyn_policy::{ManualClock, Timestamp};

use super::super::test_parties::{NOW, Wish};
use super::super::{Condition, HerId, QueueName};
use super::{
    AddressFile, AddressFileError, AddressRegister, AddressesUnavailable, CachedAddresses,
    Freshness, Party,
};

const FRESHNESS: Freshness = Freshness {
    fresh: Duration::from_mins(5),
    outlive: Duration::from_hours(12),
};

fn party() -> Party {
    Party {
        active: true,
        async_queue: QueueName::parse("90002_async").unwrap(),
        sync_queue: None,
        error_queue: QueueName::parse("90002_error").unwrap(),
        signers: Vec::new(),
        recipients: Vec::new(),
        revoked: BTreeSet::default(),
    }
}

/// A register that counts how often it is asked, and can be out.
#[derive(Debug, Default)]
struct Counted {
    asked: AtomicUsize,
    out: AtomicBool,
    gone: AtomicBool,
}

impl AddressRegister for Counted {
    fn party(&self, _her: HerId) -> BoxFuture<'_, Result<Option<Party>, AddressesUnavailable>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = if self.out.load(Ordering::SeqCst) {
            Err(AddressesUnavailable("out".to_owned()))
        } else {
            Ok((!self.gone.load(Ordering::SeqCst)).then(party))
        };
        Box::pin(std::future::ready(answer))
    }
}

#[tokio::test]
async fn what_is_known_outlives_an_outage_for_the_stated_time_and_no_longer() {
    let clock = Arc::new(ManualClock::new(NOW));
    let source = Arc::new(Counted::default());
    let register: Arc<dyn AddressRegister> = source.clone();
    let cached = CachedAddresses::new(register, FRESHNESS, Arc::clone(&clock));
    let (her, other) = (
        HerId::parse("90002").unwrap(),
        HerId::parse("90003").unwrap(),
    );
    assert!(cached.party(her).await.unwrap().is_some());
    clock.advance(Duration::from_secs(299));
    assert!(cached.party(her).await.unwrap().is_some());
    assert_eq!(
        source.asked.load(Ordering::SeqCst),
        1,
        "fresh is not asked again"
    );

    source.out.store(true, Ordering::SeqCst);
    clock.advance(Duration::from_secs(1));
    assert!(cached.party(her).await.unwrap().is_some());
    assert_eq!(source.asked.load(Ordering::SeqCst), 2);
    assert!(
        cached.party(other).await.is_err(),
        "who was never known is not invented"
    );
    clock.advance(Duration::from_secs(43_200 - 301));
    assert!(cached.party(her).await.unwrap().is_some());
    clock.advance(Duration::from_secs(1));
    assert!(cached.party(her).await.is_err(), "twelve hours are over");

    source.out.store(false, Ordering::SeqCst);
    assert!(cached.party(her).await.unwrap().is_some());
    source.gone.store(true, Ordering::SeqCst);
    clock.advance(Duration::from_mins(5));
    assert!(
        cached.party(her).await.unwrap().is_none(),
        "what is gone is gone"
    );
}

#[tokio::test]
async fn a_clock_that_went_back_makes_nothing_last_longer() {
    let clock = Arc::new(ManualClock::new(NOW));
    let source = Arc::new(Counted::default());
    let register: Arc<dyn AddressRegister> = source.clone();
    let cached = CachedAddresses::new(register, FRESHNESS, Arc::clone(&clock));
    let her = HerId::parse("90002").unwrap();
    cached.party(her).await.unwrap();
    source.out.store(true, Ordering::SeqCst);
    clock.set(Timestamp::from_seconds(0));
    assert!(cached.party(her).await.is_err());
}

#[test]
fn why_there_is_nobody_to_have_signed_follows_from_the_register() {
    let (signing, expired) = (Wish::signing(1).make().certificate(), {
        let years = (2024, 2025);
        Wish {
            years,
            ..Wish::signing(2)
        }
        .make()
        .certificate()
    });
    let encrypting = Wish::encrypting(3).make().certificate();
    let with = |signers: &[&super::Certificate], revoked: &[&super::Certificate]| {
        let mut party = party();
        party.signers = signers.iter().map(|it| (*it).clone()).collect();
        party.revoked = revoked.iter().map(|it| it.serial()).collect();
        let signers = party.signers_at(NOW);
        signers
            .map(|all| all.len())
            .map_err(|fault| fault.condition)
    };
    assert_eq!(with(&[&signing, &expired], &[]), Ok(1));
    assert_eq!(with(&[], &[]), Err(Condition::MissingCertificate));
    assert_eq!(
        with(&[&encrypting], &[]),
        Err(Condition::MissingCertificate)
    );
    assert_eq!(with(&[&expired], &[]), Err(Condition::ExpiredCertificate));
    assert_eq!(
        with(&[&signing], &[&signing]),
        Err(Condition::RevokedCertificate)
    );
    assert_eq!(
        with(&[&signing, &expired], &[&signing]),
        Err(Condition::ExpiredCertificate)
    );

    let mut party = party();
    party.recipients = vec![signing, expired];
    assert!(party.recipient_at(NOW).is_none());
    party.recipients.push(encrypting.clone());
    assert_eq!(party.recipient_at(NOW), Some(&encrypting));
    party.revoked.insert(encrypting.serial());
    assert!(party.recipient_at(NOW).is_none());
}

#[tokio::test]
async fn a_file_of_parties_is_read_again_and_again_and_its_faults_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let signing = Wish::signing(1).make();
    fs::copy(signing.certificate_file(), folder.path().join("sign.pem")).unwrap();
    let path = folder.path().join("parties.toml");
    let file = AddressFile::new(path.clone());
    let her = HerId::parse("91468").unwrap();
    assert!(matches!(file.read(), Err(AddressFileError::Unreadable(..))));
    assert!(file.party(her).await.is_err(), "an outage, and not nobody");

    let section = "[[party]]\nher_id = 91468\nerror_queue = \"91468_error\"\n\
        async_queue = \"sb.test.nhn.no/DigitalDialog/91468_async\"\nsigners = [\"sign.pem\"]\n";
    fs::write(&path, section).unwrap();
    let party = file.party(her).await.unwrap().unwrap();
    assert!(party.active);
    assert_eq!(party.async_queue.as_str(), "91468_async");
    assert_eq!(party.signers, [signing.certificate()]);
    assert_eq!(file.party(HerId::parse("1").unwrap()).await.unwrap(), None);

    for (text, words) in [
        (
            format!("{section}{section}"),
            "party 91468 has two sections",
        ),
        (section.replace("91468_error", "a b"), "`error_queue`"),
        (section.replace("sign.pem", "none.pem"), "party 91468"),
        (section.replace("her_id = 91468", "her_id = 0"), "`her_id`"),
        (section.replace("signers", "signer"), "no file of parties"),
    ] {
        fs::write(&path, text).unwrap();
        let error = file.read().unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    fs::write(&path, format!("{section}active = false\n")).unwrap();
    assert!(!file.party(her).await.unwrap().unwrap().active);
}
