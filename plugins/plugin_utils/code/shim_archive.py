# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packs the shim and the modules that it imports into one archive that Python runs directly."""

from __future__ import annotations

import functools
from pathlib import Path

from ansible_collections.samerun.stack.plugins.module_utils import causes, contract, masking
from ansible_collections.samerun.stack.plugins.plugin_utils.code import archives
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import shim

NAME = "shim.pyz"
# The import takes a moment. Signals are blocked meanwhile, until ScriptProcess has installed its handlers.
_MAIN = f"""import signal
import sys

signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGHUP, signal.SIGINT, signal.SIGTERM))

from {shim.__name__} import main

main(sys.argv)
"""


@functools.cache
def data(*, compiled: bool = False) -> bytes:
    """Return the archive; the same sources give the same bytes.

    Args:
        compiled: whether to add byte code of this interpreter to the sources. It saves the shim a third of its time,
            which compiling takes. See `archives.packed`.
    """
    return archives.packed(_modules(), _MAIN, compiled=compiled)


def _modules() -> dict[str, Path]:
    """Return every module of the folder `shim`, and the three of `module_utils` that they import."""
    package = shim.__name__.rpartition(".")[0]
    files = (path for path in sorted(Path(shim.__file__).parent.glob("*.py")) if path.stem != "__init__")
    return {
        **{f"{package}.{path.stem}": path for path in files},
        **{module.__name__: Path(str(module.__file__)) for module in (causes, contract, masking)},
    }
