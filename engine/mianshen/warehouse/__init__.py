"""Many rows at once: the program as SQL, built as sqlglot trees, run on a database."""
