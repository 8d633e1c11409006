//! Who is believed to have signed a text, and what is not.

use innsyn_policy::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SanType, SignatureAlgorithm,
};
use tempfile::TempDir;

use super::*;

/// 2027-01-15T08:00:00Z.
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const TEXT: &str = "innsyn test 1\nword: yes\n";

struct Ca {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
    authority: Authority,
}

impl Ca {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, params.self_signed(&key).unwrap().pem()).unwrap();
        Self {
            authority: Authority::load(&path).unwrap(),
            issuer: Issuer::new(params, key),
            folder,
        }
    }

    fn issues(&self, uri: &str, algorithm: &'static SignatureAlgorithm) -> Credentials {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let uri = SanType::URI(uri.try_into().unwrap());
        params.subject_alt_names.push(uri);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let files = ["certificate.pem", "key.pem"].map(|it| self.folder.path().join(it));
        std::fs::write(&files[0], certificate.pem()).unwrap();
        std::fs::write(&files[1], key.serialize_pem()).unwrap();
        Credentials::load(&files[0], &files[1]).unwrap()
    }
}

#[test]
fn a_text_is_its_signers_whatever_the_key() {
    let ca = Ca::new();
    for algorithm in [&PKCS_ED25519, &PKCS_ECDSA_P256_SHA256] {
        let kreft = ca.issues("innsyn://node/kreft", algorithm);
        let signed = kreft.sign(TEXT).unwrap();
        let (text, certificate) = ca.authority.read_signed(&signed, NOW).unwrap();
        assert_eq!(text, TEXT);
        assert_eq!(certificate, kreft.certificate);
    }
}

#[test]
fn another_ca_another_key_and_a_changed_text_are_refused() {
    use SignedTextError as E;
    let (ca, other) = (Ca::new(), Ca::new());
    let kreft = ca.issues("innsyn://node/kreft", &PKCS_ED25519);
    let npr = ca.issues("innsyn://node/npr", &PKCS_ED25519);
    let signed = kreft.sign(TEXT).unwrap();
    let refused = |authority: &Authority, signed: &str| {
        authority
            .read_signed(signed, NOW)
            .map(|(text, _)| text.to_owned())
    };
    let error = refused(&other.authority, &signed).unwrap_err();
    assert!(matches!(error, E::NotOfFederation));
    let changed = signed.replace("word: yes", "word: no");
    let error = refused(&ca.authority, &changed).unwrap_err();
    assert!(matches!(error, E::Signature));
    // The signature of one with the certificate of the other.
    let (_, theirs) = npr
        .sign(TEXT)
        .unwrap()
        .split_once("-----BEGIN")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let (own, _) = signed.split_once("-----BEGIN").unwrap();
    let error = refused(&ca.authority, &format!("{own}-----BEGIN{theirs}")).unwrap_err();
    assert!(matches!(error, E::Signature));
    for cut in [0, 10, TEXT.len(), TEXT.len() + 20, signed.len() / 2] {
        assert!(refused(&ca.authority, &signed[..cut]).is_err(), "{cut}");
    }
    let long_ago = ca
        .authority
        .read_signed(&signed, Timestamp::from_seconds(0));
    assert!(matches!(long_ago, Err(E::NotOfFederation)));
}
