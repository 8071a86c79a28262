"""Finds code that searches in a sentence for users, such as `error.message` or `record.reason`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

SENTENCES = ("hint", "message", "msg", "reason")
SEARCHES = (
    "count", "endswith", "find", "findall", "finditer", "fullmatch", "index", "match", "partition", "rfind", "rindex",
    "rpartition", "search", "startswith",
)  # fmt: skip
OURS = ("Cancelled by ", "Failed to ", "Out of memory")

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Sentences:
    """Knows which expressions of a function are sentences, also if they are assigned to variables."""

    def __init__(self, tree: ast.AST) -> None:
        self.caught = {node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.name}
        self.names: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and node.value and self.holds(node.value):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                self.names |= {target.id for target in targets if isinstance(target, ast.Name)}

    def holds(self, node: ast.AST) -> bool:
        """Whether `node` is a sentence, or a sentence whose case, ends or type was changed."""
        match node:
            case ast.Name(id=name):
                return name in self.names
            case ast.Attribute(attr=name) if name in SENTENCES:
                return True
            case ast.Subscript(slice=ast.Constant(value=key)) if key in SENTENCES:
                return True
            case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=key), *_]) if key in SENTENCES:
                return True
            case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id=name)]) if name in self.caught:
                return True
            case ast.Call(func=ast.Name(id="str"), args=[inner]):
                return self.holds(inner)
            case ast.Call(func=ast.Attribute(value=inner, attr="lower" | "upper" | "strip" | "rstrip" | "encode")):
                return self.holds(inner)
        return False


def searches(text: str) -> Iterator[str]:
    """Yield the expressions of a source that search in a sentence, or compare it with words."""
    tree = ast.parse(text)
    for part in [node for node in ast.walk(tree) if isinstance(node, Function)]:
        known = Sentences(part)
        for node in ast.walk(part):
            if _searches(node, known):
                yield ast.unparse(node)


def _searches(node: ast.AST, known: Sentences) -> bool:
    match node:
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[right]):
            return known.holds(right) or _is_ours(left)
        case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq()], comparators=[right]):
            return any(known.holds(one) and _is_sentence(other) for one, other in ((left, right), (right, left)))
        case ast.Call(func=ast.Attribute(value=value, attr=name), args=args) if name in SEARCHES:
            return known.holds(value) or any(known.holds(one) or _is_ours(one) for one in args)
    return False


def _is_ours(node: ast.AST) -> bool:
    found = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
    return any(str(one.decode() if isinstance(one, bytes) else one).startswith(OURS) for one in found)


def _is_sentence(node: ast.AST) -> bool:
    """Whether a text is a sentence: it has a space, unlike an engine's token such as DeadlineExceeded."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and " " in str(node.value))
