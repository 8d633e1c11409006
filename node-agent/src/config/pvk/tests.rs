//! Tests of the section.
