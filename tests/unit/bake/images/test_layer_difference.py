"""Why an image with layers is missed: each change by the layer's name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from desktop_bake import ContextFile, LayerRecipe, Stack, stack_key
from desktop_bake.bake.images.difference import NEVER, Candidate, changes, nearest, reason
from desktop_bake.bake.images.inputs import Inputs, StackInputs
from desktop_bake.generator.layer_key import stack_keys
from tests.harness.every import every
from tests.harness.recipes import BASE, BROWSER, CERTS, ENVIRONMENT, PREFLIGHT, RECIPE, TOOLS

FILES = {"lib/a.sh": ContextFile(content=b"a\n")}
STACK = Stack(below=(CERTS,), desktop=RECIPE, above=(BROWSER, replace(TOOLS, files=FILES)), preflight=PREFLIGHT)
NAME = ENVIRONMENT.base_image.named


def told(now: Stack, then: Stack = STACK, *, at_hand: bool = True, **fields: Any) -> str:
    """The reason of a miss against the image of another stack."""
    environment = replace(ENVIRONMENT, **fields)
    key, other = stack_key(environment, now, BASE), stack_key(ENVIRONMENT, then, BASE)
    near = nearest(key, NAME, [Candidate(key=other, base_name=NAME)])
    if near is None:
        return NEVER
    inputs = StackInputs.of(ENVIRONMENT, then) if at_hand else None
    return reason(changes(key, NAME, StackInputs.of(environment, now), near, inputs))


def above(*layers: LayerRecipe) -> Stack:
    """The stack with other layers above the desktop."""
    return replace(STACK, above=layers)


TOOLS_NOW = STACK.above[1]


@every(
    ("now", "said"),
    [
        (replace(STACK, below=(replace(CERTS, script=b"x\n"),)), "layer 'certs': script changed"),
        (above(BROWSER, replace(TOOLS_NOW, script=b"x\n")), "layer 'tools': script changed"),
        (above(BROWSER, replace(TOOLS_NOW, files={})), "layer 'tools': lib/a.sh removed"),
        (
            above(BROWSER, replace(TOOLS_NOW, files={"lib/a.sh": ContextFile(content=b"a\n", executable=True)})),
            "layer 'tools': lib/a.sh is executable now",
        ),
        (above(replace(BROWSER, packages=("git",)), TOOLS_NOW), "layer 'browser': packages changed"),
        (above(replace(BROWSER, date="2026-11-27"), TOOLS_NOW), "layer 'browser': packages changed"),
        (above(replace(BROWSER, installer=b"x\n"), TOOLS_NOW), "layer 'browser': install program changed"),
        (above(replace(BROWSER, dockerfile=b"FROM base\n"), TOOLS_NOW), "layer 'browser': Dockerfile changed"),
        (above(BROWSER), "layer 'tools' removed"),
        (above(BROWSER, replace(CERTS, name="more"), TOOLS_NOW), "layer 'more' added"),
        (above(TOOLS_NOW, BROWSER), "the order of layers changed"),
        (Stack(desktop=RECIPE, above=(CERTS, *STACK.above), preflight=PREFLIGHT), "the order of layers changed"),
        (replace(STACK, desktop=replace(RECIPE, setup=b"x\n")), "setup script changed"),
        (replace(STACK, preflight=replace(PREFLIGHT, script=b"x\n")), "preflight changed"),
    ],
)
def test_each_change_by_its_name(now: Stack, said: str) -> None:
    """One change is reported once, by the layer that it is of: not by what lies on that."""
    assert told(now) == said


def test_two_at_once() -> None:
    """Each of several changes is reported."""
    now = replace(STACK, below=(replace(CERTS, script=b"x\n"),), above=(BROWSER,))
    assert told(now) == "layer 'certs': script changed; layer 'tools' removed"


def test_the_nearest_has_the_layer() -> None:
    """A layer that changed is compared with its former image, and not with that of what both lie on."""
    now = above(BROWSER, replace(TOOLS_NOW, script=b"x\n"))
    every = [Candidate(key=key, base_name=NAME) for key in stack_keys(ENVIRONMENT, STACK, BASE)]
    wanted = stack_keys(ENVIRONMENT, now, BASE)[3]
    near = nearest(wanted, NAME, every)
    assert near
    assert near.key == every[3].key


def test_what_was_not_written_down() -> None:
    """Without a record of the former image layers are compared by their places."""
    assert told(above(BROWSER, replace(TOOLS_NOW, script=b"x\n")), at_hand=False) == "layer 'tools' changed"
    assert told(above(BROWSER), at_hand=False) == "layer-3 removed"


def test_a_first_layer() -> None:
    """A layer that never was is compared with the desktop that it lies on."""
    assert told(Stack(desktop=RECIPE, above=(TOOLS,)), Stack(desktop=RECIPE)) == "layer 'tools' added"


def test_a_record() -> None:
    """A layer's record is read back with its name and its packages."""
    inputs = Inputs.of(ENVIRONMENT, BROWSER)
    assert (inputs.name, inputs.installed) == ("browser", ("chromium", "git"))
    assert Inputs.from_json(inputs.as_json()) == inputs
