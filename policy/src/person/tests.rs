//! The vectors of the number formats, and what holds for every number.

use proptest::prelude::*;

use super::ParseNationalIdError::{self, ControlDigits, NotADate, NotElevenDigits};
use super::{Environment, NationalId, NotAdmittedError, NumberKind, NumberRules};
use super::{WEIGHTS_K1, WEIGHTS_K2, weighted};

const LENIENT: NumberRules = NumberRules {
    accept_2032: true,
    strict_series: false,
};
const STRICT: NumberRules = NumberRules {
    strict_series: true,
    ..LENIENT
};
const BEFORE_2032: NumberRules = NumberRules {
    accept_2032: false,
    ..LENIENT
};

/// Numbers that are well formed under every rule.
const VALID: &[(&str, NumberKind)] = &[
    ("01817010055", NumberKind::Synthetic), // 1 January 1970
    ("29820050124", NumberKind::Synthetic), // leap day 2000
    ("29820460160", NumberKind::Synthetic), // leap day 2004
    ("31929925060", NumberKind::Synthetic), // 31 December 1999
    ("31923999739", NumberKind::Synthetic), // 31 December 2039
    ("15864590125", NumberKind::Synthetic), // 1945, series 900
    ("10855574093", NumberKind::Synthetic), // 1855
    ("17851450076", NumberKind::Synthetic), // 2014, the first of its series
    ("24928500183", NumberKind::Synthetic), // individual number 001
    ("01891877885", NumberKind::Synthetic), // 2018
    ("45836233313", NumberKind::Synthetic), // D-number
    ("71810165086", NumberKind::Synthetic), // D-number of a 31st, 2001
    ("12519020120", NumberKind::HNumberOrSynthetic),
    ("47477741181", NumberKind::HNumberOrSynthetic), // D-number
    ("20679512316", NumberKind::SyntheticMixed),
    ("81234567802", NumberKind::SharedAuxiliary),
    ("90000000220", NumberKind::SharedAuxiliary),
    ("87654321017", NumberKind::SharedAuxiliary),
];

/// Numbers whose first check leaves 1, 2 or 3, as Skatteetaten hands them out from 2032.
const FROM_2032: &[&str] = &["03843360156", "03843360245", "03843360334", "43843364099"];

/// Strings that are a number under no rule.
#[rustfmt::skip]
const INVALID: &[(&str, ParseNationalIdError, &str)] = &[
    ("01817010005", ControlDigits, "first control digit"),
    ("01817010056", ControlDigits, "second control digit"),
    ("0181701005", NotElevenDigits, "ten digits"),
    ("018170100550", NotElevenDigits, "twelve digits"),
    ("", NotElevenDigits, "nothing"),
    ("018170 10055", NotElevenDigits, "a space inside"),
    (" 0181701005", NotElevenDigits, "a space before"),
    ("01817O10055", NotElevenDigits, "the letter O"),
    ("٠١٨١٧٠١٠٠٥٥", NotElevenDigits, "digits that are not ASCII"),
    ("30828030082", NotADate, "30 February"),
    ("29820160027", NotADate, "29 February 2001"),
    ("31849022310", NotADate, "31 April"),
    ("00819022208", NotADate, "day 0"),
    ("10939022207", NotADate, "month 13"),
    ("10809022299", NotADate, "month 0"),
    ("00000000000", NotADate, "zeros"),
    ("10817010055", ControlDigits, "transposed digits"),
    ("45832633313", ControlDigits, "transposed digits of the year"),
    ("03847021054", ControlDigits, "the first check leaves 4"),
    ("72817021019", NotADate, "day 32 of a D-number"),
];

/// Numbers that only the series of the individual number tells from valid ones.
const STRICT_ONLY: &[(&str, &str)] = &[
    ("29820010092", "29 February 1900"),
    ("10854560080", "year 45 has no series 600"),
    ("10856080078", "year 60 has no series 800"),
];

#[test]
fn a_number_of_eleven_digits_is_read_as_its_text_is() {
    let cases = VALID.iter().map(|(text, _)| *text);
    let cases = cases.chain(INVALID.iter().map(|(text, ..)| *text));
    for text in cases.filter(|text| text.len() == 11) {
        let Ok(number) = text.parse() else { continue };
        let read = NationalId::from_number(number, LENIENT);
        assert_eq!(read, NationalId::parse(text, LENIENT), "{text}");
        assert!(read.is_err() || read.unwrap().expose_number() == number);
    }
    for too_long in [100_000_000_000, 101_817_010_055, u64::MAX] {
        let read = NationalId::from_number(too_long, LENIENT);
        assert_eq!(read, Err(NotElevenDigits));
    }
}

#[test]
fn valid_numbers_are_read_and_their_kind_is_known() {
    for (text, kind) in VALID {
        for rules in [LENIENT, STRICT, BEFORE_2032] {
            let id = NationalId::parse(text, rules);
            assert_eq!(id.map(|id| id.kind()), Ok(*kind), "{text} by {rules:?}");
        }
    }
}

#[test]
fn invalid_numbers_are_refused_for_the_right_reason() {
    for (text, error, why) in INVALID {
        for rules in [LENIENT, STRICT] {
            assert_eq!(
                NationalId::parse(text, rules),
                Err(*error),
                "{why}, by {rules:?}"
            );
        }
    }
}

#[test]
fn numbers_from_2032_are_read_if_the_rules_say_so() {
    for text in FROM_2032 {
        for rules in [LENIENT, STRICT] {
            let id = NationalId::parse(text, rules);
            assert_eq!(id.map(|id| id.kind()), Ok(NumberKind::Synthetic), "{text}");
        }
        assert_eq!(
            NationalId::parse(text, BEFORE_2032),
            Err(ControlDigits),
            "{text}"
        );
    }
}

#[test]
fn only_strict_rules_read_the_century_from_the_series() {
    for (text, why) in STRICT_ONLY {
        assert!(NationalId::parse(text, LENIENT).is_ok(), "{why}");
        assert_eq!(NationalId::parse(text, STRICT), Err(NotADate), "{why}");
    }
}

/// They no longer follow the series, so that there is no century to read.
#[test]
fn strict_rules_leave_numbers_from_2032_alone() {
    let no_series = |remainder| {
        (600..700).find_map(|individual| with_control_digits("108545", individual, remainder))
    };
    for remainder in 1..=3 {
        let text = no_series(remainder).unwrap();
        assert!(
            NationalId::parse(&text, STRICT).is_ok(),
            "the first check leaves {remainder}"
        );
    }
    assert!(NationalId::parse(&no_series(0).unwrap(), STRICT).is_err());
}

#[test]
fn by_default_numbers_from_2032_are_read_and_series_are_not() {
    assert_eq!(NumberRules::default(), LENIENT);
}

/// The two that could be a real person's have control digits that nobody's number has.
#[test]
fn production_refuses_invented_people_and_test_refuses_all_others() {
    use Environment::{Production, Test};
    use NotAdmittedError as E;
    let birth = NationalId(*b"01010000000");
    let d_number = NationalId(*b"41010000000");
    let admitted = |environment: Environment, id: NationalId| environment.admit_citizen(&id);

    assert_eq!(birth.kind(), NumberKind::Birth);
    assert_eq!(admitted(Production, birth), Ok(()));
    assert_eq!(admitted(Test, birth), Err(E::RealInTest));
    assert_eq!(d_number.kind(), NumberKind::DNumber);
    assert_eq!(admitted(Production, d_number), Ok(()));
    assert_eq!(admitted(Test, d_number), Err(E::RealInTest));
    for (text, kind) in VALID {
        let id = read(text);
        let (in_production, in_test) = match kind {
            NumberKind::SharedAuxiliary => (Err(E::Auxiliary), Err(E::Auxiliary)),
            NumberKind::Birth | NumberKind::DNumber => (Ok(()), Err(E::RealInTest)),
            _ => (Err(E::SyntheticInProduction), Ok(())),
        };
        assert_eq!(
            admitted(Production, id),
            in_production,
            "{text} in production"
        );
        assert_eq!(admitted(Test, id), in_test, "{text} in a test system");
    }
}

/// The individual number puts each of these in the century that `strict_series` checks.
#[test]
fn each_series_stands_for_one_century() {
    for (year, individual, century) in [
        ("54", 500, Some(1800)),
        ("99", 749, Some(1800)),
        ("53", 500, None),
        ("54", 750, None),
        ("00", 0, Some(1900)),
        ("99", 499, Some(1900)),
        ("40", 900, Some(1900)),
        ("99", 999, Some(1900)),
        ("00", 500, Some(2000)),
        ("39", 999, Some(2000)),
        ("40", 500, None),
        ("40", 899, None),
    ] {
        let digits = format!("0181{year}{individual:03}00");
        let id = NationalId(digits.as_bytes().try_into().unwrap());
        assert_eq!(
            id.century(),
            century,
            "year {year}, individual number {individual}"
        );
    }
}

#[test]
fn promise_3_no_message_and_no_debug_output_carries_a_number() {
    for (text, _) in VALID {
        assert_eq!(format!("{:?}", read(text)), "NationalId(***)");
        assert_eq!(
            format!("{:#?}", Some(read(text)))
                .matches(char::is_numeric)
                .count(),
            0
        );
    }
    for (text, _, _) in INVALID.iter().filter(|(text, ..)| text.len() > 2) {
        let error = NationalId::parse(text, LENIENT).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(text), "{error}");
    }
}

proptest! {
    /// Input may not bring a process down, whatever it is.
    #[test]
    fn any_string_is_read_or_refused(text in ".{0,16}") {
        for rules in [LENIENT, STRICT, BEFORE_2032] {
            if let Ok(id) = NationalId::parse(&text, rules) {
                prop_assert_eq!(id.expose_str(), text.as_str());
            }
        }
    }

    #[test]
    fn any_eleven_digits_are_read_or_refused(text in "[0-9]{11}") {
        for rules in [LENIENT, STRICT, BEFORE_2032] {
            if let Ok(id) = NationalId::parse(&text, rules) {
                prop_assert_eq!(id.expose_str(), text.as_str());
                prop_assert_eq!(id.expose().as_slice(), text.as_bytes());
            }
        }
    }

    /// What goes in comes out, and what strict rules read, lenient rules read too.
    #[test]
    fn every_valid_number_is_read_as_it_was_written((text, remainder) in valid_numbers()) {
        let id = NationalId::parse(&text, LENIENT);
        prop_assert_eq!(id.map(|id| id.expose_str().to_owned()), Ok(text.clone()));
        prop_assert_eq!(NationalId::parse(&text, BEFORE_2032).is_ok(), remainder == 0);
    }

    /// The control digits catch every single wrong digit.
    #[test]
    fn one_wrong_digit_is_always_found(
        (text, remainder) in valid_numbers(),
        at in 0_usize..11,
        by in 1_u8..10,
    ) {
        prop_assume!(remainder == 0);
        let mut digits = text.into_bytes();
        digits[at] = (digits[at] - b'0' + by) % 10 + b'0';
        let text = String::from_utf8(digits).unwrap();
        prop_assert_eq!(
            NationalId::parse(&text, BEFORE_2032),
            Err(ControlDigits)
        );
    }
}

/// Valid numbers of every kind that has a date, with what their first check leaves.
fn valid_numbers() -> impl Strategy<Value = (String, u32)> {
    let day = (1_u32..=28, prop::sample::select(vec![0_u32, 40]));
    let month = (1_u32..=12, prop::sample::select(vec![40_u32, 65, 80]));
    (day, month, 0_u32..100, 0_u32..1000, 0_u32..=3).prop_filter_map(
        "no control digit is ten",
        |((day, d_number), (month, series), year, individual, remainder)| {
            let date = format!("{:02}{:02}{year:02}", day + d_number, month + series);
            Some((
                with_control_digits(&date, individual, remainder)?,
                remainder,
            ))
        },
    )
}

/// `None` where a control digit would be ten.
fn with_control_digits(date: &str, individual: u32, remainder: u32) -> Option<String> {
    let digits = |text: &str| <[u8; 11]>::try_from(format!("{text:0<11}").as_bytes()).unwrap();
    let nine = format!("{date}{individual:03}");
    let k1 = (11 + remainder - weighted(&digits(&nine), &WEIGHTS_K1) % 11) % 11;
    let ten = format!("{nine}{k1}");
    let k2 = (11 - weighted(&digits(&ten), &WEIGHTS_K2) % 11) % 11;
    (k1 < 10 && k2 < 10).then(|| format!("{ten}{k2}"))
}

fn read(text: &str) -> NationalId {
    NationalId::parse(text, LENIENT).unwrap()
}
