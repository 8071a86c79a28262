# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compares the clock here with a service's clock, by the Date header of an answer.

S3 refuses requests that are signed 15 minutes early or late, and runs with times in the future are sorted wrongly.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

LIMIT = 300  # seconds


def problem(what: str, viewpoint: str, date: Any) -> tuple[str, str] | None:
    """Return message and hint if the clocks differ by more than five minutes; else None.

    Args:
        date: the Date header of an answer that has just arrived; anything that is not a date is ignored.
    """
    here = time.time()
    try:
        there = parsedate_to_datetime(str(date)).timestamp()
    except (TypeError, ValueError, IndexError):  # which one depends on the version of Python
        return None
    difference = there - here
    if abs(difference) <= LIMIT:
        return None
    return (
        f"Failed to use {what} from the {viewpoint}: its clock is {abs(difference):.0f} s "
        f"{'ahead of' if difference > 0 else 'behind'} the one here (there {_shown(there)}, here {_shown(here)}).",
        "Set both by NTP, as by timedatectl set-ntp true; after a sleep of the machine, start Docker Desktop again.",
    )


def _shown(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
