# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a world is by itself: keys, its store and MLflow as the controller uses them, variables."""

from __future__ import annotations
