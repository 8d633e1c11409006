//! Certificates and keys of parties.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{Pkcs1PrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use cms::cert::IssuerAndSerialNumber;
use cms::cert::x509;
use innsyn_policy::Timestamp;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use x509::der::{Decode as _, Encode as _};
use x509::ext::pkix::{KeyUsage, KeyUsages, SubjectKeyIdentifier};
use x509::time::Time;
use zeroize::Zeroizing;

/// The largest file of a certificate or key that is read.
const FILE_MAX: u64 = 64 << 10;

/// Why a certificate or a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The file cannot be read.
    #[error("`{}` cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// The file holds no certificate.
    #[error("`{}` does not hold a certificate in PEM", .0.display())]
    NoCertificate(PathBuf),
    /// The file holds no key.
    #[error("`{}` does not hold an RSA key of 2048 bits or more, as PKCS #8 in PEM", .0.display())]
    NoKey(PathBuf),
    /// The two do not belong together.
    #[error("the key `{}` is not that of the certificate `{}`", key.display(), certificate.display())]
    NotAPair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The certificate says that it is for something else.
    #[error("the certificate `{}` may not be used to {usage}", file.display())]
    Usage {
        /// The certificate's file.
        file: PathBuf,
        /// For what it was meant to be used.
        usage: Usage,
    },
}

/// What a certificate is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Signing what a party stands by.
    Sign,
    /// Encrypting to the party.
    Encrypt,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sign => "sign (non-repudiation)",
            Self::Encrypt => "encrypt (key encipherment)",
        })
    }
}

/// A certificate, read.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate(Arc<x509::Certificate>);

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.serial())
    }
}

impl Certificate {
    /// Reads a certificate in DER.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let read = x509::Certificate::from_der(der).ok()?;
        Some(Self(Arc::new(read)))
    }

    /// Reads the first certificate of a file in PEM.
    pub fn load(file: &Path) -> Result<Self, CertificateError> {
        let pem = read(file)?;
        CertificateDer::from_pem_slice(&pem)
            .ok()
            .and_then(|der| Self::from_der(&der))
            .ok_or_else(|| CertificateError::NoCertificate(file.to_owned()))
    }

    /// Whether its validity includes `now`.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        let validity = &self.0.tbs_certificate.validity;
        let seconds = |time: &Time| {
            let since = time.to_unix_duration().as_secs();
            Timestamp::from_seconds(i64::try_from(since).unwrap_or(i64::MAX))
        };
        // The last second is within: a certificate's end has no fraction.
        seconds(&validity.not_before).as_seconds() <= now.as_seconds()
            && now.as_seconds() <= seconds(&validity.not_after).as_seconds()
    }

    /// Whether it may be used so. One that says nothing of its use may.
    pub fn is_for(&self, usage: Usage) -> bool {
        let flag = match usage {
            Usage::Sign => KeyUsages::NonRepudiation,
            Usage::Encrypt => KeyUsages::KeyEncipherment,
        };
        match self.0.tbs_certificate.get::<KeyUsage>() {
            Ok(None) => true,
            Ok(Some((_, KeyUsage(flags)))) => flags.contains(flag),
            Err(_) => false,
        }
    }

    /// Its serial number, in hexadecimal digits.
    pub fn serial(&self) -> String {
        hex::encode(self.0.tbs_certificate.serial_number.as_bytes())
    }

    pub(super) fn name(&self) -> IssuerAndSerialNumber {
        IssuerAndSerialNumber {
            issuer: self.0.tbs_certificate.issuer.clone(),
            serial_number: self.0.tbs_certificate.serial_number.clone(),
        }
    }

    pub(super) fn key_identifier(&self) -> Option<SubjectKeyIdentifier> {
        let found = self.0.tbs_certificate.get::<SubjectKeyIdentifier>().ok()?;
        found.map(|(_, identifier)| identifier)
    }

    pub(super) fn inner(&self) -> &x509::Certificate {
        &self.0
    }

    /// The public key alone, as PKCS #1.
    pub(super) fn key_bits(&self) -> &[u8] {
        let key = &self.0.tbs_certificate.subject_public_key_info;
        key.subject_public_key.raw_bytes()
    }

    /// The public key with its algorithm.
    pub(super) fn key_info(&self) -> Option<Vec<u8>> {
        self.0.tbs_certificate.subject_public_key_info.to_der().ok()
    }
}

/// What a party signs with.
#[derive(Clone)]
pub struct SigningKey {
    pub(super) certificate: Certificate,
    pub(super) key: Arc<RsaKeyPair>,
}

/// What a party decrypts with.
#[derive(Clone)]
pub struct DecryptionKey {
    pub(super) certificate: Certificate,
    pub(super) key: Arc<Pkcs1PrivateDecryptingKey>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.certificate.serial())
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecryptionKey({})", self.certificate.serial())
    }
}

impl SigningKey {
    /// Reads a certificate and its key.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let (read, pkcs8) = pair(certificate, key, Usage::Sign)?;
        let pair =
            RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| CertificateError::NoKey(key.to_owned()))?;
        if pair.public_key().as_ref() != read.key_bits() {
            return Err(not_a_pair(certificate, key));
        }
        Ok(Self {
            certificate: read,
            key: Arc::new(pair),
        })
    }

    /// The certificate.
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

impl DecryptionKey {
    /// Reads a certificate and its key.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let (read, pkcs8) = pair(certificate, key, Usage::Encrypt)?;
        let no_key = || CertificateError::NoKey(key.to_owned());
        let private = PrivateDecryptingKey::from_pkcs8(&pkcs8).map_err(|_| no_key())?;
        let public = private.public_key().as_der().map_err(|_| no_key())?;
        if read.key_info().as_deref() != Some(public.as_ref()) {
            return Err(not_a_pair(certificate, key));
        }
        let key = Pkcs1PrivateDecryptingKey::new(private).map_err(|_| no_key())?;
        Ok(Self {
            certificate: read,
            key: Arc::new(key),
        })
    }

    /// The certificate.
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

fn pair(
    certificate: &Path,
    key: &Path,
    usage: Usage,
) -> Result<(Certificate, Zeroizing<Vec<u8>>), CertificateError> {
    let read_certificate = Certificate::load(certificate)?;
    if !read_certificate.is_for(usage) {
        return Err(CertificateError::Usage {
            file: certificate.to_owned(),
            usage,
        });
    }
    let pem = read(key)?;
    let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(&pem)
        .map_err(|_| CertificateError::NoKey(key.to_owned()))?;
    let pkcs8 = Zeroizing::new(pkcs8.secret_pkcs8_der().to_vec());
    Ok((read_certificate, pkcs8))
}

fn not_a_pair(certificate: &Path, key: &Path) -> CertificateError {
    CertificateError::NotAPair {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
    }
}

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
    let unreadable = |error| CertificateError::Unreadable(file.to_owned(), error);
    let mut bytes = Zeroizing::new(Vec::new());
    std::fs::File::open(file)
        .and_then(|opened| opened.take(FILE_MAX).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    Ok(bytes)
}
