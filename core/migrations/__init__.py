"""The schema's history, numbered, one head; applies from empty on SQLite and PostgreSQL alike."""
