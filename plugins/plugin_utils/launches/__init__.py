# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Launches as users handle them: prepare, check, start, follow, settle and find again."""

from __future__ import annotations
