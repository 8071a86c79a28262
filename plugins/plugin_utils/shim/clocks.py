# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the clock here and the one of a service agree, by the Date that it answers with.

S3 refuses requests that are signed 15 minutes early or late, and a run whose times lie in the future sorts wrong. This
file travels with a launch, see shim.py.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

LIMIT = 300  # seconds


def problem(what: str, viewpoint: str, date: Any) -> tuple[str, str] | None:
    """What to say where the clocks differ by more than five minutes: message and hint.

    Args:
        date: the header's value, of an answer that came just now; whatever is no date tells nothing.
    """
    here = time.time()
    try:
        there = parsedate_to_datetime(str(date)).timestamp()
    except (TypeError, ValueError, IndexError):  # older Pythons raise any of them
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
