"""A layer of an environment: what it may be, and in which order several lie on each other."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

import pytest

from desktop_bake import Environment, ImageReference
from desktop_bake.generator.errors import ConfigurationError
from desktop_bake.generator.layer import MOST_LAYERS, MOST_PACKAGES, Layer, check_ordered, check_packages, ordered
from desktop_bake.generator.script import Script
from tests.harness.every import every


def layer(name: str, *needs: str, **fields: Any) -> Layer:
    """A layer with a script."""
    return Layer(**{"name": name, "script": f"{name}.sh", "needs": needs, **fields})


def names(layers: tuple[Layer, ...]) -> str:
    """The names of layers, one after another."""
    return " ".join(layer.name for layer in layers)


@every(
    ("fields", "says"),
    [
        ({"name": ""}, "malformed layer name ''"),
        ({"name": "a\n", "script": "a.sh"}, "malformed layer name 'a\\n'"),
        ({"name": "a b", "script": "a.sh"}, "malformed layer name 'a b'"),
        ({"name": "a/b", "script": "a.sh"}, "malformed layer name 'a/b'"),
        ({"name": "-a", "script": "a.sh"}, "malformed layer name '-a'"),
        ({"name": "a" * 64, "script": "a.sh"}, f"malformed layer name '{'a' * 64}'"),
        ({"name": 7, "script": "a.sh"}, "malformed layer name 7"),
        ({"name": "tools"}, "layer 'tools' installs nothing"),
        ({"name": "tools", "files": ("a",)}, "layer 'tools' installs nothing"),
        ({"name": "tools", "packages": ("git",), "files": ("a",)}, "layer 'tools': files without a script"),
        ({"name": "tools", "packages": "git"}, "layer 'tools': packages is 'git', not of type tuple[str, ...]"),
        ({"name": "tools", "packages": (1,)}, "layer 'tools': packages is (1,), not of type tuple[str, ...]"),
        ({"name": "tools", "script": "a.sh", "cache": 1}, "layer 'tools': cache is 1, not of type bool | None"),
        ({"name": "tools", "script": 7}, "layer 'tools': script is 7, not of type str | PurePath | Script | None"),
        (
            {"name": "tools", "script": "/a.sh"},
            "layer 'tools': script '/a.sh' leads out of the configuration's folder",
        ),
        (
            {"name": "tools", "script": Script.file("../a")},
            "layer 'tools': script '../a' leads out of the configuration's folder",
        ),
        (
            {"name": "tools", "script": "a.sh", "files": ("../b",)},
            "layer 'tools': files '../b' leads out of the configuration's folder",
        ),
        (
            {"name": "tools", "script": "a.sh", "files": (7,)},
            "layer 'tools': files is (7,), not of type tuple[File, ...]",
        ),
        (
            {"name": "tools", "packages": ("git", "--force-yes")},
            "layer 'tools': packages holds '--force-yes', which is not the name of a package",
        ),
    ],
)
def test_no_layer(fields: dict[str, Any], says: str) -> None:
    """Anything that is no layer is refused by its name and field, in one line, with a remedy."""
    with pytest.raises(ConfigurationError) as refused:
        Layer(**fields)
    assert str(refused.value) == says
    assert refused.value.remedy


def test_a_layer() -> None:
    """A script is enough, and so are packages; a program's own paths may lead anywhere."""
    assert Layer(name="tools", script="tools.sh").packages == ()
    assert Layer(name="browser", packages=("chromium",)).below_desktop is False
    assert Layer(name="a", script=PurePath("/a/b.sh"), files=("c", PurePath("/d"))).files == ("c", PurePath("/d"))


# --- packages --------------------------------------------------------------------------------------------------------


@every(
    "name",
    [
        "git",
        "g++",
        "libstdc++6",
        "python3.11",
        "git=1:2.39.5-0+deb12u1",
        "gcc:amd64",
        "git/bookworm",
        "extra/git",
        "R-core",
    ],
)
def test_a_package(name: str) -> None:
    """Debian's and Arch's names are taken, also with a version, an architecture, a release or a repository."""
    check_packages("", [name])


@every(
    ("name", "remedy"),
    [
        ("-oDebug::pkgProblemResolver=true", "write only names of packages; options"),
        ("--allow-unauthenticated", "write only names of packages; options"),
        ("-", "write only names of packages; options"),
        ("git curl", "write each by itself: 'git', 'curl'"),
        ("git\ncurl", "write each by itself: 'git', 'curl'"),
        ("git-", "write the name of a package"),
        ("", "write the name of a package"),
        (" ", "write the name of a package"),
        ("git;reboot", "write the name of a package"),
        ("git; reboot", "write the name of a package"),
        ("$(reboot)", "write the name of a package"),
        ("`reboot`", "write the name of a package"),
        ("g*", "write the name of a package"),
        ("^g", "write the name of a package"),
        ("./git.deb", "write the name of a package"),
        ("gít", "write the name of a package"),
        ("git\0", "write the name of a package"),
        ("a" * 129, "write the name of a package, at most 128 characters"),
    ],
)
def test_no_package(name: str, remedy: str) -> None:
    """What a shell or the package manager would take for anything but one name is refused by where it stands."""
    with pytest.raises(ConfigurationError) as refused:
        check_packages("environment 'e': ", ["git", name])
    assert str(refused.value).startswith("environment 'e': packages holds ")
    assert str(refused.value).endswith(", which is not the name of a package")
    assert len(str(refused.value)) < 200
    assert refused.value.remedy.startswith(remedy)


def test_too_many_packages() -> None:
    """As many as fit into one argument of a program."""
    check_packages("", ["a" * 128] * MOST_PACKAGES)
    assert 129 * MOST_PACKAGES < 128 << 10
    with pytest.raises(ConfigurationError, match=r"^here: packages holds 501 names, more than 500$"):
        check_packages("here: ", ["a"] * (MOST_PACKAGES + 1))


# --- order -----------------------------------------------------------------------------------------------------------


@every(
    ("wanted", "known", "found"),
    [
        ([], [], ""),
        (["a"], [layer("a"), layer("b")], "a"),
        (["b", "a"], [layer("a"), layer("b")], "b a"),
        (["b", "a"], [layer("a"), layer("b", "a")], "a b"),
        (["c"], [layer("a"), layer("b", "a"), layer("c", "b", "a")], "a b c"),
        (["d", "c"], [layer("a"), layer("b", "a"), layer("c", "a"), layer("d", "b")], "a b d c"),
        (["a", "a"], [layer("a")], "a"),
        (["a", layer("b")], [layer("a")], "a b"),
        ([layer("b", "a"), layer("a")], [], "a b"),
        ([layer("a"), "a"], [layer("a")], "a"),
        (["a", "b"], [layer("a"), layer("b", below_desktop=True)], "b a"),
        (["a"], [layer("a", "c", "b"), layer("b"), layer("c", below_desktop=True)], "c b a"),
    ],
)
def test_order(wanted: list[str | Layer], known: list[Layer], found: str) -> None:
    """What a layer needs comes below it, what is below the desktop before the rest, and nothing moves besides."""
    result = ordered(wanted, {one.name: one for one in known})
    assert names(result) == found
    check_ordered("", result)
    assert ordered(result, {}) == result


A_TWICE = layer("a"), layer("a", packages=("git",))


@every(
    ("wanted", "known", "says"),
    [
        (["a"], [layer("a", "a")], "layers need each other in a circle: a -> a"),
        (["a"], [layer("a", "b"), layer("b", "a")], "layers need each other in a circle: a -> b -> a"),
        (["x"], [layer("x", "a"), layer("a", "b"), layer("b", "a")], "layers need each other in a circle: a -> b -> a"),
        (["b"], [layer("a")], "layers names 'b', which is not a layer"),
        (["a"], [layer("a", "b")], "layer 'a' needs 'b', which is not a layer"),
        ([A_TWICE[0]], [A_TWICE[1]], "two layers are named 'a'"),
        (A_TWICE, [], "two layers are named 'a'"),
        (
            ["a"],
            [layer("a", "b", below_desktop=True), layer("b")],
            "layer 'a' is below the desktop and needs 'b', which is above it",
        ),
        (
            ["0"],
            [layer(str(n), str(n + 1)) for n in range(2000)],
            f"more than {MOST_LAYERS} layers in one chain",
        ),
    ],
)
def test_no_order(wanted: list[str | Layer], known: list[Layer], says: str) -> None:
    """A circle, a name of no layer or of two, and a contradiction are reported by their names, with a remedy."""
    with pytest.raises(ConfigurationError) as refused:
        ordered(wanted, {one.name: one for one in known})
    assert str(refused.value) == says
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("layers", "packages", "says"),
    [
        ((layer("b", "a"), layer("a")), (), "layer 'b' needs 'a', which is not below it"),
        ((layer("b", "a"),), (), "layer 'b' needs 'a', which is not below it"),
        (A_TWICE, (), "two layers are named 'a'"),
        (
            (layer("a"), layer("b", below_desktop=True)),
            (),
            "layer 'b' is below the desktop, but comes after a layer above it",
        ),
        ((layer("packages"),), ("git",), "two layers are named 'packages'"),
        (tuple(layer(f"l{n}") for n in range(51)), (), "more than 50 layers in one chain"),
        ((), ("-o", "git"), "packages holds '-o', which is not the name of a package"),
    ],
)
def test_an_environments_layers(layers: tuple[Layer, ...], packages: tuple[str, ...], says: str) -> None:
    """A program that orders layers wrongly, or gives too many, is told so by the environment's name."""
    with pytest.raises(ConfigurationError) as refused:
        Environment(env_id="e", base_image=ImageReference.parse("a"), layers=layers, packages=packages)
    assert str(refused.value) == f"environment 'e': {says}"
    assert refused.value.remedy
