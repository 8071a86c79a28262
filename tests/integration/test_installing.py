"""Packages are installed by uv as pip was told, from indexes on loopback; what uv would do otherwise is left to pip."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import indexes
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.samerun.stack.plugins.plugin_utils.environments import installer, venv_seeds

UV = installer.own_uv()
pytestmark = pytest.mark.skipif(not UV, reason="needs the package uv: pip install -e .")
LIST = """
import json
from importlib import metadata
found = {one.name: [one.version, one.read_text("direct_url.json")] for one in metadata.distributions()}
print(json.dumps(found))
"""


class Place:
    """A new environment, two indexes, and what pip is told in it."""

    def __init__(self, folder: Path, first: indexes.Index, second: indexes.Index, addresses: tuple[str, str]) -> None:
        self.folder, self.first, self.second = folder, first, second
        self.python = str(folder / "venv" / "bin" / "python")
        self.said: list[str] = []
        self.environ = {
            "HOME": str(folder), "PATH": os.defpath, "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0",
            "PIP_INDEX_URL": addresses[0], "PIP_EXTRA_INDEX_URL": addresses[1],
        }  # fmt: skip

    def install(self, requirements: str) -> None:
        path = self.folder / "requirements.txt"
        path.write_text(requirements)
        installer.install(self.python, ["--requirement", str(path)], self.environ, self.said.append, UV)

    def found(self, name: str) -> str:
        """The version of the package `name`, and what it says of itself."""
        code = f"import {name} as found; print(found.VERSION, found.SAID)"
        return subprocess.run([self.python, "-c", code], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    @property
    def by_pip(self) -> str:
        """Why pip did it; empty if uv did."""
        return next((line for line in self.said if line.startswith("Installing with pip")), "")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    venv = tmp_path_factory.mktemp("empty") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    assert venv_seeds.plant(str(venv / "bin" / "python"), os.environ, UV)
    return venv


@pytest.fixture
def place(empty: Path, tmp_path: Path) -> Iterator[Place]:
    shutil.copytree(empty, tmp_path / "venv", symlinks=True)
    first, second = indexes.Index(tmp_path / "first"), indexes.Index(tmp_path / "second")
    with indexes.served(first) as one, indexes.served(second) as two:
        yield Place(tmp_path, first, second, (one, two))


def test_the_best_version_of_two_indexes_is_taken(place: Place) -> None:
    place.first.add("one", "1.0", requires=("two",))
    place.second.add("one", "2.0", requires=("two",))
    place.second.add("two", "1.0")
    place.install("one\n")
    assert place.found("one") == "2.0"
    assert place.found("two") == "1.0"
    assert not place.by_pip
    assert place.said[-1].startswith("Installed 2 packages in ")


def test_files_of_pip_count(place: Place) -> None:
    place.second.add("one", "1.0")
    config = place.folder / "pip.conf"
    config.write_text(f"[global]\nindex-url = {place.environ.pop('PIP_EXTRA_INDEX_URL')}\n")
    del place.environ["PIP_INDEX_URL"]
    place.environ["PIP_CONFIG_FILE"] = str(config)
    place.install("one\n")
    assert place.found("one") == "1.0"
    assert not place.by_pip


def test_folders_count_and_those_that_are_not_there_are_passed_over(place: Place) -> None:
    wheels = place.folder / "wheels"
    wheels.mkdir()
    indexes.wheel(wheels, "one", "3.0", said="of a folder")
    place.first.add("one", "2.0")
    place.environ["PIP_FIND_LINKS"] = f"/nowhere {wheels} file:///nowhere"
    place.environ["PIP_EXTRA_INDEX_URL"] = "file:///nowhere/simple"
    place.install("one\n")
    assert place.found("one") == "3.0 of a folder"
    assert not place.by_pip


def test_a_constraint_counts(place: Place) -> None:
    place.first.add("one", "1.0")
    place.first.add("one", "2.0")
    (place.folder / "constraints.txt").write_text("one<2\n")
    place.environ["PIP_CONSTRAINT"] = str(place.folder / "constraints.txt")
    place.install("one\n")
    assert place.found("one") == "1.0"
    assert not place.by_pip


def test_right_hashes_are_taken(place: Place) -> None:
    one = place.first.add("one", "1.0", requires=("two",))
    two = place.second.add("two", "1.0")
    place.install(f"--require-hashes\none==1.0 --hash={one}\ntwo==1.0 \\\n    --hash={two}\n")
    assert place.found("two") == "1.0"
    assert not place.by_pip


@pytest.mark.parametrize("wrong", ["one==1.0 --hash={two}\ntwo==1.0 --hash={two}\n", "one==1.0 --hash={one}\n"])
def test_a_hash_that_is_wrong_or_missing_is_refused(place: Place, wrong: str) -> None:
    one = place.first.add("one", "1.0", requires=("two",))
    two = place.second.add("two", "1.0")
    with pytest.raises(installer.Failed, match=r"(?i)hash"):
        place.install(wrong.format(one=one, two=two))


def test_an_authority_of_ones_own_is_trusted_where_pip_was_told_so(place: Place) -> None:
    place.first.add("one", "1.0")
    trusted, tls = authority(place.folder)
    place.environ["PIP_NO_CACHE_DIR"] = "1"
    del place.environ["PIP_EXTRA_INDEX_URL"]
    with indexes.served(place.first, tls) as address:
        place.environ["PIP_INDEX_URL"] = address
        with pytest.raises(installer.Failed, match="one"):
            place.install("one\n")
        assert "certificate" in place.by_pip
        place.said.clear()
        place.environ["PIP_CERT"] = str(trusted)
        place.install("one\n")
    assert place.found("one") == "1.0"
    assert not place.by_pip


@pytest.mark.parametrize(
    "environ, requirements, reason",
    [
        ({"PIP_PREFER_BINARY": "1"}, "one\n", "uv has nothing like pip's setting prefer-binary"),
        ({}, "--prefer-binary\none\n", "uv does not read the option --prefer-binary of a requirements file"),
        ({"PIP_EXTRA_INDEX_URL": "http://127.0.0.1:1/simple"}, "one\n", "it failed: "),
        ({"UV_OFFLINE": "1"}, "one\n", "it failed: "),
    ],
)
def test_pip_does_what_uv_would_not_and_says_why(
    place: Place, environ: dict[str, str], requirements: str, reason: str
) -> None:
    place.first.add("one", "1.0")
    place.environ.update(environ)
    place.install(requirements)
    assert place.found("one") == "1.0"
    assert reason in place.by_pip
    assert "\n" not in place.by_pip


def test_uv_that_is_stopped_is_not_followed_by_pip(place: Place) -> None:
    stopped = place.folder / "stopped"
    stopped.write_text("#!/bin/sh\nkill -TERM $$\n")
    stopped.chmod(0o755)
    with pytest.raises(installer.Failed, match="uv was stopped by SIGTERM"):
        installer.install(place.python, ["one"], place.environ, place.said.append, str(stopped))
    assert not place.said


def test_without_uv_it_is_pip(place: Place) -> None:
    place.first.add("one", "1.0")
    installer.install(place.python, ["one"], place.environ, place.said.append, "")
    assert place.found("one") == "1.0"
    assert place.by_pip.endswith("the package uv is not installed")


@pytest.mark.parametrize(
    "requirements, words",
    [
        ("nosuch==1\n", r"nosuch was not found in the package registry"),
        ("one==1.0\ntwo==5\n", r"one depend on two<2 .*two==5.* unsatisfiable$"),
    ],
)
def test_what_is_wrong_with_packages_is_said_in_uvs_words(place: Place, requirements: str, words: str) -> None:
    place.first.add("one", "1.0", requires=("two<2",))
    place.first.add("two", "1.0")
    place.first.add("two", "5")
    with pytest.raises(installer.Failed, match=words):
        place.install(requirements)
    assert not place.by_pip


def test_an_index_that_is_away_is_said_in_pips_words(place: Place) -> None:
    place.environ |= {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_EXTRA_INDEX_URL": ""}
    with pytest.raises(installer.Failed, match="No matching distribution found for one"):
        place.install("one\n")
    assert "http://127.0.0.1:1/simple/one/" in place.by_pip


def test_a_password_of_an_index_is_neither_said_nor_an_argument(place: Place) -> None:
    place.first.add("one", "1.0")
    hidden = place.environ["PIP_INDEX_URL"].replace("http://", "http://user:canary@")
    place.environ |= {"PIP_INDEX_URL": hidden, "PIP_EXTRA_INDEX_URL": hidden.replace("simple", "nothing")}
    spy = place.folder / "spy"
    spy.write_text(f'#!/bin/sh\necho "$@" >> {place.folder}/argv\nexec {UV} "$@"\n')
    spy.chmod(0o755)
    installer.install(place.python, ["one"], place.environ, place.said.append, str(spy))
    with pytest.raises(installer.Failed) as failed:
        installer.install(place.python, ["nosuch"], place.environ, place.said.append, str(spy))
    assert place.found("one") == "1.0"
    assert "canary" not in (place.folder / "argv").read_text() + str(failed.value) + "".join(place.said)


def authority(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """The certificate of an authority that nobody trusts yet, as a file, and a server's context with one of it."""
    key, ours = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority of tests")])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server of tests")])
    itself = certificate(issuer, issuer, key, key, x509.BasicConstraints(ca=True, path_length=None))
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    servers = certificate(issuer, subject, key, ours, address)
    trusted, chain, private = folder / "authority.pem", folder / "server.pem", folder / "key.pem"
    trusted.write_bytes(itself.public_bytes(serialization.Encoding.PEM))
    chain.write_bytes(servers.public_bytes(serialization.Encoding.PEM))
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private.write_bytes(ours.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    return trusted, context


def certificate(
    issuer: x509.Name,
    subject: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    holder: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    """A certificate of today, with one extension of its own."""
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return (
        x509.CertificateBuilder(issuer, subject, holder.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(holder.public_key()), critical=False)
        .add_extension(identifier, critical=False)
        .sign(signer, hashes.SHA256())
    )


def test_a_new_environment_has_what_ensurepip_would_give_it(empty: Path) -> None:
    wanted = {"pip"} if sys.version_info >= (3, 12) else {"pip", "setuptools"}
    folder = venv_seeds.brought_along()
    assert folder is not None
    bundled = {name: version for name, version, *_ in (path.name.split("-") for path in folder.glob("*.whl"))}
    listed = subprocess.run([str(empty / "bin" / "python"), "-c", LIST], stdout=subprocess.PIPE, check=True).stdout
    # The second says that a package came from a place of its own; who lists what is installed must not see ours.
    assert json.loads(listed) == {name: [bundled[name], None] for name in wanted}
