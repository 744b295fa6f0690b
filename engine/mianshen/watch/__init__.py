"""Life events over files: which benefits an event makes due, as a work list."""
