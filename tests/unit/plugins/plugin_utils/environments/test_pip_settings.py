from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.environments import pip_settings
from ansible_collections.samerun.stack.plugins.plugin_utils.environments.pip_settings import NotForUv, Told

BEST = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
TRUSTING = {"UV_SYSTEM_CERTS": "true"}


@pytest.mark.parametrize(
    "name, value, environment, arguments",
    [
        ("index-url", "https://user:canary@a/simple", {"UV_DEFAULT_INDEX": "https://user:canary@a/simple"}, []),
        ("extra-index-url", "https://b/simple\nfile:///c", {"UV_INDEX": "https://b/simple file:///c"}, []),
        ("constraint", "/a.txt https://b/c.txt", {"UV_CONSTRAINT": "/a.txt https://b/c.txt"}, []),
        ("trusted-host", "a\nb:8080", {"UV_INSECURE_HOST": "a b:8080"}, []),
        ("default-timeout", "180", {"UV_HTTP_TIMEOUT": "180"}, []),
        ("client-cert", "/key.pem", {"SSL_CLIENT_CERT": "/key.pem"}, []),
        ("no-index", "true", {}, ["--no-index"]),
        ("no-index", "0", {}, []),
        ("pre", "1", {}, ["--prerelease=allow"]),
        ("no-cache-dir", "off", {}, ["--no-cache"]),
        ("require-hashes", "yes", {}, ["--require-hashes"]),
        ("only-binary", "a,b", {}, ["--only-binary=a", "--only-binary=b"]),
        ("disable-pip-version-check", "1", {}, []),
        ("keyring-provider", "disabled", {}, []),
    ],
)
def test_a_setting_of_pip_is_one_of_uv(
    name: str, value: str, environment: dict[str, str], arguments: list[str]
) -> None:
    told = pip_settings.told({name: value}, {})
    assert told == Told({**BEST, **TRUSTING, **environment}, arguments)
    assert "canary" not in str(told.arguments)


@pytest.mark.parametrize("name", ["prefer-binary", "target", "keyring-provider", "something-new"])
def test_a_setting_that_uv_has_nothing_like_is_named(name: str) -> None:
    with pytest.raises(NotForUv, match=f"pip's setting {name}$"):
        pip_settings.told({name: "x"}, {})


def test_relative_paths_start_from_here_and_folders_that_are_not_there_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wheels").mkdir()
    monkeypatch.chdir(tmp_path)
    settings = {"find-links": f"wheels nowhere {tmp_path.as_uri()}/no https://a/", "constraint": "c.txt"}
    told = pip_settings.told(settings, {})
    assert told.environment["UV_FIND_LINKS"] == f"{tmp_path}/wheels,https://a/"
    assert told.environment["UV_CONSTRAINT"] == f"{tmp_path}/c.txt"


@pytest.mark.parametrize(
    "settings, environ, trusted",
    [
        ({"cert": "/pip.pem"}, {"SSL_CERT_FILE": "/other.pem"}, {"SSL_CERT_FILE": "/pip.pem"}),
        ({}, {"REQUESTS_CA_BUNDLE": "/requests.pem"}, {"SSL_CERT_FILE": "/requests.pem"}),
        ({}, {"SSL_CERT_FILE": "/openssl.pem"}, {"SSL_CERT_FILE": "/openssl.pem"}),
        ({}, {}, TRUSTING),
    ],
)
def test_uv_trusts_whom_pip_trusts(settings: dict[str, str], environ: dict[str, str], trusted: dict[str, str]) -> None:
    assert pip_settings.told(settings, environ).environment == {**BEST, **trusted}


def test_pips_files_count_and_its_environment_counts_more(tmp_path: Path) -> None:
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nretries = 1\ntimeout = 2\n[install]\ntimeout = 3\n[download]\ntimeout = 4\n")
    environ = {"PATH": "/usr/bin:/bin", "PIP_CONFIG_FILE": str(config), "PIP_RETRIES": "5", "PIP_PROXY": ""}
    listed = pip_settings.listed(sys.executable, environ)
    assert (listed["timeout"], listed["retries"]) == ("3", "5")
    assert "proxy" not in listed


def test_a_configuration_that_pip_cannot_read_is_left_to_pip(tmp_path: Path) -> None:
    config = tmp_path / "pip.conf"
    config.write_text("not a configuration\n")
    with pytest.raises(NotForUv, match="cannot list its settings"):
        pip_settings.listed(sys.executable, {"PATH": "/usr/bin:/bin", "PIP_CONFIG_FILE": str(config)})


@pytest.mark.parametrize("line", ["--prefer-binary", "--use-feature=truststore", "--pre"])
def test_an_option_that_uv_ignores_in_a_file_is_named(line: str, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text(f"a\n{line}\n")
    (tmp_path / "requirements.txt").write_text("-r other.txt\nb==1 \\\n    --hash=sha256:0\n-e .\n")
    with pytest.raises(NotForUv, match=f"the option {line.partition('=')[0]} of a requirements file"):
        pip_settings.heed_file(Told(), tmp_path / "requirements.txt")


def test_an_index_and_hashes_in_a_file_count_as_with_pip(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("--index-url https://a/simple\nb==1 --hash=sha256:0\n")
    told = Told({"UV_DEFAULT_INDEX": "https://c/simple"})
    pip_settings.heed_file(told, path)
    assert told == Told({}, ["--require-hashes"])
