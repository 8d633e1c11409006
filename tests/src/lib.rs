//! Stories about the whole system; they stand in `tests/`.
