# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For how many seconds an engine that went away is looked for, by whoever follows a launch or waits for it."""

from __future__ import annotations

HERE = 10.0  # one of this host comes back soon or not at all
ELSEWHERE = 600.0  # a laptop that slept, a server that is upgraded
