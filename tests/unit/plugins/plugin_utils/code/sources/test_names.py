"""A name stands for what the source binds it to, where reading alone tells."""

from __future__ import annotations

import ast

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.code.sources.names import Names, Unit, shared


def unit(text: str, module: str = "train", package: str = "") -> Unit:
    return Unit(module, package, f"{module}.py", ast.parse(text))


def last(text: str) -> ast.expr:
    """The expression that a source ends with."""
    statement = ast.parse(text).body[-1]
    assert isinstance(statement, ast.Expr)
    return statement.value


def dotted(text: str, package: str = "") -> str:
    return Names(unit(text, package=package), {}).dotted(last(text))


@pytest.mark.parametrize(
    "text, name",
    [
        ("import os\nos.environ", "os.environ"),
        ("import os as o\no.environ", "os.environ"),
        ("from os import environ as e\ne", "os.environ"),
        ("import os.path\nos.path.join", "os.path.join"),
        ("import os\nenv = os.environ\nenv", "os.environ"),
        ("own", "train.own"),
        ("f().x", ""),
    ],
)
def test_an_alias_stands_for_what_was_imported(text: str, name: str) -> None:
    assert dotted(text) == name


def test_a_relative_import_is_of_the_sources_own_package() -> None:
    assert dotted("from . import a\na.b", package="lib.deep") == "lib.deep.a.b"
    assert dotted("from ..other import a\na", package="lib.deep") == "lib.other.a"


def text_of(source: str, constants: dict[str, str] | None = None) -> str | None:
    return Names(unit(source), constants or {}).text(last(source))


@pytest.mark.parametrize(
    "source, text",
    [
        ("'x'", "x"),
        ("NAME = 'x'\nNAME", "x"),
        ("NAME: str = 'x'\nNAME", "x"),
        ("NAME = 'x'\nNAME = 'y'\nNAME", None),
        ("NAME = 'x'\nfor NAME in z: pass\nNAME", None),
        ("def f(NAME): pass\nNAME = 'x'\nNAME", None),
        ("NAME = 1\nNAME", None),
        ("f'{x}'", None),
    ],
)
def test_a_name_is_a_text_only_where_it_is_bound_once_to_one(source: str, text: str | None) -> None:
    assert text_of(source) == text


def test_a_constant_of_another_source_is_known_by_its_dotted_name() -> None:
    constants = shared(
        [unit("URI = 'x'\nclass C:\n    KEY: str = 'y'\n", "settings"), unit("A = 'a'\nA = 'b'\n", "two")]
    )
    assert constants == {"settings.URI": "x", "settings.C.KEY": "y"}
    assert text_of("import settings\nsettings.URI", constants) == "x"
    assert text_of("from settings import URI as U\nU", constants) == "x"
    assert text_of("from settings import C\nC.KEY", constants) == "y"


@pytest.mark.parametrize("loop", ["for key in pairs", "for key, value in pairs.items()", "for key, _ in pairs.items()"])
def test_the_key_of_a_loop_leads_to_its_mapping(loop: str) -> None:
    source = f"{loop}: pass\nkey"
    found = Names(unit(source), {}).looped(last(source))
    assert isinstance(found, ast.Name)
    assert found.id == "pairs"
    assert Names(unit(source), {}).looped(ast.parse("other", mode="eval").body) is None


def test_functions_are_found_wherever_they_are() -> None:
    found = Names(unit("def a():\n    def b(): pass\nclass C:\n    async def d(self): pass\n"), {}).functions
    assert {function.name for function in found} == {"a", "b", "d"}
