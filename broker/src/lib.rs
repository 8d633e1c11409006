//! innsyn-broker
