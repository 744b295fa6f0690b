"""A DMN model read as a rulebook: inputs as facts, item definitions as code lists, tables, formulas and functions.

In: a file of DMN 1.1 to 1.5. Out: `ReadModel`: the text of a rulebook of one entity, and what it does not carry.
Invariants: what is not understood is refused at its line and column, or listed; the text is handed back only once it
was built. Names that formulas cannot hold are respelt, and keep their spelling as titles. Raises RuleError.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mianshen.catalogue import diagnostic
from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.exchange.decisions import BUILT_IN, NUMBERS, POLICIES, Loss
from mianshen.exchange.dmn_xml import Node, read_xml
from mianshen.exchange.feel import AS_OF, NOT_CARRIED
from mianshen.exchange.overlay_text import MADE_BY, Written
from mianshen.exchange.workbook import Cell
from mianshen.source import Diagnostic, RuleError
from mianshen.syntax import KEYWORDS

ENTITY: Final = "case"
KEY: Final = "case_id"
SOURCE: Final = "DMN"
_TYPES: Final = {there: here for here, there in BUILT_IN.items()} | {
    "integer": "integer", "long": "integer", "double": "number",  # as some modellers write them
}  # fmt: skip
_POLICIES: Final[Mapping[tuple[str, str], str]] = {there: here for here, there in POLICIES.items()}
_LEFT_OUT: Final = (
    "knowledgeSource",
    "decisionService",
    "group",
    "elementCollection",
    "performanceIndicator",
    "organizationUnit",
)
_WORDS: Final = (
    "description",
    "extensionElements",
    "textAnnotation",
    "association",
    "DMNDI",
    "itemDefinition",
    "inputData",
)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*|[\u4e00-\u9fff][\u4e00-\u9fffa-z0-9_]*")
_OTHER: Final = re.compile(r"[^a-z0-9_\u4e00-\u9fff]+")
_QUOTED: Final = re.compile(r'("(?:\\.|[^"\\])*")')
_LITERALS: Final = {
    "number": re.compile(r"-?[0-9]*\.?[0-9]+"), "boolean": re.compile("true|false"), "text": _QUOTED,
    "date": re.compile(r'date\("[0-9-]{10}"\)'),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReadModel:
    text: str
    losses: tuple[Loss, ...]


def read_model(path: Path) -> ReadModel:
    """The rulebook that a DMN file stands for."""
    reader = _Reader(read_xml(path))
    rulebook = reader.rulebook()
    if reader.diagnostics:
        raise RuleError(reader.diagnostics)
    written = Written([f"{MADE_BY}: {path.name}"])
    written.put(rulebook)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rulebook.yaml"
        file.write_text(written.text, "utf-8")
        try:
            build(*read([file]))
        except RuleError as error:
            raise RuleError(written.at(one, str(file)) for one in error.diagnostics) from None
    return ReadModel(written.text, tuple(reader.losses))


@dataclass(slots=True)
class _Reader:
    root: Node
    diagnostics: list[Diagnostic] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # spelt for formulas, by the spelling of the model
    items: dict[str, Node] = field(default_factory=dict)
    codes: dict[str, Any] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)  # names of code lists, by the item definition
    kinds: dict[str, list[str]] = field(default_factory=dict)  # names of areas and of lists

    def rulebook(self) -> dict[str, Any]:
        root = self.root
        self._survey()
        self.items = {node.get("name"): node for node in root.all("itemDefinition")}
        inputs, decisions = list(root.all("inputData")), list(root.all("decision"))
        functions = list(root.all("businessKnowledgeModel"))
        for node in (*inputs, *decisions, *functions):
            self._spell(node)
        questions = self._questions_by_name(decisions)
        if not decisions:
            self.diagnostics.append(diagnostic("E942.no_decisions", root.span))
        facts: dict[str, Any] = {KEY: {"type": "text", "required": "true", "title": "编号"}}
        facts |= {
            self._name(node): self._fact(node, questions) for node in inputs if self._name(node) != AS_OF
        }
        if not inputs:  # else a name that is none of them is misspelt
            facts |= self._facts_of_tables(questions)
        sections: dict[str, Any] = {"decisions": {}, "tables": {}, "provisions": {}}
        for node in decisions:
            self._decision(node, facts, sections)
        written = {self._name(node): self._function(node) for node in functions}
        title = root.get("name") or SOURCE
        whole = {
            "rulebook": {"name": _slug(title) or "model", "title": title, "entry": ENTITY},
            "entities": {ENTITY: {"title": {"zh": "案例", "en": "case"}, "key": KEY}},
            "sources": {SOURCE: {"title": title}}, "codes": self.codes, "facts": {ENTITY: facts},
            "decisions": {ENTITY: sections["decisions"]}, "functions": written, "tables": sections["tables"],
            "provisions": sections["provisions"],
        }  # fmt: skip
        return {name: section for name, section in whole.items() if section}

    def _facts_of_tables(self, questions: Mapping[str, Node]) -> dict[str, Any]:
        """Facts of what decision tables ask for, of a model without inputs."""
        facts: dict[str, Any] = {}
        for spelt, question in questions.items():
            if spelt in self.names.values():
                continue
            self._lose(spelt, "no_input")
            type_ = self._typed(question, question.get("typeRef"))
            facts[spelt] = {
                "type": Cell(type_, question.span),
                "title": Cell(question.texts(), question.span),
            }
            self.names[question.texts()] = spelt
        return facts

    def _survey(self) -> None:
        """List what is left out, refuse what is not known."""
        self._check_language(self.root)
        self._lose("", "null_in")
        self._lose("", "no_dates")
        for node in self.root.children:
            if node.tag in _LEFT_OUT:
                self._lose(node.get("name"), "element", tag=node.tag)
            elif node.tag not in (*_WORDS, "decision", "businessKnowledgeModel"):
                self.diagnostics.append(diagnostic("E933.unsupported", node.span, tag=node.tag))

    def _lose(self, name: str, why: str, **values: object) -> None:
        self.losses.append(Loss(name, NOT_CARRIED[why].filled(**values)))

    # -- names and types ---------------------------------------------------------------------

    def _spell(self, node: Node) -> None:
        """Give an element a name that formulas can hold."""
        name = self._own_name(node)
        spelt = _slug(name)
        if not spelt:
            self.diagnostics.append(diagnostic("E941.no_name", node.span, tag=node.tag))
            return
        if name in self.names:
            self.diagnostics.append(diagnostic("E943.same_name", node.span, name=name))
            return
        spelt = self.names[name] = _unlike(spelt, {*KEYWORDS, *self.names.values()})
        variable = node.child("variable")
        reference = variable.get("typeRef") if variable is not None else ""
        item = self.items.get(reference)
        if item is not None and item.get("isCollection") == "true":
            self.kinds.setdefault("list", []).append(spelt)
        elif reference == "area" and item is not None:
            self.kinds.setdefault("area", []).append(spelt)

    def _own_name(self, node: Node) -> str:
        variable = node.child("variable")
        return " ".join(((variable.get("name") if variable is not None else "") or node.get("name")).split())

    def _name(self, node: Node) -> str:
        return self.names.get(self._own_name(node), "")

    def _title(self, node: Node) -> str:
        return node.get("label") or node.get("name") or self._own_name(node)

    def _typed(self, node: Node, reference: str, above: tuple[str, ...] = ()) -> str:
        """The written type that a reference means; reported where there is none. `above`: definitions that lead here."""
        name = reference.rsplit(":", 1)[-1]
        item = self.items.get(name)
        if name in _TYPES and item is None:
            return _TYPES[name]
        if item is None or item.child("itemComponent") is not None or name in above:
            self.diagnostics.append(diagnostic("E937.unusable_type", node.span, type=reference))
            return "text"
        base = item.child("typeRef")
        below = base.text if base is not None else "string"
        allowed = item.child("allowedValues")
        if item.get("isCollection") == "true":
            inner = self._typed(item, below, (*above, name))
            if not inner.startswith("code "):
                self.diagnostics.append(diagnostic("E937.unusable_type", item.span, type=name))
            return f"list of {inner}"
        if name in (*NUMBERS, "area"):
            return name
        codes = [text[1:-1] for text in _QUOTED.findall(allowed.texts())] if allowed is not None else []
        if codes:
            spelt = self.lists.setdefault(name, _unlike(_slug(name) or "codes", self.lists.values()))
            self.codes[spelt] = {"title": item.get("label") or name, "values": {code: code for code in codes}}
            return f"code {spelt}"
        if allowed is not None:
            self._lose(name, "allowed_values")
        return self._typed(item, below, (*above, name))

    def _type_of(self, node: Node, *more: Node | None) -> str:
        """The type that an element says it has."""
        for place in (node.child("variable"), *more):
            if (
                place is not None
                and place.get("typeRef")
                and place.get("typeRef").rsplit(":", 1)[-1] != "Any"
            ):
                return self._typed(place, place.get("typeRef"))
        return ""

    def _questions_by_name(self, decisions: Sequence[Node]) -> dict[str, Node]:
        """The names, as they are spelt here, that tables ask by themselves, with their types."""
        tables = [table for node in decisions for table in node.all("decisionTable")]
        typed = [question for table in tables for question in _questions(table) if question.get("typeRef")]
        named = [one for one in typed if re.fullmatch(r"[^\W\d]\w*", one.texts())]
        return {self.names.get(one.texts()) or _slug(one.texts()): one for one in reversed(named)}

    def _fact(self, node: Node, questions: Mapping[str, Node]) -> dict[str, Any]:
        type_ = self._type_of(node, questions.get(self._name(node)))
        if not type_:
            self.diagnostics.append(diagnostic("E936.no_type", node.span, name=self._own_name(node)))
        return {"type": Cell(type_ or "text", node.span), "title": Cell(self._title(node), node.span)}

    # -- logic -------------------------------------------------------------------------------

    def _decision(self, node: Node, facts: dict[str, Any], sections: Mapping[str, dict[str, Any]]) -> None:
        """A decision with what decides it; one without logic is a fact that somebody has to give."""
        name, table, literal = self._name(node), node.child("decisionTable"), node.child("literalExpression")
        logic = [child for child in node.children if child.tag in ("decisionTable", "literalExpression")]
        for child in node.children:
            if child.tag not in _OF_DECISION or child in logic[1:]:
                self.diagnostics.append(diagnostic("E933.unsupported", child.span, tag=child.tag))
        output = table.child("output") if table is not None else literal
        type_ = self._type_of(node, output) or (self._inferred(table) if table is not None else "")
        if not type_:
            self.diagnostics.append(diagnostic("E936.no_type", node.span, name=self._own_name(node)))
        entry = {"type": Cell(type_ or "text", node.span), "title": Cell(self._title(node), node.span)}
        if table is None and literal is None:
            self._lose(name, "no_logic")
            facts[name] = entry
            return
        sections["decisions"][name] = entry
        grounds = {
            "decision": name,
            "title": self._title(node),
            "source": SOURCE,
            "clause": node.get("name") or name,
        }
        if table is not None:
            self._decide_by_table(name, table, grounds, sections)
        elif literal is not None:
            _add(sections["provisions"], name, grounds | {"value": self._formula(literal)})

    def _decide_by_table(
        self, name: str, table: Node, grounds: dict[str, Any], sections: Mapping[str, dict[str, Any]]
    ) -> None:
        """A table; one that asks conditions, of which nobody can tell that rows exclude each other, as provisions."""
        written, provisions = self._table(table), sections["provisions"]
        asks = any(question.get("typeRef") == "boolean" for question in _questions(table))
        whole = all(
            len(row["cells"]) == len(written["inputs"]) for row in written["rows"]
        )  # a table is refused else
        if written["hit_policy"] == "unique" and asks and whole:
            for row in written["rows"]:
                conditions = [_asked(*pair) for pair in zip(written["inputs"], row["cells"], strict=True)]
                parts = {part: row[part] for part in ("value", "note") if part in row}
                if when := " and ".join(filter(None, conditions)):
                    parts["when"] = Cell(when, row["value"].span)
                _add(provisions, f"{name}_{row['id']}", grounds | parts)
        else:
            sections["tables"][name] = grounds | written
        if (default := self._default(table)) is not None:
            _add(provisions, f"{name}_default", grounds | {"fallback": "true", "value": default})

    def _inferred(self, table: Node) -> str:
        """The type of a table's outputs, where all of them are literals of one."""
        texts = [entry.texts() for rule in table.all("rule") for entry in rule.all("outputEntry")]
        return next(
            (type_ for type_, form in _LITERALS.items() if texts and all(map(form.fullmatch, texts))), ""
        )

    def _table(self, table: Node) -> dict[str, Any]:
        policy = (table.get("hitPolicy") or "UNIQUE", table.get("aggregation"))
        if policy not in _POLICIES:
            self.diagnostics.append(
                diagnostic("E934.hit_policy", table.span, policy=" ".join(policy).strip())
            )
        if len(list(table.all("output"))) != 1:
            self.diagnostics.append(diagnostic("E935.several_outputs", table.span, name=table.get("id")))
        inputs = [self._formula(column.child("inputExpression") or column) for column in table.all("input")]
        for column in table.all("input"):
            if column.child("inputValues") is not None:
                self._lose(column.get("label") or column.get("id"), "input_values")
        rows = [
            row
            for number, rule in enumerate(table.all("rule"), 1)
            if (row := self._row(number, rule, policy[0]))
        ]
        return {"hit_policy": _POLICIES.get(policy, "unique"), "inputs": inputs, "rows": rows}

    def _row(self, number: int, rule: Node, policy: str) -> dict[str, Any] | None:
        outputs = list(rule.all("outputEntry"))
        if len(outputs) > 1:
            self.diagnostics.append(diagnostic("E935.several_outputs", rule.span, name=rule.get("id")))
        output = self._formula(outputs[0] if outputs else rule)
        if output.text == "null":
            if policy == "FIRST":
                self.diagnostics.append(diagnostic("E938.null_first", rule.span))
            self._lose(rule.get("id"), "null_row")
            return None
        cells = [Cell(self._respelt(entry.texts()) or "-", entry.span) for entry in rule.all("inputEntry")]
        words = rule.child("description")
        texts = [
            words.text if words is not None else "",
            *(entry.texts() for entry in rule.all("annotationEntry")),
        ]
        note = "；".join(filter(None, texts))
        return {"id": f"rule_{number}", "cells": cells, "value": output} | ({"note": note} if note else {})

    def _default(self, table: Node) -> Cell | None:
        output = table.child("output")
        default = output.child("defaultOutputEntry") if output is not None else None
        return None if default is None else self._formula(default)

    def _function(self, node: Node) -> dict[str, Any]:
        logic = node.child("encapsulatedLogic")
        literal = logic.child("literalExpression") if logic is not None else None
        if logic is None or literal is None:
            self.diagnostics.append(diagnostic("E933.unsupported", node.span, tag=node.tag))
            return {}
        takes, own = {}, dict(self.names)
        for argument in logic.all("formalParameter"):
            if not argument.get("typeRef"):
                self.diagnostics.append(diagnostic("E936.no_type", argument.span, name=argument.get("name")))
            self.names[argument.get("name")] = _slug(argument.get("name"))
            takes[_slug(argument.get("name"))] = Cell(
                self._typed(argument, argument.get("typeRef") or "string"), argument.span
            )
        money = {"gives": "money"} if self._type_of(node) == "money" else {}
        value, self.names = self._formula(literal), own
        return {"title": self._title(node), "takes": takes, **money, "value": value}

    def _check_language(self, node: Node) -> None:
        language = node.get("expressionLanguage")
        if language and "feel" not in language.lower():
            self.diagnostics.append(diagnostic("E939.other_language", node.span, language=language))

    def _formula(self, node: Node) -> Cell:
        self._check_language(node)
        text = self._respelt(node.texts())
        if not text:
            self.diagnostics.append(diagnostic("E940.nothing_written", node.span, tag=node.tag))
        return Cell(text or "-", node.span)

    def _respelt(self, text: str) -> str:
        """FEEL in the words of rules: names as they are spelt here, tests for null, places."""
        changed = {name: spelt for name, spelt in self.names.items() if name != spelt}
        names = "|".join(
            re.escape(name).replace(r"\ ", r"\s+") for name in sorted(changed, key=len, reverse=True)
        )
        parts = _QUOTED.split(" ".join(text.split()))
        for number in range(0, len(parts), 2):
            part = parts[number]
            if changed:
                part = re.sub(
                    rf"(?<![\w.])(?:{names})(?!\w)", lambda match: changed[" ".join(match[0].split())], part
                )
            part = re.sub(r"!= null\b", "is known", part)
            parts[number] = re.sub(r"(?<![<>!])= null\b", "is unknown", part)
        whole = re.sub(r'@("[0-9]{4}-[0-9]{2}-[0-9]{2}")', r"date(\1)", "".join(parts))
        for feel, own, kind in (("starts with", "within", "area"), ("list contains", "contains", "list")):
            if spelt := self.kinds.get(kind):
                whole = re.sub(rf"\b{feel}\((?=(?:{'|'.join(spelt)})\b)", f"{own}(", whole)
        return whole


_OF_DECISION: Final = (
    "description", "extensionElements", "question", "allowedAnswers", "variable", "informationRequirement",
    "knowledgeRequirement", "authorityRequirement", "decisionTable", "literalExpression", "supportedObjective",
    "impactedPerformanceIndicator", "decisionMaker", "decisionOwner", "usingProcess", "usingTask",
)  # fmt: skip


def _add(provisions: dict[str, Any], name: str, provision: dict[str, Any]) -> None:
    """Add a provision, under a longer name where another decision's provision has its own."""
    provisions[_unlike(name, provisions)] = provision


def _unlike(name: str, taken: Collection[str]) -> str:
    """A name, longer by as many underscores as tell it apart from those that are taken."""
    while name in taken:
        name += "_"
    return name


def _questions(table: Node) -> list[Node]:
    return [question for column in table.all("input") for question in column.all("inputExpression")]


def _asked(question: Cell, cell: Cell) -> str:
    """What a cell asks of its input, as a condition; empty for anything."""
    inside = re.fullmatch(r"not\((.*)\)", cell.text)
    match cell.text:
        case "-":
            return ""
        case "true":
            return f"({question.text})"
        case "false":
            return f"not({question.text})"
        case _ if inside is not None:
            return f"not(({question.text}) in ({inside[1]}))"
        case _:
            return f"({question.text}) in ({cell.text})"


def _slug(name: str) -> str:
    """A name as formulas spell it; empty where nothing is left of it."""
    if _NAME.fullmatch(name):
        return name
    spelt = _OTHER.sub("_", re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
    if not spelt or _NAME.fullmatch(spelt):
        return spelt
    return f"变量_{spelt}" if not spelt.isascii() else f"n_{spelt}"
