"""A decision model as DMN 1.3, laid out so that a modeller opens it.

In: `DecisionModel`. Out: XML text. Invariants: what is not carried stands in the file too, as extension elements and as
text beside the decision; a shape for every element, an edge for every requirement; the same model gives the same bytes.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Final

from mianshen.exchange.decisions import BUILT_IN, NUMBERS, DecisionModel, DecisionTable, Element

MODEL: Final = "https://www.omg.org/spec/DMN/20191111/MODEL/"
DMNDI: Final = "https://www.omg.org/spec/DMN/20191111/DMNDI/"
DC: Final = "http://www.omg.org/spec/DMN/20180521/DC/"
DI: Final = "http://www.omg.org/spec/DMN/20180521/DI/"
OWN: Final = "https://mianshen.example/dmn/1"
_PREFIXES: Final = {"": MODEL, "dmndi": DMNDI, "dc": DC, "di": DI, "mianshen": OWN}
_TAGS: Final = {"input": "inputData", "decision": "decision", "function": "businessKnowledgeModel"}
_SIZES: Final = {"input": (150, 45), "decision": (180, 80), "function": (150, 46)}
_REQUIREMENTS: Final = {
    "input": ("informationRequirement", "requiredInput"), "decision": ("informationRequirement", "requiredDecision"),
    "function": ("knowledgeRequirement", "requiredKnowledge"),
}  # fmt: skip
_GAP, _RISE, _ROW, _NOTE = 40, 150, 12, (180, 60)


def dmn_text(model: DecisionModel) -> str:
    """The file's text."""
    for prefix, namespace in _PREFIXES.items():
        ET.register_namespace(prefix, namespace)
    root = ET.Element(
        f"{{{MODEL}}}definitions",
        id="mianshen-model",
        name=model.title,
        namespace=f"{OWN}/{model.name}",
        exporter="Mianshen",
    )
    extensions = _add(root, "extensionElements")
    for loss in model.losses:
        ET.SubElement(extensions, f"{{{OWN}}}notCarried", name=loss.name, zh=loss.why.zh, en=loss.why.en)
    elements = {element.name: element for element in model.elements}
    _add_types(root, model)
    for element in model.elements:
        _add_element(root, element, elements)
    for element in model.elements:
        if element.note:
            annotation = _add(root, "textAnnotation", id=f"note-{element.name}")
            _add(annotation, "text").text = f"未带出 not carried：{element.note}"
    for element in model.elements:
        if element.note:
            association = _add(root, "association", id=f"noted-{element.name}")
            _add(association, "sourceRef", href=f"#{element.name}")
            _add(association, "targetRef", href=f"#note-{element.name}")
    _add_layout(root, model.elements, elements)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add(parent: ET.Element, tag: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, f"{{{MODEL}}}{tag}", attributes)


def _texted(parent: ET.Element, tag: str, text: str, **attributes: str) -> ET.Element:
    """An element that holds a text, as expressions and cells do."""
    element = _add(parent, tag, **attributes)
    _add(element, "text").text = text
    return element


def type_ref(type_: str) -> str:
    """The name of a type in the model."""
    return BUILT_IN.get(type_, type_.replace("list of code ", "list_of_").removeprefix("code "))


def _add_types(root: ET.Element, model: DecisionModel) -> None:
    """Item definitions of the types that are used: kinds of numbers, areas, code lists."""
    used = {type_ref(t) for e in model.elements for t in (e.type, *(a for _, a in e.arguments))}
    used |= {
        type_ref(t)
        for e in model.elements
        if isinstance(e.logic, DecisionTable)
        for *_, t in e.logic.inputs
        if t
    }
    for name in (*NUMBERS, "area"):
        if name in used:
            item = _add(root, "itemDefinition", id=f"type-{name}", name=name)
            _add(item, "typeRef").text = "string" if name == "area" else "number"
    for name, codes in model.codes.items():
        listed = f"list_of_{name}"
        if name in used or listed in used:
            item = _add(root, "itemDefinition", id=f"type-{name}", name=name, label=codes.title.zh)
            _add(item, "typeRef").text = "string"
            _texted(item, "allowedValues", ", ".join(f'"{code}"' for code in codes.values))
        if listed in used:
            item = _add(root, "itemDefinition", id=f"type-{listed}", name=listed, isCollection="true")
            _add(item, "typeRef").text = name


def _add_element(root: ET.Element, element: Element, elements: Mapping[str, Element]) -> None:
    own = _add(root, _TAGS[element.kind], id=element.name, name=element.name, label=element.title)
    if element.kind == "decision":
        _add(own, "question").text = element.title
    _add(own, "variable", id=f"var-{element.name}", name=element.name, typeRef=type_ref(element.type))
    if element.kind == "function" and isinstance(element.logic, str):
        encapsulated = _add(own, "encapsulatedLogic", id=f"logic-{element.name}")
        for name, type_ in element.arguments:
            _add(
                encapsulated,
                "formalParameter",
                id=f"arg-{element.name}-{name}",
                name=name,
                typeRef=type_ref(type_),
            )
        _texted(encapsulated, "literalExpression", element.logic, id=f"text-{element.name}")
    required = [elements[name] for name in element.requires]
    for one in sorted(required, key=lambda one: one.kind == "function"):
        requirement, reference = _REQUIREMENTS[one.kind]
        _add(_add(own, requirement, id=_edge(element, one)), reference, href=f"#{one.name}")
    match element.logic:
        case DecisionTable():
            _add_table(own, element, element.logic)
        case str() if element.kind == "decision":
            _texted(
                own,
                "literalExpression",
                element.logic,
                id=f"text-{element.name}",
                typeRef=type_ref(element.type),
            )
        case _:
            pass


def _edge(element: Element, required: Element) -> str:
    return f"needs-{element.name}-{required.name}"


def _add_table(decision: ET.Element, element: Element, table: DecisionTable) -> None:
    name = element.name
    aggregated = {"aggregation": table.aggregation} if table.aggregation else {}
    own = _add(decision, "decisionTable", id=f"table-{name}", hitPolicy=table.policy, **aggregated)
    for number, (label, expression, type_) in enumerate(table.inputs, 1):
        column = _add(own, "input", id=f"in-{name}-{number}", label=label)
        typed = {"typeRef": type_ref(type_)} if type_ else {}
        _texted(column, "inputExpression", expression, id=f"ask-{name}-{number}", **typed)
    _add(own, "output", id=f"out-{name}", name=name, label=element.title, typeRef=type_ref(element.type))
    for number, rule in enumerate(table.rules, 1):
        row = _add(own, "rule", id=f"rule-{name}-{number}")
        if rule.note:
            _add(row, "description").text = rule.note
        for place, cell in enumerate(rule.cells, 1):
            _texted(row, "inputEntry", cell, id=f"cell-{name}-{number}-{place}")
        _texted(row, "outputEntry", rule.value, id=f"value-{name}-{number}")


# -- layout ------------------------------------------------------------------------------------------


def _layers(elements: Sequence[Element], by_name: Mapping[str, Element]) -> list[list[Element]]:
    """Elements by how far they stand above what requires nothing; long layers are broken."""
    heights: dict[str, int] = {}

    def height(name: str) -> int:
        if name not in heights:
            heights[name] = 0  # a circle ends here; a sound rulebook has none
            below = [height(one) for one in by_name[name].requires]
            heights[name] = 1 + max(below) if below else 0
        return heights[name]

    layers: dict[int, list[Element]] = {}
    for element in elements:
        layers.setdefault(height(element.name), []).append(element)
    return [layer[at : at + _ROW] for _, layer in sorted(layers.items()) for at in range(0, len(layer), _ROW)]


def _add_layout(root: ET.Element, elements: Sequence[Element], by_name: Mapping[str, Element]) -> None:
    diagram = ET.SubElement(
        ET.SubElement(root, f"{{{DMNDI}}}DMNDI"), f"{{{DMNDI}}}DMNDiagram", id="mianshen-diagram"
    )
    layers = _layers(elements, by_name)
    boxes: dict[str, tuple[int, int, int, int]] = {}
    for level, layer in enumerate(layers):
        x, y = _GAP, (len(layers) - 1 - level) * _RISE + _GAP
        for element in layer:
            width, height = _SIZES[element.kind]
            boxes[element.name] = (x, y, width, height)
            _shape(diagram, element.name, boxes[element.name])
            x += width + _GAP
            if element.note:
                boxes[f"note-{element.name}"] = (x, y, *_NOTE)
                _shape(diagram, f"note-{element.name}", boxes[f"note-{element.name}"])
                x += _NOTE[0] + _GAP
    for element in elements:
        for required in element.requires:
            _line(diagram, _edge(element, by_name[required]), boxes[required], boxes[element.name])
        if element.note:
            x, y, width, height = boxes[element.name]
            _waypoints(diagram, f"noted-{element.name}", ((x + width, y + 30), (x + width + _GAP, y + 30)))


def _shape(diagram: ET.Element, name: str, box: tuple[int, int, int, int]) -> None:
    shape = ET.SubElement(diagram, f"{{{DMNDI}}}DMNShape", id=f"shape-{name}", dmnElementRef=name)
    x, y, width, height = map(str, box)
    ET.SubElement(shape, f"{{{DC}}}Bounds", height=height, width=width, x=x, y=y)


def _line(
    diagram: ET.Element, name: str, below: tuple[int, int, int, int], above: tuple[int, int, int, int]
) -> None:
    """From the top of what is required to the bottom of what requires it."""
    start, end = (below[0] + below[2] // 2, below[1]), (above[0] + above[2] // 2, above[1] + above[3])
    _waypoints(diagram, name, (start, end))


def _waypoints(diagram: ET.Element, name: str, points: Sequence[tuple[int, int]]) -> None:
    edge = ET.SubElement(diagram, f"{{{DMNDI}}}DMNEdge", id=f"edge-{name}", dmnElementRef=name)
    for x, y in points:
        ET.SubElement(edge, f"{{{DI}}}waypoint", x=str(x), y=str(y))
