//! Which dimension a dimension is, so that it is known again in another table.

use std::collections::BTreeSet;

use crate::research::merge::Category;

/// A dimension of a table.
///
/// Two are one where [`Self::is_same_as`] says so: then everybody has the same category in both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Axis {
    /// What it is of: a variable of a view, as a hash. Categories of one variable at two levels go
    /// together; those of two variables may go together or not.
    pub variable: [u8; 32],
    /// Its categories, as a hash of how they are made.
    pub level: [u8; 32],
    /// Which categories there may be, where that is declared.
    pub declared: Option<BTreeSet<Category>>,
}

impl Axis {
    /// Whether it is this one.
    pub fn is_same_as(&self, other: &Self) -> bool {
        (self.variable, self.level) == (other.variable, other.level)
    }

    /// The categories that there may be.
    pub const fn declared(&self) -> Option<&BTreeSet<Category>> {
        self.declared.as_ref()
    }
}
