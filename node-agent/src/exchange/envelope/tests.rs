//! What envelopes promise, among our own. Those of OpenSSL are tried in the system tests.

use std::fs;

use cms::cert::x509::der::asn1::{Any, ObjectIdentifier, OctetString};
use cms::cert::x509::der::{Decode as _, Encode as _};
use cms::content_info::ContentInfo;
use cms::enveloped_data::{EnvelopedData, RecipientInfo};
use innsyn_policy::Timestamp;
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rcgen::{KeyUsagePurpose, RsaKeySize};

use super::super::test_parties::{NOW, Wish};
use super::{
    Certificate, CertificateError, DecryptionKey, OpenError, SigningKey, ber, sealed, signed,
};
use super::{open, seal};

const CONTENT: &[u8] = b"<MsgHead>innsyn</MsgHead>";
/// 3DES in CBC mode, AES-128 in CBC mode and DES: none is read.
const OTHER_CIPHERS: [&str; 3] = [
    "1.2.840.113549.3.7",
    "2.16.840.1.101.3.4.1.2",
    "1.3.14.3.2.7",
];

/// What seals. What opens has other randomness: with the same, the key that is put in the place of
/// one that cannot be unwrapped would be the right one.
fn random() -> StdRng {
    StdRng::seed_from_u64(1)
}

fn sealed_by(signer: &SigningKey, to: &Certificate) -> Vec<u8> {
    seal(CONTENT, signer, to, NOW, &mut random()).unwrap()
}

fn try_open(
    envelope: &[u8],
    keys: &[DecryptionKey],
    signers: &[&Certificate],
) -> Result<Vec<u8>, OpenError> {
    open(envelope, keys, signers, &mut StdRng::seed_from_u64(2)).map(|content| content.to_vec())
}

/// The envelope with its outer layer changed.
fn changed(envelope: &[u8], change: impl FnOnce(&mut EnvelopedData)) -> Vec<u8> {
    let mut info = ContentInfo::from_der(envelope).unwrap();
    let mut data: EnvelopedData = info.content.decode_as().unwrap();
    change(&mut data);
    info.content = Any::encode_from(&data).unwrap();
    info.to_der().unwrap()
}

#[test]
fn what_is_signed_and_sealed_is_opened_by_its_recipient_alone() {
    let (signer, recipient) = (Wish::signing(1).make(), Wish::encrypting(2).make());
    let (old, other) = (Wish::encrypting(3).make(), Wish::encrypting(4).make());
    let envelope = sealed_by(&signer.signing_key(), &recipient.certificate());
    let signers = [&signer.certificate()];

    let keys = [recipient.decryption_key()];
    assert_eq!(try_open(&envelope, &keys, &signers).unwrap(), CONTENT);
    // While a certificate is changed there are two keys, in whatever order.
    let keys = [old.decryption_key(), recipient.decryption_key()];
    assert_eq!(try_open(&envelope, &keys, &signers).unwrap(), CONTENT);
    let to_old = sealed_by(&signer.signing_key(), &old.certificate());
    assert_eq!(try_open(&to_old, &keys, &signers).unwrap(), CONTENT);

    let keys = [other.decryption_key()];
    assert_eq!(try_open(&envelope, &keys, &signers), Err(OpenError));
    assert_eq!(try_open(&envelope, &[], &signers), Err(OpenError));
    assert!(!envelope.windows(7).any(|part| part == b"MsgHead"));
}

#[test]
fn the_signer_must_be_registered_and_a_certificate_in_the_bag_is_not_enough() {
    let (signer, recipient) = (Wish::signing(1).make(), Wish::encrypting(2).make());
    let another = Wish::signing(5).make();
    // The same issuer and serial number, and another key: what a forger would put into the bag.
    let forged = Wish::signing(1).make();
    let keys = [recipient.decryption_key()];
    let registered = [&signer.certificate()];
    for wrong in [&another, &forged] {
        let envelope = sealed_by(&wrong.signing_key(), &recipient.certificate());
        assert_eq!(try_open(&envelope, &keys, &registered), Err(OpenError));
        let both = [&signer.certificate(), &wrong.certificate()];
        assert!(try_open(&envelope, &keys, &[&wrong.certificate()]).is_ok());
        assert_eq!(
            try_open(&envelope, &keys, &both).is_ok(),
            both[0].serial() != both[1].serial()
        );
    }
    let envelope = sealed_by(&signer.signing_key(), &recipient.certificate());
    assert_eq!(try_open(&envelope, &keys, &[]), Err(OpenError));
}

#[test]
fn no_cipher_but_aes_256_is_read() {
    let (signer, recipient) = (Wish::signing(1).make(), Wish::encrypting(2).make());
    let envelope = sealed_by(&signer.signing_key(), &recipient.certificate());
    let keys = [recipient.decryption_key()];
    let signers = [&signer.certificate()];
    assert!(try_open(&changed(&envelope, |_| {}), &keys, &signers).is_ok());
    for cipher in OTHER_CIPHERS {
        let envelope = changed(&envelope, |data| {
            data.encrypted_content.content_enc_alg.oid = ObjectIdentifier::new_unwrap(cipher);
        });
        assert_eq!(
            try_open(&envelope, &keys, &signers),
            Err(OpenError),
            "{cipher}"
        );
    }
}

#[test]
fn a_key_that_cannot_be_unwrapped_is_not_told_from_anything_else() {
    let (signer, recipient) = (Wish::signing(1).make(), Wish::encrypting(2).make());
    let envelope = sealed_by(&signer.signing_key(), &recipient.certificate());
    let keys = [recipient.decryption_key()];
    let signers = [&signer.certificate()];
    let wrapped_wrong = changed(&envelope, |data| {
        let mut all = data.recip_infos.0.clone().into_vec();
        if let RecipientInfo::Ktri(recipient) = &mut all[0] {
            let mut key = recipient.enc_key.as_bytes().to_vec();
            key[9] ^= 1;
            recipient.enc_key = OctetString::new(key).unwrap();
        }
        data.recip_infos.0 = all.try_into().unwrap();
    });
    assert_eq!(try_open(&wrapped_wrong, &keys, &signers), Err(OpenError));
    let content_wrong = changed(&envelope, |data| {
        let encrypted = data.encrypted_content.encrypted_content.as_ref().unwrap();
        let mut bytes = encrypted.as_bytes().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        data.encrypted_content.encrypted_content = Some(OctetString::new(bytes).unwrap());
    });
    assert_eq!(try_open(&content_wrong, &keys, &signers), Err(OpenError));
    // Signed and not encrypted, encrypted and not signed, and neither.
    let bare = signed::sign(CONTENT, &signer.signing_key(), NOW).unwrap();
    assert_eq!(try_open(&bare, &keys, &signers), Err(OpenError));
    let unsigned = sealed::encrypt(CONTENT, &recipient.certificate(), &mut random()).unwrap();
    assert_eq!(try_open(&unsigned, &keys, &signers), Err(OpenError));
    assert_eq!(try_open(CONTENT, &keys, &signers), Err(OpenError));
    assert_eq!(try_open(&[], &keys, &signers), Err(OpenError));
}

#[test]
fn no_byte_can_be_changed() {
    let (signer, recipient) = (Wish::signing(1).make(), Wish::encrypting(2).make());
    let envelope = sealed_by(&signer.signing_key(), &recipient.certificate());
    let keys = [recipient.decryption_key()];
    let signers = [&signer.certificate()];
    for byte in (0..envelope.len()).step_by(7) {
        let mut tampered = envelope.clone();
        tampered[byte] ^= 0x20;
        // What is changed may not matter (the recipient's algorithm has an unused parameter), but
        // then it gives the very content that was signed.
        if let Ok(content) = try_open(&tampered, &keys, &signers) {
            assert_eq!(content, CONTENT, "byte {byte}");
        }
        assert_eq!(try_open(&envelope[..byte], &keys, &signers), Err(OpenError));
    }
}

#[test]
fn a_signature_is_of_the_content_that_it_comes_with() {
    let signer = Wish::signing(1).make();
    let inner = signed::sign(CONTENT, &signer.signing_key(), NOW).unwrap();
    let signers = [&signer.certificate()];
    assert_eq!(&**signed::verify(&inner, &signers).unwrap(), CONTENT);
    let at = inner.windows(6).position(|part| part == b"innsyn").unwrap();
    let mut other = inner.clone();
    other[at] = b'X';
    assert_eq!(signed::verify(&other, &signers), Err(OpenError));
}

#[test]
fn a_certificate_is_valid_from_its_first_to_its_last_second_and_for_its_use_alone() {
    let certificate = Wish::signing(1).make().certificate();
    let begin = Timestamp::from_seconds(1_767_225_600);
    let end = Timestamp::from_seconds(1_830_297_600);
    for (at, valid) in [
        (begin.as_seconds() - 1, false),
        (begin.as_seconds(), true),
        (end.as_seconds(), true),
        (end.as_seconds() + 1, false),
    ] {
        assert_eq!(
            certificate.is_valid_at(Timestamp::from_seconds(at)),
            valid,
            "{at}"
        );
    }
    assert!(certificate.is_for(super::Usage::Sign) && !certificate.is_for(super::Usage::Encrypt));
    let for_all = Wish {
        usage: Vec::new(),
        ..Wish::signing(2)
    };
    let for_all = for_all.make().certificate();
    assert!(for_all.is_for(super::Usage::Sign) && for_all.is_for(super::Usage::Encrypt));
}

#[test]
fn a_pair_that_is_none_is_refused_with_its_files() {
    let (signer, recipient) = (Wish::signing(1).make(), Wish::encrypting(2).make());
    let (certificate, key) = (signer.certificate_file(), signer.key_file());
    let wrong = SigningKey::load(&certificate, &recipient.key_file()).unwrap_err();
    assert!(
        matches!(wrong, CertificateError::NotAPair { .. }),
        "{wrong}"
    );
    let wrong = DecryptionKey::load(&recipient.certificate_file(), &key).unwrap_err();
    assert!(
        matches!(wrong, CertificateError::NotAPair { .. }),
        "{wrong}"
    );
    let wrong = DecryptionKey::load(&certificate, &key).unwrap_err();
    assert!(wrong.to_string().contains("key encipherment"), "{wrong}");
    let wrong = SigningKey::load(&key, &key).unwrap_err();
    assert!(
        matches!(wrong, CertificateError::NoCertificate(_)),
        "{wrong}"
    );
    let wrong = SigningKey::load(&certificate, &certificate).unwrap_err();
    assert!(matches!(wrong, CertificateError::NoKey(_)), "{wrong}");
    fs::remove_file(&key).unwrap();
    let wrong = SigningKey::load(&certificate, &key).unwrap_err();
    assert!(wrong.to_string().contains("key.pem"), "{wrong}");
}

#[test]
fn a_longer_key_serves_as_well() {
    let wish = Wish {
        bits: RsaKeySize::_3072,
        usage: vec![
            KeyUsagePurpose::ContentCommitment,
            KeyUsagePurpose::KeyEncipherment,
        ],
        ..Wish::signing(9)
    };
    let made = wish.make();
    let envelope = sealed_by(&made.signing_key(), &made.certificate());
    let opened = try_open(&envelope, &[made.decryption_key()], &[&made.certificate()]);
    assert_eq!(opened.unwrap(), CONTENT);
}

#[test]
fn lengths_left_open_are_closed_and_pieces_joined() {
    use ber::Layer::{Sealed, Signed};
    // A sequence left open, with an octet string in two pieces in it.
    let open = [
        0x30, 0x80, 0x24, 0x80, 4, 1, b'a', 4, 2, b'b', b'c', 0, 0, 0, 0,
    ];
    assert_eq!(
        ber::to_der(&open, Signed).unwrap(),
        [0x30, 5, 4, 3, b'a', b'b', b'c']
    );
    // The encrypted content, in one piece; elsewhere this is a tag around a string.
    let tagged = [0xa0, 0x80, 4, 1, b'a', 0, 0];
    assert_eq!(ber::to_der(&tagged, Sealed).unwrap(), [0x80, 1, b'a']);
    assert_eq!(ber::to_der(&tagged, Signed).unwrap(), [0xa0, 3, 4, 1, b'a']);
    for broken in [
        &open[..14],
        &[0x30, 0x80],
        &[4, 0x80, 0, 0],
        &[0x30, 0x85, 1, 1, 1, 1, 1],
        &[0x1f, 1, 0],
    ] {
        assert_eq!(ber::to_der(broken, Sealed), None, "{broken:?}");
    }
    let deep = [[0x30, 0x80]; 40].concat();
    assert_eq!(ber::to_der(&deep, Sealed), None);
}

proptest! {
    #[test]
    fn anything_at_all_is_refused_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for layer in [ber::Layer::Sealed, ber::Layer::Signed] {
            if let Some(der) = ber::to_der(&bytes, layer) {
                prop_assert!(ber::to_der(&der, layer).is_some());
            }
        }
        prop_assert_eq!(try_open(&bytes, &[], &[]), Err(OpenError));
    }
}
