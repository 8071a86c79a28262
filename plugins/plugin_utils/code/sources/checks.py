# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a script and the modules of its project that it imports, before anything starts."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.samerun.stack.plugins.module_utils.errors import DATA, NO_INPUT, SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.code import bundle
from ansible_collections.samerun.stack.plugins.plugin_utils.code.scripts import Script
from ansible_collections.samerun.stack.plugins.plugin_utils.code.sources import calls as source_calls
from ansible_collections.samerun.stack.plugins.plugin_utils.code.sources import modules, names
from ansible_collections.samerun.stack.plugins.plugin_utils.code.sources.modules import Import, Need

# Modules of the standard library that some Pythons lack. Only these are tried; every Python has the others.
_NOT_EVERYWHERE = {
    "asynchat", "asyncore", "bz2", "cgi", "crypt", "ctypes", "curses", "dbm", "distutils", "graphlib", "imp", "lzma",
    "pipes", "readline", "smtpd", "sqlite3", "ssl", "telnetlib", "tkinter", "tomllib", "turtle", "zoneinfo",
}  # fmt: skip
_WORDS = re.compile(rb"_uri|MlflowClient|environ|putenv|unsetenv|log_model|save_model")
_STIRS = re.compile(rb"environ\s*(\[|\.(setdefault|update|pop)|\|=)|putenv|load_dotenv|sys\.modules|meta_path")
_LARGE = 4_000_000  # bytes; a larger source is data


@dataclass(frozen=True)
class Sources:
    """What was found in the script and its modules.

    Attributes:
        files: paths in the project, of the script and of every module of the project that it may import.
        imports: what must import in the environment for the script to start: `module` or `module:attribute`.
        hints: for some imported top-level names, the name that was perhaps meant.
        unread: files that this Python cannot parse, but the Python that runs them perhaps can.
        lenient: whether the script adds folders to `sys.path` that are not known here.
        stirs: whether it changes its environment. An import may depend on that (keras reads its backend there).
        overrides: a line for each place that overrides the contract.
        log_model: file and line of the first torch model that is logged without an example, or nothing.
    """

    files: tuple[str, ...]
    imports: tuple[str, ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    lenient: bool = False
    stirs: bool = False
    overrides: tuple[str, ...] = ()
    log_model: str = ""


def scan(script: Script, *, ours: bool = True, travels: bool = True) -> Sources:
    """Read a script and what it imports of its project.

    Args:
        ours: whether this interpreter runs the script, so that a syntax error here is one there too.
        travels: whether the script sees only the files that are packed.

    Raises:
        SamerunError: a file has a syntax error, or a module of the project is missing or is not packed.
    """
    return _Look(script, ours, travels).sources()


@dataclass
class _Source:
    """A file and its module name; `need` is how surely it is imported."""

    path: Path
    module: str
    need: Need
    tree: ast.Module | None = None
    speaks: bool = False

    @property
    def package(self) -> str:
        is_package = self.path.name == "__init__.py" and self.module != "__main__"
        return self.module if is_package else self.module.rpartition(".")[0]


class _Look:
    def __init__(self, script: Script, ours: bool, travels: bool) -> None:
        self.root, self.ours, self.travels = script.project, ours, travels
        self.script = script.project / script.relative
        self.folder = self.script.parent
        self.found: dict[Path, _Source] = {}
        self.imports: dict[str, None] = {}
        self.hints: dict[str, str] = {}
        self.unread: list[str] = []
        self.lenient = self.stirs = False

    def sources(self) -> Sources:
        waiting = [_Source(self.script, "__main__", Need.REQUIRED)]
        while waiting:
            source = waiting.pop(0)
            known = self.found.get(source.path)
            if known and known.need >= source.need:
                continue
            source.tree = known.tree if known else self._parsed(source)
            source.speaks |= bool(known and known.speaks)
            self.found[source.path] = source
            if source.tree is not None:
                waiting += self._followed(source)
        return self._seen()

    def _seen(self) -> Sources:
        read = self.found.values()
        units = [
            names.Unit(source.module, source.package, self._shown(source.path), source.tree, source.speaks)
            for source in read
            if source.tree is not None
        ]
        calls = source_calls.scan(units)
        return Sources(
            tuple(self._shown(path) for path in self.found), tuple(self.imports), self.hints, tuple(self.unread),
            self.lenient, self.stirs, tuple(calls.overrides), calls.log_model,
        )  # fmt: skip

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _parsed(self, source: _Source) -> ast.Module | None:
        """Return the syntax tree; None if it cannot be parsed here and need not be."""
        shown = self._shown(source.path)
        if self.travels and (reason := bundle.stays(self.root, shown)):
            if source.need is Need.OPTIONAL:
                return None
            raise SamerunError(
                f"Failed to check {self._shown(self.script)}: it needs {shown}, which does not travel with it: "
                f"{reason}.", "Correct the ignore file, or move what is needed.", DATA,
            )  # fmt: skip
        start = f"Failed to read {'the script ' if source.path == self.script else ''}{shown}"
        try:
            text = source.path.read_bytes()
            source.speaks = bool(_WORDS.search(text))
            self.stirs |= bool(_STIRS.search(text))
            self.lenient |= b"sys.path" in text or b"addsitedir" in text
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python shows the warnings of the source when the script runs
                return ast.parse(text, str(source.path)) if len(text) < _LARGE else None
        except OSError as error:
            raise SamerunError(f"{start}: {error.strerror}.", "Make it readable.", NO_INPUT) from error
        except SyntaxError as error:
            cause, hint = f"line {error.lineno}: {error.msg}", "Correct it; nothing was started."
        except ValueError as error:
            cause, hint = f"it is not Python source ({error})", "Is it the right file?"
        except RecursionError:
            return None
        if source.need is Need.OPTIONAL:
            return None
        if not self.ours:
            self.unread.append(shown)
            return None
        raise SamerunError(f"{start}: {cause}.", hint, DATA)

    def _followed(self, source: _Source) -> list[_Source]:
        """Return the files of the project that `source` imports; note the imports of other packages."""
        assert source.tree is not None  # noqa: S101 - the caller parsed it
        found = []
        for one in modules.imports_of(source.tree.body, is_script=source.path == self.script):
            need = min(one.need, source.need)
            found += [_Source(path, module, need) for path, module in self._resolved(source, one, need)]
        return found

    def _resolved(self, source: _Source, one: Import, need: Need) -> list[tuple[Path, str]]:
        dotted = self._absolute(source, one)
        if dotted is None:
            if need is Need.REQUIRED:
                raise self._missing(source, one, "a relative import works only inside a package", "Write it absolute.")
            return []
        folder, place = self._find(dotted)
        if place.missing and need is Need.REQUIRED:
            near = f"Did you mean {place.near}?" if place.near else "Is it saved, and in this project?"
            raise self._missing(source, one, f"there is no {place.missing} in {self._shown_package(place)}", near)
        if not place.files and not place.opaque and not self._is_module(place, one.name):
            self._note(one, dotted, need)
            return []
        inner = modules.find(place.folder, one.name).files if place.folder and one.name not in ("", "*") else ()
        return [(path, _module(path, folder)) for path in (*place.files, *inner)]

    def _find(self, dotted: str) -> tuple[Path, modules.Found]:
        """Return the folder of the search and the result; a script may add the project's root to `sys.path`."""
        place = modules.find(self.folder, dotted)
        if place.files or place.opaque or not self.lenient or self.root == self.folder:
            return self.folder, place
        other = modules.find(self.root, dotted)
        return (self.root, other) if other.files else (self.folder, place)

    def _absolute(self, source: _Source, one: Import) -> str | None:
        if not one.level:
            return one.module
        parts = source.package.split(".") if source.package else []
        if len(parts) < one.level:
            return None
        return ".".join([*parts[: len(parts) - one.level + 1], *([one.module] if one.module else [])])

    @staticmethod
    def _is_module(place: modules.Found, name: str) -> bool:
        """Whether the package or namespace `place` has a module `name`."""
        return place.folder is not None and bool(name) and bool(modules.find(place.folder, name).files)

    def _shown_package(self, place: modules.Found) -> str:
        last = place.files[-1]
        return self._shown(last.parent if last.name == "__init__.py" else last)

    def _missing(self, source: _Source, one: Import, cause: str, hint: str) -> SamerunError:
        what = f"{'.' * one.level}{one.module}" or one.name
        return SamerunError(
            f"Failed to check {self._shown(source.path)}: line {one.line} imports {what}, and {cause}.", hint, DATA
        )

    def _note(self, one: Import, dotted: str, need: Need) -> None:
        first = dotted.partition(".")[0]
        if need is not Need.REQUIRED or first == "__future__":
            return
        if first in sys.stdlib_module_names and first not in _NOT_EVERYWHERE:
            return
        self.imports[f"{dotted}:{one.name}" if one.name not in ("", "*") else dotted] = None
        if modules.find(self.root, first).files:
            self.hints[first] = f"{first} lies in {self.root.name}, and Python looks beside the script."
        elif near := modules.near(self.folder, first):
            self.hints[first] = f"Did you mean {near}, which lies beside the script?"


def _module(path: Path, folder: Path) -> str:
    """Return the module name by which an import from `folder` finds the file `path`."""
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
