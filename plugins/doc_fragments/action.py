# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """Documentation that applies to every module of this collection, unless a module overrides it."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and return what it would change.
    support: full
    details: In check mode it changes nothing.
  diff_mode:
    description: Returns what would differ, without secrets.
    support: none
    details: It has nothing to show.
notes:
  - It runs on the controller, as an action plugin. Nothing is copied to a host.
"""
