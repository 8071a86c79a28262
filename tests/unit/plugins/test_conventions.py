"""The rules that keep a new variable, store or target to one file."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from sentences import searches

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.plugin_utils.services import HOSTS
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS

SPELL_THE_CONTRACT = ("plugins/module_utils/contract.py", "plugins/plugin_utils/shim/")
TELL_TARGETS_APART = (
    "plugins/module_utils/endpoints.py",  # a table, see ADDRESSES
    "plugins/plugin_utils/services/",
    "plugins/plugin_utils/targets/",
    "roles/service/tasks/",
)
# What versions without causes wrote is read there.
READS_OLD_RECORDS = "plugins/module_utils/causes.py"
STACK = "ansible_collections.samerun.stack.plugins."


def sources(root: Path, *folders: str) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for folder in folders
        for path in sorted((root / folder).rglob("*.py"))
    }


def imported(text: str) -> set[str]:
    """Modules of the collection that a source imports, from `plugins` on."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(STACK):
            module = str(node.module).removeprefix(STACK)
            found |= {module} | {f"{module}.{name.name}" for name in node.names}
    return found


def code_of(text: str) -> str:
    """A source without its docstrings and comments, which may name what they like."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, clean=False):
            node.body[0] = ast.Pass()
    return ast.unparse(tree)


@pytest.mark.parametrize("row", contract.TABLE, ids=lambda row: row.name)
def test_a_contract_name_is_spelled_in_the_contract_and_the_shim_alone(root: Path, row: contract.Variable) -> None:
    named = {name for name, text in sources(root, "plugins", "src").items() if re.search(rf"\b{row.name}\b", text)}
    assert "plugins/module_utils/contract.py" in named
    assert [name for name in named if not name.startswith(SPELL_THE_CONTRACT)] == []


def test_no_code_compares_with_a_target_but_where_targets_are_told_apart(root: Path) -> None:
    names = "|".join(TARGETS)
    compares = re.compile(rf"(==|!=|\bin\b|\bis\b|case)\s*\(?['\"]({names})['\"]|['\"]({names})['\"]\s*(==|!=|\bin\b)")
    named = re.compile(rf"['\"]({names})['\"]")  # most sources name no target, and need not be parsed
    found = [
        name
        for name, text in sources(root, "plugins", "src").items()
        if not name.startswith(TELL_TARGETS_APART) and named.search(text) and compares.search(code_of(text))
    ]
    for path in sorted([*(root / "roles").rglob("*.yml"), *(root / "playbooks").rglob("*.yml")]):
        name = path.relative_to(root).as_posix()
        if compares.search(path.read_text()) and not name.startswith(TELL_TARGETS_APART):
            found.append(name)
    assert found == []


def test_no_code_tells_one_service_from_another_but_what_is_about_it(root: Path) -> None:
    compares = re.compile(r"['\"](mlflow|object_store)['\"]")
    told = {
        name: text
        for name, text in sources(root, "plugins/plugin_utils/services", "plugins/action", "src").items()
        if compares.search(code_of(text))
    }
    uses = re.compile(r"\bworld\.(mlflow|object_store)\b")
    named = [name for name, text in sources(root, "plugins/plugin_utils/services").items() if uses.search(text)]
    assert (list(told), named) == ([], [])


def test_a_target_is_one_folder_one_host_and_one_task_file(root: Path) -> None:
    folder = root / "plugins" / "plugin_utils"
    for name in TARGETS:
        assert (folder / "targets" / name / "target.py").exists()
    for name in HOSTS:
        assert (folder / "services" / name / "host.py").exists()
        assert (root / "roles" / "service" / "tasks" / f"{name}.yml").exists()


def test_the_contract_imports_nothing_of_ours(root: Path) -> None:
    assert imported((root / "plugins/module_utils/contract.py").read_text()) == set()


def test_the_collection_does_not_know_the_command(root: Path) -> None:
    knows = re.compile(r"^\s*(from|import) samerun\b", re.MULTILINE)
    assert [name for name, text in sources(root, "plugins").items() if knows.search(text)] == []


def test_code_decides_by_causes_and_searches_no_sentence(root: Path) -> None:
    """What an engine says is read by functions of its `words.py` and `pod_words.py`, which take it as text."""
    found = {name: [*searches(text)] for name, text in sources(root, "plugins", "src").items()}
    assert found.pop(READS_OLD_RECORDS)
    assert {name: lines for name, lines in found.items() if lines} == {}
