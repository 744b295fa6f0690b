"""What a rulebook states of itself: floors and ceilings of figures, and what its decisions satisfy.

In: the document's `properties`, the parameters. Out: the `Property`s, typed; a diagnostic for each value that breaks
a bound. Invariant: values are compared over the days on which both hold; a missing value breaks nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from mianshen.catalogue import diagnostic
from mianshen.elaboration.provision_parts import PartChecks, Place, conjunction
from mianshen.elaboration.vocabulary import Vocabulary, message
from mianshen.program import diagnostics
from mianshen.program.core import FactRef, If, IsKnown
from mianshen.program.literals import MONEY
from mianshen.program.program import (
    AlwaysModelled,
    Citation,
    Claim,
    Dated,
    FiguresWithin,
    Holds,
    Key,
    NeverFalls,
    NeverLess,
    Parameter,
    Property,
)
from mianshen.values import ZERO

if TYPE_CHECKING:
    from mianshen.document.model import Property as PropertyModel

Side = Literal["at_least", "at_most"]
_SIDES: Final[tuple[Side, ...]] = ("at_least", "at_most")


def stated(checks: PartChecks) -> tuple[Property, ...]:
    """Every property, typed; mistakes in `checks.diagnostics`."""
    document = checks.document
    properties = []
    for name, model in document.properties.items():
        entity = model.entity or (document.header.entry if document.header is not None else "")
        if entity not in checks.names.entities:
            span = document.span("properties", name, "entity")
            checks.vocabulary.unknown(span, "entities", entity, checks.names.entities)
            continue
        when = [] if model.when is None else checks.condition(entity, ("properties", name, "when"))
        claims = tuple(_claims(checks, name, model, entity))
        if when is not None:
            citation, span = Citation(model.source, model.clause), document.span("properties", name)
            title = message(model.title)
            properties.append(Property(name, title, entity, tuple(when), claims, citation, span))
    return tuple(properties)


def _claims(checks: PartChecks, name: str, model: PropertyModel, entity: str) -> Iterator[Claim]:
    if model.figures:
        yield FiguresWithin(tuple(model.figures))
    if model.holds is not None:
        condition = checks.condition(entity, ("properties", name, "holds"))
        if condition is not None:
            yield Holds(conjunction(condition), model.holds)
    for part in ("modelled", "never_falls", "never_less"):
        for index, decision in enumerate(getattr(model, part)):
            if (entity, decision) not in checks.names.decisions:
                known = [own for owner, own in checks.names.decisions if owner == entity]
                span = checks.document.span("properties", name, part, index)
                checks.vocabulary.unknown(span, "decisions", decision, known)
    if model.modelled:
        yield AlwaysModelled(tuple(model.modelled))
    if model.never_falls:
        fact = _fact(checks, entity, ("properties", name, "as"))
        up_to = ZERO
        if model.up_to is not None:
            literal = checks.vocabulary.literal(model.up_to, MONEY, "money", ("properties", name, "up_to"))
            up_to = literal if isinstance(literal, Decimal) else ZERO
        if fact is not None:
            yield NeverFalls(tuple(model.never_falls), fact, up_to)
    if model.never_less:
        fact = _fact(checks, entity, ("properties", name, "of"))
        if fact is not None:
            yield NeverLess(tuple(model.never_less), fact, tuple(model.for_), tuple(model.than))


def _fact(checks: PartChecks, entity: str, place: Place) -> Key | None:
    """The fact that a formula is; None, and reported, where it is another formula."""
    parsed = checks.parses.formula(place)
    node = None if parsed is None else checks.check(entity).value(parsed)
    while isinstance(node, If) and isinstance(node.condition, IsKnown):
        node = node.otherwise  # what rows below say in its stead
    if isinstance(node, FactRef):
        return node.entity, node.name
    if parsed is not None:
        checks.diagnostics.append(diagnostic("E792.property_fact", checks.document.span(*place)))
    return None


def check_properties(vocabulary: Vocabulary, parameters: Mapping[str, Parameter]) -> None:
    """Report every figure outside the bounds a property sets."""
    for name, model in vocabulary.document.properties.items():
        vocabulary.source(model.source, "properties", name, "source")
        for side in _SIDES:
            bound = getattr(model, side)
            if bound is None:
                continue
            written = not bound.isidentifier()
            if not written and not _is_known(vocabulary, parameters, bound, (name, side)):
                continue
            for index, figure in enumerate(model.figures):
                if not _is_known(vocabulary, parameters, figure, (name, "figures", index)):
                    continue
                path = ("properties", name, side)
                limits = (
                    _always(vocabulary, parameters[figure], bound, path)
                    if written
                    else parameters[bound].series
                )
                for value, limit in _outside(parameters[figure], limits, side):
                    span = vocabulary.document.span("parameters", figure)
                    plain = _plain(value), _plain(limit)
                    vocabulary.diagnostics.append(
                        diagnostics.property_broken(span, figure, *plain, side, message(model.title))
                    )


def _always(vocabulary: Vocabulary, figure: Parameter, text: str, path: tuple[str, ...]) -> tuple[Dated, ...]:
    """A bound that is written in the property, on every day."""
    value = vocabulary.literal(text, figure.type, figure.written, path)
    return (Dated(dt.date.min, None, value, "cited", Citation(None, None), None),)


def _is_known(
    vocabulary: Vocabulary, parameters: Mapping[str, Parameter], name: str, path: tuple[str | int, ...]
) -> bool:
    if name in parameters:
        return True
    span = vocabulary.document.span("properties", *path)
    vocabulary.unknown(span, "parameters", name, parameters)
    return False


def _outside(figure: Parameter, bound: Iterable[Dated], side: Side) -> Iterable[tuple[Decimal, Decimal]]:
    """Values of the figure with the bound each breaks."""
    for dated in figure.series:
        for limit in bound:
            value, edge = dated.known, limit.known
            if not isinstance(value, Decimal) or not isinstance(edge, Decimal) or not _overlap(dated, limit):
                continue
            if (value < edge) if side == "at_least" else (value > edge):
                yield value, edge


def _overlap(one: Dated, other: Dated) -> bool:
    last = min(one.end or dt.date.max, other.end or dt.date.max)
    return max(one.start, other.start) <= last


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")
