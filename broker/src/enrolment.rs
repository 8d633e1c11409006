//! The federation's own certificate authority, for development and for federations too small
//! to have one.
//!
//! A folder holds two CAs. The *federation CA* signs nodes and gateways; the *relay CA* signs
//! relays, so that a relay's certificate can never pass for a node's. Every certificate carries
//! one identity (`innsyn://…`, see [`innsyn_proto::identity`]) and the host names under which its
//! owner is reached. All keys are Ed25519: signatures of one length, so that simulations repeat.
//!
//! This runs as a command of its own, `innsyn-broker ca`, and never inside a relay: whoever can
//! write certificates can open the tunnel. It never overwrites a file. There is no renewal and no
//! revocation list yet; a lost gateway key is answered by taking its pin out of the agents.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use innsyn_policy::{Clock, Timestamp};
use innsyn_proto::identity::{Identity, IdentityError, PeerCertificate, PublicKeyPin};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ED25519, SanType, date_time_ymd,
};
use rustls_pki_types::ServerName;
use sha2::{Digest, Sha256};

#[cfg(test)]
mod tests;

/// The federation CA's certificate, in the CA's folder and in every folder issued.
pub const FEDERATION_CA_FILE: &str = "federation-ca.pem";
/// The relay CA's certificate, in the CA's folder and in every folder issued.
pub const RELAY_CA_FILE: &str = "relay-ca.pem";
/// A party's certificate in the folder issued to it.
pub const CERTIFICATE_FILE: &str = "certificate.pem";
/// A party's private key in the folder issued to it.
pub const KEY_FILE: &str = "key.pem";

const FEDERATION_KEY_FILE: &str = "federation-ca-key.pem";
const RELAY_KEY_FILE: &str = "relay-ca-key.pem";

/// How long the two CAs are valid, days.
const CA_DAYS: u32 = 3650;
/// Certificates begin this long before they are issued: an agent's clock may be wrong by a minute.
const BACKDATED_BY: Duration = Duration::from_mins(5);

/// Why a certificate was not made.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// A file is there already; nothing is ever overwritten.
    #[error("`{path}` exists already and is not overwritten", path = .0.display())]
    Exists(PathBuf),
    /// A file cannot be read or written.
    #[error("`{path}` cannot be read or written", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        source: io::Error,
    },
    /// The name cannot stand in a certificate.
    #[error("`{0}` cannot be a name in a certificate")]
    Name(String),
    /// A relay is reached under host names, and none was given.
    #[error("a relay needs at least one host name or IP address; give `--host`")]
    NoHost,
    /// A node or gateway is reached through a relay, never under a host name.
    #[error("only a relay has host names; leave out `--host`")]
    HostForRole,
    /// The certificate could not be made.
    #[error("the certificate could not be made")]
    Certificate(#[from] rcgen::Error),
    /// What was made cannot be read back.
    #[error("the certificate made is not for Innsyn")]
    Identity(#[from] IdentityError),
}

/// What was issued and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Whom the certificate speaks for.
    pub identity: Identity,
    /// The certificate's file.
    pub certificate: PathBuf,
    /// The private key's file, readable by its owner only.
    pub key: PathBuf,
    /// For a gateway: what agents write in their configuration to trust it.
    pub pin: PublicKeyPin,
    /// The certificate's last moment.
    pub not_after: Timestamp,
}

/// Makes the two CAs in `folder`, which may exist but must hold none yet.
pub fn init(folder: &Path, clock: &dyn Clock) -> Result<(), EnrolmentError> {
    make_folder(folder)?;
    let files = [
        FEDERATION_CA_FILE,
        FEDERATION_KEY_FILE,
        RELAY_CA_FILE,
        RELAY_KEY_FILE,
    ];
    // All or nothing: no key is written beside an older CA's certificate.
    for path in files.map(|file| folder.join(file)) {
        if path.exists() {
            return Err(EnrolmentError::Exists(path));
        }
    }
    for (name, certificate_file, key_file) in [
        (
            "Innsyn federation CA",
            FEDERATION_CA_FILE,
            FEDERATION_KEY_FILE,
        ),
        ("Innsyn relay CA", RELAY_CA_FILE, RELAY_KEY_FILE),
    ] {
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        // Two CAs with one name would make "unknown issuer" look like "bad signature".
        let fingerprint = hex::encode(Sha256::digest(key.public_key_raw()));
        let name = format!("{name} {}", fingerprint.get(..8).unwrap_or_default());
        let mut params = params(&name, CA_DAYS, clock)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?;
        write_secret(&folder.join(key_file), &key)?;
        write_new(&folder.join(certificate_file), &certificate.pem(), 0o644)?;
    }
    Ok(())
}

/// Issues a certificate for `identity`, signed by the CA in `ca`, into the folder `out`.
///
/// `hosts` are the names and IP addresses under which a relay is reached; empty for the others.
/// Beside certificate and key, `out` gets both CAs' certificates, so that it is all a party needs.
pub fn issue(
    ca: &Path,
    identity: &Identity,
    hosts: &[String],
    days: u32,
    out: &Path,
    clock: &dyn Clock,
) -> Result<Issued, EnrolmentError> {
    let mut params = params(&identity.to_string(), days, clock)?;
    params.subject_alt_names = alternative_names(identity, hosts)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let (ca_file, ca_key_file) = match identity {
        Identity::Relay(_) => (RELAY_CA_FILE, RELAY_KEY_FILE),
        Identity::Node(_) | Identity::Gateway(_) => {
            let client = ExtendedKeyUsagePurpose::ClientAuth;
            params.extended_key_usages.push(client);
            (FEDERATION_CA_FILE, FEDERATION_KEY_FILE)
        }
    };
    let ca_key = KeyPair::from_pem(&read(&ca.join(ca_key_file))?)?;
    let authority = Issuer::from_ca_cert_pem(&read(&ca.join(ca_file))?, ca_key)?;
    let key = KeyPair::generate_for(&PKCS_ED25519)?;
    let certificate = params.signed_by(&key, &authority)?;
    let facts = PeerCertificate::read(certificate.der())?;

    make_folder(out)?;
    let issued = Issued {
        identity: facts.identity,
        certificate: out.join(CERTIFICATE_FILE),
        key: out.join(KEY_FILE),
        pin: facts.pin,
        not_after: facts.not_after,
    };
    write_secret(&issued.key, &key)?;
    write_new(&issued.certificate, &certificate.pem(), 0o644)?;
    for file in [FEDERATION_CA_FILE, RELAY_CA_FILE] {
        write_new(&out.join(file), &read(&ca.join(file))?, 0o644)?;
    }
    Ok(issued)
}

fn alternative_names(
    identity: &Identity,
    hosts: &[String],
) -> Result<Vec<SanType>, EnrolmentError> {
    let hosts = match identity.dns_name() {
        Some(_) if !hosts.is_empty() => return Err(EnrolmentError::HostForRole),
        Some(name) => vec![name],
        None if hosts.is_empty() => return Err(EnrolmentError::NoHost),
        None => hosts.to_vec(),
    };
    let uri = Ia5String::try_from(identity.to_string())?;
    let names = hosts
        .into_iter()
        .map(|host| match ServerName::try_from(host.as_str()) {
            Ok(ServerName::IpAddress(address)) => Ok(SanType::IpAddress(address.into())),
            Ok(_) => Ok(SanType::DnsName(host.try_into()?)),
            Err(_) => Err(EnrolmentError::Name(host)),
        });
    std::iter::once(Ok(SanType::URI(uri)))
        .chain(names)
        .collect()
}

fn params(name: &str, days: u32, clock: &dyn Clock) -> Result<CertificateParams, EnrolmentError> {
    let now = u64::try_from(clock.now().as_seconds()).unwrap_or_default();
    let at = |time: Duration| date_time_ymd(1970, 1, 1) + time;
    let now = Duration::from_secs(now);
    let mut params = CertificateParams::new(Vec::new())?;
    params.not_before = at(now.saturating_sub(BACKDATED_BY));
    params.not_after = at(now + Duration::from_hours(24 * u64::from(days)));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn make_folder(path: &Path) -> Result<(), EnrolmentError> {
    std::fs::create_dir_all(path).map_err(|source| EnrolmentError::File {
        path: path.to_owned(),
        source,
    })
}

fn read(path: &Path) -> Result<String, EnrolmentError> {
    std::fs::read_to_string(path).map_err(|source| EnrolmentError::File {
        path: path.to_owned(),
        source,
    })
}

fn write_secret(path: &Path, key: &KeyPair) -> Result<(), EnrolmentError> {
    write_new(path, &key.serialize_pem(), 0o600)
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), EnrolmentError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => EnrolmentError::Exists(path.to_owned()),
            _ => EnrolmentError::File {
                path: path.to_owned(),
                source,
            },
        })
}
