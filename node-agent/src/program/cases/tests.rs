//! What a case handler may say, and how it is read.

use super::*;

#[test]
fn what_is_said_is_read_from_files_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (text, file) = (
        folder.path().join("svar.txt"),
        folder.path().join("innsyn.pdf"),
    );
    std::fs::write(&text, "Opplysningene er rettet.\n").unwrap();
    std::fs::write(&file, b"%PDF").unwrap();
    let said = |text: Option<&PathBuf>, attach: &[&PathBuf]| SaidArgs {
        text: text.cloned(),
        attach: attach.iter().map(|path| (*path).clone()).collect(),
    };
    assert!(said(None, &[]).read().unwrap().is_none());
    let words = said(Some(&text), &[&file]).read().unwrap().unwrap();
    assert_eq!(words.text(), "Opplysningene er rettet.");
    let [attached] = words.attachments() else {
        panic!("one file");
    };
    assert_eq!(attached.name, "innsyn.pdf");
    assert_eq!(attached.media_type, "application/pdf");

    std::fs::write(&text, " \n").unwrap();
    assert!(said(Some(&text), &[]).read().is_err(), "blank");
    std::fs::write(&file, vec![0; ATTACHMENTS_BYTES_MAX + 1]).unwrap();
    assert!(said(None, &[&file]).read().is_err(), "too large");
    let nowhere = folder.path().join("nowhere");
    let error = said(Some(&nowhere), &[]).read().unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
}
