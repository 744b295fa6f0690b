"""Formulas typed: trees of what was written in, core nodes with type, range and scale out."""
