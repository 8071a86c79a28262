# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Folders under other names, for one process and its children only (Linux).

A container sees a volume at /data because it has a root of its own. A process gets the same here: this file, run as
a program, enters a private mount namespace whose root shows the host as it is and the volumes where they were
asked for, then becomes the command. It needs no privilege where the kernel allows user namespaces. Nothing on the
host changes, and nothing is left. See mount_namespaces(7) and user_namespaces(7).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

REFUSAL = "refusal.json"  # in the working folder, where there are no private mounts: `reason`
ROOT = "root"  # the mount point, a folder in the working folder; it stays empty for everybody else
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 0x1, 0x20, 0x1000, 0x4000, 0x40000


def wrapped(argv: list[str], volumes: list[dict[str, Any]]) -> list[str]:
    """`argv` as it must be started so that it sees `volumes` (source, path, read_only) at their paths."""
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
    os.execv(command[0], command)  # noqa: S606 - this is what the file is for


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
    """Let every entry of the host's `folder` appear below `root`.

    A folder that is to hold a place which the host does not have (`missing`) is assembled of its entries, so that
    the place is made here and not on the host.
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
