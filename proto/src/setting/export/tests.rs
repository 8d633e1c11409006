//! What goes in comes out, for the one register that it is for, whole or not at all.

use innsyn_policy::{NationalId, Organisation};
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PKCS_ED25519, SanType,
};
use tempfile::TempDir;

use super::*;
use crate::sealing::OpeningKey;
use crate::setting::{ActedAs, ChangeId, RULES};

/// 2027-01-15T08:00:00Z.
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const KARI: &str = "01817010055";
const CHILD: &str = "01891877885";

/// A federation with two registers.
struct Federation {
    authority: Authority,
    npr: Credentials,
    kreft: Credentials,
}

fn register(id: &str) -> RegisterId {
    RegisterId::parse(id).unwrap()
}

fn kreft_key() -> OpeningKey {
    OpeningKey::from_seed(&[3; 32])
}

impl Federation {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, params.self_signed(&key).unwrap().pem()).unwrap();
        let issuer = Issuer::new(params, key);
        let [npr, kreft] = ["npr", "kreft"].map(|id| {
            let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            let uri = format!("innsyn://node/{id}");
            let uri = SanType::URI(uri.as_str().try_into().unwrap());
            params.subject_alt_names.push(uri);
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            let certificate = params.signed_by(&key, &issuer).unwrap();
            let files = ["certificate.pem", "key.pem"].map(|it| folder.path().join(it));
            std::fs::write(&files[0], certificate.pem()).unwrap();
            std::fs::write(&files[1], key.serialize_pem()).unwrap();
            Credentials::load(&files[0], &files[1]).unwrap()
        });
        Self {
            authority: Authority::load(&ca).unwrap(),
            npr,
            kreft,
        }
    }

    /// An export of `changes` by the Norwegian Patient Registry to the Cancer Registry, signed by
    /// `node`.
    fn export(changes: &[ExportedChange], node: &Credentials) -> Vec<Vec<u8>> {
        let to = recipient();
        let mut random = StdRng::seed_from_u64(1);
        let (mut writing, first) =
            WritingExport::begin(&register("npr"), &to, &mut random).unwrap();
        let mut frames = vec![first];
        for change in changes {
            frames.extend(writing.push(change).unwrap());
        }
        let export = Export {
            from: register("npr"),
            to: to.register,
            key: to.key,
            at: NOW,
            changes: 0,
            digest: [0; 32],
            gateways: BTreeMap::from([("helsenorge".parse().unwrap(), 17)]),
            definitions: BTreeSet::from([DefinitionId::from_bytes([1; 16])]),
            issuers: BTreeSet::from(["vergemaal.no".to_owned()]),
        };
        let (_, last) = writing.end(export, node).unwrap();
        frames.extend(last);
        frames
    }

    fn read(&self, frames: &[Vec<u8>]) -> Result<(Vec<ExportedChange>, Export), ExportError> {
        let [first, rest @ ..] = frames else {
            return Err(ExportError::Cut);
        };
        let mut reading = ReadingExport::begin(first, &register("kreft"), &kreft_key())?;
        let mut changes = Vec::new();
        for frame in rest {
            changes.extend(reading.frame(frame)?);
        }
        Ok((changes, reading.end(&self.authority, NOW)?))
    }
}

fn recipient() -> Recipient {
    Recipient {
        register: register("kreft"),
        key: kreft_key().public().clone(),
        at: NOW,
    }
}

fn change(id: u8, active: bool, until: Option<i64>, by_parent: bool) -> ExportedChange {
    let person = |digits| NationalId::parse(digits, RULES).unwrap();
    ExportedChange {
        gateway: "helsenorge".parse().unwrap(),
        change: Change {
            id: ChangeId([id; 16]),
            definition: DefinitionId::from_bytes([1; 16]),
            text_version: 2,
            person: person(CHILD),
            by: person(if by_parent { KARI } else { CHILD }),
            organisation: Organisation::parse("983658776").unwrap(),
            acted_as: if by_parent {
                ActedAs::Parent(None)
            } else {
                ActedAs::Own
            },
            sequence: i64::from(id) * 1_000,
            active,
            until: until.map(Timestamp::from_micros),
        },
        said_at: NOW,
    }
}

fn some() -> Vec<ExportedChange> {
    (0..=255)
        .cycle()
        .take(700)
        .map(|id| change(id, true, None, false))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn what_goes_in_comes_out(
        changes in prop::collection::vec((any::<u8>(), any::<bool>(), any::<Option<i64>>(), any::<bool>()), 0..500)
    ) {
        let federation = Federation::new();
        let changes: Vec<_> = changes
            .into_iter()
            .map(|(id, active, until, parent)| change(id, active, until, parent))
            .collect();
        let frames = Federation::export(&changes, &federation.npr);
        let (read, export) = federation.read(&frames).unwrap();
        prop_assert_eq!(export.changes, changes.len() as u64);
        prop_assert_eq!(export.gateways.values().copied().collect::<Vec<_>>(), [17]);
        prop_assert_eq!(export.issuers.len(), 1);
        prop_assert!(read == changes);
    }
}

#[test]
fn a_frame_that_is_missing_moved_repeated_or_changed_leaves_nothing() {
    let federation = Federation::new();
    let frames = Federation::export(&some(), &federation.npr);
    assert!(frames.len() > 5, "{}", frames.len());
    for at in 0..frames.len() {
        let mut missing = frames.clone();
        missing.remove(at);
        assert!(federation.read(&missing).is_err(), "without {at}");
        let mut twice = frames.clone();
        twice.insert(at, frames[at].clone());
        assert!(federation.read(&twice).is_err(), "twice {at}");
        for byte in [0, frames[at].len() / 2, frames[at].len() - 2] {
            let mut changed = frames.clone();
            changed[at][byte] ^= 1;
            assert!(federation.read(&changed).is_err(), "{byte} of {at}");
        }
        assert!(federation.read(&frames[..at]).is_err(), "cut at {at}");
    }
    let mut moved = frames.clone();
    moved.swap(1, 2);
    assert!(federation.read(&moved).is_err());
    federation.read(&frames).unwrap();
}

#[test]
fn an_export_is_its_registers_and_for_one_other_and_one_key() {
    let federation = Federation::new();
    let frames = Federation::export(&some(), &federation.kreft);
    let error = federation.read(&frames).unwrap_err();
    assert!(matches!(error, ExportError::OfOther { .. }), "{error}");
    let frames = Federation::export(&some(), &federation.npr);
    let error = Federation::new().read(&frames).unwrap_err();
    assert!(matches!(error, ExportError::Signed(_)), "{error}");

    let begin = |id, seed| {
        let key = OpeningKey::from_seed(&[seed; 32]);
        ReadingExport::begin(&frames[0], &register(id), &key).unwrap_err()
    };
    let error = begin("hunt", 3).to_string();
    assert!(error.contains("for register `kreft`"), "{error}");
    let error = begin("kreft", 4);
    assert!(matches!(error, ExportError::OtherKey), "{error}");
}

#[test]
fn a_recipient_is_the_register_whose_certificate_has_signed_it() {
    let federation = Federation::new();
    let read = |signed: &str, now| Recipient::read(signed, &federation.authority, now);
    let signed = recipient().sign(&federation.kreft).unwrap();
    assert_eq!(read(&signed, NOW).unwrap(), recipient());
    let by_other = recipient().sign(&federation.npr).unwrap();
    let error = read(&by_other, NOW).unwrap_err();
    assert!(matches!(error, RecipientError::OfOther { .. }), "{error}");
    let other_key = OpeningKey::from_seed(&[9; 32]).public().to_string();
    let changed = signed.replace(&recipient().key.to_string(), &other_key);
    assert!(matches!(
        read(&changed, NOW),
        Err(RecipientError::Signed(_))
    ));
    let later = NOW.plus(RECIPIENT_GOOD_FOR + Duration::from_secs(1));
    assert!(matches!(read(&signed, later), Err(RecipientError::Age)));
    let earlier = NOW.minus(CLOCKS_APART_MAX + Duration::from_secs(1));
    assert!(matches!(read(&signed, earlier), Err(RecipientError::Age)));
}

#[test]
fn a_file_says_what_is_wrong_with_it() {
    let federation = Federation::new();
    let frames = Federation::export(&some(), &federation.npr);
    let mut file = FILE_LINE.as_bytes().to_vec();
    for frame in &frames {
        file.extend(u32::try_from(frame.len()).unwrap().to_be_bytes());
        file.extend(frame);
    }
    let all = |file: &[u8]| {
        let mut reading = ExportFile::begin(file)?;
        let mut frames = Vec::new();
        while let Some(frame) = reading.frame()? {
            frames.push(frame);
        }
        Ok::<_, ExportFileError>(frames)
    };
    assert_eq!(all(&file).unwrap(), frames);
    let error = all(&file[..file.len() - 1]).unwrap_err();
    assert!(matches!(error, ExportFileError::Cut));
    let error = all(&file[..FILE_LINE.len() + 2]).unwrap_err();
    assert!(matches!(error, ExportFileError::Cut));
    assert!(matches!(all(b"%PDF-1.7"), Err(ExportFileError::OtherFile)));
    let mut other = file.clone();
    other[FILE_LINE.len() - 2] = b'0';
    let error = all(&other).unwrap_err().to_string();
    assert!(error.contains("another format (`0`)"), "{error}");
}

/// Whoever an export was for can open it, and so knows what was signed.
#[test]
fn an_export_cannot_be_passed_on_to_another_register() {
    let federation = Federation::new();
    let frames = Federation::export(&some(), &federation.npr);
    let (changes, export) = federation.read(&frames).unwrap();
    let signed = federation.npr.sign(&export.text()).unwrap();
    let lines: String = changes.iter().map(ExportedChange::line).collect();
    let passed_on = |to: &str| {
        let (npr, to) = (register("npr"), register(to));
        let key = OpeningKey::from_seed(&[to.as_str().len().try_into().unwrap(); 32]);
        let head = head(&npr, &to, key.public());
        let mut random = StdRng::seed_from_u64(2);
        let (encapsulated, mut stream) = key.public().stream(head.as_bytes(), &mut random).unwrap();
        let first = format!("{head}encapsulated-key: {}\n", hex::encode(encapsulated));
        let mut reading = ReadingExport::begin(first.as_bytes(), &to, &key).unwrap();
        for (kind, part) in [(CHANGES, &lines), (END, &signed)] {
            let sealed = stream.seal(part.as_bytes(), &[kind]).unwrap();
            reading.frame(&[&[kind], &*sealed].concat()).unwrap();
        }
        reading.end(&federation.authority, NOW)
    };
    assert!(matches!(passed_on("hunt"), Err(ExportError::Digest)));
    // Nor is it for a key that the same register has now.
    assert!(matches!(passed_on("kreft"), Err(ExportError::Digest)));
}
