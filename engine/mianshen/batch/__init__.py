"""Many records: files in, decisions, rejects and a manifest out, whole or not at all.

Invariant: every record read is decided or rejected and counted; the same inputs give the same bytes.
"""
