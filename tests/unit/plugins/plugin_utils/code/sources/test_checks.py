"""Small projects as data: `FILES` in, what is refused, warned of or to be tried out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from watches import Watch

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.code import scripts
from ansible_collections.samerun.stack.plugins.plugin_utils.code.sources import checks

Files = dict[str, str]


def project(root: Path, files: Files) -> scripts.Script:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return scripts.Script(root, next(iter(files)))


def scan(root: Path, files: Files, **given: Any) -> checks.Sources:
    return checks.scan(project(root, files), **given)


# ---- what is followed, and what must import -----------------------------------------------

WANTED: dict[str, tuple[str, list[str]]] = {
    "plain": ("import torch\nimport torch.nn as nn\n", ["torch", "torch.nn"]),
    "from": ("from torch import optim, nn as n\n", ["torch:optim", "torch:nn"]),
    "star": ("from torch import *\n", ["torch"]),
    "the standard library": ("import os, json.tool\nfrom __future__ import annotations\nimport this\n", []),
    "not in every Python": ("import tomllib\nfrom imp import reload\n", ["tomllib", "imp:reload"]),
    "in try": ("try:\n    import a\nexcept ImportError:\n    import b\nelse:\n    import c\nimport d\n", ["d"]),
    "in try with finally alone": ("try:\n    import a\nfinally:\n    import b\n", ["a", "b"]),
    "for a type checker": (
        "from typing import TYPE_CHECKING\nimport typing as t\n"
        "if TYPE_CHECKING:\n    import a\nelse:\n    import b\nif t.TYPE_CHECKING: import c\n"
        "if not TYPE_CHECKING: import d\n",
        ["b", "d"],
    ),
    "in a branch": ("import sys\nif sys.platform == 'x':\n    import a\nfor x in []:\n    import b\n", []),
    "in a function or a lambda": ("def f():\n    import a\nclass C:\n    import b\n    def g(self): import c\n", ["b"]),
    "under main": ("if __name__ == '__main__':\n    import a\n", ["a"]),
    "suppressed": ("import contextlib\nwith contextlib.suppress(ImportError):\n    import a\n", []),
    "in a with": ("import warnings\nwith warnings.catch_warnings():\n    import a\n", ["a"]),
    "behind the end": ("import sys\nimport a\nsys.exit(0)\nimport b\n", ["a"]),
    "in a match": ("match 1:\n    case 2:\n        import a\n", []),
}  # fmt: skip


@pytest.mark.parametrize("what", WANTED)
def test_what_runs_in_any_case_must_import(tmp_path: Path, what: str) -> None:
    text, names = WANTED[what]
    assert list(scan(tmp_path, {"train.py": text}).imports) == names


FOLLOWED: dict[str, tuple[Files, set[str], list[str]]] = {
    "a neighbour": ({"train.py": "import model", "model.py": "import torch"}, {"model.py"}, ["torch"]),
    "a neighbour in a function": (
        {"train.py": "def f():\n    import model\n", "model.py": "import torch"}, {"model.py"}, [],
    ),
    "a neighbour in try": (
        {"train.py": "try:\n    import model\nexcept ImportError: pass\n", "model.py": "import torch"},
        {"model.py"}, [],
    ),
    "first lazily and then surely": (
        {"train.py": "def f():\n    import a\nimport b\n", "a.py": "import x", "b.py": "import a"},
        {"a.py", "b.py"}, ["x"],
    ),
    "a package": (
        {
            "train.py": "from lib.nets import resnet\n", "lib/__init__.py": "import a", "lib/nets/__init__.py": "",
            "lib/nets/resnet.py": "from . import layers\nfrom .. import tools\nfrom ..data import load\n",
            "lib/nets/layers.py": "import b", "lib/tools.py": "import c", "lib/data.py": "import d", "lib/other.py": "",
        },
        {"lib/__init__.py", "lib/nets/__init__.py", "lib/nets/resnet.py", "lib/nets/layers.py", "lib/tools.py",
         "lib/data.py"},
        ["a", "b", "c", "d"],
    ),
    "a name of a package": (
        {"train.py": "from lib import VALUE, deep\n", "lib/__init__.py": "VALUE = 1", "lib/deep.py": "import a"},
        {"lib/__init__.py", "lib/deep.py"}, ["a"],
    ),
    "a folder without __init__": (
        {"train.py": "import lib.a\nfrom lib import b\n", "lib/a.py": "", "lib/b.py": "import x"},
        {"lib/a.py", "lib/b.py"}, ["x"],
    ),
    "a folder that is no package": ({"train.py": "import wandb\n", "wandb/run/log.txt": ""}, set(), ["wandb"]),
    "a circle": ({"train.py": "import a", "a.py": "import b", "b.py": "import a, train"}, {"a.py", "b.py"}, []),
    "the main part of a neighbour": (
        {"train.py": "import a", "a.py": "if __name__ == '__main__':\n    import x\n"}, {"a.py"}, [],
    ),
    "the script's folder, not the project's": (
        {"src/train.py": "import a\nimport b\n", "src/a.py": "", "b.py": ""}, {"src/a.py"}, ["b"],
    ),
    "the project's too, where the script says so": (
        {"src/train.py": "import sys\nsys.path.append('..')\nimport b\n", "b.py": ""}, {"b.py"}, [],
    ),
    "an extension module": ({"train.py": "import fast\nfrom lib import _c", "fast.cpython-311-x86_64-linux-gnu.so": "",
                             "lib/__init__.py": "", "lib/_c.abi3.so": ""}, {"lib/__init__.py"}, []),
    "relative in a package's own file": (
        {"train.py": "import lib", "lib/__init__.py": "from .a import x\nfrom . import b", "lib/a.py": "",
         "lib/b.py": ""},
        {"lib/__init__.py", "lib/a.py", "lib/b.py"}, [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FOLLOWED)
def test_imports_are_followed_through_the_project(tmp_path: Path, what: str) -> None:
    files, followed, names = FOLLOWED[what]
    found = scan(tmp_path, files)
    assert set(found.files) == {next(iter(files)), *followed}
    assert list(found.imports) == names
    assert found.lenient is ("sys.path" in next(iter(files.values())))


# ---- what is refused ------------------------------------------------------------------------

REFUSED: dict[str, tuple[Files, list[str]]] = {
    "a syntax error": ({"train.py": "a = 1\nif x\n"}, ["the script train.py", "line 2: expected ':'"]),
    "a NUL": ({"train.py": "a = 1\0"}, ["the script train.py", "null bytes"]),
    "in a neighbour": (
        {"train.py": "import lib.b", "lib/b.py": "x = 1\ndef f(:\n"}, ["Failed to read lib/b.py: line 2: "],
    ),
    "in a neighbour of a function": ({"train.py": "def f(): import a", "a.py": "def f(:\n"}, ["read a.py: line 1: "]),
    "a module that a package has not": (
        {"train.py": "\nimport lib.modle", "lib/__init__.py": "", "lib/model.py": ""},
        ["train.py: line 2 imports lib.modle", "there is no modle in lib", "Did you mean model?"],
    ),
    "in a neighbour's from": (
        {"train.py": "from lib.a import x", "lib/__init__.py": "", "lib/a.py": "from .b import y"},
        ["lib/a.py: line 1 imports .b", "there is no b in lib"],
    ),
    "below a plain module": ({"train.py": "import a.b", "a.py": ""}, ["there is no b in a.py"]),
    "a relative import in a script": ({"train.py": "from .a import x", "a.py": ""}, ["only inside a package"]),
    "one beyond the top": ({"train.py": "import a", "a.py": "from ..b import x"}, ["a.py: line 1", "inside a package"]),
    "an ignored neighbour": (
        {"train.py": "import a", "a.py": "", ".gitignore": "a.py\n"}, ["needs a.py", "does not travel", ".gitignore"],
    ),
    "a neighbour in an ignored folder": (
        {"train.py": "import a.b", "a/b.py": "", ".samerunignore": "a/\n"}, ["needs a/b.py", "names a/"],
    ),
    "an ignored script": ({"train.py": "x", ".gitignore": "*.py\n"}, ["it needs train.py, which does not travel"]),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_run_is_refused_with_file_and_line(tmp_path: Path, what: str) -> None:
    files, words = REFUSED[what]
    with pytest.raises(SamerunError, match=r"^Failed to (check|read) ") as caught:
        scan(tmp_path, files)
    assert [word for word in words if word not in str(caught.value)] == []
    assert caught.value.hint


TOLERATED: dict[str, Files] = {
    "a missing part in try": {"train.py": "try:\n    import lib.x\nexcept ImportError: pass", "lib/__init__.py": ""},
    "a missing part in a function": {"train.py": "def f(): import lib.x", "lib/__init__.py": ""},
    "a broken neighbour in try": {"train.py": "try:\n    import a\nexcept Exception: pass", "a.py": "def f(:\n"},
    "an ignored neighbour in try": {
        "train.py": "try:\n    import a\nexcept ImportError: pass", "a.py": "", ".gitignore": "a.py",
    },
    "what nobody imports": {"train.py": "x = 1", "a.py": "def f(:\n"},
    "an odd string": {"train.py": r"x = '\d'"},
    "a name of a package that may be anything": {"train.py": "from lib import x", "lib/__init__.py": "x = 1"},
    "a neighbour behind an exception of the ignore file": {
        "train.py": "import a", "a.py": "", ".gitignore": "*.py\n!a.py\n!train.py\n",
    },
}  # fmt: skip


@pytest.mark.parametrize("what", TOLERATED)
def test_what_may_run_is_not_refused(tmp_path: Path, what: str) -> None:
    assert "train.py" in scan(tmp_path, TOLERATED[what]).files


def test_a_link_out_of_the_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text("")
    script = project(tmp_path / "project", {"train.py": "import a"})
    (tmp_path / "project" / "a.py").symlink_to(tmp_path / "elsewhere.py")
    with pytest.raises(SamerunError, match=r"needs a\.py.*a link to .*elsewhere\.py"):
        checks.scan(script)


def test_what_is_there_without_travelling_is_not_refused(tmp_path: Path) -> None:
    files = {"train.py": "import a", "a.py": "", ".gitignore": "a.py\n"}
    assert scan(tmp_path, files, travels=False).files == ("train.py", "a.py")


def test_another_python_may_read_what_this_one_cannot(tmp_path: Path) -> None:
    found = scan(
        tmp_path, {"train.py": "import a\nimport b\n", "a.py": "def f(:\n", "b.py": "import torch"}, ours=False
    )
    assert (found.unread, found.imports) == (("a.py",), ("torch",))


@pytest.mark.parametrize(
    "text, stirs",
    [
        ("import os\nos.environ['KERAS_BACKEND'] = 'torch'\nimport keras", True),
        ("from os import environ\nenviron.setdefault('A', 'b')", True),
        ("import sys\nsys.modules['x'] = None", True),
        ("from dotenv import load_dotenv\nload_dotenv()", True),
        ("import os\nprint(os.environ.get('A'), os.getenv('B'))", False),
    ],
)
def test_a_script_that_changes_its_environment_is_known(tmp_path: Path, text: str, stirs: bool) -> None:
    assert scan(tmp_path, {"train.py": text}).stirs is stirs
    assert scan(tmp_path, {"train.py": "import a", "a.py": text}).stirs is stirs


def test_an_unreadable_neighbour_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = project(tmp_path, {"train.py": "import a", "a.py": ""})
    whole = Path.read_bytes

    def read(path: Path) -> bytes:  # as for who may not; root may read anything
        if path.name == "a.py":
            raise PermissionError(13, "Permission denied")
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", read)
    with pytest.raises(SamerunError, match=r"^Failed to read a\.py: Permission denied\. Make it readable"):
        checks.scan(script)


def test_a_name_near_a_neighbours_has_a_hint(tmp_path: Path) -> None:
    files = {"src/train.py": "import utlis\nimport helper\nimport torch", "src/utils.py": "", "helper/__init__.py": ""}
    hints = scan(tmp_path, files).hints
    assert hints["utlis"] == "Did you mean utils, which lies beside the script?"
    assert "Python looks beside the script" in hints["helper"]
    assert set(hints) == {"utlis", "helper"}


def test_hundreds_of_modules_are_read_in_a_second(tmp_path: Path) -> None:
    body = "\n".join(f"def f{n}(x):\n    y = x + {n}\n    return y" for n in range(40))
    files = {"train.py": "\n".join(f"import m{n}" for n in range(200)), **{f"m{n}.py": body for n in range(200)}}
    script = project(tmp_path, files)
    watch = Watch()
    assert len(checks.scan(script).files) == 201
    assert watch.within(5)
