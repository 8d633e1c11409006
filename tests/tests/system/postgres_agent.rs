//! PostgreSQL behind an agent.
