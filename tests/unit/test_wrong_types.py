"""Every field and argument of a public name, given a value of another type: one line that names it, and what to write.

The walk is made of the annotations: a new field or function is in it at once, or fails here until somebody decides.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest

import desktop_bake
from desktop_bake import ConfigurationError, Digest, ImageReference, Recipe, Settings
from desktop_bake.bake.context import Work, context_of
from desktop_bake.bake.task.execute import Execution, execute
from tests.harness.every import every
from tests.harness.recipes import OFFICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FROM_BASE = b"FROM base\n"
RECIPE = Recipe(dockerfile=FROM_BASE, install=b"true\n", setup=b"true\n")
# What a program makes, and the least of its fields.
MADE: dict[str, dict[str, Any]] = {
    "BakeOptions": {"repository": ImageReference.parse("desktop")},
    "ContextFile": {"content": b""},
    "DockerRunnerConfig": {"base_image": "debian"},
    "Environment": {"env_id": "a", "base_image": ImageReference.parse("debian")},
    "Layer": {"name": "a", "packages": ("git",)},
    "LayerRecipe": {"name": "a", "dockerfile": FROM_BASE, "packages": ("git",)},
    "Mount": {"kind": "volume", "target": "/a"},
    "Port": {"container": 80},
    "Preflight": {"dockerfile": FROM_BASE, "script": b"true\n"},
    "Recipe": {"dockerfile": FROM_BASE, "install": b"true\n", "setup": b"true\n"},
    "Script": {"path": "a"},
    "Settings": {},
    "Stack": {"desktop": RECIPE},
    "TaskOptions": {},
}
# What a program is given, or what the parsers of others make: nobody writes its fields.
GIVEN = {
    *("BakeTarget", "CacheKey", "Completed", "DesktopTask", "Digest", "ImageReference", "LayerKey", "TaskEntry"),
    *("Building", "Creating", "Exited", "Output", "Pulling", "Ready", "Started"),
    *("Built", "Disabled", "Fallback", "LocalHit", "Miss", "MissReason", "RegistryHit"),
    "Context",  # from checked keywords, unless a program asks for `Tasks` alone
}
# Neither takes what a person writes: an error's two lines; an engine, whose host is checked where it is asked.
UNCHECKED = {name for name in desktop_bake.__all__ if name.endswith("Error")} | {"Engine", "Recorder", "Status"}
NAMED_OTHERWISE = {"env_id": "environment id", "name": "name"}
# value, and the names of annotations that take it
WRONG: list[tuple[Any, set[str]]] = [
    ("a text", {"str", "File"}),
    (17, {"int", "float"}),
    (True, {"bool"}),
    (None, {"None"}),
    (b"bytes", {"bytes"}),
    (["nested", [object()]], {"Iterable"}),
    ({1: object()}, set()),
    (object(), set()),
]


def outermost(annotation: str) -> set[str]:
    """The names in an annotation, without what stands in brackets."""
    while "[" in annotation:
        annotation = re.sub(r"\[[^\[\]]*\]", "", annotation)
    return set(annotation.split(" | "))


def wrong(annotations: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """Each name with each value that is not of its annotation."""
    for name, annotation in annotations.items():
        names = outermost(annotation)
        if not names & {"Any", "object"}:
            yield from ((name, value) for value, allowed in WRONG if not allowed & names)


def taken(call: Callable[..., Any], annotations: dict[str, str]) -> list[str]:
    """Each wrong value that is not refused with what is wrong and a remedy, and what came of it instead."""
    return [
        f"{name}={value!r} {came}"
        for name, value in wrong(annotations)
        if (came := _came_of(call, name, value)) is not None
    ]


def _came_of(call: Callable[..., Any], name: str, value: object) -> str | None:
    try:
        call(**{name: value})
    except ConfigurationError as error:
        said = str(error)
        if name not in said and NAMED_OTHERWISE.get(name, name) not in said:
            return f"is refused without its name: {said}"
        return None if error.remedy else f"is refused without a remedy: {said}"
    except Exception as error:  # noqa: BLE001 (the others are tried as well)
        return f"raises {error!r}"
    return "is taken"


def test_every_public_name_is_decided() -> None:
    """A new public class stands in one of the lists above."""
    values = {name: getattr(desktop_bake, name) for name in desktop_bake.__all__ if name != "__version__"}
    classes = {name for name, value in values.items() if is_dataclass(value)}
    assert {name for name in classes if values[name].__init__ is not object.__init__} <= MADE.keys() | GIVEN
    assert not MADE.keys() & GIVEN


@every("made", MADE)
def test_fields(made: str) -> None:
    """A field that contains another type is refused when its object is made."""
    kind = getattr(desktop_bake, made)
    annotations = {f.name: str(f.type) for f in fields(kind) if f.init}
    assert any(wrong(annotations))
    assert taken(lambda **given: kind(**{**MADE[made], **given}), annotations) == []


def functions() -> Iterator[tuple[str, Any]]:
    """Every public function, and every public method of a public class, with its name."""
    for name in desktop_bake.__all__:
        value = getattr(desktop_bake, name, None)
        if inspect.isfunction(value):
            yield name, value
        elif inspect.isclass(value) and name not in UNCHECKED and value.__module__.startswith("desktop_bake"):
            for method, static in vars(value).items():
                plain = static.__func__ if isinstance(static, classmethod) else static
                if inspect.isfunction(plain) and (not method.startswith("_") or method == "__init__"):
                    yield f"{name}.{method}", plain


def arguments(function: Any) -> dict[str, str]:
    """What a function takes, except for `**` and its engine, by name."""
    kinds = inspect.signature(function).parameters
    return {
        name: annotation
        for name, annotation in function.__annotations__.items()
        if name != "return" and annotation != "OnAnEngine" and kinds[name].kind is not inspect.Parameter.VAR_KEYWORD
    }


# Functions that get such a value from a program, and build another from it: nobody writes those.
AMONG_THEMSELVES = {
    *("CacheKey", "LayerKey", "Digest", "ImageReference", "Context", "BakeTarget", "Recipe", "Stack", "LayerRecipe"),
    *("Preflight", "Status", "DockerRunnerConfig.__init__", "Settings", "TaskEntry"),
}
FUNCTIONS = {
    name: function
    for name, function in functions()
    if not {name, name.partition(".")[0]} & AMONG_THEMSELVES
    and not (name.endswith(".__init__") and is_dataclass(getattr(desktop_bake, name.partition(".")[0])))
    and any(wrong(arguments(function)))
}


@every("name", FUNCTIONS)
def test_arguments(name: str) -> None:
    """An argument of another type is refused before anything is done."""
    function = FUNCTIONS[name]
    itself = [None] * ("self" in inspect.signature(function).parameters)
    assert taken(lambda **given: function(*itself, **given), arguments(function)) == []


def test_functions_are_found() -> None:
    """The walk has what programs call most."""
    assert {"start_task", "ensure_desktop_image", "DesktopTask.wait", "Tasks.find", "parse_ports"} <= FUNCTIONS.keys()


def written(typed: Any) -> dict[str, str]:
    """The annotations of a typed dictionary, as they are written."""
    return {name: annotation.__forward_arg__ for name, annotation in typed.__annotations__.items()}


def test_work() -> None:
    """A keyword of the public functions that contains another type is refused."""
    assert any(wrong(written(Work)))
    assert taken(lambda **work: context_of(Settings(), **work), written(Work)) == []


def test_execution() -> None:
    """A keyword of `DesktopTask.execute` that contains another type is refused."""
    engine: Any = None
    assert any(wrong(written(Execution)))
    assert taken(lambda **how: execute(engine, "c0ffee", ["a"], cast("Execution", how)), written(Execution)) == []


@pytest.mark.parametrize(
    ("made", "came"),
    [
        (lambda *, a: None, "is taken"),
        (lambda *, a: 1 // 0, "raises ZeroDivisionError"),
        (lambda *, a: refuse("b is wrong", "write c"), "is refused without its name: b is wrong"),
        (lambda *, a: refuse("a is wrong", ""), "is refused without a remedy: a is wrong"),
    ],
)
def test_what_is_found(made: Callable[..., Any], came: str) -> None:
    """What is taken is found, and what is refused otherwise, of every value."""
    found = taken(made, {"a": "str | int"})
    assert len(found) == len(WRONG) - 2
    assert all(f" {came}" in one for one in found), found


def refuse(what: str, remedy: str) -> None:
    """Refuse a value."""
    raise ConfigurationError(what, remedy)


@pytest.mark.parametrize("value", [3, None, b"debian", ["debian"]])
def test_references(value: Any) -> None:
    """Anything that is no text is neither an image's name nor a digest."""
    with pytest.raises(ConfigurationError, match=r"^the image reference is .*, not of type str$"):
        ImageReference.parse(value)
    with pytest.raises(ConfigurationError, match=r"^malformed digest "):
        Digest(value)


@pytest.mark.parametrize("command", ["make all", b"make", ["a", 1], 3, None])
def test_a_command(command: Any) -> None:
    """A text instead of a command's words is refused, with how it is written."""
    from_start = desktop_bake.start_task
    with pytest.raises(ConfigurationError, match=r"^command is .*, not of type Sequence\[str\]$"):
        from_start(OFFICE, command=command)  # type: ignore[call-arg]
