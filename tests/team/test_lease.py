"""One machine of a team builds a key: the lease in its registry, and that no fault of it loses anything."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import ImageReference, Settings, Status, ensure_desktop_image, load_settings
from desktop_bake.bake.build.team_lease import SETTLE_S, leased
from desktop_bake.bake.images.result import Miss, RegistryHit
from desktop_bake.bake.registry.lease_manifest import BEATS, EMPTY, RELEASED, Lease, lease_tag, read_lease
from desktop_bake.generator.errors import CancelledError
from tests.harness.faults import answers, bearer, blackhole, refuses
from tests.harness.gate import gate
from tests.harness.keys import KEY
from tests.harness.proxy import Fault, faulty
from tests.harness.recipes import OFFICE
from tests.harness.registries import BASIC, OCI, Api, push_image, real_registry
from tests.harness.watched import Watch
from tests.harness.work import order, work

if TYPE_CHECKING:
    from desktop_bake.bake.engine.engine import Engine
    from tests.harness.machines import Machine, Registry


WAITING = "[desktop-cache] waiting: another machine builds "
WAITED = "[desktop-cache] waited "
BUILDING = "[desktop-cache] building "
NO_LEASE = "[desktop-cache] no lease, so that others may build the same: "
HERE = "linux/amd64" if platform.machine() == "x86_64" else "linux/arm64"
MANIFEST = f"{OCI}.manifest.v1+json"

THEIRS = Lease(owner="0" * 32, lifetime_s=1)


def new_path() -> str:
    """A repository's path for one test."""
    return f"team/one-{uuid.uuid4().hex[:8]}"


# --- three machines --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def machines(team: Registry, base: str, second: Machine, classic: Machine) -> tuple[Machine, Machine]:
    """Two further machines, one with each kind of store, which have the base image like the first one."""
    for each in (second, classic):
        each.run("docker", "pull", "-q", team.base, check=True)
    return second, classic


def configure(folder: Path, repository: str, base: str, install: str) -> None:
    """Write a project's configuration and its scripts."""
    (folder / "install.sh").write_text(install)
    (folder / "setup.sh").write_text("echo configured >/etc/configured\n")
    (folder / "desktop-bake.toml").write_text(
        f'repository = "{repository}"\ncache = "none"\npush = true\n[environments.default]\nbase_image = "{base}"\n'
        'headless_desktop_enabled = true\ncache_desktop_build = true\ninstall_script = "install.sh"\n'
        'setup_script = "setup.sh"\n'
    )


def on(at: Machine | None, folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start a command on a machine; None for the first."""
    own = {"XDG_CACHE_HOME": str(folder / "cache")} if at is None else {}
    return subprocess.Popen(
        [*(at.enter if at else ()), *words],
        cwd=folder,
        env={**(at.environment if at else os.environ), **own},
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_three_machines_miss_at_once(
    team: Registry,
    machines: tuple[Machine, Machine],
    tmp_path: Path,
    rounds: Callable[[int, int], int],
    figure: Callable[[str], None],
) -> None:
    """Of three machines that miss a key at once one builds and pushes; the others wait for it, and pull its image."""
    count, alone, right = rounds(1, 10), 0, 0
    places = (None, *machines)
    reached = machines[0].address.rpartition(".")[0] + ".1"  # the first machine's address for the others
    for _ in range(count):
        path = new_path()
        with gate() as way, Watch() as watch:
            stamp = f"date +%s%N >/etc/installed # {path}\n"
            configure(tmp_path, f"{team.address}/{path}", team.base, way.script(reached) + stamp)
            for at in places:
                watch.add(on(at, tmp_path, sys.executable, "-m", "desktop_bake", "build", "--json"))
            watch.until(lambda: all(one.says(WAITING) or one.says(BUILDING) for one in watch.all))
            way.is_open.set()
            images = [one.answer() for one in watch.all]
            builders = watch.saying(BUILDING)
        made = set()
        for at, image in zip(places, images, strict=True):
            run = on(at, tmp_path, "docker", "run", "--rm", image["image_id"], "cat", "/etc/installed")
            made.add(run.communicate(timeout=60)[0])
            right += run.returncode == 0
            on(at, tmp_path, "docker", "image", "rm", "-f", image["image_id"]).communicate(timeout=60)
        assert len(made) <= len(builders)
        if len(builders) == 1:
            alone += 1
            assert sorted(image["status"] for image in images) == ["built", "registry-hit", "registry-hit"]
            others = [one for one in watch.all if one not in builders]
            assert all(one.says(WAITED)[-1].endswith(" s: it is in the registry") for one in others)
        assert Api(team.address).send("GET", f"/v2/{path}/tags/list").body.count(b"lease-") == 0
    assert right == 3 * count
    assert alone >= count * 9 / 10
    figure(f"3 engines, 1 build in {alone} of {count} rounds, {right} of {3 * count} images right")


# --- one registry, several at once -----------------------------------------------------------------------------


@dataclass
class Team:
    """A repository in a registry, and this machine's reaction to a miss there."""

    host: str
    engine: Engine
    path: str = field(default_factory=new_path)
    lines: list[str] = field(default_factory=list)
    authorization: str | None = None
    timeout_s: int = 2

    @property
    def settings(self) -> Settings:
        """Settings of a machine of this team."""
        reference = ImageReference.parse(f"{self.host}/{self.path}")
        return Settings(repository=reference, push=True, registry_timeout_s=self.timeout_s)

    @property
    def miss(self) -> Miss:
        """A miss, for every platform of the key."""
        everywhere = replace(OFFICE, platforms=(HERE,))
        return Miss(order=order(self.settings, KEY, environment=everywhere, platform=HERE))

    def lease(
        self, limit_s: float = 60, cancel: threading.Event | None = None, log: Callable[[str], object] = len
    ) -> AbstractContextManager[RegistryHit | Miss]:
        """This machine's work."""

        def write(line: str) -> None:
            self.lines.append(line)
            log(line)

        return leased(self.miss, work(self.engine, self.settings, write, cancel=cancel), limit_s)

    @property
    def api(self) -> Api:
        """The registry's interface."""
        return Api(self.host, authorization=self.authorization)

    def put(self, content: bytes = THEIRS.content()) -> None:
        """Another machine's lease, or anything else in its place."""
        self.api.push_blob(self.path, EMPTY)
        self.api.push_manifest(self.path, lease_tag(KEY), content, MANIFEST)

    def there(self) -> bytes | None:
        """The content of the lease's tag."""
        path = f"/v2/{self.path}/manifests/{lease_tag(KEY)}"
        answer = self.api.send("GET", path, headers={"Accept": MANIFEST})
        return answer.body if answer.status == 200 else None

    def publish(self) -> None:
        """Another machine's push."""
        push_image(
            self.host,
            self.path,
            str(KEY),
            KEY.labels("debian:bookworm"),
            platforms=(HERE,),
            authorization=self.authorization,
        )


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make beats and looks more frequent, so that lifetimes may be short; nobody else writes here."""
    monkeypatch.setattr("desktop_bake.bake.build.team_lease.BEAT_S", 0.2)
    monkeypatch.setattr("desktop_bake.bake.build.team_lease.POLL_S", 0.2)
    monkeypatch.setattr("desktop_bake.bake.build.team_lease.LIFETIME_S", 2)
    monkeypatch.setattr("desktop_bake.bake.build.team_lease.SETTLE_S", (0.1, 3.0))


@pytest.fixture
def ours(team: Registry, engine: Engine) -> Team:
    """A repository for this test in the team's registry."""
    return Team(team.address, engine)


def test_ten_at_once(
    ours: Team, rounds: Callable[[int, int], int], figure: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten miss at once, and each writes its lease before it sees another's: the last one has it; the others wait, and
    see the image once it is pushed."""
    monkeypatch.setattr("desktop_bake.bake.build.team_lease.SETTLE_S", SETTLE_S)
    monkeypatch.setattr("desktop_bake.bake.build.team_lease.LIFETIME_S", 20)  # no machine dies, however busy ours is
    count = rounds(1, 20)
    for _ in range(count):
        ten_at_once(ours, new_path())
    figure(f"10 at once, 1 lease in {count} of {count} rounds")


def ten_at_once(ours: Team, path: str) -> None:
    """One round: nobody writes before all have looked, and the image is pushed once all others wait."""
    looked, waiting = threading.Barrier(10), threading.Semaphore(0)

    def one_after_the_other(_: object) -> bool:
        time.sleep(0.02 * looked.wait(10))
        return False

    def work(one: Team) -> Status:
        with one.lease(log=lambda line: waiting.release() if line.startswith(WAITING) else None) as found:
            if found.status is Status.MISS:
                assert all(waiting.acquire(timeout=10) for _ in range(9)), "another has the lease, too"
                one.publish()
        return found.status

    writing = Fault(act=one_after_the_other, on="PUT .*/manifests/lease-", times=10)
    with faulty(ours.host, writing) as proxy, ThreadPoolExecutor(10) as pool:
        ten = [replace(ours, host=proxy.host, path=path, lines=[], timeout_s=5) for _ in range(10)]
        found = list(pool.map(work, ten))
    assert (found.count(Status.MISS), found.count(Status.REGISTRY_HIT)) == (1, 9)
    waited = [one.lines[-1] for one in ten if one.lines]
    assert len(waited) == 9
    assert all(line.endswith(" s: it is in the registry") for line in waited), waited
    assert replace(ours, path=path).there() is None


def test_the_lease_is_kept_alive_and_given_back(ours: Team) -> None:
    """While it is held, its beats go on and no owner is named; another waits beyond its lifetime, then builds."""
    assert ours.there() is None
    seen = set[int]()
    waiting = threading.Event()
    other = replace(ours, lines=[])

    def wait() -> tuple[Status, float]:
        with other.lease(log=lambda line: waiting.set() if line.startswith(WAITING) else None) as found:
            return found.status, time.monotonic()

    with ThreadPoolExecutor(1) as pool:
        with ours.lease() as found:
            assert found == ours.miss
            waiter = pool.submit(wait)
            assert waiting.wait(20)
            end, content = time.monotonic() + 2.5, b""
            while time.monotonic() < end or len(seen) < BEATS:
                content = ours.there() or content  # this registry misses a tag for a moment while it is written
                lease = read_lease(content)
                seen |= {lease.beat} if lease else set()
            assert not waiter.done()
            said = json.loads(content)
            assert set(said["annotations"]) == {f"desktop-bake.lease.{n}" for n in ("owner", "beat", "lifetime-s")}
            given_back = time.monotonic()
        status, ended = waiter.result(20)
    assert status is Status.MISS
    assert ended - given_back < 3
    assert other.lines[-1].endswith(" s: the other machine gave up; building here")
    assert seen == set(range(BEATS))
    assert ours.there() is None
    assert ours.lines == []


def test_the_pull_begins_when_the_push_ended(ours: Team) -> None:
    """A waiting machine looks for the image itself: it is a hit even before the lease is given back."""
    ours.put(replace(THEIRS, lifetime_s=60).content())
    with ours.lease(log=lambda line: ours.publish() if line.startswith(WAITING) else None) as found:
        assert isinstance(found, RegistryHit)
    assert ours.lines[0] == f"{WAITING}{KEY}"
    assert ours.lines[-1].endswith(" s: it is in the registry")
    assert ours.there() == replace(THEIRS, lifetime_s=60).content()


def test_pushed_since_it_was_looked_for(ours: Team) -> None:
    """A machine that gets the lease looks once more, and does not build an existing image."""
    ours.publish()
    with ours.lease() as found:
        assert found.status is Status.REGISTRY_HIT
    assert ours.there() is None


# --- its faults ------------------------------------------------------------------------------------------------


def test_never_released(ours: Team) -> None:
    """A dead machine's lease is waited for during its lifetime; then one of the waiting machines takes it over."""
    ours.put()
    began = time.monotonic()
    with ours.lease() as found:
        assert 1 <= time.monotonic() - began < 10
        assert found.status is Status.MISS
        lease = read_lease(ours.there() or b"")
        assert lease
        assert lease.owner != THEIRS.owner
    assert ours.lines[-1].endswith(" s: the other machine gives no sign of life")
    assert ours.there() is None


def test_lost(ours: Team) -> None:
    """A lease that another took over is neither renewed nor removed: the other's stays as it is."""
    with ours.lease() as found:
        assert found.status is Status.MISS
        ours.put()
        end = time.monotonic() + 1
        while time.monotonic() < end:
            assert ours.there() == THEIRS.content()
    assert ours.there() == THEIRS.content()


def manifest(**changes: object) -> bytes:
    """A manifest that a registry accepts, and that is no lease."""
    return json.dumps({**json.loads(THEIRS.content()), **changes}).encode()


GARBAGE = {
    "another artifact": manifest(artifactType="application/vnd.example"),
    "no annotations": manifest(annotations=None),
    "an owner that is a path": manifest(
        annotations={**json.loads(THEIRS.content())["annotations"], "desktop-bake.lease.owner": "../" * 10}
    ),
    "a lifetime of a year": manifest(
        annotations={**json.loads(THEIRS.content())["annotations"], "desktop-bake.lease.lifetime-s": "31536000"}
    ),
    "a released lease": RELEASED,
}


@pytest.mark.parametrize("case", GARBAGE)
def test_garbage(ours: Team, case: str) -> None:
    """Anything that is no lease is overwritten at once, without a wait."""
    ours.put(GARBAGE[case])
    with ours.lease() as found:
        assert found.status is Status.MISS
        assert read_lease(ours.there() or b"")
    assert ours.lines == []
    assert ours.there() is None


FAULTS: Mapping[str, tuple[Fault, str]] = {
    "may not push": (refuses(403, "DENIED", on="(PUT|POST|PATCH) "), "denies access to"),
    "a web page": (
        answers(200, "<html>", kind="text/html", on="/manifests/lease-"),
        "answers, but not like a registry",
    ),
    "broken": (answers(500, "", on="/manifests/lease-"), "failed with status 500"),
    "hangs": (blackhole(on="/manifests/lease-"), "did not answer"),
    "cannot be reached": (answers(404, "", on="/manifests/lease-"), "answers with 404, but not like a registry"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_no_lease(ours: Team, team: Registry, case: str) -> None:
    """If no lease is possible, one line says so, and the build goes on after a few seconds at most."""
    fault, says = FAULTS[case]
    with faulty(team.address, fault) as proxy:
        behind = replace(ours, host=proxy.host, lines=[])
        began = time.monotonic()
        with behind.lease() as found:
            assert found == behind.miss
            assert time.monotonic() - began < 10
    (line,) = behind.lines
    assert line.startswith(NO_LEASE)
    assert says in line


def test_the_registry_goes_while_it_waits(engine: Engine, tmp_path: Path) -> None:
    """If the registry goes away during the wait, the lease has no beat: after its lifetime the image is built."""
    with real_registry(tmp_path / "registry") as registry:
        ours = Team(registry.host, engine)
        ours.put()
        began = time.monotonic()
        with ours.lease(log=lambda line: registry.stop() if line.startswith(WAITING) else None) as found:
            assert found.status is Status.MISS
            assert time.monotonic() - began < 15
    assert ours.lines[-1].startswith(NO_LEASE)


def test_a_registry_that_deletes_nothing(ours: Team, team: Registry) -> None:
    """There the lease is overwritten by one that is marked as given back, which the next machine takes at once."""
    with faulty(team.address, refuses(405, "UNSUPPORTED", on="DELETE ")) as proxy:
        behind = replace(ours, host=proxy.host, lines=[])
        for _ in range(2):
            with behind.lease() as found:
                assert found.status is Status.MISS
                assert read_lease(ours.there() or b"")
            assert ours.there() == RELEASED
    assert behind.lines == []


def test_a_registry_behind_tokens(ours: Team, team: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease is written with the login and the scope that the registry requires."""
    with faulty(team.address, bearer()) as proxy:
        (tmp_path / "config.json").write_text(json.dumps({"auths": {proxy.host: {"auth": BASIC.split()[1]}}}))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        behind = replace(ours, host=proxy.host, lines=[])
        with behind.lease() as found:
            assert found.status is Status.MISS
            assert read_lease(ours.there() or b"")
    assert ours.there() is None
    assert behind.lines == []


def test_the_limit(ours: Team) -> None:
    """A lease whose owner never ends is waited for up to the limit."""
    ours.put(replace(THEIRS, lifetime_s=60).content())
    began = time.monotonic()
    with ours.lease(limit_s=1) as found:
        assert 1 <= time.monotonic() - began < 5
        assert found.status is Status.MISS
    assert ours.lines[-1].endswith(" s: the limit; building here")


def test_cancelled(ours: Team) -> None:
    """Another thread cancels a machine that waits, or that is just taking the lease, which it then gives back."""
    cancel = threading.Event()
    ours.put(replace(THEIRS, lifetime_s=60).content())
    began = time.monotonic()
    with pytest.raises(CancelledError):
        ours.lease(cancel=cancel, log=lambda _: cancel.set()).__enter__()
    assert time.monotonic() - began < 5
    ours.put(RELEASED)
    with pytest.raises(CancelledError):
        ours.lease(cancel=cancel).__enter__()
    assert ours.there() is None


# --- around it -------------------------------------------------------------------------------------------------


def test_a_build_without_the_right_to_push(team: Registry, engine: Engine, project: Path, base: str) -> None:
    """A task whose registry is read-only still has its image, and reports both faults; without a lease, one."""
    with faulty(team.address, refuses(403, "DENIED", on="(PUT|POST|PATCH) ")) as proxy:
        configure(project, f"{proxy.host}/{new_path()}", base, f"echo {new_path()} >/etc/installed\n")
        settings = load_settings(project / "desktop-bake.toml", {})
        lines: list[str] = []
        result = ensure_desktop_image(settings.environment(None), settings, log=lines.append)
        assert result.status is Status.BUILT
        assert result.push_error
        assert sum(line.startswith(NO_LEASE) for line in lines) == 1
        assert engine.image(str(result.image_id))
        engine.ask("DELETE", f"/images/{result.image}")
        proxy.requests.clear()
        off = load_settings(project / "desktop-bake.toml", {"DESKTOP_BAKE_LEASE": "false"})
        assert ensure_desktop_image(settings.environment(None), off).push_error
        assert not [request for request in proxy.requests if "/manifests/lease-" in request.path]
        engine.ask("DELETE", f"/images/{result.image}")
