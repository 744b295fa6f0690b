"""Finished batches: verified against their manifest, replayed for one person, reported."""
