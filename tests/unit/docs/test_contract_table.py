"""What the README says of the contract is what the code does."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from ansible_collections.samerun.stack.plugins.module_utils import contract


def test_the_readme_shows_the_table_of_the_code(root: Path) -> None:
    script = runpy.run_path(str(root / "docs" / "contract_table.py"))
    readme = (root / "README.md").read_text()
    assert script["replaced"](readme) == readme, "run: python docs/contract_table.py --write"


def test_the_table_names_every_variable_once_and_says_which_are_secret(root: Path) -> None:
    shown = runpy.run_path(str(root / "docs" / "contract_table.py"))["table"]()
    rows = [line for line in shown.splitlines() if line.startswith("| `")]
    assert [re.match(r"\| `(\w+)`", line).group(1) for line in rows] == [row.name for row in contract.TABLE]  # type: ignore[union-attr]
    assert [", secret" in line and "r2-credentials" in line for line in rows] == [row.secret for row in contract.TABLE]


def test_every_link_of_the_documents_leads_somewhere(root: Path) -> None:
    patterns = ("*.md", "docs/**/*.md", "roles/*/README.md", "benchmarks/*.md")
    documents = [path for pattern in patterns for path in root.glob(pattern)]
    links = [(path, link) for path in documents for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text())]
    broken = [f"{path}: {link}" for path, link in links if "://" not in link and not (path.parent / link).exists()]
    assert links
    assert broken == []
