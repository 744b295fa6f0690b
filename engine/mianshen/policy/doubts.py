"""What a colleague who reads a sound rulebook would ask about.

In: a program and the document it was made of. Out: warnings: a total nothing adds to, a layer that is paid and left out
of what the patient pays, provisions that can never decide or always conflict, rows never reached, conditions always true.
Only what can be proved from code lists, ranges of facts, places and dates is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mianshen.catalogue import diagnostic
from mianshen.document import Document
from mianshen.program import core
from mianshen.program.overlap import Prover
from mianshen.program.program import Decision, Key, Program, Provision
from mianshen.program.selection import conjuncts
from mianshen.source import Diagnostic, Message


def doubts(program: Program, document: Document) -> Iterator[Diagnostic]:
    """Every doubt about a sound rulebook."""
    yield from _unfed(program, document)
    yield from _left_out(program)
    prover = Prover(program.codes)
    for decision in program.decisions:
        yield from _of_decision(decision, prover)
        for provision in decision.provisions:
            yield from _always_true(provision, decision.entity, prover)
            table = provision.name in document.tables
            if table and isinstance(provision.value, core.Choice) and provision.value.policy == "first":
                yield from _never_reached(provision, provision.value, document, prover)


def _unfed(program: Program, document: Document) -> Iterator[Diagnostic]:
    """Totals that no provision adds to."""
    fed = {name for decision in program.decisions for p in decision.provisions for name in p.feeds}
    wholes = {a.name: a.part_of or a.name for a in program.accumulators.values()}
    for name in dict.fromkeys(wholes.values()):
        if any(name == wholes[other] for other in fed):
            continue
        yield diagnostic("E370.nothing_fed", document.span("accumulators", name), name=name)


# -- layers ------------------------------------------------------------------------------------------


def _left_out(program: Program) -> Iterator[Diagnostic]:
    """Paid layers that an outcome leaves out, or what nothing rests on, which takes several others into account."""
    outcomes = {(e.name, e.outcome) for e in program.entities.values() if e.outcome is not None}
    below = {decision.key: _read(decision.provisions) for decision in program.decisions}
    layers = {key for key in program.paid if key in below}
    rested = set().union(*below.values()) | {(a.entity, a.sums) for a in program.accumulators.values()}
    for decision in program.decisions:
        if decision.key not in outcomes and any(entity == decision.entity for entity, _ in outcomes):
            continue
        own = {key for key in layers if key[0] == decision.entity}
        read = below[decision.key] & own
        if decision.key in layers | (rested - outcomes) or decision.written != "money" or len(read) < 2:
            continue
        for _, name in sorted(own - read):
            yield diagnostic(
                "E371.layer_left_out",
                decision.provisions[0].span,
                decision=decision.name,
                layer=name,
                entity=decision.entity,
            )


def _read(provisions: Iterable[Provision]) -> set[Key]:
    """The decisions that provisions read at their own row or above it."""
    roots = (root for provision in provisions for root in provision.roots)
    return {
        (n.entity, n.name) for root in roots for n in core.beside(root) if isinstance(n, core.DecisionRef)
    }


# -- provisions --------------------------------------------------------------------------------------


def _of_decision(decision: Decision, prover: Prover) -> Iterator[Diagnostic]:
    """Provisions that always conflict, and those that another always comes before."""
    provisions = decision.provisions
    for one, two in decision.conflicts:
        if set(provisions[one].condition) == set(provisions[two].condition):
            first, second = sorted(
                (provisions[one], provisions[two]), key=lambda p: (p.span.file, p.span.line)
            )
            also = ((first.span, Message(f"{first.name} 在此", f"{first.name} is here")),)
            yield diagnostic("E372.alike", second.span, also=also, name=second.name, other=first.name)
    for provision in provisions:
        over = (p for p in provisions if p.name in provision.exceptions)
        if provision.fallback:
            over = (p for p in provisions if not p.fallback)
        hidden = next((p for p in over if _implies(provision.condition, p.condition, prover)), None)
        if hidden is not None:
            yield diagnostic("E373.never_decides", provision.span, name=provision.name, other=hidden.name)


def _implies(conditions: Iterable[core.Core], others: Iterable[core.Core], prover: Prover) -> bool:
    """Whether some conditions, all together, are proved to make others true."""
    conditions = list(conditions)
    return all(prover.impossible([*conditions, _not(other)]) for other in conjuncts(others))


def _not(node: core.Core) -> core.Core:
    return core.Op("not", (node,), core.Boolean())


def _never_reached(
    provision: Provision, choice: core.Choice, document: Document, prover: Prover
) -> Iterator[Diagnostic]:
    """Rows of a table of the first match that an earlier row takes everything from."""
    rows = [row for row in document.tables[provision.name].rows if row.status != "planned"]
    for number, (condition, _) in enumerate(choice.rows):
        for earlier in range(number):
            if _implies([condition], [choice.rows[earlier][0]], prover):
                span = document.span("tables", provision.name, "rows", number, "id")
                yield diagnostic(
                    "E374.row_never_reached", span, row_id=rows[number].id, earlier=rows[earlier].id
                )
                break


def _always_true(provision: Provision, entity: str, prover: Prover) -> Iterator[Diagnostic]:
    """Conditions that exclude nobody; that some row of a table matches is its last row's to see to."""
    from mianshen.interpreter.formula import to_text

    table = isinstance(provision.value, core.Choice)
    for part in conjuncts(provision.condition[:-1] if table else provision.condition):
        if isinstance(part, core.Const) or prover.impossible([_not(part), *_ranges(part)]):
            yield diagnostic(
                "E375.always_true", provision.span, name=provision.name, condition=to_text(part, entity)
            )


def _ranges(condition: core.Core) -> Iterator[core.Core]:
    """What is known of the numbers that a condition reads: the ranges of facts."""
    nodes = dict.fromkeys(core.walk(condition))
    if any(isinstance(node, core.IsKnown) for node in nodes):
        return
    for node in nodes:
        if isinstance(node, core.FactRef) and isinstance(node.type, core.Numeric):
            for op, bound in (("ge", node.type.low), ("le", node.type.high)):
                limit = core.Const(bound, core.Numeric(node.type.scale, bound, bound))
                yield core.Op("ge" if op == "ge" else "le", (node, limit), core.Boolean())
