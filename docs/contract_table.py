"""The contract as the README shows it, made of the table that the code uses.

python docs/contract_table.py          # print it
python docs/contract_table.py --write  # put it into README.md, between the markers
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.samerun.stack.plugins.module_utils import contract  # noqa: E402 - its path comes first

BEGIN, END = "<!-- contract:begin -->", "<!-- contract:end -->"


def table() -> str:
    """The rows of the contract as Markdown."""
    lines = ["| variable | what it is | set by | key on Kubernetes |", "| --- | --- | --- | --- |"]
    for row in contract.TABLE:
        kept = f"`{row.key}` of {'Secret `r2-credentials`' if row.secret else 'ConfigMap `mlflow-config`'}"
        only = "" if row.modes == contract.MODES else f" (mode `{row.modes[0]}`)"
        about = f"{row.help}{', secret' if row.secret else ''}{only}{'' if row.required else ' (optional)'}"
        lines.append(f"| `{row.name}` | {about} | `{row.setting}` | {kept} |")
    return "\n".join(lines)


def replaced(text: str) -> str:
    """`text` with the table between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> None:
    if sys.argv[1:] == ["--write"]:
        readme = ROOT / "README.md"
        readme.write_text(replaced(readme.read_text()))
    else:
        print(table())


if __name__ == "__main__":
    main()
