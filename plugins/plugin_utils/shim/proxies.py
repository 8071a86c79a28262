# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services of the world's own are asked without a proxy."""

from __future__ import annotations

from typing import Collection, Mapping

# Programs read either spelling, and the lower one first.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_NO_PROXY = ("no_proxy", "NO_PROXY")


def unproxied(environ: Mapping[str, str], hosts: Collection[str]) -> dict[str, str]:
    """What must be set beside `environ` for `hosts` to be asked without a proxy; nothing where no proxy is set."""
    if not any(environ.get(name) or environ.get(name.upper()) for name in _PROXIES):
        return {}
    known = [host.strip() for name in _NO_PROXY for host in environ.get(name, "").split(",")]
    return dict.fromkeys(_NO_PROXY, ",".join(dict.fromkeys(host for host in (*known, *hosts) if host)))
