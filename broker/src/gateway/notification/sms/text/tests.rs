//! The text and its letters.

use super::*;

#[test]
fn the_text_fits_one_sms_and_names_neither_register_nor_health() {
    let septets = septets(TEXT).unwrap();
    assert!(septets.len() <= 160, "{}", septets.len());
    assert_eq!(septets.len(), TEXT.chars().count());
    for word in ["register", "sak", "case", "sykdom", "Innsyn"] {
        assert!(!TEXT.contains(word), "{word}");
    }
}

#[test]
fn letters_are_where_the_standard_has_them() {
    assert_eq!(ALPHABET.chars().count(), 128);
    let known = [
        ('@', 0x00),
        ('\n', 0x0a),
        ('Ø', 0x0b),
        ('ø', 0x0c),
        ('Å', 0x0e),
        ('å', 0x0f),
        ('Æ', 0x1c),
        ('æ', 0x1d),
        (' ', 0x20),
        ('¤', 0x24),
        ('0', 0x30),
        ('A', 0x41),
        ('§', 0x5f),
        ('a', 0x61),
        ('à', 0x7f),
    ];
    for (letter, septet) in known {
        assert_eq!(septets(&letter.to_string()), Some(vec![septet]), "{letter}");
    }
    for none in ["€", "\u{1b}", "ł", "{"] {
        assert_eq!(septets(none), None, "{none:?}");
    }
}
