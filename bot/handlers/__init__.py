"""One file per subject: commands and presses, each parsed, performed and shown."""
