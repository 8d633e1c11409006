//! Sealing, and what does not open.

use innsyn_policy::RegisterId;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;

fn register(id: &str) -> RegisterId {
    RegisterId::parse(id).unwrap()
}

#[test]
fn an_item_has_one_size_and_only_its_agent_opens_it() {
    let key = OpeningKey::from_seed(&[1; 32]);
    let other = OpeningKey::from_seed(&[2; 32]);
    let mut random = StdRng::seed_from_u64(1);
    for length in [0, 1, 700, ItemKind::Setting.text_bytes_max()] {
        let text = "å".repeat(length / 2) + &"x".repeat(length % 2);
        let item = key
            .public()
            .seal(ItemKind::Setting, &register("kreft"), &text, &mut random)
            .unwrap();
        assert_eq!(item.len(), ItemKind::Setting.sealed_bytes());
        assert_eq!(key.open(&register("kreft"), &item).unwrap(), text);
        assert_eq!(
            other.open(&register("kreft"), &item),
            Err(SealError::NotOurs)
        );
        assert_eq!(key.open(&register("hunt"), &item), Err(SealError::NotOurs));
    }
    let too_long = "x".repeat(ItemKind::Setting.text_bytes_max() + 1);
    let sealed = key.public().seal(
        ItemKind::Setting,
        &register("kreft"),
        &too_long,
        &mut random,
    );
    assert_eq!(
        sealed,
        Err(SealError::TooLong(ItemKind::Setting.text_bytes_max()))
    );
}

#[test]
fn a_changed_item_does_not_open() {
    let key = OpeningKey::from_seed(&[1; 32]);
    let mut random = StdRng::seed_from_u64(2);
    let item = key
        .public()
        .seal(ItemKind::Setting, &register("kreft"), "text", &mut random)
        .unwrap();
    for byte in (0..ItemKind::Setting.sealed_bytes()).step_by(7) {
        let mut changed = item.clone();
        changed[byte] ^= 0x10;
        assert_eq!(
            key.open(&register("kreft"), &changed),
            Err(SealError::NotOurs),
            "byte {byte}"
        );
    }
    assert_eq!(
        key.open(&register("kreft"), &item[1..]),
        Err(SealError::NotOurs)
    );
}

#[test]
fn the_same_text_is_never_sealed_alike() {
    let key = OpeningKey::from_seed(&[1; 32]);
    let mut random = StdRng::seed_from_u64(3);
    let mut seal = || {
        key.public()
            .seal(ItemKind::Setting, &register("kreft"), "text", &mut random)
            .unwrap()
    };
    let (one, another) = (seal(), seal());
    let same = one.iter().zip(&another).filter(|(a, b)| a == b).count();
    assert!(
        same < ItemKind::Setting.sealed_bytes() / 64,
        "{same} bytes are the same"
    );
}

#[test]
fn a_key_is_read_as_it_is_written() {
    let key = OpeningKey::from_seed(&[1; 32]);
    assert_eq!(
        SealingKey::parse(&key.public().to_string()),
        Ok(key.public().clone())
    );
    for bad in ["", "AAAA", "not base64!"] {
        assert_eq!(SealingKey::parse(bad), Err(SealError::Key));
    }
}

#[test]
fn a_stream_opens_in_its_order_under_its_own_info_and_to_its_agent_alone() {
    let key = OpeningKey::from_seed(&[1; 32]);
    let other = OpeningKey::from_seed(&[2; 32]);
    let mut random = StdRng::seed_from_u64(1);
    let (encapsulated, mut sealing) = key.public().stream(b"what", &mut random).unwrap();
    let one = sealing.seal(b"one", b"part").unwrap();
    let two = sealing.seal(b"two", b"part").unwrap();

    let open = |key: &OpeningKey, info: &[u8]| key.stream(&encapsulated, info).unwrap();
    let mut opening = open(&key, b"what");
    assert_eq!(opening.open(&one, b"part").unwrap(), b"one");
    assert_eq!(opening.open(&two, b"part").unwrap(), b"two");
    assert!(open(&key, b"what").open(&two, b"part").is_err());
    assert!(open(&key, b"what").open(&one, b"end").is_err());
    assert!(open(&key, b"else").open(&one, b"part").is_err());
    assert!(open(&other, b"what").open(&one, b"part").is_err());
}
