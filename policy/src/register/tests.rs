//! What is a register's short name.

use super::RegisterId;

#[test]
fn a_register_id_is_a_short_lower_case_label() {
    let longest = "a".repeat(32);
    for text in ["a", "kreft", "hunt-4", "k2", longest.as_str()] {
        let id = RegisterId::parse(text).unwrap();
        assert_eq!(id.as_str(), text);
        assert_eq!(id.to_string(), text);
    }
}

/// It becomes a DNS label and part of a URI in certificates, so nothing else may get through.
#[test]
fn whatever_is_no_dns_label_is_no_register_id() {
    let too_long = "a".repeat(33);
    for text in [
        "",
        "-",
        "kreft-",
        "-kreft",
        "4hunt",
        "Kreft",
        "kreft.oslo",
        "kreft oslo",
        "kreft\n",
        "../a",
        "krëft",
        "kreft_oslo",
        "01817010055",
        too_long.as_str(),
    ] {
        assert!(RegisterId::parse(text).is_err(), "`{text}`");
    }
}
