//! Keys and passphrases as they are read.

use super::*;

fn passphrase(folder: &Path, text: &str) -> PassphraseArgs {
    let path = folder.join("passphrase");
    std::fs::write(&path, text).unwrap();
    PassphraseArgs { passphrase: path }
}

#[test]
fn a_key_is_made_once_and_opens_with_its_passphrase_alone() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("kari.key");
    let right = passphrase(folder.path(), "korrekt hest batteri\n");
    let said = make_key("kari", &out, &right).unwrap();
    let public = said.lines().next().unwrap();
    assert_eq!(ClerkKey::parse(public).unwrap().name().as_str(), "kari");
    let file = std::fs::read_to_string(&out).unwrap();
    assert!(!file.contains(public), "the file alone gives no key away");

    let opened = key::open(&out, &right.read().unwrap()).unwrap();
    assert_eq!(opened.public_text(), public);
    let wrong = key::open(&out, "korrekt hest batterI").unwrap_err();
    assert!(matches!(wrong, key::ClerkKeyFileError::Passphrase(_)));
    // Nobody else's name can be put on it.
    std::fs::write(&out, file.replace("name: kari", "name: ola")).unwrap();
    let renamed = key::open(&out, &right.read().unwrap()).unwrap_err();
    assert!(matches!(renamed, key::ClerkKeyFileError::Passphrase(_)));

    assert!(make_key("kari", &out, &right).is_err(), "not written over");
    let short = passphrase(folder.path(), "hemmelig\n");
    let other = folder.path().join("ola.key");
    assert!(make_key("ola", &other, &short).is_err());
    assert!(!other.exists());
}
