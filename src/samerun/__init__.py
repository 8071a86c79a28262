"""One unchanged training script: as a process, in Docker and on Kubernetes."""

from __future__ import annotations

__version__ = "0.1.0"
