"""The typed, linked, ordered core of a rulebook: what every back end reads. It knows no text and no document."""

from mianshen.program.program import Benefit, Decision, Entity, Fact, Parameter, Program, Provision

__all__ = ["Benefit", "Decision", "Entity", "Fact", "Parameter", "Program", "Provision"]
