# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Time limits: for how many seconds the follower of a launch tries to reach an engine that stopped answering."""

from __future__ import annotations

HERE = 10.0  # an engine on this host comes back soon or not at all
ELSEWHERE = 600.0  # a laptop wakes up again, a server is upgraded
