# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What MLflow says in its own words, where nothing but its words tells.

This file travels with a launch, see shim.py.
"""

from __future__ import annotations


def other_experiment(run_id: str) -> str:
    """What the client raises for a run to go on with, where the script sets another experiment than that run's."""
    return f"Cannot start run with ID {run_id} because active experiment ID does not match"


def refuses_host(answer: str) -> bool:
    """Whether an answer of 403 is about the Host header, and not about who asks."""
    return "host" in answer.lower()
