"""A failed build is reported by the layer and the environment that it is about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop_bake import Stack
from desktop_bake.bake.build.failed_layer import of_layers
from desktop_bake.bake.build.failed_step import FailedStep, FinalError, failure_of
from tests.harness.recipes import BROWSER, CERTS, PREFLIGHT, RECIPE, TOOLS
from tests.harness.rendered import DEBIAN, Rendering

STACK = Stack(below=(CERTS, TOOLS), desktop=RECIPE, above=(BROWSER,), preflight=PREFLIGHT)
OFFICE = replace(DEBIAN, env_id="office")
RENDERING = Rendering(stacks=((OFFICE, STACK), (replace(DEBIAN, env_id="home"), replace(STACK, preflight=None))))
BOTH = "environments 'home', 'office'"
STEP = " > [layer-browser-office base-with-packages 1/2] RUN --mount=type=bind,source=layer_packages.sh true:"
PRINTED = f"""------
{STEP}
1.0 E: Unable to locate package chromiun
1.1 [layer] the package sources have no chromiun
------
#9 ERROR: process "true" did not complete successfully: exit code: 1
ERROR: target layer-browser-office: failed to solve: process "true" did not complete successfully: exit code: 1"""


def told(target: str, step: FailedStep | None) -> FinalError:
    """The message for a step of this target."""
    error = FinalError("build failed: a step ended with status 1", "it said: no")
    error.target, error.step = target, step
    return of_layers(error, RENDERING.targets)


def test_a_package_that_there_is_not() -> None:
    """One line has the package, the layer and the environments, whatever else was printed."""
    error = failure_of(PRINTED.splitlines())
    assert isinstance(error, FinalError)
    named = of_layers(error, RENDERING.targets)
    assert str(named) == (f"build failed: layer 'browser' of {BOTH}: the package sources have no chromiun")
    assert "apt-cache search" in named.remedy
    assert (named.target, named.step) == (error.target, error.step)


@pytest.mark.parametrize(
    ("target", "name", "says"),
    [
        ("layer-browser-office", "packages", f"the packages of layer 'browser' of {BOTH} ended with status 7"),
        ("layer-certs-office", "script", f"the script of layer 'certs' of {BOTH} ended with status 7"),
        (
            "desktop-office",
            "install script",
            f"a step ended with status 1; the desktop of {BOTH} stands on layers 'certs', 'tools'",
        ),
        ("preflight-office", "preflight script", "a step ended with status 1"),
        ("nobody", "script", "a step ended with status 1"),
    ],
)
def test_whose_step(target: str, name: str, says: str) -> None:
    """A layer's step is named after the layer, a desktop's above layers with these, another stays as it is."""
    error = told(target, FailedStep(name=name, status=7, said="no"))
    assert str(error) == f"build failed: {says}"
    assert error.remedy.startswith("it said: no")
    assert ("below_desktop" in error.remedy) == target.startswith("desktop-")


def test_a_step_below() -> None:
    """A step of several targets is named after any of them, and so is the failed target: the lowest is reported,
    with the layers below it that are baked, too; an install is the desktop's."""
    above, below = "[layer-browser-office layer 1/2] RUN layer.sh", "[layer-certs-office layer 1/2] RUN layer.sh"
    why = 'process "x" did not complete successfully: exit code: 7'
    final = [f"#4 ERROR: {why}", "------", f" > {above}:", "1.0 boom", "------"]
    final.append(f"ERROR: target layer-browser-office: failed to solve: {why}")
    told_lowest = failure_of([f"#4 {below}", *final])
    assert isinstance(told_lowest, FinalError)
    lowest = of_layers(told_lowest, RENDERING.targets)
    assert str(lowest) == f"build failed: the script of layer 'certs' of {BOTH} ended with status 7"
    assert (lowest.target, lowest.remedy) == ("layer-certs-office", "it said: boom")
    told_above = failure_of(final)
    assert isinstance(told_above, FinalError)
    unsure = of_layers(told_above, RENDERING.targets)
    assert (str(unsure), unsure.target) == (str(lowest).replace("certs", "browser"), "layer-browser-office")
    assert unsure.remedy.endswith("after what lies on it: look at layers 'certs', 'tools' below it, too")
    install = told("layer-browser-office", FailedStep(name="install script", status=7, said="no"))
    assert "the desktop of" in str(install)
    assert install.target == "desktop-office"


def test_a_single_target() -> None:
    """BuildKit shows no target's name if it bakes one alone."""
    lines = [line.replace("target layer-browser-office: ", "") for line in PRINTED.splitlines()]
    error = failure_of(lines)
    assert isinstance(error, FinalError)
    alone = [target for target in RENDERING.targets if target.name == "layer-browser-office"]
    assert str(of_layers(error, alone)).startswith(f"build failed: layer 'browser' of {BOTH}: ")
    assert of_layers(error, RENDERING.targets) is error


def test_no_step() -> None:
    """A machine that is short of something is no layer's fault."""
    assert str(told("layer-certs-office", None)) == "build failed: a step ended with status 1"


def test_a_desktop_without_layers() -> None:
    """Nothing is said of layers if there are none."""
    error = FinalError("build failed: x", "y")
    error.target, error.step = "desktop-office", FailedStep(name="install script", status=1, said="")
    targets = Rendering(stacks=((OFFICE, Stack(desktop=RECIPE)),)).targets
    assert (str(of_layers(error, targets)), of_layers(error, targets).remedy) == ("build failed: x", "y")


def test_many_environments() -> None:
    """Three are named."""
    stacks = tuple((replace(DEBIAN, env_id=f"e{n}"), Stack(above=(CERTS,))) for n in range(5))
    error = FinalError("build failed: x", "y")
    error.target, error.step = "layer-certs-e0", FailedStep(name="script", status=1, said="")
    assert "of environments 'e0', 'e1', 'e2' and others" in str(of_layers(error, Rendering(stacks=stacks).targets))
