"""The tries of one bake: which failures are tried once more, and what is asked for then."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import BuildFailedError, Settings
from desktop_bake.bake.build import tries
from desktop_bake.bake.build.bake_request import Wanted
from desktop_bake.bake.system.process import Ended
from desktop_bake.generator.bake_options import BakeOptions
from desktop_bake.generator.bakefile import bake_targets
from desktop_bake.generator.reference import Digest
from tests.harness.recipes import KEY
from tests.harness.work import order, work

if TYPE_CHECKING:
    from collections.abc import Callable

    from desktop_bake.bake.build.preparation import Preparation
    from desktop_bake.bake.context import Context
    from desktop_bake.generator.bakefile import BakeTarget
    from tests.harness.fake_engine import FakeEngine

WANTED = order(Settings(cache="none"))
(TARGET,) = bake_targets(
    [(WANTED.environment, WANTED.stack, WANTED.key)], BakeOptions(repository=WANTED.repository, cache_backend="none")
)
NAME = f"docker.io/library/{WANTED.tag}"
DONE = Ended(status=0, lines=(), timed_out=False)
NO_CACHE = {"desktop-office.context": "a", "desktop-office.no-cache": "true", "desktop-office.output": "type=image"}
OWN_CACHE = {"desktop-office.context": "a", "desktop-office.cache-from": "", "desktop-office.output": "type=image"}


def failed(said: str) -> Ended:
    """A try that fails with these words of BuildKit."""
    return Ended(status=1, lines=(f"#9 ERROR: {said}", f"ERROR: failed to solve: {said}"), timed_out=False)


def taken(name: str = NAME) -> Ended:
    """A try that fails because the name was given to another image."""
    return failed(f'image "{name}": already exists')


@dataclass
class Ready:
    """A preparation whose processes end as they are told to.

    Attributes:
        context: the work.
        ends: how the tries end; well, if there are none left.
        asked: what each was asked for.
        renewed: how many further processes were started.
    """

    context: Context
    ends: list[Ended]
    asked: list[dict[str, str]] = field(default_factory=list)
    renewed: int = 0

    @property
    def child(self) -> Any:
        """The process."""
        return SimpleNamespace(follow=self._follow, end=lambda: None)

    def _follow(self, limit_s: float, _log: object, given: bytes, _hide: object) -> Ended:
        assert 0 < limit_s <= 1200
        assert len(self.asked) == self.renewed
        self.asked.append(json.loads(given)["set"])
        return self.ends.pop(0) if self.ends else DONE

    def renew(self) -> None:
        """As `Preparation.renew`."""
        self.renewed += 1


def bake(ready: Ready, *targets: BakeTarget) -> list[dict[str, str]]:
    """Bake these targets, by default the one that is wanted; what the tries were asked for."""
    targets = targets or (TARGET,)
    request = {"targets": [target.name for target in targets], "set": NO_CACHE, "secrets": []}
    wanted = Wanted(targets=targets, asked=tuple(target.name for target in targets))
    tries.bake(request, wanted, cast("Preparation", ready))
    return ready.asked


def test_at_the_first_try(engine: FakeEngine) -> None:
    """A bake that ends well is done once."""
    assert bake(Ready(work(engine), [])) == [NO_CACHE]


def test_another_has_made_it(engine: FakeEngine, lines: list[str]) -> None:
    """If another process gave the name to an image that proves the key, that image serves: nothing is baked again."""
    engine.add(WANTED.tag, KEY.labels("b"))
    assert bake(Ready(work(engine, log=lines.append), [taken()])) == [NO_CACHE]
    assert lines == [f"[desktop-cache] another process has just made {NAME}"]


@pytest.mark.parametrize(
    ("add", "platform", "afresh"),
    [
        (lambda _: None, "", False),
        (lambda engine: engine.add(WANTED.tag, {"a": "b"}), "", False),
        (lambda engine: engine.add(WANTED.tag, KEY.labels("b")), "linux/arm64", False),
        (lambda engine: engine.add(WANTED.tag, KEY.labels("b"), "linux/arm64"), "", False),
        (lambda engine: engine.add(WANTED.tag, KEY.labels("b")), "", True),
    ],
    ids=["gone again", "other labels", "wanted for another platform", "made for another platform", "afresh"],
)
def test_a_name_that_another_took(
    engine: FakeEngine, lines: list[str], add: Callable[[FakeEngine], object], platform: str, afresh: bool
) -> None:
    """If what has the name does not serve, the steps that have just run are baked once more, from BuildKit's cache."""
    add(engine)
    ready = Ready(work(engine, log=lines.append, afresh=afresh), [taken()])
    assert bake(ready, replace(TARGET, platforms=(platform,) if platform else ())) == [NO_CACHE, OWN_CACHE]
    said = f'build failed: failed to solve: image "{NAME}": already exists; once more'
    assert lines == [f"[desktop-cache] WARNING: {said}"]


def test_each_cause_once(engine: FakeEngine) -> None:
    """Of several names each is tried once more, and so is BuildKit's cache; a second failure of one cause is final."""
    ends = [taken(), taken(f"{NAME}-alias"), failed("failed to load ref: x")]
    assert len(bake(Ready(work(engine), list(ends)))) == 4
    for again in ends:
        ready = Ready(work(engine), [*ends, again])
        with pytest.raises(BuildFailedError):
            bake(ready)
        assert len(ready.asked) == 4


@pytest.mark.parametrize("said", ["blob not found", "mount x: already exists", 'image "x": not found'])
def test_another_failure(engine: FakeEngine, said: str) -> None:
    """A failure with no such cause is not tried again."""
    ready = Ready(work(engine), [failed(said)])
    with pytest.raises(BuildFailedError, match=said):
        bake(ready)
    assert len(ready.asked) == 1


def test_a_step_that_prints_it(engine: FakeEngine) -> None:
    """A script that prints these words and fails is the recipe's fault."""
    lines = ('#5 0.1 image "a": already exists', "#5 ERROR: process x did not complete successfully: exit code: 3")
    ready = Ready(work(engine), [Ended(status=1, lines=lines, timed_out=False)])
    with pytest.raises(BuildFailedError, match="status 3"):
        bake(ready)
    assert len(ready.asked) == 1


def test_one_of_several(engine: FakeEngine) -> None:
    """What other processes made serves only if all images of the bake are here."""
    other = replace(KEY, setup=Digest.of(b"other"))
    second = replace(TARGET, name="desktop-other", key=other, image=f"{WANTED.repository}:{other}")
    engine.add(WANTED.tag, KEY.labels("b"))
    assert len(bake(Ready(work(engine), [taken()]), TARGET, second)) == 2
    engine.add(second.image, other.labels("b"))
    assert len(bake(Ready(work(engine), [taken()]), TARGET, second)) == 1
