"""Every source has a test beside it in the mirror of its folder, or a reason why not."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

MODULES = "plugins/modules/"
# A source without a test of its own, and why. Whoever gives it a test takes its line out.
WITHOUT = {
    "plugins/doc_fragments/action.py": "documentation alone",
    "plugins/doc_fragments/training.py": "documentation alone",
    "plugins/doc_fragments/world.py": "documentation alone",
    **{
        f"plugins/module_utils/settings/{role}.py": "rows of a table, see settings/test_tables.py"
        for role in ("mlflow", "object_store", "training", "world")
    },
    "plugins/plugin_utils/engines/away.py": "two numbers",
    "plugins/plugin_utils/shim/names.py": "names alone",
    "src/samerun/__main__.py": "it calls cli.main, see test_cli.py",
}


def sources(root: Path) -> dict[str, PurePosixPath]:
    """Source to its test; modules are documentation and a spec, see modules/test_documentation.py."""
    found = {}
    for folder, mirror in (("plugins", "tests/unit/plugins"), ("src", "tests/unit")):
        for path in (root / folder).rglob("*.py"):
            name, below = path.relative_to(root).as_posix(), path.relative_to(root / folder)
            if path.name != "__init__.py" and not name.startswith(MODULES):
                found[name] = PurePosixPath(mirror) / below.with_name(f"test_{path.name}")
    return found


def test_every_source_has_a_test_in_its_mirror_or_a_reason(root: Path) -> None:
    missing = [name for name, test in sources(root).items() if not (root / test).exists() and name not in WITHOUT]
    assert sorted(missing) == []


def test_no_reason_outlives_its_source_or_stands_beside_a_test(root: Path) -> None:
    known = sources(root)
    assert [name for name in WITHOUT if name not in known or (root / known[name]).exists()] == []
