"""What follows from the tables of settings: the roles' defaults, argument specs, README tables, and what modules get.

python docs/settings.py          # name the files that differ
python docs/settings.py --write  # write them
"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.samerun.stack.plugins.module_utils import settings  # noqa: E402 - its path comes first
from ansible_collections.samerun.stack.plugins.module_utils.settings import options  # noqa: E402
from ansible_collections.samerun.stack.plugins.module_utils.settings.setting import Role, Setting  # noqa: E402

WIDTH = 120
BEGIN, END = "<!-- settings:begin {} -->", "<!-- settings:end -->"
# What modules take as dictionaries, each with what is in it beside settings.
OPTIONS: dict[str, dict[str, Any]] = {"world": {"services": "{{ __samerun_services }}"}, "training": {}}


def files() -> dict[Path, str]:
    """Every file that holds something made of the tables, with the text that it should have."""
    found = {}
    for role in settings.ROLES:
        folder = ROOT / "roles" / role.name
        # Links to the defaults of other roles lie beside those of the world.
        found[folder / "defaults" / ("main/samerun.yml" if role.name == "world" else "main.yml")] = defaults(role)
        for path, made in ((folder / "meta" / "argument_specs.yml", specs), (folder / "README.md", readme)):
            found[path] = made(role, path.read_text())
    path = ROOT / "roles" / "world" / "vars" / "main.yml"
    found[path] = mapping(path.read_text())
    return found


def defaults(role: Role) -> str:
    """A role's defaults, each below what it is."""
    table = f"plugins/module_utils/settings/{role.name}.py"
    lines = ["---", f"# Made of {table} by docs/settings.py: change it there."]
    for setting in role.settings:
        lines += ["", *_comment(setting.help), f"{setting.name}: {_scalar(setting.default)}"]
    return "\n".join(lines) + "\n"


def specs(role: Role, text: str) -> str:
    """A role's argument specs, with `text` as it is up to the options."""
    head = text[: text.index("    options:\n")]
    lines = ["    options:"]
    for setting in role.settings:
        lines += [f"      {setting.name}:", *_described(options.marked_up(setting.help))]
        lines += [f"        {key}: {_inline(value)}" for key, value in setting.shape.items()]
        lines += [] if setting.is_computed else [f"        default: {_scalar(setting.default)}"]
        lines += ["        no_log: true"] if setting.no_log else []
    return head + "\n".join(lines) + "\n"


def readme(role: Role, text: str) -> str:
    """`text` with a table between the markers of each section.

    Raises:
        ValueError: a section has no markers.
    """
    for section, rows in role.sections.items():
        lines = ["| variable | default | what it is |", "| --- | --- | --- |", *map(_row, rows)]
        text = _between(text, BEGIN.format(section), END, "\n".join(lines))
    return text


def mapping(text: str) -> str:
    """`text` with the dictionaries that modules take between the markers."""
    lines = []
    for option, more in OPTIONS.items():
        taken = {**options.nested(option, lambda setting: setting.template, lambda _path, found: found), **more}
        lines += [f"{options.variable(option)}:", *_mapped(taken, "  "), ""]
    return _between(text, "# settings:begin", "# settings:end", "\n".join(lines[:-1]))


def _between(text: str, begin: str, end: str, made: str) -> str:
    before, found, rest = text.partition(f"{begin}\n")
    _, closed, after = rest.partition(f"{end}\n")
    if not (found and closed):
        raise ValueError(f"there is no {begin!r} with {end!r} after it")
    return f"{before}{begin}\n{made}\n{end}\n{after}"


def _mapped(taken: dict[str, Any], indent: str) -> list[str]:
    lines = []
    for name, value in taken.items():
        nested = isinstance(value, dict)
        lines += [f"{indent}{name}:", *_mapped(value, f"{indent}  ")] if nested else [f'{indent}{name}: "{value}"']
    return lines


def _row(setting: Setting) -> str:
    cells = (f"`{setting.name}`", f"`{_scalar(setting.default)}`", setting.help)
    escaped = [cell.replace("|", r"\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def _comment(text: str) -> list[str]:
    return _wrapped(text.replace("`", ""), "# ")


def _described(text: str) -> list[str]:
    line = f"        description: {text}"
    if len(line) <= WIDTH and _is_plain(text):
        return [line]
    return ["        description: >-", *_wrapped(text, " " * 10)]


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _inline(value: str | list[str]) -> str:
    return value if isinstance(value, str) else f"[{', '.join(value)}]"


def _scalar(value: Any) -> str:
    """A default as YAML has it in one line; JSON is YAML."""
    return value if isinstance(value, str) and _is_plain(value) else json.dumps(value)


def _is_plain(text: str) -> bool:
    """Whether YAML reads `text` as this very text without quotes."""
    try:
        return bool(yaml.safe_load(f"k: {text}") == {"k": text})
    except yaml.YAMLError:
        return False


def main() -> None:
    for path, text in files().items():
        if path.read_text() == text:
            continue
        print(path.relative_to(ROOT))
        if sys.argv[1:] == ["--write"]:
            path.write_text(text)


if __name__ == "__main__":
    main()
