//! Certificates of both parties, made once.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use innsyn_agent::exchange::{DecryptionKey, SigningKey};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256,
    RsaKeySize, SerialNumber, date_time_ymd,
};

/// A certificate and its key, in PEM.
pub(super) struct Pem {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Pem {
    fn make(serial: u64, usage: KeyUsagePurpose, until: i32) -> Self {
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from(serial));
        params.distinguished_name = DistinguishedName::new();
        let name = format!("TEST {serial}");
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2024, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        params.key_usages = vec![usage];
        // With it comes the key's identifier, by which some name a signer.
        params.is_ca = IsCa::ExplicitNoCa;
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// Puts both into `folder`, under this name.
    pub(super) fn put(&self, folder: &Path, name: &str) {
        fs::write(folder.join(format!("{name}.pem")), &self.certificate).expect("a file");
        fs::write(folder.join(format!("{name}.key")), &self.key).expect("a file");
    }
}

pub(super) struct Keys {
    pub(super) our_signing_pem: Pem,
    pub(super) our_decryption_pem: Pem,
    pub(super) their_signing_pem: Pem,
    pub(super) their_decryption_pem: Pem,
    pub(super) expired_pem: Pem,
    pub(super) our_signing: SigningKey,
    pub(super) our_decryption: DecryptionKey,
    pub(super) their_signing: SigningKey,
    pub(super) their_decryption: DecryptionKey,
    pub(super) forged_signing: SigningKey,
    pub(super) expired_signing: SigningKey,
}

pub(super) fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        use KeyUsagePurpose::{ContentCommitment, KeyEncipherment};
        let ours = Pem::make(1, ContentCommitment, 2100);
        let our_decryption = Pem::make(2, KeyEncipherment, 2100);
        let theirs = Pem::make(3, ContentCommitment, 2100);
        let their_decryption = Pem::make(4, KeyEncipherment, 2100);
        let expired = Pem::make(5, ContentCommitment, 2025);
        let forged = Pem::make(3, ContentCommitment, 2100);
        Keys {
            our_signing: signing(&ours),
            our_decryption: decryption(&our_decryption),
            their_signing: signing(&theirs),
            their_decryption: decryption(&their_decryption),
            forged_signing: signing(&forged),
            expired_signing: signing(&expired),
            our_signing_pem: ours,
            our_decryption_pem: our_decryption,
            their_signing_pem: theirs,
            their_decryption_pem: their_decryption,
            expired_pem: expired,
        }
    })
}

fn signing(pem: &Pem) -> SigningKey {
    let folder = tempfile::tempdir().expect("a folder");
    pem.put(folder.path(), "it");
    let (certificate, key) = (folder.path().join("it.pem"), folder.path().join("it.key"));
    SigningKey::load(&certificate, &key).expect("a pair")
}

fn decryption(pem: &Pem) -> DecryptionKey {
    let folder = tempfile::tempdir().expect("a folder");
    pem.put(folder.path(), "it");
    let (certificate, key) = (folder.path().join("it.pem"), folder.path().join("it.key"));
    DecryptionKey::load(&certificate, &key).expect("a pair")
}
