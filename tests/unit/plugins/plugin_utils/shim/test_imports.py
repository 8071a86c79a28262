from __future__ import annotations

import os
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
from watches import Watch

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import imports, probes

PACKAGES = {
    "fine/__init__.py": "VALUE = 1\nprint('noise on the answer', flush=True)\n",
    "fine/inner.py": "",
    "broken/__init__.py": "raise OSError('libbroken.so.1: cannot open shared object file')\n",
    "leans/__init__.py": "import of_something_else\n",
    "quits/__init__.py": "import sys\nsys.exit('no licence')\n",
    "dies/__init__.py": "import os\nos.kill(os.getpid(), 9)\n",
    "slow/__init__.py": "import time\ntime.sleep(60)\n",
    "secretive/__init__.py": "import os\nassert not [n for n in os.environ if 'SECRET' in n], 'a secret is here'\n",
    "mlflow_skinny-3.16.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: mlflow-skinny\nVersion: 3.16.2\n",
}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The working folder of a script, and beside it packages that are installed."""
    for name, text in PACKAGES.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "work" / "src").mkdir(parents=True)
    return tmp_path / "work"


def check(work: Path, *names: str, **wanted: Any) -> dict[str, Any]:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(work.parent / "site"), "AWS_SECRET_ACCESS_KEY": "x"}
    given = {"names": list(names), **wanted}
    spec = {"imports": given, "script": "src/train.py", "work": str(work), "secret_names": ["MY_SECRET"]}
    with imports.Checking(spec, {**environ, "MY_SECRET": "x"}) as checking:
        return checking.result()


def refused(work: Path, *names: str, **wanted: Any) -> probes.ProbeError:
    with pytest.raises(probes.ProbeError) as caught:
        check(work, *names, **wanted)
    assert "\n" not in caught.value.message
    assert caught.value.message.startswith("Failed to ")
    return caught.value


def test_what_imports_passes_and_the_version_of_mlflow_is_told(work: Path) -> None:
    found = check(work, "fine", "fine.inner", "fine:VALUE", "fine:inner", "json:loads", "secretive")
    assert found == {"imported": True, "mlflow": "3.16.2"}


@pytest.mark.parametrize("ours", [True, False])
def test_importing_compiles_a_venv_of_samerun_and_nothing_else(
    ours: bool, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    packages = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    (packages / "installed.py").write_text("")
    (work / "src" / "neighbour.py").write_text("")
    if ours:
        (tmp_path / "venv" / ".complete").touch()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "bin" / "python"))
    assert check(work, "installed", "neighbour")["imported"]
    assert (packages / "__pycache__").exists() is ours
    assert not list(work.rglob("__pycache__"))


def test_nothing_to_check_starts_nothing(work: Path) -> None:
    with imports.Checking({"script": "train.py", "work": str(work / "absent")}, {}) as checking:
        assert checking.result() == {"imported": True}


FAILURES = {
    "absent": "ModuleNotFoundError: No module named 'absent'",
    "fine.absent": "ModuleNotFoundError: No module named 'fine.absent'",
    "fine:absent": "ImportError: cannot import name 'absent' from 'fine'",
    "broken": "OSError: libbroken.so.1: cannot open shared object file",
    "leans": "ModuleNotFoundError: No module named 'of_something_else'",
    "quits": "SystemExit: no licence",
    "dies": "the interpreter was ended by SIGKILL",
}


@pytest.mark.parametrize("name", FAILURES)
def test_what_does_not_import_is_told_in_its_own_words(work: Path, name: str) -> None:
    error = refused(work, "fine", name, where="trainer:1")
    assert error.message == f"Failed to import {name.partition(':')[0]} in trainer:1: {FAILURES[name]}."
    assert ("training_requirements" in error.hint) is (name == "absent")


def test_what_is_not_there_is_told_before_what_takes_long(work: Path) -> None:
    watch = Watch()
    error = refused(work, "slow", "utlis", hints={"utlis": "Did you mean utils?"})
    assert (error.hint, watch.within(imports.SECONDS / 2)) == ("Did you mean utils?", True)
    assert sys.executable in error.message


def test_what_takes_too_long_is_left_to_the_script(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "SECONDS", 1)
    assert check(work, "slow") == {}


def test_modules_beside_the_script_are_found_and_leave_no_trace(work: Path) -> None:
    (work / "src" / "beside.py").write_text("import json\n")
    assert check(work, "beside")["imported"]
    assert [path.name for path in work.rglob("*")] == ["src", "beside.py"]


def test_what_a_path_of_the_scripts_own_may_hold_is_not_refused(work: Path) -> None:
    assert check(work, "absent.part", lenient=True) == {"imported": False, "mlflow": "3.16.2"}
    assert "OSError" in refused(work, "broken", lenient=True).message


def test_what_an_environment_of_the_scripts_own_may_change_is_not_refused(work: Path) -> None:
    assert check(work, "leans", stirs=True) == {"imported": False, "mlflow": "3.16.2"}
    assert check(work, "fine:absent", stirs=True)["imported"] is False
    assert "No module named 'absent'" in refused(work, "absent", stirs=True).message


@pytest.mark.parametrize(
    "version, refuses", [("3.14.0", True), ("3.17.2rc1", True), ("4.0", True), ("3.13.1", False), ("2.9.2", False)]
)
def test_a_model_without_an_example_is_refused_where_mlflow_wants_one(work: Path, version: str, refuses: bool) -> None:
    wanted = {"mlflow": version, "log_model": "train.py, line 88"}
    if refuses:
        error = refused(work, **wanted)
        assert f"train.py, line 88: mlflow.pytorch.log_model without input_example is refused by MLflow {version}" in (
            error.message
        )
    else:
        assert check(work, **wanted) == {"imported": True, "mlflow": version}


def test_the_real_version_counts_where_none_is_known(work: Path) -> None:
    assert "MLflow 3.16.2" in refused(work, ask=True, log_model="train.py, line 88").message
