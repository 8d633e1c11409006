//! The vectors of the number formats.
