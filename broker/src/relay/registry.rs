//! Which connections are parked for which register. Rules only, no sockets.

use std::collections::HashMap;

use innsyn_policy::RegisterId;

/// One parked connection among all that this relay ever had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ParkId(u64);

/// The parked connections, each with a handle `H` to the task that owns it.
#[derive(Debug)]
pub(super) struct Registry<H> {
    parked: HashMap<RegisterId, Vec<(ParkId, H)>>,
    parked_per_register_max: usize,
    next: u64,
}

impl<H: Clone> Registry<H> {
    pub(super) fn new(parked_per_register_max: usize) -> Self {
        Self {
            parked: HashMap::new(),
            parked_per_register_max,
            next: 0,
        }
    }

    /// Adds a connection. Where the register has as many as it may, returns those instead: after
    /// an agent has lost its power they are dead, and asking them is the way to find out.
    pub(super) fn park(&mut self, register: &RegisterId, handle: H) -> Result<ParkId, Vec<H>> {
        let parked = self.parked.entry(register.clone()).or_default();
        if parked.len() >= self.parked_per_register_max {
            return Err(parked.iter().map(|(_, handle)| handle.clone()).collect());
        }
        let id = ParkId(self.next);
        self.next += 1;
        parked.push((id, handle));
        Ok(id)
    }

    /// Removes and returns the connection parked last: of all, it was heard from most recently.
    pub(super) fn take(&mut self, register: &RegisterId) -> Option<H> {
        let parked = self.parked.get_mut(register)?;
        let taken = parked.pop();
        if parked.is_empty() {
            self.parked.remove(register);
        }
        taken.map(|(_, handle)| handle)
    }

    /// Removes a connection that has ended. Does nothing if it was taken already.
    pub(super) fn remove(&mut self, register: &RegisterId, id: ParkId) {
        if let Some(parked) = self.parked.get_mut(register) {
            parked.retain(|(other, _)| *other != id);
            if parked.is_empty() {
                self.parked.remove(register);
            }
        }
    }
}
