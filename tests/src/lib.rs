//! innsyn-tests
