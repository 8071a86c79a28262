# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds what a source imports, and the project file of each import; nothing is executed."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

_COMPILED = (".so", ".pyd")


class Need(IntEnum):
    """How surely an import runs once its file is imported: always, only if a branch or function runs, or may fail."""

    OPTIONAL = 0
    LAZY = 1
    REQUIRED = 2


@dataclass(frozen=True)
class Import:
    """One name of an import statement; `name` is set only for `from MODULE import NAME`."""

    module: str
    name: str
    line: int
    need: Need
    level: int = 0


def imports_of(body: Sequence[ast.stmt], *, is_script: bool, need: Need = Need.REQUIRED) -> Iterator[Import]:
    """Yield the imports in statements and in their blocks, except those that only a type checker reads."""
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from (Import(alias.name, "", statement.lineno, need) for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                yield Import(statement.module or "", alias.name, statement.lineno, need, statement.level)
        else:
            for inner, at_most in _parts(statement, is_script):
                yield from imports_of(inner, is_script=is_script, need=min(need, at_most))
        if need is Need.REQUIRED and _ends(statement):
            return


def _parts(statement: ast.stmt, is_script: bool) -> Iterator[tuple[Sequence[ast.stmt], Need]]:
    """Yield the blocks of a compound statement, and how surely each runs."""
    if isinstance(statement, ast.If):
        yield from _branches(statement, is_script)
    elif isinstance(statement, (ast.Try, ast.TryStar)):
        caught = Need.OPTIONAL if statement.handlers else Need.REQUIRED
        yield statement.body, caught
        yield from ((handler.body, Need.OPTIONAL) for handler in statement.handlers)
        yield statement.orelse, caught
        yield statement.finalbody, Need.REQUIRED
    elif isinstance(statement, (ast.With, ast.AsyncWith)):
        suppresses = any("suppress" in ast.unparse(item.context_expr) for item in statement.items)
        yield statement.body, Need.OPTIONAL if suppresses else Need.REQUIRED
    elif isinstance(statement, ast.ClassDef):
        yield statement.body, Need.REQUIRED
    elif isinstance(statement, ast.Match):
        yield from ((case.body, Need.LAZY) for case in statement.cases)
    else:
        for block in ("body", "orelse"):
            if isinstance(inner := getattr(statement, block, None), list):
                yield inner, Need.LAZY


def _branches(statement: ast.If, is_script: bool) -> Iterator[tuple[Sequence[ast.stmt], Need]]:
    test = ast.unparse(statement.test)
    if test.endswith("TYPE_CHECKING"):
        yield (statement.body, Need.REQUIRED) if test.startswith("not ") else (statement.orelse, Need.REQUIRED)
    elif "__name__" in test and "__main__" in test:
        # `if __name__ == "__main__"` runs in the script, but not in a module that it imports.
        yield (statement.body, Need.REQUIRED) if is_script else (statement.orelse, Need.REQUIRED)
    else:
        yield statement.body, Need.LAZY
        yield statement.orelse, Need.LAZY


def _ends(statement: ast.stmt) -> bool:
    """Whether no code after `statement` runs."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return ast.unparse(statement.value.func) in ("sys.exit", "exit", "quit", "os._exit")
    return isinstance(statement, ast.Raise)


@dataclass(frozen=True)
class Found:
    """The result of a search for a dotted name.

    Attributes:
        files: the files that Python executes to import it, packages first.
        missing: the part that does not exist although its package belongs to the project; empty if all parts exist.
        near: the module of that package that was perhaps meant.
        folder: the folder of the package or namespace, to search its modules; None for a plain module.
    """

    files: tuple[Path, ...] = ()
    missing: str = ""
    near: str = ""
    folder: Path | None = None
    opaque: bool = field(default=False)


def find(folder: Path, dotted: str) -> Found:
    """Search `dotted` from `folder` as Python does; without files and missing parts, it is not the project's."""
    files: list[Path] = []
    parts = dotted.split(".") if dotted else []
    for number, part in enumerate(parts, 1):
        package, module = folder / part, folder / f"{part}.py"
        if (package / "__init__.py").is_file():
            files.append(package / "__init__.py")
            folder = package
        elif module.is_file():
            files.append(module)
            return Found(tuple(files), "" if number == len(parts) else parts[number])
        elif is_compiled(folder, part):
            return Found(tuple(files), opaque=True)
        elif package.is_dir():
            folder = package
        elif files:
            return Found(tuple(files), part, near(folder, part))
        else:
            return Found()
    return Found(tuple(files), folder=folder)


def is_compiled(folder: Path, name: str) -> bool:
    """Whether `folder` holds an extension module of that name."""
    return any(path.name.endswith(_COMPILED) for path in folder.glob(f"{name}.*"))


def near(folder: Path, name: str) -> str:
    """Return the module or package in `folder` whose name is close to `name`, or an empty string."""
    names = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    close = difflib.get_close_matches(name, sorted(names - {name, "__init__"}), n=1, cutoff=0.75)
    return close[0] if close else ""
