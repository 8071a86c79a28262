# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A launch as people handle it: prepared, checked, started, followed, settled and found again."""

from __future__ import annotations
