from __future__ import annotations

from ansible_collections.samerun.stack.plugins.plugin_utils.environments import images


def test_an_image_is_named_by_what_is_in_it() -> None:
    one = images.name("torch\n", "", "")
    assert one == images.name("torch\n", images.BASE_IMAGE, "")
    assert one.startswith("samerun/trainer:")
    assert one != images.name("torch\nmlflow\n", "", "")
    assert one != images.name("torch\n", "python:3.12", "")
    assert images.name("torch\n", "", "registry.example/team") == f"registry.example/team/{one}"
