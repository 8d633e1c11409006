//! What waits for registers, as their agents would open it: for the tests of dialogs.

use std::collections::BTreeSet;
use std::sync::Arc;

use innsyn_policy::{RegisterId, Timestamp};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::dialog::DialogItem;
use innsyn_proto::head::HeadSigner;
use innsyn_proto::sealing::{ItemKind, OpeningKey};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;

use super::{GatewaySettings, Outbox, SettingsParts};

/// A gateway's outbox, and the keys of agents that it has met.
pub(in crate::gateway) struct Waiting {
    pub(in crate::gateway) settings: Arc<GatewaySettings>,
    registers: Vec<RegisterId>,
    _folder: TempDir,
}

fn signer() -> HeadSigner {
    HeadSigner::from_seed("innsyn://gateway/helsenorge", [1; 32]).unwrap()
}

fn opening(register: &RegisterId) -> OpeningKey {
    let mut seed = [0; 32];
    let id = register.as_str().as_bytes();
    seed[..id.len()].copy_from_slice(id);
    OpeningKey::from_seed(&seed)
}

/// An outbox whose gateway has met the agents of `registers`, which take dialogs.
pub(in crate::gateway) async fn waiting_for(registers: &[&str]) -> Waiting {
    let folder = tempfile::tempdir().unwrap();
    let registers: Vec<_> = registers
        .iter()
        .map(|id| RegisterId::parse(id).unwrap())
        .collect();
    let file = folder.path().join("outbox.sqlite");
    let outbox = Outbox::open(&file).await.unwrap();
    for register in &registers {
        let key = opening(register);
        outbox.met(register, key.public(), 0).await.unwrap();
        outbox.takes_dialogs(register, true).await.unwrap();
    }
    let settings = GatewaySettings::open(SettingsParts {
        definitions: Arc::default(),
        gateway: "helsenorge".parse().unwrap(),
        signer: signer(),
        registers: registers.clone(),
        outbox,
        clock: Arc::new(SystemClock),
        random: StdRng::seed_from_u64(1),
    });
    Waiting {
        settings: settings.await.unwrap(),
        registers,
        _folder: folder,
    }
}

impl Waiting {
    /// For each message that waits, the registers to which it says something. Each has one item for
    /// every register, all of one size and under names of their own.
    pub(in crate::gateway) async fn said(&self) -> Vec<Vec<String>> {
        // So that all are due.
        let late = Timestamp::from_seconds(4_000_000_000);
        let outbox = &self.settings.outbox;
        let (mut said, mut names) = (Vec::new(), BTreeSet::new());
        let mut seen = Vec::new();
        while let Some((dialog, items)) = outbox.undeposited_dialog(late).await.unwrap() {
            let mut meant = Vec::new();
            let mut to = Vec::new();
            for deposited in items.items {
                let item = deposited.item.unwrap();
                assert_eq!(item.sealed.len(), ItemKind::Dialog.sealed_bytes());
                assert!(names.insert(item.name.clone()), "no name twice");
                let register = RegisterId::parse(&deposited.register_id).unwrap();
                let note = opening(&register).open(&register, &item.sealed).unwrap();
                let by = ("helsenorge".parse().unwrap(), signer().public().unwrap());
                let read = DialogItem::read(&note, (&by.0, &by.1), &register).unwrap();
                if read.content.is_some() {
                    meant.push(register.to_string());
                }
                to.push(register);
            }
            to.sort();
            let mut all = self.registers.clone();
            all.sort();
            assert_eq!(to, all, "one for every register");
            said.push(meant);
            seen.push(dialog);
            outbox.dialog_deposited(dialog, late).await.unwrap();
        }
        // As if no relay had had them.
        for register in &self.registers {
            let names = outbox.dialogs_at(register, late.plus(std::time::Duration::from_secs(1)));
            let names = names.await.unwrap();
            outbox.dialogs_heard(register, &[], &names).await.unwrap();
        }
        said
    }
}
