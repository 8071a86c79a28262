# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Talks to the engines: Docker, Kubernetes and supervisord. Nothing here knows of launches."""

from __future__ import annotations
