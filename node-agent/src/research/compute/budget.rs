//! How many queries each data permit has had answered here.
//!
//! A permit is charged once for a query over a snapshot, however often it is asked: a gateway that
//! died half-way asks again and pays nothing twice. What is under way is charged already, so that
//! two queries at once do not share the last one; what comes to nothing is given back. After a
//! restart the charges are read from the records of what was answered.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use innsyn_policy::PermitId;

use super::locked;

/// A query over a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Charged {
    pub(super) query: [u8; 32],
    pub(super) snapshot: [u8; 32],
}

/// The charges of all permits.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// By the permit's id in words, what is answered and how many uses of it are under way.
    permits: Mutex<HashMap<String, Charges>>,
}

#[derive(Debug, Default)]
struct Charges {
    answered: HashSet<Charged>,
    under_way: HashMap<Charged, u32>,
}

impl Budget {
    /// That permit `permit` has had `charged` answered.
    pub(super) fn answered(&self, permit: &str, charged: Charged) {
        let mut permits = locked(&self.permits);
        let of_permit = permits.entry(permit.to_owned()).or_default();
        of_permit.answered.insert(charged);
    }

    /// Charges `charged` to `permit` if `check`, told how many other queries it has had or has
    /// under way, says that it may be.
    pub(super) fn charge<T, E>(
        self: &Arc<Self>,
        permit: &PermitId,
        charged: Charged,
        check: impl FnOnce(u32) -> Result<T, E>,
    ) -> Result<(T, Charge), E> {
        let permit = permit.to_string();
        let mut permits = locked(&self.permits);
        let before = permits.get(&permit).map_or(0, |charges| {
            let under_way = charges.under_way.keys();
            let others: HashSet<_> = charges.answered.iter().chain(under_way).collect();
            let own = usize::from(others.contains(&charged));
            u32::try_from(others.len() - own).unwrap_or(u32::MAX)
        });
        let allowed = check(before)?;
        let of_permit = permits.entry(permit.clone()).or_default();
        *of_permit.under_way.entry(charged).or_default() += 1;
        let charge = Charge {
            budget: Arc::clone(self),
            permit,
            charged,
        };
        Ok((allowed, charge))
    }
}

/// One use of a permit under way; given back when it is dropped, unless it was answered.
#[derive(Debug)]
pub(super) struct Charge {
    budget: Arc<Budget>,
    permit: String,
    charged: Charged,
}

impl Charge {
    /// It was answered, and stays charged.
    pub(super) fn keep(self) {
        self.budget.answered(&self.permit, self.charged);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let mut permits = locked(&self.budget.permits);
        let Some(charges) = permits.get_mut(&self.permit) else {
            return;
        };
        if let Some(uses) = charges.under_way.get_mut(&self.charged) {
            *uses -= 1;
            if *uses == 0 {
                charges.under_way.remove(&self.charged);
            }
        }
    }
}
