# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lets an action show lines to the user while a play runs, and passes the user's signals to the action."""

from __future__ import annotations
