"""Functions of the rulebook: formulas of arguments.

In: functions as written. Out: what formulas may call. Each is checked by itself, its arguments of the types it declares,
so that one nobody calls is right too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mianshen.elaboration.provision_parts import Parses
from mianshen.elaboration.vocabulary import Vocabulary, message
from mianshen.formulas.checker import Checker
from mianshen.formulas.formula import Local
from mianshen.formulas.symbol_table import FunctionName, SymbolTable
from mianshen.program import diagnostics
from mianshen.program.core import FactRef
from mianshen.program.operators import ALL_FUNCTIONS
from mianshen.program.program import OwnFunction
from mianshen.source import Message

if TYPE_CHECKING:
    from mianshen.document import Document


def own_functions(vocabulary: Vocabulary, parses: Parses) -> dict[str, FunctionName]:
    """The functions whose types and formula can be read."""
    document, functions = vocabulary.document, dict[str, FunctionName]()
    for name, model in document.functions.items():
        at = ("functions", name)
        types = {
            argument: vocabulary.type_of(written, document.span(*at, "takes", argument))
            for argument, written in model.takes.items()
        }
        body = parses.formula((*at, "value"))
        if model.gives is not None:
            vocabulary.type_of(model.gives, document.span(*at, "gives"))
        takes = {argument: type_ for argument, type_ in types.items() if type_ is not None}
        if body is None or len(takes) < len(types):
            vocabulary.failed.add(name)
        else:
            functions[name] = FunctionName(takes, model.gives, body)
    return functions


def written_functions(document: Document) -> dict[str, OwnFunction]:
    """The functions as written, to be shown."""
    functions: dict[str, OwnFunction] = {}
    for name, model in document.functions.items():
        takes = ", ".join(f"{argument}: {written}" for argument, written in model.takes.items())
        call = f"{name}({takes})" + ("" if model.gives is None else f": {model.gives}")
        title = Message(name, name) if model.title is None else message(model.title)
        functions[name] = OwnFunction(name, title, call, model.value)
    return functions


def check_functions(vocabulary: Vocabulary, names: SymbolTable) -> None:
    """Report what is wrong in a function whoever calls it."""
    document = vocabulary.document
    entity = next(iter(names.entities), None)
    for name, function in names.functions.items():
        span = document.span("functions", name)
        if name in ALL_FUNCTIONS or name in names.parameters:
            meaning = Message("函数或参数", "a function or parameter")
            vocabulary.diagnostics.append(diagnostics.name_taken(span, name, meaning))
        elif entity is not None:
            arguments = {
                argument: Local(entity, FactRef(entity, argument, type_))
                for argument, type_ in function.takes.items()
            }
            checker = Checker(names, entity, False, vocabulary.diagnostics)
            checker.called(name, function, arguments)
