"""`explain`: the right input by its name, for every change, against images here and in a registry."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pytest

from desktop_bake import ContextFile, Environment, ImageReference, Preflight, Recipe, Stack, stack_key
from desktop_bake.bake.images.difference import NEVER, Candidate, changes, nearest, reason
from desktop_bake.bake.images.inputs import Inputs, StackInputs
from desktop_bake.generator.reference import Digest
from tests.harness.every import every

# --- decisions -------------------------------------------------------------------------------------------------

Wanted = tuple[Environment, Stack, Digest]
CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "base": ({"digest": "moved"}, "base image changed: debian:bookworm moved from sha256:"),
    "install": ({"install": b"other"}, "install script changed"),
    "setup": ({"setup": b"other"}, "setup script changed"),
    "Dockerfile": ({"dockerfile": b"FROM base\nRUN true\n"}, "Dockerfile changed"),
    "packages": ({"packages": "2026-11-27"}, "packages date moved from 2026-11-01 to 2026-11-27"),
    "argument added": ({"build_args": {"A": "1", "B": "2"}}, "Dockerfile: build argument B added"),
    "argument removed": ({"build_args": {}}, "Dockerfile: build argument A removed"),
    "argument changed": ({"build_args": {"A": "2"}}, "Dockerfile: build argument A changed"),
    "platforms": ({"platforms": ("linux/arm64",)}, "platforms changed from the builder's own to linux/arm64"),
    "file changed": ({"files": {"f": ContextFile(content=b"2")}}, "build context: f changed"),
    "file removed": ({"files": {}}, "build context: f removed"),
    "executable": ({"files": {"f": ContextFile(content=b"1", executable=True)}}, "build context: f is executable now"),
    "secret added": ({"build_secrets": ("S", "T")}, "Dockerfile: build secret T added"),
    "secret removed": ({"build_secrets": ()}, "Dockerfile: build secret S removed"),
    "preflight": ({"preflight": b"other"}, "preflight changed"),
    "its Dockerfile": ({"layer": b"FROM base\nRUN true\n"}, "the preflight's Dockerfile changed"),
}
OF_A_LAYER = ("base", "platforms", "preflight", "its Dockerfile")


def wanted(kind: str = "desktop", **changed: Any) -> Wanted:
    """An environment, what is baked for it and its base's digest, changed: a `desktop`, a `layer` on it, or `alone`."""
    recipe = {"dockerfile": b"FROM base\n", "install": b"i", "setup": b"s", "files": {"f": ContextFile(content=b"1")}}
    recipe["packages"] = "2026-11-01"
    layer = {"layer": b"FROM base\n", "preflight": b"p"}
    environment = {"build_args": {"A": "1"}, "platforms": (), "build_secrets": ("S",), "base": "debian:bookworm"}
    for values in (recipe, layer, environment):
        values |= {n: v for n, v in changed.items() if n in values}
    base = ImageReference.parse(str(environment.pop("base")))
    digest = Digest.of(str(changed.get("digest", "base")).encode())
    stack = Stack(
        desktop=None if kind == "alone" else Recipe(**recipe),  # type: ignore[arg-type]
        preflight=None if kind == "desktop" else Preflight(dockerfile=layer["layer"], script=layer["preflight"]),
    )
    return Environment(env_id="e", base_image=base, **environment), stack, digest  # type: ignore[arg-type]


def candidate(of: Wanted, **more: Any) -> Candidate:
    """An image of these."""
    return Candidate(key=stack_key(*of), base_name=of[0].base_image.named, **more)


def told(now: Wanted, then: Wanted, *, at_hand: bool = True) -> str:
    """The reason that is reported."""
    key, near = stack_key(*now), candidate(then)
    inputs = StackInputs.of(*then[:2]) if at_hand else None
    return reason(changes(key, now[0].base_image.named, StackInputs.of(*now[:2]), near, inputs))


KINDS = [
    *(("desktop", name) for name in CHANGES if name not in ("preflight", "its Dockerfile")),
    *(("layer", name) for name in CHANGES),
    *(("alone", name) for name in OF_A_LAYER),
]


@every(("kind", "name"), KINDS)
def test_every_input_by_its_name(kind: str, name: str) -> None:
    """Each change of one input, of the desktop, of a layer or of the desktop below it, is reported only by its name."""
    changed, says = CHANGES[name]
    said = told(wanted(kind, **changed), wanted(kind))
    assert said.startswith(says)
    assert ";" not in said


@pytest.mark.parametrize("kind", ["desktop", "layer", "alone"])
def test_two_at_once(kind: str) -> None:
    """Any two changes at once are both reported, and nothing else."""
    for one, other in combinations([name for of, name in KINDS if of == kind], 2):
        if CHANGES[one][0].keys() == CHANGES[other][0].keys():  # of the same input
            continue
        said = told(wanted(kind, **{**CHANGES[one][0], **CHANGES[other][0]}), wanted(kind))
        assert CHANGES[one][1] in said
        assert CHANGES[other][1] in said
        assert said.count(";") == 1


def test_without_the_former_content() -> None:
    """If nothing was recorded the part is named, and nothing is guessed."""
    changed = wanted("layer", build_args={"B": "1"}, preflight=b"other")
    said = told(changed, wanted("layer"), at_hand=False)
    assert said == "Dockerfile, context, build arguments or platforms changed; preflight changed"


def test_a_first_preflight() -> None:
    """A layer that never was is compared with its desktop, be it this one or a former one."""
    assert told(wanted("layer"), wanted()) == "preflight added"
    assert told(wanted("layer", setup=b"x"), wanted()) == "setup script changed; preflight added"


def test_another_base() -> None:
    """Another base's name is reported with both names."""
    said = told(wanted(base="debian:trixie", digest="trixie"), wanted())
    assert said.startswith("base image changed from debian:bookworm (sha256:")


def test_what_goes_into_a_record_comes_out() -> None:
    """Inputs survive being recorded; anything else that is found there is no inputs."""
    inputs = StackInputs.of(*wanted(files={"b": ContextFile(content=b"\xff")})[:2]).desktop
    assert inputs
    assert Inputs.from_json(json.loads(json.dumps(inputs.as_json()))) == inputs
    broken: Any
    for broken in (None, [], {}, {"files": 1}, {**inputs.as_json(), "platforms": 3}):
        assert Inputs.from_json(broken) is None
    assert "1" not in inputs.build_args.values()


def test_the_nearest() -> None:
    """The fewest changes win, then the same base's name, the environment's own, what is here, the newest."""
    key, name = stack_key(*wanted()), "debian:bookworm"
    two = candidate(wanted(install=b"x", setup=b"x"), name="two", created_s=9)
    one = candidate(wanted(setup=b"x"), name="one", created_s=1)
    newer = candidate(wanted(setup=b"y"), name="newer", created_s=2)
    there = candidate(wanted(setup=b"z"), name="there", created_s=3, where="registry")
    mine = candidate(wanted(setup=b"w"), name="mine", is_own=True)
    for near, among in (
        (mine, [newer, there, mine]),
        (newer, [two, one, there, newer]),
        (there, [two, there]),
        (two, [two]),
    ):
        assert nearest(key, name, among) == near
    other = candidate(wanted(base="ubuntu:24.04", digest="ubuntu", setup=b"x", install=b"x"))
    assert nearest(key, name, [other]) is None
    renamed = candidate(wanted(base="ubuntu:24.04", digest="ubuntu"))
    assert nearest(key, name, [other, renamed]) == renamed
    assert reason(()) == NEVER


def test_the_nearest_of_a_layer() -> None:
    """A layer's nearest is a layer, also one with more changes than a desktop; a desktop if no layer is near; and a
    layer on the base is compared with such alone."""
    key, name = stack_key(*wanted("layer")), "debian:bookworm"
    far = candidate(wanted("layer", setup=b"x", install=b"x", preflight=b"x"))
    near = candidate(wanted("layer", setup=b"x"))
    desktop, alone = candidate(wanted()), candidate(wanted("alone"))
    for nearest_one, among in ((near, [far, near, desktop]), (far, [far, desktop]), (desktop, [desktop, alone])):
        assert nearest(key, name, among) == nearest_one
    assert nearest(key, name, [alone]) is None
    key = stack_key(*wanted("alone"))
    changed = candidate(wanted("alone", preflight=b"x"))
    assert nearest(key, name, [far, desktop, changed]) == changed
    assert nearest(key, name, [candidate(wanted("alone", base="ubuntu:24.04", digest="u", preflight=b"x"))]) is None
    assert nearest(stack_key(*wanted()), name, [near, alone]) is None
