# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shim: the program that starts, watches and ends the script of a launch.

All files of this folder travel with each launch, in an archive that code/shim_archive.py makes. They run under the
trainer's interpreter, so they import only the standard library, each other and the modules of module_utils that travel
too, and they run on Python 3.8.
"""

from __future__ import annotations
