# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds places in sources that override the contract, or log a model in a way that a newer MLflow refuses."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.plugin_utils.code.sources.names import Names, Unit, shared

_NAMES = tuple(row.name for row in contract.TABLE)
_TRACKING = contract.name_of("tracking_uri")
# Functions that set which server a script uses, and which of their arguments is the address.
_Place = tuple[str, int, ast.expr | None]  # keyword, position, and the default
_SETTERS: dict[str, _Place] = {
    **{f"mlflow.{path}set_tracking_uri": ("uri", 0, None) for path in ("", "tracking.", "tracking.fluent.")},
    **{f"mlflow.{path}set_registry_uri": ("uri", 0, None) for path in ("", "tracking.")},
    **{f"mlflow.{path}MlflowClient": ("tracking_uri", 0, None) for path in ("", "tracking.", "client.")},
}
_ENVIRON = "os.environ"
_READS = ("os.getenv", "os.environ.get", "os.environ.setdefault", "os.environ.pop")
_MODELS = ("mlflow.pytorch.log_model", "mlflow.pytorch.save_model")
_EXAMPLE_PLACE = 7  # position of input_example in the arguments of both functions


@dataclass
class Calls:
    """The places found; each override is a text with file, line and variable."""

    overrides: list[str] = field(default_factory=list)
    log_model: str = ""


def scan(units: Sequence[Unit]) -> Calls:
    """Search the sources of a script; the script itself comes first in `units`."""
    calls, constants = Calls(), shared(units)
    speaking = [Names(unit, constants) for unit in units if unit.speaks]
    setters = {name: place for names in speaking for name, place in _own_setters(names)}
    # If the project has setters of its own, any file may call them, so every file is searched.
    seen = [Names(unit, constants) for unit in units] if setters else speaking
    for names in seen:
        for line, what in sorted(set(_overrides(names, {**_SETTERS, **setters}))):
            calls.overrides.append(f"{names.unit.shown}, line {line}: {what}")
        for line in _models(names):
            calls.log_model = calls.log_model or f"{names.unit.shown}, line {line}"
    return calls


def _own_setters(names: Names) -> Iterator[tuple[str, _Place]]:
    """Yield the project's functions that pass one of their parameters to a setter, decorators included."""
    for function in names.functions:
        parameters = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
        defaults = dict(zip(reversed(parameters), reversed(function.args.defaults), strict=False))
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            value = _argument(call, _SETTERS.get(names.dotted(call.func)))
            if isinstance(value, ast.Name) and value.id in parameters:
                place = (value.id, parameters.index(value.id), defaults.get(value.id))
                yield f"{names.unit.module}.{function.name}", place


def _argument(call: ast.Call, place: _Place | None) -> ast.expr | None:
    if place is None:
        return None
    keyword, number, default = place
    by_name = next((one.value for one in call.keywords if one.arg == keyword), None)
    return by_name or (call.args[number] if number < len(call.args) else default)


def _overrides(names: Names, setters: Mapping[str, _Place]) -> Iterator[tuple[int, str]]:
    for node, guards in _walk(names.unit.tree, names):
        if isinstance(node, ast.Call):
            called = names.dotted(node.func)
            # Do not show the address: it may hold a password.
            if names.text(_argument(node, setters.get(called))):
                yield node.lineno, f"{called.rpartition('.')[2]} with an address of its own overrides {_TRACKING}"
        for name, value in _written(node, names):
            if name in _NAMES and name not in guards and not (value is not None and _reads(value, name, names)):
                yield node.lineno, f"the script itself {'sets' if value is not None else 'removes'} {name}"


def _walk(node: ast.AST, names: Names, guards: Set[str] = frozenset()) -> Iterator[tuple[Any, Set[str]]]:
    """Yield every node, with the variables of the contract that an `if` or `try` around it tests."""
    yield node, guards
    asking: list[ast.AST] = [node.test] if isinstance(node, ast.If) else []
    if isinstance(node, ast.Try) and node.handlers:
        asking += node.body
    asked = {names.text(part) for one in asking for part in ast.walk(one)}
    inside = guards | {text for text in asked if text in _NAMES}
    for child in ast.iter_child_nodes(node):
        # The body of a `try` is the test; only its handlers run with the result known.
        first = isinstance(node, ast.Try) and child in node.body
        yield from _walk(child, names, guards if first else inside)


def _written(node: ast.AST, names: Names) -> Iterator[tuple[str | None, ast.expr | None]]:
    """Yield the environment variables that a node sets, with the value, or removes, with None."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _keys(target, node.value, names)
    elif isinstance(node, ast.AugAssign) and names.dotted(node.target) == _ENVIRON:
        yield from _entries(node.value, names)
    elif isinstance(node, ast.Delete):
        for target in node.targets:
            yield from ((name, None) for name, _value in _keys(target, ast.Constant(""), names))
    elif isinstance(node, ast.Call):
        yield from _called(node, names)


def _called(node: ast.Call, names: Names) -> Iterator[tuple[str | None, ast.expr | None]]:
    called = names.dotted(node.func)
    if called in ("os.putenv", f"{_ENVIRON}.__setitem__") and len(node.args) == 2:
        yield names.text(node.args[0]), node.args[1]
    elif called in ("os.unsetenv", f"{_ENVIRON}.pop") and node.args:
        yield names.text(node.args[0]), None
    elif called == f"{_ENVIRON}.update":
        yield from ((keyword.arg, keyword.value) for keyword in node.keywords if keyword.arg)
        for given in node.args:
            yield from _entries(given, names)


def _keys(target: ast.expr, value: ast.expr, names: Names) -> Iterator[tuple[str | None, ast.expr]]:
    if not isinstance(target, ast.Subscript) or names.dotted(target.value) != _ENVIRON:
        return
    if key := names.text(target.slice):
        yield key, value
    elif looped := names.looped(target.slice):
        yield from _entries(looped, names)


def _entries(given: ast.expr, names: Names) -> Iterator[tuple[str | None, ast.expr]]:
    given = names.value(given)
    if isinstance(given, ast.Dict):
        yield from ((names.text(key), value) for key, value in zip(given.keys, given.values, strict=True) if key)
    elif isinstance(given, ast.Call) and names.dotted(given.func).endswith(".dict"):
        yield from ((keyword.arg, keyword.value) for keyword in given.keywords)


def _reads(value: ast.expr, name: str, names: Names) -> bool:
    """Whether `value` is made from the variable's previous value."""
    for node in ast.walk(names.value(value)):
        read: ast.expr | None = None
        if isinstance(node, ast.Call) and names.dotted(node.func) in _READS and node.args:
            read = node.args[0]
        elif isinstance(node, ast.Subscript) and names.dotted(node.value) == _ENVIRON:
            read = node.slice
        if read is not None and names.text(read) == name:
            return True
    return False


def _models(names: Names) -> Iterator[int]:
    """Yield lines that log a torch model without an example, unless the code tests the version or has a fallback."""
    for node in _unguarded(names.unit.tree.body):
        if not isinstance(node, ast.Call) or names.dotted(node.func) not in _MODELS:
            continue
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        unknown = None in given or any(isinstance(argument, ast.Starred) for argument in node.args)
        told = len(node.args) > _EXAMPLE_PLACE or "serialization_format" in given
        example = given.get("input_example")
        if not (unknown or told) and (example is None or isinstance(example, ast.Constant)):
            yield node.lineno


def _unguarded(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield every node except those in a `try` that catches every Exception, or in an `if` that tests a version."""
    for node in nodes:
        if isinstance(node, ast.Try) and any(_is_broad(handler) for handler in node.handlers):
            continue
        if isinstance(node, ast.If) and "version" in ast.unparse(node.test).lower():
            continue
        yield node
        yield from _unguarded(ast.iter_child_nodes(node))


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or "Exception" in ast.unparse(handler.type)
