"""The rulebook as its authors see it: lint, the catalogue, scripts for a warehouse."""
