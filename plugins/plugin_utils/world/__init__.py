# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts of a world: its keys and secrets, its variables, and clients of its store and its MLflow."""

from __future__ import annotations
