use super::*;

fn register(name: &str) -> RegisterId {
    RegisterId::parse(name).unwrap()
}

#[test]
fn every_register_that_was_asked_has_exactly_one_outcome() {
    let mut account = Account::new(["kreft", "msis", "npr", "dar"].map(register));
    account
        .book(&register("npr"), RegisterOutcome::Answered)
        .unwrap();
    account
        .book(&register("msis"), RegisterOutcome::Refused)
        .unwrap();
    account
        .book(&register("kreft"), RegisterOutcome::Answered)
        .unwrap();
    assert_eq!(account.open(), 1);

    let coverage = account.close();
    assert_eq!(coverage.asked(), 4);
    assert_eq!(coverage.count(RegisterOutcome::Answered), 2);
    assert!(
        coverage
            .with(RegisterOutcome::Refused)
            .eq([&register("msis")])
    );
    assert!(
        coverage
            .with(RegisterOutcome::Silent)
            .eq([&register("dar")])
    );
    assert!(!coverage.is_complete());
    assert_eq!(coverage.iter().count(), 4);
}

#[test]
fn the_first_outcome_stands_and_a_stranger_is_refused() {
    let mut account = Account::new([register("kreft")]);
    account
        .book(&register("kreft"), RegisterOutcome::Answered)
        .unwrap();
    assert_eq!(
        account.book(&register("kreft"), RegisterOutcome::Silent),
        Err(BookError::Twice(register("kreft")))
    );
    assert_eq!(
        account.book(&register("npr"), RegisterOutcome::Answered),
        Err(BookError::NotAsked(register("npr")))
    );
    assert!(account.close().is_complete());
}
