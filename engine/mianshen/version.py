"""The version of the engine. Imports nothing of ours."""

__version__ = "0.1.0"
