//! Parties with certificates of their own, for the tests.

use std::fs;
use std::path::PathBuf;

use innsyn_policy::Timestamp;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256,
    RsaKeySize, SerialNumber, date_time_ymd,
};
use tempfile::TempDir;

use super::{Certificate, DecryptionKey, SigningKey};

/// When the certificates are valid, unless a test says otherwise: the years 2026 and 2027.
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_795_774_272);

/// A certificate with its key, in files.
pub(super) struct Made {
    folder: TempDir,
}

/// What a certificate is made with.
pub(super) struct Wish {
    pub(super) serial: u64,
    pub(super) years: (i32, i32),
    pub(super) usage: Vec<KeyUsagePurpose>,
    pub(super) bits: RsaKeySize,
}

impl Wish {
    pub(super) fn signing(serial: u64) -> Self {
        Self {
            serial,
            years: (2026, 2028),
            usage: vec![KeyUsagePurpose::ContentCommitment],
            bits: RsaKeySize::_2048,
        }
    }

    pub(super) fn encrypting(serial: u64) -> Self {
        Self {
            usage: vec![KeyUsagePurpose::KeyEncipherment],
            ..Self::signing(serial)
        }
    }

    pub(super) fn make(self) -> Made {
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from(self.serial));
        params.distinguished_name = DistinguishedName::new();
        let name = format!("TEST {}", self.serial);
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(self.years.0, 1, 1);
        params.not_after = date_time_ymd(self.years.1, 1, 1);
        params.key_usages = self.usage;
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, self.bits).expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("certificate.pem"), certificate.pem()).expect("a file");
        fs::write(folder.path().join("key.pem"), key.serialize_pem()).expect("a file");
        Made { folder }
    }
}

impl Made {
    pub(super) fn certificate_file(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    pub(super) fn key_file(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    pub(super) fn certificate(&self) -> Certificate {
        Certificate::load(&self.certificate_file()).expect("a certificate")
    }

    pub(super) fn signing_key(&self) -> SigningKey {
        SigningKey::load(&self.certificate_file(), &self.key_file()).expect("a pair")
    }

    pub(super) fn decryption_key(&self) -> DecryptionKey {
        DecryptionKey::load(&self.certificate_file(), &self.key_file()).expect("a pair")
    }
}
