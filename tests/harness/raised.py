"""Every error that the code can raise, read from its source: `make docs` writes them into docs/troubleshooting.md.

An error is a call of a class of `generator.errors`, or of a subclass. Its message and remedy become patterns, in which
`…` stands for what is only known when it is raised. A name is followed to its assignment in the function, and a
function that makes an error (`leads_out`, `session.error`) to each of its calls.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop_bake.generator import errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "troubleshooting.md"
UNKNOWN = "…"
PASSED = "as that error's own"  # the remedy of the error that this one is made from
_MARKS = "<!-- messages: written by `make docs` -->\n", "<!-- end of messages -->\n"
_HEADS = {
    1: "Failed (exit status 1)",
    2: "Usage and configuration (exit status 2)",
    4: "Docker Engine and buildx (exit status 4)",
    5: "Registries (exit status 5)",
    6: "Builds (exit status 6)",
    7: "Tasks that are gone (exit status 7)",
    124: "Time limits (exit status 124)",
    130: "Interrupted (exit status 130)",
}


@dataclass(frozen=True, kw_only=True, order=True)
class Raised:
    """An error that may be raised.

    Attributes:
        message, remedy: patterns.
        status: its exit status.
        place: path and line.
    """

    status: int
    message: str
    remedy: str
    place: str

    @property
    def words(self) -> list[str]:
        """The constant words of the message."""
        return [word for word in self.message.replace(UNKNOWN, " ").split() if any(c.isalpha() for c in word)]


def statuses(trees: Iterable[ast.Module]) -> dict[str, int]:
    """The exit status of each error class, by its name."""
    found = {
        name: made.exit_status
        for name, made in vars(errors).items()
        if isinstance(made, type) and issubclass(made, errors.DesktopBakeError)
    }
    classes = [node for tree in trees for node in _statements(tree) if isinstance(node, ast.ClassDef)]
    for _ in classes:  # the depth of the class tree
        found |= {
            node.name: found[base.id]
            for node in classes
            for base in node.bases
            if isinstance(base, ast.Name) and base.id in found and node.name not in found
        }
    return found


def raised(root: Path = ROOT) -> list[Raised]:
    """Every error, sorted by place.

    Args:
        root: the folder of bake/ and generator/.
    """
    paths = [path for folder in ("bake", "generator") for path in sorted((root / folder).rglob("*.py"))]
    trees = {path.relative_to(root).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}
    known = statuses(trees.values())
    makers: dict[str, list[tuple[ast.Call, Scope]]] = {}
    for tree in trees.values():
        for scope in _scopes(tree, tuple(trees.values())):
            if _is_maker(scope.function):
                makers.setdefault(scope.function.name, []).extend((c, scope) for c in _errors_of(scope, known))
    found: list[Raised] = []
    for place, tree in trees.items():
        for scope in _scopes(tree, tuple(trees.values())):
            if not _is_maker(scope.function):
                for call in _errors_of(scope, known):
                    found += _of(call, scope, known[call.func.id], f"{place}:{call.lineno}")  # type: ignore[attr-defined]
            for node in _own(scope.function):
                name = _name_of(node.func) if isinstance(node, ast.Call) and len(node.args) == 2 else ""
                for call, maker in makers.get(name, []):
                    filled = _filled(maker, node, scope)  # type: ignore[arg-type]
                    found += _of(call, filled, known[call.func.id], f"{place}:{node.lineno}")  # type: ignore[attr-defined]
    return found


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The meaning of names in a function.

    Attributes:
        function: the function, or the module for code outside functions.
        tree: its module.
        trees: every module.
        given: texts of names, instead of their assignments.
    """

    function: Any
    tree: ast.Module
    trees: tuple[ast.Module, ...] = ()
    given: Mapping[str, list[str]] = field(default_factory=dict)

    def texts(self, name: str, depth: int) -> list[str]:
        """The texts that a name may stand for; none if that is not known."""
        if name in self.given:
            return self.given[name]
        own = [text for node in _own(self.function) for text in self._assigned(node, name, depth)]
        return own or [text for node in self.tree.body for text in self._assigned(node, name, depth)]

    def _assigned(self, node: ast.AST, name: str, depth: int) -> Iterator[str]:
        if not isinstance(node, ast.Assign):
            return
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id == name:
                yield from _patterns(node.value, self, depth + 1)
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for one, value in zip(target.elts, node.value.elts, strict=False):
                    if isinstance(one, ast.Name) and one.id == name:
                        yield from _patterns(value, self, depth + 1)

    def returned(self, name: str) -> list[tuple[ast.expr, Scope]]:
        """The return values of a function or method of this name, in the module or one that it imports."""
        imports = [node for node in self.tree.body if isinstance(node, ast.ImportFrom)]
        is_imported = any(name == alias.name for node in imports for alias in node.names)
        return [
            (node.value, replace(self, function=function, tree=tree, given={}))
            for tree in (self.trees if is_imported else (self.tree,))
            for function in _named(tree).get(name, ())
            for node in _own(function)
            if isinstance(node, ast.Return) and node.value
        ]

    def alternatives(self) -> list[Scope]:
        """This scope, once for each pair of texts that it gets from a function: `said, remedy = self._meaning()`."""
        for node in _own(self.function):
            match node:
                case ast.Assign(
                    targets=[ast.Tuple(elts=[ast.Name(id=one), ast.Name(id=two)])], value=ast.Call() as call
                ):
                    pairs = [(v.elts, s) for v, s in self.returned(_name_of(call.func)) if isinstance(v, ast.Tuple)]
                    if pairs and two == "remedy":
                        return [
                            replace(self, given={one: [*_patterns(said, s)], two: [*_patterns(remedy, s)]})
                            for (said, remedy), s in pairs
                        ]
        return [self]


# Errors whose whole message is that of another: its owner, and the message.
WHOLE = {
    "bake/build/failed_layer.py": "the failure of a step, with the names that people have for its layer",
    "bake/build/own_script.py": "the failure of a step, as one of the environment's own script",
    "bake/cli/commands/build.py": "why the image was not published",
    "bake/cli/parser.py": "what argparse says of an argument",
    "bake/config/layer_table.py": "a fault of a layer, behind the environment that has it",
    "bake/config/lock.py": "a fault of a reference or a digest, behind its place in the lock",
    "bake/config/texts.py": "a fault of a script's text, behind the field that holds it",
    "bake/images/base_digest.py": "what a registry says of an image, behind the image",
    "bake/images/transfer.py": "what docker push printed last",
    "bake/upkeep/locking.py": "what a registry says of an image, behind the image",
}
# Errors whose remedy is an argument: only the caller knows whose file it is.
HANDED = {"generator/recipe.py", "generator/text_file.py"}
_HELPLESS = re.compile(
    r"(correct|fix|check) (it|that|the path|both paths|that \w+)|choose another( file| folder)?|try again( later)?|"
    r"raise (it|the limit)|start another|check --\w+|is .*\?"
)
_THING = re.compile(
    r"…|['\"{_]|--|\b[A-Z]{2,}\b|\b(attest|base|build|buildx|client|configuration|container|cp|desktop|Dockerfile|engine|environments?|"
    r"exec|layer|lease|list|lock|login|page|pictures|proxy|prune|script|switch|task|text)\b"
)


def fault_of(one: Raised) -> str | None:
    """What is wrong with an error's two lines, or None."""
    source = one.place.partition(":")[0]
    if "\n" in one.message + one.remedy:
        return "more than a line"
    if not one.words and source not in WHOLE:
        return "no message of its own"
    if not one.remedy and one.status != errors.CancelledError.exit_status:
        return "no remedy"
    if one.remedy == UNKNOWN and source not in HANDED:
        return "a remedy that is not known"
    if _HELPLESS.fullmatch(one.remedy):
        return f"a remedy that does not help: {one.remedy}"
    if one.status != errors.CancelledError.exit_status and not _THING.search(one.message):
        return f"a message that names nothing: {one.message}"
    return None


def _scopes(tree: ast.Module, trees: tuple[ast.Module, ...]) -> Iterator[Scope]:
    """The functions, and the code outside them."""
    for function in _functions(tree):
        yield Scope(function=function, tree=tree, trees=trees)


@functools.cache  # every error needs each of these
def _functions(tree: ast.Module) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
    return tuple(node for node in _statements(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """The statements below a node; no statement is part of an expression, of which there are many more."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield child
            yield from _statements(child)


@functools.cache
def _named(tree: ast.Module) -> dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The functions of a module by name."""
    named: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] = {}
    for function in _functions(tree):
        named.setdefault(function.name, []).append(function)
    return named


@functools.cache
def _own(function: ast.AST) -> tuple[ast.AST, ...]:
    """The nodes of a function, without those of functions in it."""
    return tuple(_within(function))


def _within(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _within(child)


def _name_of(called: ast.expr) -> str:
    return called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""


def _is_maker(function: Any) -> bool:
    """Whether it makes an error of two texts that it gets: `def error(self, what, remedy)`."""
    return [a.arg for a in function.args.args][-2:] == ["what", "remedy"]


def _filled(maker: Scope, call: ast.Call, scope: Scope) -> Scope:
    """A maker's scope with the texts of one call."""
    what, remedy = (sorted(set(_patterns(text, scope))) for text in call.args)
    return replace(maker, given={"what": what, "remedy": remedy})


def _errors_of(scope: Scope, known: Mapping[str, int]) -> Iterator[ast.Call]:
    for node in _own(scope.function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known:
            yield node


def _of(call: ast.Call, whole: Scope, status: int, place: str) -> list[Raised]:
    """An error, once for each of its possible texts."""
    found = []
    for scope in whole.alternatives():
        texts = [sorted(set(_patterns(text, scope))) for text in [*call.args, *(k.value for k in call.keywords)][:2]]
        for message, remedy in product(*(texts + [[""]] * (2 - len(texts)))):
            if not remedy and len(texts[-1]) > 1:  # raised if there is one
                continue
            found.append(Raised(status=status, message=message, remedy=remedy, place=place))
    return found


def _patterns(node: ast.expr, scope: Scope, depth: int = 0) -> Iterator[str]:
    """The possible texts of an expression."""
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr():
            parts = [[str(p.value)] if isinstance(p, ast.Constant) else _inner(p, scope, depth) for p in node.values]
            yield from ("".join(whole) for whole in product(*parts))
        case ast.BinOp(op=ast.Add()):
            halves = (list(_patterns(half, scope, depth)) for half in (node.left, node.right))
            yield from ("".join(whole) for whole in product(*halves))
        case ast.IfExp():
            yield from _patterns(node.body, scope, depth)
            yield from _patterns(node.orelse, scope, depth)
        case ast.Attribute(attr="remedy"):
            yield PASSED
        case ast.Call(func=ast.Name(id="did_you_mean") | ast.Attribute(attr="did_you_mean")):
            yield "did you mean …?"
        case ast.Call(func=ast.Attribute(attr="command_meant" | "flag_meant")):
            yield "use: …"
        case ast.BoolOp(op=ast.Or()):
            for half in node.values:
                yield from _patterns(half, scope, depth)
        case ast.Call(func=ast.Call(), args=[text]):  # without_secrets()(text)
            yield from _patterns(text, scope, depth)
        case ast.Call(func=ast.Attribute(attr="format", value=text)) | ast.Subscript(value=text):
            yield from _patterns(text, scope, depth)
        case ast.Call(func=ast.Attribute(attr="get"), args=[_, text]):
            yield from _patterns(text, scope, depth)
        case ast.Call(func=called) if depth < 3 and (returned := scope.returned(_name_of(called))):
            for value, inner in returned:
                yield from _patterns(value, inner, depth + 1)
        case ast.Name() if depth < 3:
            yield from scope.texts(node.id, depth) or [UNKNOWN]
        case _:
            yield UNKNOWN


def _inner(part: ast.expr, scope: Scope, depth: int) -> list[str]:
    """The texts for a placeholder: one that was put together just before, if it has few values, else `…`."""
    if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name | ast.IfExp):
        texts = sorted(set(_patterns(part.value, scope, depth + 1)))
        given = isinstance(part.value, ast.Name) and part.value.id in scope.given
        if given or (len(texts) <= 3 and all(texts) and PASSED not in texts):
            return texts
    return [UNKNOWN]


def shown(text: str) -> str:
    """A pattern in the page's form."""
    while UNKNOWN * 2 in text:
        text = text.replace(UNKNOWN * 2, UNKNOWN)
    return text.replace("|", "\\|")


def _remedy(text: str) -> str:
    return text if text == PASSED else "as the message's second line says" if text == UNKNOWN else f"`{text}`"


def table(found: Iterable[Raised]) -> str:
    """The messages by exit status, in alphabetical order, each with its remedies."""
    lines: list[str] = []
    rows: dict[int, dict[str, list[str]]] = {}
    for one in sorted(found):
        if one.words and one.remedy:
            remedies = rows.setdefault(one.status, {}).setdefault(shown(one.message), [])
            if shown(one.remedy) not in remedies:
                remedies.append(shown(one.remedy))
    for status, messages in sorted(rows.items()):
        lines += [f"### {_HEADS[status]}", "", "| message | remedy |", "|---|---|"]
        order = sorted(messages, key=lambda message: message.lstrip("…: '").lower())
        lines += [f"| `{message}` | {'; or '.join(map(_remedy, messages[message]))} |" for message in order]
        lines.append("")
    return "\n".join(lines)


def written(page: str, found: Iterable[Raised]) -> str:
    """The page with its messages replaced."""
    begin, end = _MARKS
    head, _, rest = page.partition(begin)
    _, _, tail = rest.partition(end)
    return f"{head}{begin}\n{table(found)}\n{end}{tail}"


if __name__ == "__main__":
    page = Path(sys.argv[1]) if sys.argv[1:] else PAGE
    page.write_text(written(page.read_text(encoding="utf-8"), raised()), encoding="utf-8")
