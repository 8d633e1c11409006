//! The overlap audit of one run: which earlier tables, what each register told of them, and
//! whether the new one may join them.
//!
//! The rules are in [`overlap`](super::overlap). What is logged here names registers and not what
//! they hold: that a table was refused for a few persons is in no log.

use std::collections::BTreeMap;

use innsyn_policy::{PermitId, RegisterId};
use innsyn_proto::wire::node::v1 as node;

use super::desk::Rules;
use super::desk::together::Together;
use super::ledger::Store;
use super::merge::{Key, Partial};
use super::overlap::{
    self, CompareError, Earlier, PAIRS_MAX, SamePersons, Sums, Table, Told, ToldError,
};
use super::refusal::Refusal;

/// The audit of one run.
#[derive(Debug)]
pub(super) struct Audit {
    earlier: Vec<Earlier>,
    answered: BTreeMap<RegisterId, Answered>,
    pairs: usize,
    /// Whether a register could not be compared.
    failed: bool,
}

/// A register's answer as the audit needs it.
#[derive(Debug)]
pub(super) struct Answered {
    /// None where nothing was asked.
    told: Option<Told>,
    use_log_leaf: [u8; 32],
}

/// A table that may join the earlier ones.
#[derive(Debug)]
pub(super) struct Passed {
    /// How many releases it was compared with.
    pub(super) audited: usize,
    /// For later audits.
    pub(super) kept: Vec<u8>,
}

impl Audit {
    /// Begins an audit against everything that `permit` has had released.
    pub(super) async fn begin(ledger: &dyn Store, permit: &PermitId) -> Result<Self, Refusal> {
        let releases = ledger.releases(permit).await?;
        let earlier = releases.iter().map(Earlier::of).collect::<Result<_, _>>();
        let earlier = earlier.map_err(|error| {
            tracing::error!(%permit, %error, "nothing more is released under this data permit");
            Refusal::NotAvailable
        })?;
        Ok(Self {
            earlier,
            answered: BTreeMap::new(),
            pairs: 0,
            failed: false,
        })
    }

    /// With which counts of its own `register` is to compare the new one.
    pub(super) fn asked_of(&self, register: &RegisterId) -> Option<node::OverlapAudit> {
        let earlier = self.earlier.iter();
        let earlier: Vec<_> = earlier.filter_map(|one| one.count_of(register)).collect();
        (!earlier.is_empty()).then(|| node::OverlapAudit {
            earlier: earlier.into_iter().cloned().collect(),
        })
    }

    /// The part of `register` is in the table.
    pub(super) fn has(&mut self, register: RegisterId, answered: Answered) {
        self.pairs += answered.told.as_ref().map_or(0, Told::pairs);
        if self.pairs > PAIRS_MAX {
            self.cannot_compare(&register, &ToldError::TooMany);
            return;
        }
        self.answered.insert(register, answered);
    }

    /// `register` cannot be compared with what it told before, so there will be no table.
    pub(super) fn cannot_compare(
        &mut self,
        register: &RegisterId,
        error: &(dyn std::error::Error + 'static),
    ) {
        tracing::warn!(
            node.id = %register,
            error,
            "no table: the register cannot be compared with its earlier counts; until it can, name \
             the other registers in the query"
        );
        self.failed = true;
    }

    /// Whether `table`, which the desk lets go, may join the earlier tables; `tell_of_few` is the
    /// desk's check of those of the same persons.
    pub(super) fn end(
        self,
        table: &Table,
        rules: Rules,
        tell_of_few: fn(&Together, Rules) -> bool,
    ) -> Result<Passed, Refusal> {
        if self.failed {
            return Err(Refusal::NotAvailable);
        }
        let k = rules.k();
        let same_persons = self.compare_one_by_one(table, k)?;
        self.compare_sums(table, k)?;
        if same_persons
            .together()
            .is_some_and(|together| tell_of_few(together, rules))
        {
            return Err(Refusal::NotAvailable);
        }
        let leaves = self.answered.into_iter();
        let leaves = leaves.map(|(register, answered)| (register, answered.use_log_leaf));
        Ok(Passed {
            audited: self.earlier.len(),
            kept: table.kept(&leaves.collect(), k),
        })
    }

    /// Whether `table` differs from an earlier one by a few persons; if not, those that count the
    /// same persons.
    fn compare_one_by_one<'a>(&self, table: &'a Table, k: u64) -> Result<SamePersons<'a>, Refusal> {
        let mut same_persons = SamePersons::of(table);
        // How many counts each register has been asked of so far.
        let mut asked: BTreeMap<&RegisterId, usize> = BTreeMap::new();
        for earlier in &self.earlier {
            let mut met = BTreeMap::new();
            for (register, answered) in &self.answered {
                if earlier.count_of(register).is_none() {
                    continue;
                }
                let asked = asked.entry(register).or_default();
                let at = std::mem::replace(asked, *asked + 1);
                let told = answered.told.as_ref().ok_or(ToldError::Absent);
                let told = told.and_then(|told| told.met(at, register, table, earlier));
                let told = told.map_err(|error| not_compared(register, error))?;
                met.insert(register.clone(), told);
            }
            passes(overlap::differ_by_few(table, earlier.table(), &met, k))?;
            same_persons.add(earlier.table(), &met);
        }
        Ok(same_persons)
    }

    /// Whether `table` and earlier ones of the same registers tell together of a few persons.
    fn compare_sums(&self, table: &Table, k: u64) -> Result<(), Refusal> {
        let is_of_these = |earlier: &&Earlier| {
            earlier.registers().eq(self.answered.keys())
                && earlier.table().shows_anything()
                && earlier.table().is_each_once() == table.is_each_once()
        };
        let earlier: Vec<&Earlier> = self.earlier.iter().filter(is_of_these).collect();
        // One earlier table has been compared.
        if earlier.len() < 2 || !table.shows_anything() {
            return Ok(());
        }
        let in_common = self.answered.iter().map(|(register, answered)| {
            let asked = self
                .earlier
                .iter()
                .filter(|one| one.count_of(register).is_some());
            let places = asked.enumerate().filter(|(_, one)| is_of_these(one));
            let places: Vec<usize> = places.map(|(at, _)| at).collect();
            let told = answered.told.as_ref().ok_or(ToldError::Absent);
            let told = told.and_then(|told| told.in_common(&places));
            told.map_err(|error| not_compared(register, error))
        });
        let tables = earlier.into_iter().map(Earlier::table).chain([table]);
        let sums = Sums::of(
            in_common.collect::<Result<_, _>>()?,
            tables.map(|table| table.persons_shared).collect(),
            k,
        );
        passes(sums.tell_of_few())
    }
}

/// No refusal if nothing tells of a few persons.
fn passes(tells_of_few: Result<bool, CompareError>) -> Result<(), Refusal> {
    match tells_of_few {
        Ok(false) => Ok(()),
        Ok(true) => Err(Refusal::NotAvailable),
        Err(error) => {
            tracing::error!(%error, "no table: overlaps that cannot be");
            Err(Refusal::NotAvailable)
        }
    }
}

impl Answered {
    /// Reads `part`, whose cells are those of `table`, as an answer to what was `asked`.
    pub(super) fn read(
        part: &node::Part,
        asked: Option<&node::OverlapAudit>,
        table: &BTreeMap<Key, Partial>,
    ) -> Result<Self, ToldError> {
        let told =
            asked.map(|asked| Told::read(part.overlaps.as_ref(), asked.earlier.len(), table));
        Ok(Self {
            told: told.transpose()?,
            use_log_leaf: part
                .use_log_leaf
                .as_ref()
                .try_into()
                .map_err(|_| ToldError::NotAsked)?,
        })
    }
}

fn not_compared(register: &RegisterId, error: ToldError) -> Refusal {
    tracing::error!(node.id = %register, %error, "no table: overlaps that do not fit");
    Refusal::NotAvailable
}
