# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archives that Python runs as they are: modules of ours where nothing of ours is installed."""

from __future__ import annotations

import importlib.util
import io
import marshal
import zipfile
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path, PurePosixPath

_UNCHECKED = 0b01  # by a hash of the source, which nobody compares
_EPOCH = (1980, 1, 1, 0, 0, 0)


def packed(modules: Mapping[str, Path], main: str, *, compiled: bool = False) -> bytes:
    """An archive of `modules` (name to source) that runs `main`; the same bytes for the same sources.

    See https://docs.python.org/3/library/zipapp.html.

    Args:
        compiled: whether byte code of this interpreter travels beside the sources. Another version of Python passes it
            by. It names the sources' files here, and is twice as big as they are.
    """
    content: dict[str, str | bytes] = {"__main__.py": main}
    for module, source in modules.items():
        path = PurePosixPath(module.replace(".", "/") + ".py")
        content[str(path)] = source.read_bytes()
        if compiled:
            content[f"{path}c"] = _byte_code(module, source)
        # Whole packages, so that a collection of ours that the other Python may have does not come first.
        content.update({f"{parent}/__init__.py": "" for parent in path.parents if parent.name})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(content.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _byte_code(module: str, source: Path) -> bytes:
    """A pyc that is taken as it is where the version of Python fits; see PEP 552."""
    code = SourceFileLoader(module, str(source)).get_code(module)  # from our own cache
    hashed = importlib.util.source_hash(source.read_bytes())
    return importlib.util.MAGIC_NUMBER + _UNCHECKED.to_bytes(4, "little") + hashed + marshal.dumps(code)
