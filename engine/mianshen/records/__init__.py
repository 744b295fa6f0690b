"""One record: read, typed and validated into rows the interpreter decides."""
