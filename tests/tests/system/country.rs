//! What the generator writes for a register is what that register's agent reads.

use std::sync::Arc;

use indicatif::ProgressBar;
use innsyn_agent::sources::{FolderSource, Intake, Numbers, Silent, Source as _};
use innsyn_agent::subjects::{PseudonymKey, SubjectKey};
use innsyn_policy::{Environment, NumberRules};
use innsyn_sim::country::Country;
use innsyn_sim::population::PopulationSpec;
use innsyn_sim::registers::folder;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;

#[tokio::test]
async fn an_agent_counts_in_every_register_what_was_written() {
    let out = TempDir::new().unwrap();
    let country = Country::invent(PopulationSpec::new(2_000, 3), 15).unwrap();
    let written = country.write(out.path(), &ProgressBar::hidden()).unwrap();
    assert!(written.len() > 77, "all that hold identities, and 15 more");
    let numbers = Numbers {
        rules: NumberRules::default(),
        environment: Environment::Test,
    };
    for it in &written {
        let folder = folder::of_register(out.path(), &it.id);
        let pseudonyms = std::fs::read_to_string(folder.join(folder::PSEUDONYM_KEY_FILE)).ok();
        let pseudonyms = pseudonyms.map(|key| PseudonymKey::parse(&key).unwrap());
        let key = SubjectKey::generate(&mut StdRng::seed_from_u64(1), pseudonyms);
        let intake = Intake::new(&Arc::new(key), numbers, Arc::new(Silent));
        let read = FolderSource::new(&folder)
            .load(intake)
            .await
            .unwrap()
            .report;

        let of_people = (
            read.rows,
            read.persons,
            read.missing,
            read.malformed,
            read.duplicates,
        );
        let of_settings = (read.setting_rows, read.undefined_settings);
        assert_eq!(
            of_people,
            (it.rows, it.persons, it.missing, it.malformed, it.duplicates),
            "{}",
            it.id
        );
        assert_eq!(
            of_settings,
            (it.setting_rows, it.undefined_settings),
            "{}",
            it.id
        );
        let strange = (
            read.wrong_environment,
            read.auxiliary,
            read.unread_dates,
            read.unknown_status,
        );
        assert_eq!(strange, (0, 0, 0, 0), "{}", it.id);
        assert_eq!(read.settings_of_nobody, 0, "{}", it.id);
        assert!(read.settings_unreadable.is_none(), "{}", it.id);
    }
    // The generator is meant to write some of each fault.
    assert!(
        written
            .iter()
            .any(|it| it.missing > 0 && it.malformed > 0 && it.duplicates > 0)
    );
    assert!(written.iter().any(|it| it.undefined_settings > 0));
}
