# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shim and what it imports as the one file that travels: an archive that Python runs as it is."""

from __future__ import annotations

import functools
import io
import zipfile
from collections.abc import Iterator
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
_EPOCH = (1980, 1, 1, 0, 0, 0)


@functools.cache
def data() -> bytes:
    """The archive; the same bytes for the same sources. See https://docs.python.org/3/library/zipapp.html."""
    content = {"__main__.py": _MAIN}
    for module, source in _modules():
        path = PurePosixPath(module.replace(".", "/") + ".py")
        # Whole packages, so that a collection of ours that the trainer's Python may have does not come first.
        content.update({f"{parent}/__init__.py": "" for parent in path.parents if parent.name})
        content[str(path)] = source.read_text(encoding="utf-8")
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
