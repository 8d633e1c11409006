//! The running agent opens an import to its end, and stages what it says.

use std::collections::BTreeMap;

use innsyn_policy::{Organisation, Timestamp, UseDecision};
use innsyn_proto::identity::GatewayName;
use innsyn_proto::setting::export::{Export, ExportError, ExportedChange, ReadingExport};
use innsyn_proto::setting::{ActedAs, Change, ChangeId};
use innsyn_proto::tls::Authority;

use super::own::OwnSetting;
use super::store::{self, TransferId, Word};
use super::{NotTaken, TransferError, TransferRefusal, Transfers, never};
use crate::settings::kept::Writer;

/// What a staged import brings.
pub(super) struct Staged {
    /// What was exported, as its register has signed it.
    pub(super) export: Export,
    /// The numbers of this agent's own gateways in it.
    pub(super) gateways: BTreeMap<GatewayName, u64>,
    /// Settings of the register's own that its list has.
    pub(super) own: u64,
}

impl Transfers {
    /// Imports what `word` has brought: all of it, or nothing.
    pub(super) async fn import(&self, word: &Word) -> Result<(), NotTaken> {
        let records = self.keeper.records();
        store::begin(records, &word.id).await?;
        store::drop_staged(records, &word.id).await?;
        let export = self.stage_export(&word.id).await?;
        let gateways = self.check(&export)?;
        let own = self.stage_own(&word.id).await?;
        let staged = Staged {
            export,
            gateways,
            own,
        };
        self.apply(word, &staged).await?;
        Ok(())
    }

    /// Opens the frames of `id` one by one and stages the changes in them; nothing of these counts.
    async fn stage_export(&self, id: &TransferId) -> Result<Export, NotTaken> {
        let (keeper, records) = (&self.keeper, self.keeper.records());
        let first = store::frame(records.pool(), id, (false, 0)).await?;
        let first = first.ok_or(never(ExportError::Cut))?;
        let begun = ReadingExport::begin(&first, keeper.register(), keeper.opening());
        let mut reading = begun.map_err(never)?;
        for number in 1.. {
            let Some(frame) = store::frame(records.pool(), id, (false, number)).await? else {
                break;
            };
            let changes = reading.frame(&frame).map_err(never)?;
            let mut transaction = records.write().await?;
            for exported in changes.iter().filter(|it| self.concerns(it)) {
                let (change, said_at) = (&exported.change, exported.said_at);
                let is_made = self.decided(change, said_at)? == UseDecision::Answered;
                let writer = Writer::Gateway(exported.gateway.clone()).to_string();
                let brought = (&*writer, said_at, is_made);
                store::stage(&mut *transaction, records, brought, change).await?;
            }
            transaction.commit().await?;
        }
        let federation = Authority::load(&self.tls.federation_ca)?;
        reading.end(&federation, keeper.now()).map_err(never)
    }

    /// Whether what was exported would have come here as an item that says something.
    fn concerns(&self, exported: &ExportedChange) -> bool {
        let kept = self.keeper.kept();
        let definition = kept.definitions().get(&exported.change.definition);
        self.keeper.serves(&exported.gateway)
            && !kept.elsewhere().writes(&exported.change.definition)
            // What is not known here is a no of whoever has said it.
            && definition.is_none_or(|it| it.holds_at(self.keeper.register()))
    }

    /// The decision on a change that another agent has applied. When a child was born is kept nowhere,
    /// so that a parent's right is as it was decided there.
    pub(super) fn decided(
        &self,
        change: &Change,
        said_at: Timestamp,
    ) -> Result<UseDecision, TransferError> {
        match change.acted_as {
            ActedAs::Parent(_) => Ok(UseDecision::Answered),
            _ => Ok(self.keeper.kept().judge(change, said_at)?),
        }
    }

    /// Whether `export` has all that gateways would have brought here; its numbers of gateways that
    /// are also this agent's.
    fn check(&self, export: &Export) -> Result<BTreeMap<GatewayName, u64>, NotTaken> {
        let mut national = self.national().into_iter();
        if let Some(definition) = national.find(|it| !export.definitions.contains(it)) {
            return Err(never(TransferRefusal::LacksDefinition {
                from: export.from.clone(),
                definition,
            }));
        }
        if let Some(issuer) = self.issuers.difference(&export.issuers).next() {
            return Err(never(TransferRefusal::LacksIssuer {
                from: export.from.clone(),
                issuer: issuer.clone(),
            }));
        }
        let mut gateways = export.gateways.clone();
        gateways.retain(|gateway, _| self.keeper.serves(gateway));
        if gateways.is_empty() {
            return Err(never(TransferRefusal::NoGatewayOfOurs(export.from.clone())));
        }
        Ok(gateways)
    }

    /// Stages the register's own list, if the command brought one; gives how many it has.
    async fn stage_own(&self, id: &TransferId) -> Result<u64, NotTaken> {
        let records = self.keeper.records();
        let mut own = 0;
        for number in 0.. {
            let Some(sealed) = store::frame(records.pool(), id, (true, number)).await? else {
                break;
            };
            let plain = records.key().unseal(&sealed, &own_context(id, number));
            let plain = plain.map_err(|_| TransferError::Damaged)?;
            let mut transaction = records.write().await?;
            for setting in OwnSetting::of_bytes(&plain).ok_or(TransferError::Damaged)? {
                setting
                    .check(
                        self.keeper.kept().definitions(),
                        self.keeper.register(),
                        self.numbers,
                    )
                    .map_err(|what| never(what.in_line(0)))?;
                if self.keeper.kept().elsewhere().writes(&setting.definition) {
                    return Err(never(super::own::OwnFault::WrittenElsewhere.in_line(0)));
                }
                let change = self.change_of_own(&setting)?;
                let brought = (&*Writer::List.to_string(), setting.since, true);
                store::stage(&mut *transaction, records, brought, &change).await?;
                own += 1;
            }
            transaction.commit().await?;
        }
        Ok(own)
    }

    /// A setting of the register's own list as a change. Its name, which stands in the log, is made
    /// of the person's code, so that nobody without the records' key can tell whose it is.
    fn change_of_own(&self, setting: &OwnSetting) -> Result<Change, TransferError> {
        let code = self.keeper.records().key().code(&setting.person);
        let definitions = self.keeper.kept().definitions();
        let definition = definitions.get(&setting.definition);
        let register = self.keeper.register().as_str();
        let organisation = Organisation::parse(register.get(..16).unwrap_or(register));
        Ok(Change {
            id: ChangeId(setting.name(&code)),
            definition: setting.definition,
            text_version: definition.map_or(1, |it| it.text_version),
            person: setting.person,
            by: setting.person,
            organisation: organisation.map_err(|_| TransferError::Damaged)?,
            acted_as: ActedAs::Own,
            sequence: setting.sequence,
            active: setting.active,
            until: None,
        })
    }
}

/// What a part of a sealed list is bound to.
pub(super) fn own_context(id: &TransferId, number: i64) -> Vec<u8> {
    [b"setting own list".as_slice(), id, &number.to_be_bytes()].concat()
}
