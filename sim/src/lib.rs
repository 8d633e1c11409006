//! innsyn-sim
