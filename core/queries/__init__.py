"""The read side: select builders and small frozen read models, one file per subject. Nothing here writes."""
