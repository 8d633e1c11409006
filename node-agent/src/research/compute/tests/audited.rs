//! Records that are not as their entries say.

use std::fs;
use std::path::PathBuf;

use innsyn_proto::head::HeadKey;

use super::*;
use crate::uselog::verify_each;

/// What somebody does to the records, and what is found then.
type Change = (fn(&World), &'static str);

impl World {
    /// What `uselog verify` finds of the records.
    fn audited(&self) -> AuditedRecords {
        let key = HeadKey::parse(self.log.public_key()).unwrap();
        let mut records = AuditedRecords::in_folder(&self.folder.path().join(FOLDER));
        let mut each = |number, entry: &_| records.look(number, entry);
        verify_each(&self.disk, &key, &[], None, &mut each).unwrap();
        records
    }

    /// The file of the record of the entry with this number.
    fn file(&self, number: usize) -> PathBuf {
        let entries = entries_on(&self.disk);
        let EntrySubject::Counted(commitment) = entries[number].0.subject else {
            panic!("a query's entry");
        };
        self.folder
            .path()
            .join(FOLDER)
            .join(hex::encode(commitment))
    }
}

#[tokio::test]
async fn records_that_are_as_their_entries_say_are_counted() {
    let world = World::new();
    world.part(world.request()).await;
    world.steward_says("stopped = true");
    world.refusal(world.request()).await;
    world.log.close().await;
    // One that nobody had an answer to.
    fs::copy(world.file(0), world.folder.path().join(FOLDER).join("00")).unwrap();
    let audited = world.audited();
    assert_eq!((audited.whole, audited.faults), (2, 0));
}

#[tokio::test]
async fn a_record_that_is_missing_damaged_or_another_is_named_by_its_entry() {
    let changes: [Change; 4] = [
        (
            |world| fs::remove_file(world.file(1)).unwrap(),
            "entry 1: the record is missing; restore it from your backup",
        ),
        (
            |world| fs::write(world.file(1), [0xff; 9]).unwrap(),
            "entry 1: the record is damaged; restore it from your backup",
        ),
        (
            |world| fs::copy(world.file(0), world.file(1)).map(drop).unwrap(),
            "entry 1: the record is not what the entry commits to; restore it from your backup",
        ),
        (
            |world| {
                let bytes = fs::read(world.file(1)).unwrap();
                let mut record = <QueryRecord as prost::Message>::decode(&*bytes).unwrap();
                record.outcome = "stopped".to_owned();
                fs::write(world.file(1), prost::Message::encode_to_vec(&record)).unwrap();
            },
            "entry 1: the record says `stopped`, and the entry something else; restore it from \
             your backup",
        ),
    ];
    for (change, told) in changes {
        let world = World::new();
        for years in [1940..1950, 1950..1960] {
            let query = Some(born_in("persons", years));
            let request = world.request();
            world.part(wire::ComputeRequest { query, ..request }).await;
        }
        world.log.close().await;
        change(&world);
        let audited = world.audited();
        assert_eq!((audited.whole, audited.faults), (1, 1), "{told}");
        assert_eq!(audited.told[0].to_string(), told);
    }
}
