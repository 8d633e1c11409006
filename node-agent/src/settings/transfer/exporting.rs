//! The running agent exports what gateways have sent, if it has all of it.

use std::collections::{BTreeMap, BTreeSet};

use innsyn_policy::DefinitionId;
use innsyn_policy::setting::definition::Scope;
use innsyn_proto::identity::GatewayName;
use innsyn_proto::setting::export::{Export, ExportedChange, Recipient, WritingExport};
use innsyn_proto::tls::{Authority, Credentials};
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use super::store::{self, COLUMNS, TransferId};
use super::{NotTaken, ROWS_AT_ONCE, TransferError, TransferRefusal, Transfers, never};
use crate::settings::kept::Writer;

impl Transfers {
    /// Exports to the recipient whose signed text is `recipient`: frames on disk, for the command to
    /// take away once the export is written down.
    pub(super) async fn export(&self, id: TransferId, recipient: &str) -> Result<(), NotTaken> {
        let (keeper, records) = (&self.keeper, self.keeper.records());
        let (now, register) = (keeper.now(), keeper.register());
        let node = Credentials::load(&self.tls.certificate, &self.tls.key)?;
        let federation = Authority::load(&self.tls.federation_ca)?;
        let to = Recipient::read(recipient, &federation, now).map_err(never)?;
        if to.register == *register {
            return Err(never(TransferRefusal::OwnRegister));
        }
        if !keeper.has_gateways() {
            return Err(never(TransferRefusal::NoGateways));
        }
        if !keeper.kept().currency().is_current(now) {
            return Err(never(TransferRefusal::NotCurrent));
        }
        store::begin(records, &id).await?;

        // One moment, whatever is taken meanwhile.
        let mut reading = records.pool().begin().await?;
        let gateways = self.applied(&mut reading).await?;
        let definitions = self.national();
        self.refuse_unknown(&mut reading).await?;
        let begun = WritingExport::begin(register, &to, &mut self.random());
        let (mut writing, first) =
            begun.map_err(|error| never(super::WriteExportError::from(error)))?;
        let mut transaction = records.write().await?;
        store::drop_frames(&mut *transaction, &id).await?;
        store::put_frame(&mut *transaction, &id, (false, 0), &first).await?;
        transaction.commit().await?;
        let (mut after, mut number) = (0, 1);
        loop {
            let (changes, last) = self.changes(&mut reading, after, &definitions).await?;
            let mut transaction = records.write().await?;
            for change in &changes {
                let frame = writing.push(change);
                let frame = frame.map_err(|error| never(super::WriteExportError::from(error)))?;
                if let Some(frame) = frame {
                    store::put_frame(&mut *transaction, &id, (false, number), &frame).await?;
                    number += 1;
                }
            }
            transaction.commit().await?;
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        reading.rollback().await?;

        let export = Export {
            from: register.clone(),
            to: to.register,
            key: to.key,
            at: now,
            changes: 0,
            digest: [0; 32],
            gateways,
            definitions,
            issuers: self.issuers.clone(),
        };
        let (export, frames) = writing.end(export, &node).map_err(never)?;
        let mut transaction = records.write().await?;
        for frame in &frames {
            store::put_frame(&mut *transaction, &id, (false, number), frame).await?;
            number += 1;
        }
        let numbers = numbers_text(&export.gateways);
        sqlx::query(
            "UPDATE setting_transfer SET taken_at = $2, told = $3, register = $4, changes = $5, \
             digest = $6, recipient = NULL WHERE id = $1",
        )
        .bind(&id[..])
        .bind(now.as_micros())
        .bind(format!(
            "{} changes for `{}`, whole up to {numbers}",
            export.changes, export.to
        ))
        .bind(export.to.as_str())
        .bind(export.changes.cast_signed())
        .bind(&export.digest[..])
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        tracing::info!(
            to.register = %export.to,
            changes = export.changes,
            "settings of national definitions exported"
        );
        Ok(())
    }

    /// Up to which number everything of each gateway is here.
    async fn applied(
        &self,
        reading: &mut SqliteConnection,
    ) -> Result<BTreeMap<GatewayName, u64>, TransferError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT gateway, applied FROM setting_delivery")
                .fetch_all(reading)
                .await?;
        let mut applied = self.keeper.gateways().map(|it| (it.clone(), 0)).collect();
        for (gateway, number) in rows {
            let gateway = gateway.parse().map_err(|_| TransferError::Damaged)?;
            if let Some(known) = BTreeMap::get_mut(&mut applied, &gateway) {
                *known = number.unsigned_abs();
            }
        }
        Ok(applied)
    }

    /// The definitions of which gateways bring what everybody says, to every register.
    pub(super) fn national(&self) -> BTreeSet<DefinitionId> {
        let kept = self.keeper.kept();
        let definitions = kept.definitions().iter();
        definitions
            .filter(|it| it.scope == Scope::National && !kept.elsewhere().writes(&it.id))
            .map(|it| it.id)
            .collect()
    }

    /// What was said of a definition that is not known here may be everybody's or the register's own.
    async fn refuse_unknown(&self, reading: &mut SqliteConnection) -> Result<(), NotTaken> {
        let rows: Vec<(Vec<u8>,)> = sqlx::query_as(
            "SELECT DISTINCT definition FROM setting_change WHERE writer LIKE 'gateway:%'",
        )
        .fetch_all(reading)
        .await?;
        for (definition,) in rows {
            let definition = DefinitionId::from_bytes(store::sixteen(definition)?);
            if self.keeper.kept().definitions().get(&definition).is_none() {
                return Err(never(TransferRefusal::UnknownDefinition(definition)));
            }
        }
        Ok(())
    }

    /// The next changes after row `after`, and the last row that was looked at.
    async fn changes(
        &self,
        reading: &mut SqliteConnection,
        after: i64,
        definitions: &BTreeSet<DefinitionId>,
    ) -> Result<(Vec<ExportedChange>, Option<i64>), TransferError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT number, {COLUMNS}, (SELECT proof FROM setting_proof AS archived \
             WHERE archived.writer = setting_change.writer \
             AND archived.change = setting_change.change) AS proof \
             FROM setting_change WHERE number > $1 AND writer LIKE 'gateway:%' \
             ORDER BY number LIMIT $2"
        )))
        .bind(after)
        .bind(ROWS_AT_ONCE)
        .fetch_all(reading)
        .await?;
        let mut changes = Vec::with_capacity(rows.len());
        let mut last = None;
        for row in &rows {
            last = Some(row.try_get("number")?);
            let writer: &str = row.try_get("writer")?;
            let mut gateways = self.keeper.gateways();
            let gateway = gateways.find(|it| Writer::Gateway((*it).clone()).to_string() == writer);
            let (change, said_at) = store::change_of(row, self.keeper.records())?;
            if let Some(gateway) = gateway
                && definitions.contains(&change.definition)
            {
                changes.push(ExportedChange {
                    gateway: gateway.clone(),
                    change,
                    said_at,
                });
            }
        }
        Ok((changes, last))
    }
}

/// How far each gateway's numbers reach, in words.
pub(super) fn numbers_text(gateways: &BTreeMap<GatewayName, u64>) -> String {
    let numbers = gateways
        .iter()
        .map(|(gateway, number)| format!("number {number} of gateway `{gateway}`"));
    numbers.collect::<Vec<_>>().join(" and ")
}
