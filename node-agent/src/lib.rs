//! innsyn-agent
