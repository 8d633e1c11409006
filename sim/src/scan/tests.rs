//! A secret in each writing is found, wherever it lies, and nothing else is.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use innsyn_policy::NumberRules;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::*;

const SAYING: [u8; 16] = [
    0x7e, 0x1d, 0x7a, 0x52, 0x71, 0xa0, 0x4e, 0x0b, 0x9a, 0x3c, 0, 0, 0, 0, 0, 0x71,
];

fn id() -> NationalId {
    NationalId::parse("01815000036", NumberRules::default()).unwrap()
}

fn canary() -> [u8; 32] {
    let mut canary = [0; 32];
    ChaCha8Rng::seed_from_u64(7).fill_bytes(&mut canary);
    // In base64 these have `/` or `_` in them, wherever they begin.
    canary.get_mut(12..18).unwrap().fill(0xFF);
    canary
}

fn scanner() -> Scanner {
    let mut scanner = Scanner::default();
    scanner.add_national_id(&NationalId::parse("02815000075", NumberRules::default()).unwrap());
    scanner.add_national_id(&id());
    scanner.add_canary(&canary());
    scanner.add_saying(&SAYING);
    scanner
}

/// Each of the two secrets as other code than the scanner's would write it.
fn leaks() -> Vec<(Secret, Writing, Vec<u8>)> {
    let (digits, canary) = ("01815000036", canary());
    let number: u64 = 1_815_000_036;
    let utf16 = |bytes_of: fn(u16) -> [u8; 2]| digits.encode_utf16().flat_map(bytes_of).collect();
    let mut leaks = vec![
        (
            Secret::NationalId,
            Writing::Bytes,
            format!("fnr={digits}").into_bytes(),
        ),
        (
            Secret::NationalId,
            Writing::Utf16Le,
            utf16(u16::to_le_bytes),
        ),
        (
            Secret::NationalId,
            Writing::Utf16Be,
            utf16(u16::to_be_bytes),
        ),
        (
            Secret::NationalId,
            Writing::IntegerLe,
            number.to_le_bytes().to_vec(),
        ),
        (
            Secret::NationalId,
            Writing::IntegerBe,
            number.to_be_bytes().to_vec(),
        ),
        (
            Secret::NationalId,
            Writing::PackedRight,
            vec![0x00, 0x18, 0x15, 0x00, 0x00, 0x36],
        ),
        (
            Secret::NationalId,
            Writing::PackedLeft,
            vec![0x01, 0x81, 0x50, 0x00, 0x03, 0x60],
        ),
        (
            Secret::NationalId,
            Writing::PackedSigned,
            vec![0x01, 0x81, 0x50, 0x00, 0x03, 0x6C],
        ),
    ];
    let mut bytes = |secret, bytes: &[u8]| {
        let pairs = |upper: bool| {
            let pair = |byte: &u8| {
                if upper {
                    format!("{byte:02X}")
                } else {
                    format!("{byte:02x}")
                }
            };
            bytes.iter().map(pair).collect::<String>().into_bytes()
        };
        leaks.push((secret, Writing::Bytes, bytes.to_vec()));
        leaks.push((secret, Writing::Hex, pairs(false)));
        leaks.push((secret, Writing::HexUpper, pairs(true)));
        leaks.push((secret, Writing::List, format!("{bytes:?}").into_bytes()));
        for offset in 0..3 {
            let before = b"{{{".get(..offset).unwrap();
            let surrounded = [before, bytes, b"\"}"].concat();
            let offset = u8::try_from(offset).unwrap();
            let standard = BASE64_STANDARD.encode(&surrounded).into_bytes();
            leaks.push((secret, Writing::Base64(offset), standard));
            if secret == Secret::Canary {
                let url = URL_SAFE_NO_PAD.encode(&surrounded).into_bytes();
                leaks.push((secret, Writing::Base64Url(offset), url));
            }
        }
    };
    bytes(Secret::NationalId, digits.as_bytes());
    bytes(Secret::Canary, &canary);
    let printed = format!("{:?}", bytes::Bytes::copy_from_slice(&canary));
    leaks.push((Secret::Canary, Writing::Escaped, printed.into_bytes()));
    for text in [
        "7e1d7a52-71a0-4e0b-9a3c-000000000071",
        "7E1D7A52-71A0-4E0B-9A3C-000000000071",
    ] {
        leaks.push((Secret::Saying, Writing::Guid, text.as_bytes().to_vec()));
    }
    leaks.push((Secret::Saying, Writing::Bytes, SAYING.to_vec()));
    leaks
}

#[test]
fn a_secret_is_found_in_every_writing_and_named_rightly() {
    let scanner = scanner();
    for (secret, writing, leak) in leaks() {
        let file = [b"before ", leak.as_slice(), b" after"].concat();
        let seen = scanner.bytes(&file);
        let number = usize::from(secret == Secret::NationalId);
        assert!(
            seen.iter()
                .any(|s| (s.secret, s.number, s.writing) == (secret, number, writing)),
            "{secret:?} as {writing:?} was not found, but {seen:?}"
        );
    }
}

#[test]
fn a_planted_secret_is_found_at_every_place_of_a_large_file() {
    let (folder, scanner) = (tempfile::tempdir().unwrap(), scanner());
    let path = folder.path().join("dump");
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut file = vec![0; 2 * WINDOW_BYTES + 3 * AHEAD_BYTES];
    random.fill_bytes(&mut file);
    assert_eq!(scanner.bytes(&file), [], "noise is nobody");
    let leaks = leaks();
    // Across both borders between windows, at the very beginning and the very end.
    let borders = [WINDOW_BYTES, 2 * WINDOW_BYTES];
    for (secret, writing, leak) in &leaks {
        let mut places = vec![0, file.len() - leak.len()];
        for border in borders {
            places.push(border - leak.len());
            places.push(border - random.random_range(1..leak.len()));
            places.push(border);
        }
        let mut marked = file.clone();
        for place in &places {
            // The later one may overwrite its neighbour; whichever is whole must be found once.
            marked
                .get_mut(*place..*place + leak.len())
                .unwrap()
                .copy_from_slice(leak);
        }
        fs::write(&path, &marked).unwrap();
        let (bytes, mut seen) = scanner.file(&path).unwrap();
        assert_eq!(bytes, marked.len() as u64);
        let mut at_once = scanner.bytes(&marked);
        seen.sort_unstable();
        at_once.sort_unstable();
        assert_eq!(seen, at_once, "{secret:?} as {writing:?}");
        assert!(seen.len() >= 4, "{secret:?} as {writing:?}: {seen:?}");
    }
}

#[test]
fn a_number_that_goes_on_into_an_empty_page_is_found() {
    let mut scanner = Scanner::default();
    scanner.add_national_id(&id());
    let number = 1_815_000_036_u64.to_le_bytes();
    for before in 4_088..=4_096 {
        let mut dump = vec![1; before];
        dump.extend(number);
        dump.resize(3 * 4_096, 0);
        assert_eq!(scanner.bytes(&dump).len(), 1, "at {before}");
    }
}

#[test]
fn tokens_are_decoded() {
    // Coded twice, so that only decoding brings it to light.
    let inner = URL_SAFE_NO_PAD.encode(r#"{"sub_pid":"01815000036"}"#);
    let payload = URL_SAFE_NO_PAD.encode(format!(r#"{{"inner":"{inner}"}}"#));
    let line = format!("authorization: Bearer eyJhbGciOiJFUzI1NiJ9.{payload}.c2lnbmF0dXJl\n");
    let seen = scanner().bytes(line.as_bytes());
    assert!(!seen.is_empty());
    assert!(seen.iter().all(|sighting| sighting.in_token), "{seen:?}");
}

#[test]
fn a_folder_is_searched_to_the_bottom_and_names_count() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    fs::write(below.join("clean"), "nothing").unwrap();
    fs::write(below.join("leak"), hex::encode(canary())).unwrap();
    fs::write(folder.path().join("01815000036.txt"), "").unwrap();

    let searched = scanner().folder(folder.path()).unwrap();

    assert_eq!((searched.files, searched.bytes), (3, 71));
    let mut marked: Vec<_> = searched
        .marked
        .iter()
        .map(|marked| marked.path.file_name().unwrap().to_str().unwrap())
        .collect();
    marked.sort_unstable();
    assert_eq!(marked, ["01815000036.txt", "leak"]);
}

#[test]
fn what_is_printed_of_a_scanner_and_a_sighting_holds_no_secret() {
    let scanner = scanner();
    let leak: Vec<u8> = leaks().into_iter().flat_map(|(.., leak)| leak).collect();
    let printed = format!("{scanner:?} {:?}", scanner.bytes(&leak));
    assert_eq!(scanner.bytes(printed.as_bytes()), []);
}
