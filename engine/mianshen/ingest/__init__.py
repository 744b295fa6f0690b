"""Files, tables and databases opened: encodings, headers matched to facts, mappings; nothing is decided here."""
