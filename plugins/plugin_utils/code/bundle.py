# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packs the project folder into one archive. The same files give the same bytes, so the hash identifies what ran."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.samerun.stack.plugins.module_utils.errors import DATA, NO_INPUT, SamerunError

if TYPE_CHECKING:
    import pathspec

LIMIT = 50 * 1024 * 1024
IGNORE_FILES = (".gitignore", ".samerunignore")
# Names of folders and files that are never packed, unless an ignore file includes them (`!venv/`).
_NEVER = {".git/", "__pycache__/", ".venv/", "venv/", ".mypy_cache/", ".ruff_cache/", ".pytest_cache/"}
_COMPILED = ".pyc"

_PACKED = (tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE)


@dataclass(frozen=True)
class Bundle:
    """An archive and what it is called.

    Attributes:
        data: a gzipped tar.
        sha256: hash of the uncompressed tar; equal for equal trees, whoever packed them and when.
        files: number of members.
    """

    data: bytes
    sha256: str
    files: int


def pack(project: Path) -> Bundle:
    """Pack the files of `project`, except those that its ignore files name.

    Raises:
        SamerunError: the folder is no project (`/`, the home folder) or holds more than 50 MB.
    """
    root = project.resolve()
    if root in (Path("/"), Path.home().resolve()):
        raise SamerunError(
            f"Failed to pack the code: the project folder is {root}, which holds far more than a project.",
            "Put the script into a folder of its own, or set training_project.",
            DATA,
        )
    try:
        members = sorted(_members(root))
    except OSError as error:
        raise _unreadable(error.filename or root, error) from error
    _refuse_large(root, members)
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for relative in members:
            _add(archive, root, relative)
    raw = tar.getvalue()
    return Bundle(gzip.compress(raw, compresslevel=6, mtime=0), hashlib.sha256(raw).hexdigest(), len(members))


def _members(root: Path) -> list[str]:
    """Return relative POSIX paths of the files and links to pack; an ignore file counts for its folder and below."""
    found: list[str] = []
    rules = _rules(root, "")
    total = 0
    for folder, folders, names in os.walk(root, onerror=_refuse):
        relative = Path(folder).relative_to(root).as_posix()
        here = "" if relative == "." else relative + "/"
        if here:
            rules |= _rules(Path(folder), here)
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        folders[:] = sorted(n for n in folders if n not in links and not _ignored(rules, f"{here}{n}/"))
        kept = [f"{here}{name}" for name in [*names, *links] if not _ignored(rules, f"{here}{name}")]
        found += kept
        total += len(kept)
        if total > 100_000:
            break  # far past the limit: the check by size names the folder
    return found


def stays(root: Path, relative: str) -> str:
    """Say why the file `relative` is not packed with `root`, or is useless after unpacking; empty if it is usable."""
    rules = _rules(root, "")
    parts = relative.split("/")
    for depth in range(1, len(parts)):
        here = "/".join(parts[:depth]) + "/"
        if _ignored(rules, here):
            return f"an ignore file ({' or '.join(IGNORE_FILES)}) names {here}"
        rules |= _rules(root / here, here)
    if _ignored(rules, relative):
        return f"an ignore file ({' or '.join(IGNORE_FILES)}) names it"
    inside = (root / relative).resolve().is_relative_to(root.resolve())
    return "" if inside else f"it is a link to {(root / relative).resolve()}, outside of the project"


def _rules(folder: Path, here: str) -> dict[str, pathspec.GitIgnoreSpec]:
    """Return the rules in the ignore files of `folder`, keyed by its path `here`; empty if it has no such file."""
    found = [folder / name for name in IGNORE_FILES if (folder / name).is_file()]
    if not found:
        return {}
    import pathspec  # imported late: most projects have no such file

    lines = [line for path in found for line in path.read_text(errors="replace").splitlines()]
    return {here: pathspec.GitIgnoreSpec.from_lines(lines)}


def _ignored(rules: dict[str, pathspec.GitIgnoreSpec], path: str) -> bool:
    """Whether `path` is ignored. As in git, the rules of the deepest folder that match `path` decide."""
    name = path[path.rstrip("/").rfind("/") + 1 :]
    verdict = name in _NEVER or name.rstrip("/").endswith(_COMPILED)
    for base, spec in rules.items():
        if path.startswith(base):
            answer = spec.check_file(path[len(base) :]).include
            verdict = verdict if answer is None else answer
    return verdict


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def _refuse_large(root: Path, members: list[str]) -> None:
    sizes = sorted((_size(root / member), member) for member in members)
    total = sum(size for size, _ in sizes)
    if total > LIMIT or len(members) > 100_000:
        largest = ", ".join(f"{name} ({size / 1e6:.1f} MB)" for size, name in reversed(sizes[-3:]))
        raise SamerunError(
            f"Failed to pack {root}: {len(members)} files of {total / 1e6:.0f} MB are more than the "
            f"{LIMIT // 1024 // 1024} MB that travel. The largest: {largest}.",
            "Name what the script does not need in .samerunignore, and bring data by training_volumes.",
            DATA,
        )


def _add(archive: tarfile.TarFile, root: Path, relative: str) -> None:
    path = root / relative
    try:
        info = archive.gettarinfo(path, arcname=relative)
        if getattr(info, "type", None) not in _PACKED:  # a socket, or a pipe: reading it would block
            return
        # Only what changes a run goes in: content, links and the executable bit.
        info.uid = info.gid = info.mtime = 0
        info.uname = info.gname = ""
        info.mode = 0o755 if info.mode & 0o100 else 0o644
        if info.islnk():  # pack a hard link as a second file
            info.type, info.linkname = tarfile.REGTYPE, ""
        if info.issym():
            archive.addfile(info)
            return
        with path.open("rb") as content:
            info.size = os.fstat(content.fileno()).st_size
            archive.addfile(info, content)
    except FileNotFoundError:
        return  # a temporary file, for example of an editor, that was removed since the folder was listed
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: object, error: OSError) -> SamerunError:
    hint = "Make it readable, or name it in .samerunignore."
    return SamerunError(f"Failed to pack {path}: {error.strerror}.", hint, NO_INPUT)


def _refuse(error: OSError) -> None:
    """Raise the error that `os.walk` would ignore, unless the folder is gone by now."""
    if not isinstance(error, FileNotFoundError):
        raise error
