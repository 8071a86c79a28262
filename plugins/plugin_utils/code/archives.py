# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Zip archives that Python runs directly: they bring modules of samerun to where samerun is not installed."""

from __future__ import annotations

import importlib.util
import io
import marshal
import zipfile
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path, PurePosixPath

_UNCHECKED = 0b01  # the pyc holds a hash of the source that Python does not verify
_EPOCH = (1980, 1, 1, 0, 0, 0)


def packed(modules: Mapping[str, Path], main: str, *, compiled: bool = False) -> bytes:
    """Pack `modules` (name to source) into an archive that runs `main`; the same sources give the same bytes.

    See https://docs.python.org/3/library/zipapp.html.

    Args:
        compiled: whether to add byte code of this interpreter to the sources. Another version of Python ignores it. The
            byte code holds the paths of the sources on this host, and is twice as big as the sources.
    """
    content: dict[str, str | bytes] = {"__main__.py": main}
    for module, source in modules.items():
        path = PurePosixPath(module.replace(".", "/") + ".py")
        content[str(path)] = source.read_bytes()
        if compiled:
            content[f"{path}c"] = _byte_code(module, source)
        # Complete packages: else Python might import from a collection of samerun that is installed there.
        content.update({f"{parent}/__init__.py": "" for parent in path.parents if parent.name})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(content.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _byte_code(module: str, source: Path) -> bytes:
    """Return a pyc that Python of the same version uses without a check of the source; see PEP 552."""
    code = SourceFileLoader(module, str(source)).get_code(module)  # from __pycache__, if it is there
    hashed = importlib.util.source_hash(source.read_bytes())
    return importlib.util.MAGIC_NUMBER + _UNCHECKED.to_bytes(4, "little") + hashed + marshal.dumps(code)
