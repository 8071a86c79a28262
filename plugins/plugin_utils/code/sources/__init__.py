# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks a script and its modules by reading their sources; nothing is executed."""

from __future__ import annotations
