# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recognizes errors of MLflow by their text, where MLflow gives no code for them."""

from __future__ import annotations


def other_experiment(run_id: str) -> str:
    """Return the error of MLflow's client if a script continues this run after it has set another experiment."""
    return f"Cannot start run with ID {run_id} because active experiment ID does not match"


def refuses_host(answer: str) -> bool:
    """Whether a 403 answer refuses the Host header, and not the user."""
    return "host" in answer.lower()
