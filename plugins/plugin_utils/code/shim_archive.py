# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shim and what it imports as the one file that travels: an archive that Python runs as it is."""

from __future__ import annotations

import functools
from pathlib import Path

from ansible_collections.samerun.stack.plugins.module_utils import causes, contract, masking
from ansible_collections.samerun.stack.plugins.plugin_utils.code import archives
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import shim

NAME = "shim.pyz"
# Signals wait until there are handlers for them, see ScriptProcess: the import takes a moment.
_MAIN = f"""import signal
import sys

signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGHUP, signal.SIGINT, signal.SIGTERM))

from {shim.__name__} import main

main(sys.argv)
"""


@functools.cache
def data(*, compiled: bool = False) -> bytes:
    """The archive; the same bytes for the same sources.

    Args:
        compiled: whether byte code of this interpreter travels beside the sources: a third of the shim's time is to
            compile these. See `archives.packed`.
    """
    return archives.packed(_modules(), _MAIN, compiled=compiled)


def _modules() -> dict[str, Path]:
    """What travels: every file of the folder `shim`, and the three of `module_utils` that they import."""
    package = shim.__name__.rpartition(".")[0]
    files = (path for path in sorted(Path(shim.__file__).parent.glob("*.py")) if path.stem != "__init__")
    return {
        **{f"{package}.{path.stem}": path for path in files},
        **{module.__name__: Path(str(module.__file__)) for module in (causes, contract, masking)},
    }
