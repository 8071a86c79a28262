# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shim and what it imports as the one file that travels: an archive that Python runs as it is."""

from __future__ import annotations

import functools
import importlib.util
import io
import marshal
import zipfile
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path, PurePosixPath

from ansible_collections.samerun.stack.plugins.module_utils import causes, contract, masking
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import shim

NAME = "shim.pyz"
# Signals wait until there are handlers for them, see ScriptProcess: the import takes a moment.
_MAIN = f"""import signal
import sys

signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGHUP, signal.SIGINT, signal.SIGTERM))

from {shim.__name__} import main

main(sys.argv)
"""
_UNCHECKED = 0b01  # by a hash of the source, which nobody compares
_EPOCH = (1980, 1, 1, 0, 0, 0)


@functools.cache
def data(*, compiled: bool = False) -> bytes:
    """The archive; the same bytes for the same sources. See https://docs.python.org/3/library/zipapp.html.

    Args:
        compiled: whether byte code of this interpreter travels beside the sources: a third of the shim's time is to
            compile these. Another version of Python passes it by. It names the sources' files here, and is twice as
            big as they are.
    """
    content: dict[str, str | bytes] = {"__main__.py": _MAIN}
    for module, source in _modules():
        path = PurePosixPath(module.replace(".", "/") + ".py")
        content[str(path)] = source.read_bytes()
        if compiled:
            content[f"{path}c"] = _byte_code(module, source)
        # Whole packages, so that a collection of ours that the trainer's Python may have does not come first.
        content.update({f"{parent}/__init__.py": "" for parent in path.parents if parent.name})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(content.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _modules() -> Iterator[tuple[str, Path]]:
    """What travels: every file of the folder `shim`, and the three of `module_utils` that they import."""
    package = shim.__name__.rpartition(".")[0]
    for path in sorted(Path(shim.__file__).parent.glob("*.py")):
        if path.stem != "__init__":
            yield f"{package}.{path.stem}", path
    for module in (causes, contract, masking):
        yield module.__name__, Path(str(module.__file__))


def _byte_code(module: str, source: Path) -> bytes:
    """A pyc that is taken as it is where the version of Python fits; see PEP 552."""
    code = SourceFileLoader(module, str(source)).get_code(module)  # from our own cache
    hashed = importlib.util.source_hash(source.read_bytes())
    return importlib.util.MAGIC_NUMBER + _UNCHECKED.to_bytes(4, "little") + hashed + marshal.dumps(code)
