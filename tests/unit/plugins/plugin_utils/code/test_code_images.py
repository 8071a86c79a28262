"""Code in an image: one image for one state of the code, built only where it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.run import Environment, RunSpec
from ansible_collections.samerun.stack.plugins.plugin_utils.code import code_images
from ansible_collections.samerun.stack.plugins.plugin_utils.code.bundle import Bundle
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import images


def spec(state: Path, **given: Any) -> RunSpec:
    return samples.spec(samples.world(state, "docker"), **{"delivery": code_images.DELIVERY, **given})


def image(found: RunSpec) -> str:
    return code_images.planned(found, "registry:5000").environment.image


def test_code_that_travels_needs_no_image_of_its_own(tmp_path: Path) -> None:
    found = spec(tmp_path, delivery="auto")
    assert code_images.planned(found, "registry:5000") is found


def test_an_image_is_named_after_the_code_and_what_it_is_built_on(tmp_path: Path) -> None:
    one = image(spec(tmp_path))
    assert one.startswith("registry:5000/samerun/code:")
    assert image(spec(tmp_path)) == one
    assert image(spec(tmp_path, bundle_sha256="b1" * 32)) != one
    digest = Environment("python", "trainer:1", digest="trainer@sha256:1")
    assert image(spec(tmp_path, environment=digest)) != one, "trainer:1 may be another image tomorrow"


def test_what_is_built_is_what_was_planned_with_the_code_on_top(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Any] = []

    def ensure(_client: Any, wanted: str, context: dict[str, bytes], *_more: Any) -> str:
        built.append((wanted, context))
        return "the digest"

    monkeypatch.setattr(images, "ensure_built", ensure)
    made = code_images.made(None, spec(tmp_path), Bundle(b"the code", "b0" * 32, 1), "registry:5000", print)
    ((wanted, context),) = built
    assert wanted == made.environment.image == image(spec(tmp_path))
    assert made.environment.digest == "the digest"
    assert context["bundle.tar.gz"] == b"the code"
    assert context["Dockerfile"].startswith(b"FROM trainer:1\n")
