# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mounts volumes at the wanted paths for one process and its children only (Linux).

A container sees a volume at /data because it has its own root. This file gives a process the same. Run as a program,
it enters a private mount namespace. The root of that namespace shows the host's files, and the volumes at their wanted
paths. Then it becomes the command. It needs no privilege if the kernel allows user namespaces. Nothing on the host
changes, and nothing is left behind. See mount_namespaces(7) and user_namespaces(7).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

REFUSAL = "refusal.json"  # written to the working folder if private mounts are not possible; its key `reason` says why
ROOT = "root"  # the mount point, a folder in the working folder; other processes see it empty
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 0x1, 0x20, 0x1000, 0x4000, 0x40000


def wrapped(argv: list[str], volumes: list[dict[str, Any]]) -> list[str]:
    """Return the command that starts `argv` with `volumes` (source, path, read_only) mounted at their paths."""
    needed = [volume for volume in volumes if os.path.realpath(volume["source"]) != os.path.realpath(volume["path"])]
    return [argv[0], __file__, json.dumps(needed), *argv] if needed else argv


def main(argv: list[str]) -> None:
    volumes, command = json.loads(argv[1]), argv[2:]
    here = os.getcwd()
    try:
        _enter(volumes)
    except OSError as error:
        listed = ", ".join(f"{v['source']} at {v['path']}" for v in volumes)
        first = volumes[0]
        reason = (
            f"Failed to show {listed} to the script: this system allows no private mounts ({error.strerror}). "
            f"Make a link instead: sudo ln -s {first['source']} {first['path']}"
        )
        with contextlib.suppress(OSError):
            Path(here, REFUSAL).write_text(json.dumps({"reason": reason}), encoding="utf-8")
        print(f"samerun: {reason}", file=sys.stderr, flush=True)
        sys.exit(os.EX_UNAVAILABLE)
    os.chdir(here)
    os.execv(command[0], command)  # noqa: S606 - becoming the command is the purpose


def _enter(volumes: list[dict[str, Any]]) -> None:
    uid, gid = os.getuid(), os.getgid()
    _call("unshare", CLONE_NEWNS | (CLONE_NEWUSER if uid else 0))
    if uid:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    _mount("none", "/", "", MS_REC | MS_PRIVATE)
    root = os.path.join(os.getcwd(), ROOT)
    os.makedirs(root, exist_ok=True)
    _mount("tmpfs", root, "tmpfs", 0)
    missing = [volume["path"] for volume in volumes if not os.path.isdir(volume["path"])]
    _assemble("/", root, missing)
    for volume in volumes:
        place = root + volume["path"]
        os.makedirs(place, exist_ok=True)
        _mount(volume["source"], place, "", MS_BIND | MS_REC)
        if volume["read_only"]:
            _mount("none", place, "", MS_REMOUNT | MS_BIND | MS_RDONLY)
    os.chroot(root)


def _assemble(folder: str, root: str, missing: list[str]) -> None:
    """Make every entry of the host's `folder` appear below `root`.

    If a mount point does not exist on the host (`missing`), its parent folder is assembled entry by entry. So the mount
    point is created below `root`, and not on the host.
    """
    for entry in os.scandir(folder):
        place = root + entry.path
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), place)
        elif entry.is_dir():
            os.mkdir(place)
            if any(path.startswith(entry.path + "/") for path in missing):
                _assemble(entry.path, root, missing)
            else:
                _mount(entry.path, place, "", MS_BIND | MS_REC)
        elif entry.is_file():
            open(place, "w").close()
            _mount(entry.path, place, "", MS_BIND)


def _mount(source: str, place: str, kind: str, flags: int) -> None:
    _call("mount", source.encode(), place.encode(), kind.encode() or None, flags, None)


def _call(name: str, *arguments: Any) -> None:
    try:
        function = getattr(ctypes.CDLL(None, use_errno=True), name)
    except AttributeError as error:
        raise OSError(0, f"{sys.platform} has no {name}") from error
    if function(*(ctypes.c_ulong(a) if name == "mount" and isinstance(a, int) else a for a in arguments)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    main(sys.argv)
