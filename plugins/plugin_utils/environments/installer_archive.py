# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packs the installer into one archive, for the build context of an image."""

from __future__ import annotations

import functools
from pathlib import Path

from ansible_collections.samerun.stack.plugins.plugin_utils.code import archives
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import installer, pip_settings

NAME = "installer.pyz"
_MAIN = f"import sys\n\nfrom {installer.__name__} import main\n\nsys.exit(main(sys.argv[1:]))\n"


@functools.cache
def data() -> bytes:
    """Return the archive; the same sources give the same bytes."""
    modules = {module.__name__: Path(str(module.__file__)) for module in (installer, pip_settings)}
    return archives.packed(modules, _MAIN)
