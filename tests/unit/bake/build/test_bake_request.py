"""What the process that bakes is asked for: contexts, outputs and caches, by builder and settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Settings, Stack, bake_targets
from desktop_bake.bake.build.bake_request import Wanted, bake_request, cache_in
from desktop_bake.bake.build.render import bake_options
from desktop_bake.bake.engine.buildx import Builder
from desktop_bake.generator.layer_key import LayerKey
from tests.harness.recipes import BASE, KEY, OFFICE, RECIPE
from tests.harness.work import order, work

if TYPE_CHECKING:
    from desktop_bake.generator.bakefile import BakeTarget
    from tests.harness.fake_engine import FakeEngine


def targets(settings: Settings, *secrets: str) -> tuple[BakeTarget, ...]:
    """The target of the office."""
    wanted = order(settings)
    environment = (
        wanted.environment
        if not secrets
        else type(OFFICE)(
            env_id="office", base_image=OFFICE.base_image, headless_desktop_enabled=True, build_secrets=secrets
        )
    )
    return bake_targets([(environment, wanted.stack, KEY)], bake_options(settings))


@pytest.mark.parametrize(
    ("driver", "epoch", "output"),
    [
        ("docker", False, "type=image,"),
        ("docker", True, "type=image,"),
        ("docker-container", False, "type=docker,"),
        ("docker-container", True, "type=docker,"),
    ],
)
def test_output(
    tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, driver: str, epoch: bool, output: str
) -> None:
    """The engine's own builder keeps the image; another hands it over, with the time that was requested."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1") if epoch else monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    settings = Settings(cache="none")
    (target,) = found = targets(settings)
    asked = bake_request(
        Wanted.last_of(found), tmp_path, Builder(driver=driver, exports_cache=True), work(engine, settings)
    )
    said = asked["set"][f"{target.name}.output"]
    assert said.startswith(output)
    assert said.endswith(",rewrite-timestamp=true") is (epoch and driver != "docker")
    assert asked["set"][f"{target.name}.context"] == f"{tmp_path.name}/context/office"
    assert (asked["file"], asked["targets"]) == (f"{tmp_path.name}/docker-bake.hcl", [target.name])


@pytest.mark.parametrize(
    ("cache", "exports", "was_built", "reads", "writes"),
    [
        ("local", True, True, "type=local,src=", "type=local,dest="),
        ("local", True, False, "", "type=local,dest="),
        ("local", False, True, "type=local,src=", ""),
        ("registry", True, False, None, None),
        ("registry", False, False, None, ""),
        ("none", False, False, None, None),
    ],
)
def test_caches(
    tmp_path: Path,
    engine: FakeEngine,
    team: Settings,
    cache: str,
    exports: bool,
    was_built: bool,
    reads: str | None,
    writes: str | None,
) -> None:
    """A local cache is in the build's own folder, if there is one; what the builder cannot export is not asked for."""
    settings = Settings(repository=team.repository, cache=cache, cache_scope="branch")
    (target,) = found = targets(settings)
    if was_built:
        cache_in(tmp_path, target).mkdir()
    asked = bake_request(
        Wanted.last_of(found), tmp_path, Builder(driver="docker", exports_cache=exports), work(engine, settings)
    )
    for side, wanted in (("cache-from", reads), ("cache-to", writes)):
        said = asked["set"].get(f"{target.name}.{side}")
        assert said == wanted or (wanted and str(said).startswith(wanted)), side
    assert asked["variables"] == {
        "DESKTOP_BAKE_REPOSITORY": "registry.example.com/team/desktop",
        "DESKTOP_BAKE_CACHE_SCOPE": "branch",
        "DESKTOP_BAKE_PLATFORMS": "",
        "DESKTOP_BAKE_ANNOTATE": "manifest",
    }


@pytest.mark.parametrize(
    ("driver", "containerd", "attest", "levels"),
    [
        ("docker", True, (), "index,manifest"),
        ("docker", False, (), "manifest"),
        ("docker-container", True, (), "manifest"),
        ("docker", True, ("type=provenance,disabled=true",), "manifest"),
        ("docker", True, ("type=sbom",), "index,manifest"),
    ],
)
def test_what_is_annotated(
    tmp_path: Path,
    engine: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
    driver: str,
    containerd: bool,
    attest: tuple[str, ...],
    levels: str,
) -> None:
    """An index is annotated if the engine's own builder makes one, as containerd's store has it, or attestations do."""
    monkeypatch.setattr(engine, "has_containerd_store", lambda: containerd, raising=False)
    settings = Settings(cache="none", annotations={"a": "b"}, attest=attest)
    asked = bake_request(
        Wanted.last_of(targets(settings)), tmp_path, Builder(driver=driver, exports_cache=True), work(engine, settings)
    )
    assert asked["variables"]["DESKTOP_BAKE_ANNOTATE"] == levels


def test_secrets(tmp_path: Path, engine: FakeEngine) -> None:
    """The names of build secrets are handed on, no values; the progress is the work's."""
    found = targets(Settings(), "TOKEN")
    assert Wanted.last_of(found).secrets() == ["TOKEN"]
    builder = Builder(driver="docker", exports_cache=True)
    asked = bake_request(Wanted.last_of(found), tmp_path, builder, work(engine, progress="auto"))
    assert (asked["secrets"], asked["progress"], asked["builder"]) == (["TOKEN"], "auto", None)
    assert RECIPE.install.decode() not in str(asked)


def on_desktop(settings: Settings) -> tuple[BakeTarget, ...]:
    """The targets of a layer: its desktop's, and its own."""
    wanted = order(settings, LayerKey(variant=KEY.variant, base=KEY.base, below=KEY, content=BASE, is_preflight=True))
    return bake_targets([(wanted.environment, wanted.stack, wanted.key)], bake_options(settings))


def test_a_layer(tmp_path: Path, engine: FakeEngine) -> None:
    """The last target is baked; what it lies on hands out nothing; all is below the cache folder."""
    settings = Settings(builder="b", cache="none")
    below, last = found = on_desktop(settings)
    asked = bake_request(
        Wanted.last_of(found), tmp_path, Builder(driver="docker", exports_cache=True), work(engine, settings)
    )
    assert (asked["targets"], asked["builder"], asked["progress"]) == ([last.name], "b", "plain")
    assert asked["set"] == {
        f"{below.name}.context": f"{tmp_path.name}/{below.context}",
        f"{last.name}.context": f"{tmp_path.name}/{last.context}",
        f"{last.name}.output": "type=image,compression=zstd,oci-mediatypes=true",
    }


@pytest.mark.parametrize(("driver", "kind"), [("docker", "image"), ("docker-container", "docker")])
def test_compression(tmp_path: Path, engine: FakeEngine, driver: str, kind: str) -> None:
    """Layers are packed as the settings say, also those that are there in another form."""
    settings = Settings(compression="gzip")
    (target,) = found = targets(settings)
    asked = bake_request(
        Wanted.last_of(found), tmp_path, Builder(driver=driver, exports_cache=True), work(engine, settings)
    )
    assert asked["set"][f"{target.name}.output"] == f"type={kind},compression=gzip,force-compression=true"


@pytest.mark.parametrize("cache", ["local", "registry"])
def test_the_cache_of_what_lies_below(tmp_path: Path, engine: FakeEngine, team: Settings, cache: str) -> None:
    """A desktop that is baked on the way to a layer writes no cache, and reads the registry's."""
    settings = Settings(repository=team.repository, cache=cache)
    below, _ = found = on_desktop(settings)
    asked = bake_request(
        Wanted.last_of(found), tmp_path, Builder(driver="docker", exports_cache=True), work(engine, settings)
    )
    assert asked["set"][f"{below.name}.cache-to"] == ""
    assert asked["set"].get(f"{below.name}.cache-from") == ("" if cache == "local" else None)


@pytest.mark.parametrize(("cache", "exporting"), [("local", ["a", "c"]), ("inline", ["a", "c", "b"]), ("none", [])])
def test_several(tmp_path: Path, engine: FakeEngine, cache: str, exporting: list[str]) -> None:
    """If several targets write one cache, the first exports it; a cache in the image is each image's own."""
    settings = Settings(cache=cache)
    other = replace(KEY, install=BASE)
    (one,) = targets(settings)
    (elsewhere,) = bake_targets([(OFFICE, Stack(desktop=RECIPE), other)], bake_options(settings))
    found = (replace(one, name="a"), replace(elsewhere, name="c"), replace(one, name="b"), replace(one, name="below"))
    wanted = Wanted(targets=found, asked=("a", "c", "b"))
    assert list(wanted.exporting()) == exporting
    asked = bake_request(wanted, tmp_path, Builder(driver="docker", exports_cache=True), work(engine, settings))
    assert asked["targets"] == ["a", "c", "b"]
    assert [n for n in ("a", "c", "b", "below") if f"{n}.output" in asked["set"]] == ["a", "c", "b"]
    silenced = [n for n in ("a", "c", "b", "below") if asked["set"].get(f"{n}.cache-to") == ""]
    assert silenced == ([] if cache == "none" else [n for n in ("a", "c", "b", "below") if n not in exporting])
    if cache == "local":
        assert asked["set"]["c.cache-to"] != asked["set"]["a.cache-to"]
