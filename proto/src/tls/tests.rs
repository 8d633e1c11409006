use std::path::PathBuf;

use innsyn_policy::{ManualClock, Timestamp};
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519, SanType};
use tempfile::TempDir;

use super::*;

/// A folder with a certificate that is also its own CA, and its key.
fn party(uri: &str) -> (TempDir, TlsFiles) {
    let folder = TempDir::new().unwrap();
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params
        .subject_alt_names
        .push(SanType::URI(uri.try_into().unwrap()));
    let file = |name: &str, text: String| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let certificate = file("certificate.pem", params.self_signed(&key).unwrap().pem());
    let files = TlsFiles {
        key: file("key.pem", key.serialize_pem()),
        federation_ca: certificate.clone(),
        relay_ca: certificate.clone(),
        certificate,
    };
    (folder, files)
}

fn load(files: &TlsFiles) -> Result<AgentTls, LoadTlsError> {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_seconds(0)));
    AgentTls::load(files, &clock)
}

#[test]
fn files_that_fit_together_are_loaded() {
    let (_folder, files) = party("innsyn://node/kreft");
    let tls = load(&files).unwrap();
    assert_eq!(tls.certificate.identity.to_string(), "innsyn://node/kreft");
    assert_eq!(tls.inner.send_tls13_tickets, 0);
    assert_ne!(tls.inner.alpn_protocols, tls.outer.alpn_protocols);
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let (folder, files) = party("innsyn://node/kreft");
    let missing = folder.path().join("missing.pem");
    let broken = [
        TlsFiles {
            certificate: missing.clone(),
            ..files.clone()
        },
        TlsFiles {
            key: missing.clone(),
            ..files.clone()
        },
        TlsFiles {
            relay_ca: missing.clone(),
            ..files.clone()
        },
    ];
    for files in broken {
        let error = load(&files).unwrap_err().to_string();
        assert!(error.contains("missing.pem"), "{error}");
    }
    // The key's file where the certificate should be.
    let swapped = TlsFiles {
        certificate: files.key.clone(),
        ..files.clone()
    };
    let error = load(&swapped).unwrap_err().to_string();
    assert!(error.contains("a certificate in `"), "{error}");
}

#[test]
fn another_partys_key_is_refused() {
    let (_folder, files) = party("innsyn://node/kreft");
    let (_other, other) = party("innsyn://node/msis");
    let mixed = TlsFiles {
        key: other.key,
        ..files
    };
    assert!(matches!(load(&mixed), Err(LoadTlsError::OtherKey)));
}

#[test]
fn a_certificate_of_nobody_is_refused() {
    let (_folder, files) = party("https://example.no");
    assert!(matches!(
        load(&files),
        Err(LoadTlsError::Identity {
            source: IdentityError::NoIdentity,
            ..
        })
    ));
}

#[test]
fn every_fault_has_a_label_of_its_own() {
    let labels: std::collections::BTreeSet<_> = TlsFault::ALL.map(TlsFault::label).into();
    assert_eq!(labels.len(), TlsFault::ALL.len());
}
