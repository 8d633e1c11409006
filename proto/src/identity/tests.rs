use rcgen::{CertificateParams, KeyPair, PKCS_ED25519, SanType};

use super::*;

fn certificate(uris: &[&str]) -> (Vec<u8>, KeyPair) {
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let mut params = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
    params.subject_alt_names.extend(
        uris.iter()
            .map(|uri| SanType::URI((*uri).try_into().unwrap())),
    );
    (params.self_signed(&key).unwrap().der().to_vec(), key)
}

#[test]
fn an_identity_is_printed_as_it_is_read() {
    for uri in [
        "innsyn://node/kreft",
        "innsyn://gateway/helsenorge",
        "innsyn://relay/oslo-1",
    ] {
        assert_eq!(Identity::parse(uri).unwrap().to_string(), uri);
        let (der, _) = certificate(&[uri]);
        assert_eq!(
            PeerCertificate::read(&der).unwrap().identity.to_string(),
            uri
        );
    }
}

#[test]
fn a_uri_that_is_not_quite_ours_names_nobody() {
    for uri in [
        "innsyn://node/",
        "innsyn://node/Kreft",
        "innsyn://node/kreft/x",
        "innsyn://nodes/kreft",
        "innsyn://kreft",
        "https://node/kreft",
        "innsyn://gateway/helsenorge?x=1",
    ] {
        assert!(
            matches!(Identity::parse(uri), Err(IdentityError::UnknownUri(_))),
            "{uri}"
        );
    }
}

#[test]
fn a_certificate_speaks_for_exactly_one_party() {
    let read = |uris: &[&str]| PeerCertificate::read(&certificate(uris).0);
    assert_eq!(read(&[]), Err(IdentityError::NoIdentity));
    assert_eq!(
        read(&["https://example.no"]),
        Err(IdentityError::NoIdentity)
    );
    assert_eq!(
        read(&["innsyn://node/kreft", "innsyn://gateway/helsenorge"]),
        Err(IdentityError::SeveralIdentities)
    );
    assert_eq!(
        PeerCertificate::read(b"no certificate"),
        Err(IdentityError::Malformed)
    );
}

#[test]
fn a_pin_names_the_key_and_not_the_certificate() {
    let (first, key) = certificate(&["innsyn://node/kreft"]);
    let pin = PeerCertificate::read(&first).unwrap().pin;
    let expected: [u8; 32] =
        Sha256::digest(rcgen::PublicKeyData::subject_public_key_info(&key)).into();
    assert_eq!(pin.as_bytes(), &expected);
    assert_eq!(pin.to_string().parse(), Ok(pin));

    let (other, _) = certificate(&["innsyn://node/kreft"]);
    assert_ne!(PeerCertificate::read(&other).unwrap().pin, pin);
    for text in ["", "sha256:", "sha256:00", "md5:00", &"0".repeat(64)] {
        assert_eq!(text.parse::<PublicKeyPin>(), Err(ParsePinError), "{text}");
    }
}
