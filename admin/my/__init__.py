"""/my/, the candidate's personal space (§8.5): one person, the own data, a login of its own beside the panel's."""
