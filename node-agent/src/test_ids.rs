//! Synthetic people for the tests: numbers of Skatteetaten's kind, month + 80.

use innsyn_policy::{
    Assurance, Caller, Clearance, Decision, Environment, LegalBasis, NationalId, NumberRules,
    Organisation, Purpose, Register, RegisterId, RegisterKind, Representation, Request, Settings,
    Timestamp, decide,
};

use crate::sources::Numbers;

/// How the tests read numbers.
pub(crate) const NUMBERS: Numbers = Numbers {
    rules: NumberRules {
        accept_2032: true,
        strict_series: false,
    },
    environment: Environment::Test,
};

/// The digits of the `n`-th synthetic person, valid control digits included.
pub(crate) fn digits(n: usize) -> String {
    numbers(80).nth(n).expect("a number")
}

/// The digits of the `n`-th number that looks like a real one.
pub(crate) fn looks_real(n: usize) -> String {
    numbers(0).nth(n).expect("a number")
}

/// The `n`-th synthetic person.
pub(crate) fn person(n: usize) -> NationalId {
    NationalId::parse(&digits(n), NUMBERS.rules).expect("valid digits")
}

/// The right to look `subject` up, as only a decision gives it.
pub(crate) fn clearance(subject: NationalId) -> Clearance {
    let request = Request {
        subject,
        caller: Caller {
            person: subject,
            organisation: Organisation::parse("999999999").expect("an organisation"),
            assurance: Assurance::High,
        },
        representation: Representation::Own,
        purpose: Purpose::OwnInsight,
    };
    let register = Register {
        id: RegisterId::parse("kreft").expect("a register id"),
        kind: RegisterKind::Central,
        legal_basis: LegalBasis::Mandatory,
        membership_is_sensitive: false,
    };
    match decide(
        &request,
        &register,
        Settings::Known(&[]),
        Timestamp::from_seconds(0),
    ) {
        Decision::Allow(clearance) => clearance,
        other => panic!("own insight is allowed, not {other:?}"),
    }
}

fn numbers(offset: u32) -> impl Iterator<Item = String> {
    (0_u32..).filter_map(move |n| {
        let (day, month) = (n % 28 + 1, n / 28 % 12 + 1 + offset);
        let (year, individual) = (n / 336 % 40 + 50, n / 13_440 % 500);
        let nine = format!("{day:02}{month:02}{year:02}{individual:03}");
        let digits: Vec<u32> = nine.bytes().map(|b| u32::from(b - b'0')).collect();
        let check = |weights: &[u32], digits: &[u32]| {
            let sum: u32 = digits.iter().zip(weights).map(|(d, w)| d * w).sum();
            (11 - sum % 11) % 11
        };
        let first = check(&[3, 7, 6, 1, 8, 9, 4, 5, 2], &digits);
        let ten: Vec<u32> = digits.into_iter().chain([first]).collect();
        let second = check(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2], &ten);
        (first < 10 && second < 10).then(|| format!("{nine}{first}{second}"))
    })
}
