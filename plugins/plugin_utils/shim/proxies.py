# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes requests to the world's own services bypass proxies."""

from __future__ import annotations

from typing import Collection, Mapping

# Programs read both the lower-case and the upper-case name; the lower-case one comes first.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_NO_PROXY = ("no_proxy", "NO_PROXY")


def unproxied(environ: Mapping[str, str], hosts: Collection[str]) -> dict[str, str]:
    """Return the variables to add to `environ` so that `hosts` bypass the proxy; empty if no proxy is set."""
    if not any(environ.get(name) or environ.get(name.upper()) for name in _PROXIES):
        return {}
    known = [host.strip() for name in _NO_PROXY for host in environ.get(name, "").split(",")]
    return dict.fromkeys(_NO_PROXY, ",".join(dict.fromkeys(host for host in (*known, *hosts) if host)))
