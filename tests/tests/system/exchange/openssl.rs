//! Envelopes of other hands: OpenSSL's command line, both ways.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use innsyn_agent::exchange::{OpenError, open, seal};
use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use rand::rngs::StdRng;

use super::keys::keys;

const TEXT: &str = "<MsgHead>\r\nInnsyn æøå\n</MsgHead>\n";

/// Runs `openssl cms` in a folder with everybody's certificates and keys.
fn cms(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("openssl");
    command.current_dir(folder).arg("cms").args(arguments);
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("openssl (apt install openssl)");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {words}");
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    keys().our_signing_pem.put(folder.path(), "our-sign");
    keys().our_decryption_pem.put(folder.path(), "our-crypt");
    keys().their_signing_pem.put(folder.path(), "their-sign");
    keys()
        .their_decryption_pem
        .put(folder.path(), "their-crypt");
    folder
}

/// `text`, signed by helsenorge and sealed for the register by OpenSSL, with options for signing
/// and for encrypting.
fn made(text: &str, signing: &[&str], encrypting: &[&str]) -> Vec<u8> {
    let folder = folder();
    fs::write(folder.path().join("text"), text).expect("a file");
    let sign = [
        "-sign",
        "-binary",
        "-nodetach",
        "-outform",
        "DER",
        "-in",
        "text",
        "-out",
        "signed",
        "-signer",
        "their-sign.pem",
        "-inkey",
        "their-sign.key",
    ];
    cms(folder.path(), &[&sign, signing].concat());
    let mut encrypt = vec![
        "-encrypt", "-binary", "-outform", "DER", "-in", "signed", "-out", "sealed",
    ];
    encrypt.extend(encrypting);
    encrypt.push("our-crypt.pem");
    cms(folder.path(), &encrypt);
    fs::read(folder.path().join("sealed")).expect("a file")
}

/// `text`, sealed with this cipher.
pub(super) fn sealed(text: &str, cipher: &str) -> Vec<u8> {
    made(text, &[], &[cipher])
}

fn try_open(envelope: &[u8]) -> Result<String, OpenError> {
    let mut random: StdRng = rand::make_rng();
    let decryption = [keys().our_decryption.clone()];
    let signers = [keys().their_signing.certificate()];
    let opened = open(envelope, &decryption, &signers, &mut random)?;
    Ok(String::from_utf8(opened.to_vec()).expect("text"))
}

#[test]
fn what_openssl_signs_and_seals_is_opened_in_whatever_form_it_comes() {
    for (signing, encrypting) in [
        (&[][..], &["-aes256"][..]),
        (&["-md", "sha512"], &["-aes256"]),
        (&["-noattr"], &["-aes256"]),
        (&["-nocerts"], &["-aes256"]),
        (&["-keyid"], &["-aes256"]),
        // Lengths left open, and strings in pieces.
        (&["-stream"], &["-aes256", "-stream"]),
    ] {
        let envelope = made(TEXT, signing, encrypting);
        let opened = try_open(&envelope);
        assert_eq!(opened.as_deref(), Ok(TEXT), "{signing:?} {encrypting:?}");
    }
}

#[test]
fn what_openssl_seals_with_another_cipher_or_signs_with_sha_1_is_not() {
    for (signing, cipher) in [
        (&[][..], "-des3"),
        (&[], "-aes128"),
        (&[], "-aes192"),
        (&["-md", "sha1"], "-aes256"),
    ] {
        let opened = try_open(&made(TEXT, signing, &[cipher]));
        assert_eq!(opened, Err(OpenError), "{signing:?} {cipher}");
    }
}

#[test]
fn what_we_sign_and_seal_is_opened_by_openssl_and_its_signature_holds() {
    let folder = folder();
    let mut random: StdRng = rand::make_rng();
    let to = keys().their_decryption.certificate();
    let now = SystemClock.now();
    let envelope = seal(TEXT.as_bytes(), &keys().our_signing, to, now, &mut random);
    fs::write(folder.path().join("sealed"), envelope.expect("sealed")).expect("a file");
    cms(
        folder.path(),
        &[
            "-decrypt",
            "-binary",
            "-inform",
            "DER",
            "-in",
            "sealed",
            "-out",
            "signed",
            "-recip",
            "their-crypt.pem",
            "-inkey",
            "their-crypt.key",
        ],
    );
    cms(
        folder.path(),
        &[
            "-verify",
            "-binary",
            "-inform",
            "DER",
            "-in",
            "signed",
            "-out",
            "text",
            "-CAfile",
            "our-sign.pem",
            "-purpose",
            "any",
            "-partial_chain",
        ],
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("text")).expect("a file"),
        TEXT
    );
}
