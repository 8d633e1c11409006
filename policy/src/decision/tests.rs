//! The tables and laws of `decide`.
