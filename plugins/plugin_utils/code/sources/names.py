# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Resolves the names in a source, as far as that is possible without running it."""

from __future__ import annotations

import ast
import functools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """A source file: its module name, its package, its name in messages, and its syntax tree.

    Attributes:
        speaks: whether its text has any of the searched words.
    """

    module: str
    package: str
    shown: str
    tree: ast.Module
    speaks: bool = True


class Names:
    """The names of one source.

    Args:
        constants: constant strings of all sources, by dotted name; see `shared`.
    """

    def __init__(self, unit: Unit, constants: Mapping[str, str]) -> None:
        self.unit = unit
        self._constants = constants

    @functools.cached_property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Return all functions, including those in classes and in other functions."""
        return [node for node in self._nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]

    def dotted(self, node: ast.AST) -> str:
        """Return the full dotted name, such as `os.environ` for an alias of it; empty if the node is no name."""
        if isinstance(node, ast.Attribute):
            start = self.dotted(node.value)
            return f"{start}.{node.attr}" if start else ""
        if not isinstance(node, ast.Name):
            return ""
        if node.id in self._aliases:
            return self._aliases[node.id]
        bound = self.value(node)
        # Follow one step only, such as `env = os.environ`: longer chains are rare, and may be circular.
        if isinstance(bound, ast.Attribute) and isinstance(bound.value, ast.Name):
            return f"{self._aliases.get(bound.value.id, bound.value.id)}.{bound.attr}"
        return f"{self.unit.module}.{node.id}"

    def value(self, node: ast.expr) -> ast.expr:
        """Return the value of a name that is bound exactly once; any other node is returned unchanged."""
        bound = self._bound.get(node.id, []) if isinstance(node, ast.Name) else []
        return bound[0] if len(bound) == 1 and bound[0] is not None else node

    def text(self, node: ast.AST | None) -> str | None:
        """Return the string value of a node, or None if it is not known without running it."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name) and isinstance(bound := self.value(node), ast.Constant):
            return bound.value if isinstance(bound.value, str) else None
        if isinstance(node, ast.Attribute) or (isinstance(node, ast.Name) and node.id in self._aliases):
            return self._constants.get(self.dotted(node))
        return None

    def looped(self, node: ast.expr) -> ast.expr | None:
        """Return the mapping whose keys a loop assigns to the name `node`."""
        if not isinstance(node, ast.Name):
            return None
        for loop in (one for one in self._nodes if isinstance(one, ast.For)):
            key = loop.target.elts[0] if isinstance(loop.target, ast.Tuple) and loop.target.elts else loop.target
            over = loop.iter.func.value if _is_items(loop.iter) else loop.iter  # type: ignore[attr-defined] # so it is
            if isinstance(key, ast.Name) and key.id == node.id:
                return over if isinstance(over, ast.expr) else None
        return None

    @functools.cached_property
    def _nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.unit.tree))

    @functools.cached_property
    def _aliases(self) -> dict[str, str]:
        """Map each name that an import binds, anywhere in the source, to its full dotted name."""
        found: dict[str, str] = {}
        for node in self._nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    found[alias.asname or alias.name.partition(".")[0]] = (
                        alias.name if alias.asname else alias.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom):
                packages = self.unit.package.split(".")
                parts = packages[: len(packages) - node.level + 1] if node.level else []
                start = ".".join([*parts, *([node.module] if node.module else [])])
                found.update({alias.asname or alias.name: f"{start}.{alias.name}" for alias in node.names})
        return found

    @functools.cached_property
    def _bound(self) -> dict[str, list[ast.expr | None]]:
        """Map each name to the values that it is bound to anywhere in the source; None for an unknown value."""
        found: dict[str, list[ast.expr | None]] = defaultdict(list)
        for node in self._nodes:
            if isinstance(node, ast.Assign):
                targets = [(target, node.value) for target in node.targets]
            elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value:
                targets = [(node.target, node.value)]
            else:
                targets = []
            for target, value in targets:
                if isinstance(target, ast.Name):
                    found[target.id].append(value)
            if isinstance(node, ast.arg):
                found[node.arg].append(None)
        stores = Counter(n.id for n in self._nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        for name, times in stores.items():
            found[name] += [None] * (times - sum(value is not None for value in found[name]))
        return found


def _is_items(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "items"


def shared(units: Iterable[Unit]) -> dict[str, str]:
    """Return the strings that modules and their classes set exactly once, by dotted name."""
    found: dict[str, list[str | None]] = defaultdict(list)
    for unit in units:
        for place, body in [(unit.module, unit.tree.body), *_classes(unit)]:
            for node in body:
                targets = node.targets if isinstance(node, ast.Assign) else []
                if isinstance(node, ast.AnnAssign):
                    targets = [node.target]
                value = getattr(node, "value", None)
                text = value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
                for target in (one for one in targets if isinstance(one, ast.Name)):
                    found[f"{place}.{target.id}"].append(text)
    return {name: texts[0] for name, texts in found.items() if len(texts) == 1 and texts[0] is not None}


def _classes(unit: Unit) -> list[tuple[str, list[ast.stmt]]]:
    return [(f"{unit.module}.{node.name}", node.body) for node in unit.tree.body if isinstance(node, ast.ClassDef)]
