"""One repository, every way to get it: each gives the same modules, playbooks and command.

Each way has a venv of its own, with nothing of samerun in it but what the way puts there. What is heavy, Ansible above
all, is lent by the venv that runs the tests: a `.pth` line names its site-packages, whose own `.pth` files, an editable
samerun among them, do not count there. So nothing is downloaded.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path, PurePosixPath

import pytest

MISSING = [name for name in ("ansible", "build", "hatchling", "mypy", "pip") if not util.find_spec(name)]
pytestmark = [
    pytest.mark.packaging,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}: pip install -e '.[test]'"),
]

STACK = "ansible_collections/samerun/stack"
WAYS = ("pip install .", "pip install -e .", "wheel of the sdist", "checkout", "collection tarball")
# What the wheel holds of the repository's root, and under which name.
IN_WHEEL = ("README.md", "galaxy.yml", "inventories", "meta", "playbooks", "plugins", "roles", "trainer")
# What the collection's tarball holds of it. Whatever lies in the root is in one of these two lists or fails the test.
IN_TARBALL = {
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "changelogs",
    "docs",
    "inventories",
    "meta",
    "playbooks",
    "plugins",
    "roles",
    "site.yml",
    "trainer",
}
NOT_IN_TARBALL = {
    "CONTRIBUTING.md",
    "Makefile",
    "ansible.cfg",
    "benchmarks",
    "collections",
    "galaxy.yml",
    "molecule",
    "pyproject.toml",
    "src",
    "tests",
}
# What lies about in a checkout that is in use, and belongs into no package.
CLUTTER = (
    ".ansible/clutter.yml",
    ".git/clutter",
    ".pytest_cache/clutter",
    ".venv/lib/clutter.py",
    "build/clutter.py",
    "dist/clutter.py",
    "plugins/modules/__pycache__/clutter.cpython-311.pyc",
    "plugins/modules/clutter.pyc",
    "roles/training/files/clutter.swp",
    "src/samerun/__pycache__/clutter.cpython-311.pyc",
)
# Of a program that uses samerun; its last line is wrong.
USER = """
import samerun

launch = samerun.submit("train.py", args=["--epochs", "3"], env={"A": "1"})
reveal_type(launch)
record = launch.wait(timeout=1.5)
reveal_type(record)
reveal_type(record.exit_code)
reveal_type(record.state)
for piece in launch.follow():
    reveal_type(piece)
try:
    samerun.cancel("x")
except samerun.SamerunError as error:
    reveal_type(error.code)
samerun.wait(launch)
"""


@dataclass
class Face:
    """One way to have samerun: a folder to stand in, a venv, and where its collection lies."""

    folder: Path
    venv: Path
    collection: Path
    environment: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] | None = ("samerun",)

    def run(self, *argv: str, cwd: Path | None = None) -> str:
        """Standard output of a command that must succeed."""
        home = self.venv / "home"
        home.mkdir(exist_ok=True)
        # Nothing of the caller's: neither their collections nor their settings may help.
        environment = {"HOME": str(home), "LC_ALL": "C.UTF-8", "PATH": f"{self.venv / 'bin'}:{os.defpath}"}
        ended = subprocess.run(
            argv,
            cwd=cwd or self.folder,
            env=environment | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, f"{' '.join(argv)} ended with {ended.returncode}\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    def pip(self, *argv: str) -> None:
        # Without an index: whatever is not lent by the tests' venv is a mistake here, not a download.
        self.run("python", "-m", "pip", "--quiet", "--disable-pip-version-check", *argv)

    def module_file(self, name: str) -> Path:
        """The file that Ansible takes a module's documentation from."""
        described = json.loads(self.run("ansible-doc", "-t", "module", "--json", name))
        return Path(described[name]["doc"]["filename"])


def new_face(folder: Path) -> Face:
    """A venv that borrows the dependencies, and an empty folder."""
    home = folder / "venv"
    venv.create(home, symlinks=True)
    site = home / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    lent = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    (site / "lent.pth").write_text("".join(f"{path}\n" for path in lent))
    for point in metadata.distribution("ansible-core").entry_points:
        script = home / "bin" / point.name
        lines = (f"#!{home / 'bin' / 'python'}", "import sys", f"from {point.module} import {point.attr}")
        script.write_text("\n".join((*lines, f"sys.exit({point.attr}())", "")))
        script.chmod(0o755)
    empty = folder / "empty"
    empty.mkdir()
    return Face(folder=empty, venv=home, collection=site / STACK)


def used_checkout(root: Path, sources: list[str], folder: Path) -> Path:
    """The repository's files, and what lies about once people work there."""
    for name in sources:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, folder / name, follow_symlinks=False)
    for name in CLUTTER:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"clutter")
    return folder


@pytest.fixture(scope="module")
def checkout(root: Path, sources: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return used_checkout(root, sources, tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def builds(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel and the sdist of a checkout, the wheel of that sdist, and the collection's tarball."""
    folder = tmp_path_factory.mktemp("builds")
    face = new_face(folder)
    build = ("python", "-m", "build", "--no-isolation")
    face.run(*build, "--wheel", "--outdir", str(folder / "direct"), str(checkout))
    # Without --wheel or --sdist the wheel is made from the sdist, unpacked elsewhere.
    face.run(*build, "--outdir", str(folder / "by-sdist"), str(checkout))
    face.run("ansible-galaxy", "collection", "build", "--output-path", str(folder / "galaxy"), cwd=checkout)
    return {
        "wheel": next((folder / "direct").glob("*.whl")),
        "sdist": next((folder / "by-sdist").glob("*.tar.gz")),
        "wheel of the sdist": next((folder / "by-sdist").glob("*.whl")),
        "tarball": next((folder / "galaxy").glob("*.tar.gz")),
    }


@pytest.fixture(scope="module")
def editable(root: Path, sources: list[str], tmp_path_factory: pytest.TempPathFactory) -> Face:
    """`pip install -e .`, in a checkout of its own that a test may edit."""
    folder = tmp_path_factory.mktemp("editable")
    source = used_checkout(root, sources, folder / "checkout")
    face = new_face(folder)
    face.pip("install", "--no-index", "--no-build-isolation", "--editable", str(source))
    face.collection = source
    return face


@pytest.fixture(scope="module")
def faces(
    checkout: Path, builds: dict[str, Path], editable: Face, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Face]:
    """Every way to get samerun, by its name."""
    installed = new_face(tmp_path_factory.mktemp("installed"))
    installed.pip("install", "--no-index", "--no-build-isolation", str(checkout))

    from_sdist = new_face(tmp_path_factory.mktemp("from-sdist"))
    from_sdist.pip("install", "--no-index", str(builds["wheel of the sdist"]))

    bare = new_face(tmp_path_factory.mktemp("bare"))
    bare.folder = bare.collection = checkout
    bare.environment = {"PYTHONPATH": f"{checkout / 'src'}:{checkout / 'collections'}"}
    bare.command = ("python", "-m", "samerun")

    galaxy = new_face(tmp_path_factory.mktemp("galaxy"))
    collections = galaxy.folder.parent / "collections"
    galaxy.environment = {"ANSIBLE_COLLECTIONS_PATH": str(collections), "PYTHONPATH": str(collections)}
    galaxy.run("ansible-galaxy", "collection", "install", "--offline", "-p", str(collections), str(builds["tarball"]))
    galaxy.collection = collections / STACK
    galaxy.command = None
    return dict(zip(WAYS, (installed, editable, from_sdist, bare, galaxy), strict=True))


@pytest.fixture(params=WAYS)
def face(request: pytest.FixtureRequest, faces: dict[str, Face]) -> Face:
    return faces[request.param]


def in_collection(file: Path, face: Face) -> bool:
    # Through links a path has two spellings.
    return file.resolve().is_relative_to(face.collection.resolve())


@pytest.mark.parametrize("module", ["env_contract", "training_run"])
def test_ansible_finds_the_module(face: Face, module: str) -> None:
    file = face.module_file(f"samerun.stack.{module}")
    assert file.name == f"{module}.py"
    assert in_collection(file, face)


def test_python_finds_the_collection_beside_those_of_ansible(face: Face) -> None:
    printed = face.run(
        "python",
        "-c",
        "from ansible_collections.samerun.stack.plugins.module_utils import contract\n"
        "from ansible_collections.community.docker.plugins.module_utils import version\n"
        "print(contract.__file__)",
    )
    assert in_collection(Path(printed.strip()), face)


@pytest.mark.parametrize("world", ["process", "local", "k8s"])
def test_site_is_a_playbook_by_name(face: Face, world: str) -> None:
    inventory = (
        face.run(*face.command, "inventory", world).strip()
        if face.command
        else str(face.collection / "inventories" / world)
    )
    assert Path(inventory).exists()
    assert in_collection(Path(inventory), face)
    printed = face.run("ansible-playbook", "samerun.stack.site", "--syntax-check", "-i", inventory)
    played = re.search(r"^playbook: (.+)$", printed, flags=re.MULTILINE)
    assert played
    assert in_collection(Path(played[1]), face)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_but_the_tarball_has_the_command(faces: dict[str, Face], way: str) -> None:
    face = faces[way]
    if face.command is None:
        assert not (face.venv / "bin/samerun").exists()
        return
    printed = face.run(*face.command, "--help")
    missing = [verb for verb in ("up", "train", "check", "status", "env", "down", "inventory") if verb not in printed]
    assert missing == []


def test_what_the_package_offers_is_typed_for_those_who_use_it(faces: dict[str, Face], tmp_path: Path) -> None:
    user = tmp_path / "user.py"
    user.write_text(USER)
    argv = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--python-executable"]
    checked = subprocess.run(
        [*argv, str(faces["pip install ."].venv / "bin" / "python"), user.name],
        cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    revealed = re.findall(r'Revealed type is "(?:[a-z_]+\.)*([^"]*)"', checked.stdout)
    assert revealed == ["Launch", "RunRecord", "int | None", "RunState", "bytes", "int"], checked.stdout
    assert re.findall(r"error: .*\[(.*)\]", checked.stdout) == ["arg-type"]


def test_a_checkout_has_a_site_playbook(faces: dict[str, Face]) -> None:
    bare = faces["checkout"]
    bare.run("ansible-playbook", "site.yml", "--syntax-check", "-i", "inventories/process")


def test_edits_are_live(editable: Face) -> None:
    module = editable.collection / "plugins/modules/training_run.py"
    edited, count = re.subn(
        r"^short_description: .*$", "short_description: Edited just now", module.read_text(), flags=re.MULTILINE
    )
    assert count == 1
    module.write_text(edited)
    package = editable.collection / "src/samerun/__init__.py"
    package.write_text(f"{package.read_text()}\nEDITED = 'just now'\n")

    described = json.loads(editable.run("ansible-doc", "-t", "module", "--json", "samerun.stack.training_run"))
    assert described["samerun.stack.training_run"]["doc"]["short_description"] == "Edited just now"
    assert editable.run("python", "-c", "import samerun; print(samerun.EDITED)") == "just now\n"


def wheel_files(wheel: Path) -> dict[str, bytes]:
    """What a wheel installs, less its own records."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            name: archive.read(name)
            for name in archive.namelist()
            if not name.endswith("/") and ".dist-info/" not in name
        }


@pytest.mark.parametrize("kind", ["wheel", "wheel of the sdist"])
def test_wheel_holds_what_git_holds(checkout: Path, sources: list[str], builds: dict[str, Path], kind: str) -> None:
    expected = {}
    for name in sources:
        if name.startswith("src/"):
            expected[name.removeprefix("src/")] = (checkout / name).read_bytes()
        elif name.split("/")[0] in IN_WHEEL:
            expected[f"{STACK}/{name}"] = (checkout / name).read_bytes()
    held = wheel_files(builds[kind])
    assert sorted(held) == sorted(expected)
    assert [name for name, data in held.items() if data != expected[name]] == []


def test_tarball_holds_the_collection_alone(sources: list[str], builds: dict[str, Path]) -> None:
    tops = {name.split("/")[0] for name in sources if not name.startswith(".")}
    assert tops - IN_TARBALL - NOT_IN_TARBALL == set(), "decide in galaxy.yml and here whether it goes into the tarball"
    with tarfile.open(builds["tarball"]) as archive:
        held = {str(PurePosixPath(member.name)) for member in archive if not member.isdir()}
    made = {"FILES.json", "MANIFEST.json"}
    assert sorted(held - made) == sorted(name for name in sources if name.split("/")[0] in IN_TARBALL)


def test_every_build_has_the_version(root: Path, builds: dict[str, Path]) -> None:
    found = re.search(r'^__version__ = "(.+)"$', (root / "src/samerun/__init__.py").read_text(), flags=re.MULTILINE)
    assert found
    version = found[1]
    assert builds["sdist"].name == f"samerun-{version}.tar.gz"
    assert builds["wheel"].name == f"samerun-{version}-py3-none-any.whl"
    assert builds["tarball"].name == f"samerun-stack-{version}.tar.gz"
