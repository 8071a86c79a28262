"""What docs/architecture.md says of adding a setting or a variable of the contract is all that there is to do.

Both are added to a copy of this repository, in the files that its table names; generated files are generated.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MODULE_UTILS = "plugins/module_utils"
# File, a text in it that is there once, and what comes after it.
A_SETTING = [
    (f"{MODULE_UTILS}/settings/training.py", "_WHEN = (", 'Setting("training_example", "str", "", "Said once."),'),
]
ITS_USE = [
    (f"{MODULE_UTILS}/training.py", '    delivery: str = "auto"\n', '    example: str = ""\n'),
    ("plugins/plugin_utils/launches/training.py", 'delivery=options["delivery"],', 'example=options["example"],'),
    (
        "plugins/plugin_utils/targets/process/target.py",
        '"env": {**spec.plain, **secrets',
        ', **({"EXAMPLE": asked.example} if asked.example else {})',
    ),
]
A_VARIABLE = [
    (f"{MODULE_UTILS}/settings/mlflow.py", "_YOURS = (", 'Setting("mlflow_sample", "str", "", "Said once."),'),
    (
        f"{MODULE_UTILS}/contract.py",
        '"the token that MLflow asks for", "mlflow_token", secret=True, required=False,\n    ),',
        'Variable("MLFLOW_SAMPLE", "mlflow_sample", "sample", "a sample", "mlflow_sample", required=False),',
    ),
]
# Tests that say something of every setting and of every variable.
DERIVED = (
    "docs", "plugins/modules", f"{MODULE_UTILS}/settings", f"{MODULE_UTILS}/test_contract.py",
    f"{MODULE_UTILS}/test_world.py", "plugins/plugin_utils/targets/test_plans.py",
    "plugins/plugin_utils/engines/kubernetes/test_contract_objects.py",
)  # fmt: skip


@pytest.fixture(scope="module")
def copy(root: Path, sources: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this repository with both additions, generated anew."""
    folder = tmp_path_factory.mktemp("copy")
    for name in sources:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, folder / name, follow_symlinks=False)
    for name, there, more in (*A_SETTING, *ITS_USE, *A_VARIABLE):
        text = (folder / name).read_text()
        assert text.count(there) == 1, f"{there!r} in {name}"
        (folder / name).write_text(text.replace(there, there + more))
    for script in ("settings.py", "contract_table.py"):
        run(folder, sys.executable, f"docs/{script}", "--write")
    return folder


def run(folder: Path, *argv: str) -> str:
    """What a command says that runs in `folder` and imports from there."""
    found = {"PYTHONPATH": f"{folder}/src:{folder}/collections", "ANSIBLE_COLLECTIONS_PATH": f"{folder}/collections"}
    done = subprocess.run(
        argv, cwd=folder, env={**os.environ, **found}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_both_reach_a_script_from_where_they_are_set(copy: Path, tmp_path: Path) -> None:
    playbook = str(Path(sys.executable).with_name("ansible-playbook"))
    given = {
        "training_example": "asked", "mlflow_sample": "told", "samerun_state_dir": str(tmp_path),
        # Nothing is set up then.
        "mlflow_endpoint": "http://mlflow.example", "mlflow_artifact_mode": "proxied",
    }  # fmt: skip
    variables = [text for name, value in given.items() for text in ("-e", f"{name}={value}")]
    planned = run(copy, playbook, "playbooks/train.yml", "-i", "inventories/process", "--check", "-v", *variables)
    assert '"EXAMPLE": "asked"' in planned
    assert '"MLFLOW_SAMPLE": "told"' in planned


def test_generated_files_and_all_that_lists_settings_or_variables_follow(copy: Path, tmp_path: Path) -> None:
    paths = [f"tests/unit/{name}" for name in DERIVED]
    run(
        copy, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'inner'}", *paths
    )
