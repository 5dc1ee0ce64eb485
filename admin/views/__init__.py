"""Concrete panel views, one file per subject; each offers views(db) for the application to register."""
