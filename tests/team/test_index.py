"""An index that several machines add to: decisions over values, then machines of two architectures on a registry."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import ensure_desktop_image
from desktop_bake.bake.config.toml_file import load_settings
from desktop_bake.bake.engine.engine import Engine
from desktop_bake.bake.images.result import Built, LocalHit
from desktop_bake.bake.images.transfer import publish
from desktop_bake.bake.registry.client import access_of
from desktop_bake.bake.registry.shared_tag import SharedTag
from desktop_bake.generator.layer_key import key_from_labels
from tests.harness.crane import crane
from tests.harness.faults import refuses
from tests.harness.indexes import AMD64, ARM64
from tests.harness.proxy import faulty
from tests.harness.registries import push_image
from tests.harness.team import Project, answer, here, right_labels, top_of
from tests.harness.work import work

if TYPE_CHECKING:
    from desktop_bake.bake.system.process import Ended
    from tests.harness.machines import Registry


# --- on a real registry ------------------------------------------------------------------------------------------


@pytest.fixture
def of_both(shared: Project, team: Registry) -> Project:
    """A project whose base is in the registry for this machine's platform, and for a stand-in of arm64."""
    arm, both = (f"{shared.host}/{shared.path}/base:{tag}" for tag in ("arm", "both"))
    crane("mutate", "--set-platform", ARM64, team.base, "-t", arm)
    crane("index", "append", "-m", team.base, "-m", arm, "-t", both)
    shared.base = both
    shared.change()
    return shared


def manifests(project: Project, tag: object) -> dict[str, str]:
    """The digest of each platform's image under a tag, and of attestations by the image that they describe."""
    found = {}
    for entry in top_of(project, str(tag))["manifests"]:
        about = entry.get("annotations", {}).get("vnd.docker.reference.digest")
        platform = "/".join((entry["platform"]["os"], entry["platform"]["architecture"]))
        found[f"about {about}" if about else platform] = entry["digest"]
    return found


def test_two_architectures_one_key(of_both: Project) -> None:
    """Each architecture adds its image under the one key, with its attestations, and the other's stays as it was; a
    missing platform is a miss, and each finds its own.
    """
    ours = answer(of_both.bake("build", "--push", "--json"))
    tag = ours["cache_key"]
    first = manifests(of_both, tag)
    assert set(first) == {AMD64, f"about {first[AMD64]}"}
    other = of_both.bake("build", "--push", "--json", "--platform", ARM64)
    assert answer(other)["cache_key"] == tag
    assert answer(other)["status"] == "built"
    assert f"has it for {AMD64}, {ARM64} is asked for" in other.stderr
    both = manifests(of_both, tag)
    assert both == {**first, ARM64: both[ARM64], f"about {both[ARM64]}": both[f"about {both[ARM64]}"]}
    for number, platform in enumerate((AMD64, ARM64)):
        here("docker", "image", "rm", "-f", f"{of_both.repository}:{tag}")
        cache = {"XDG_CACHE_HOME": str(of_both.folder / f"other{number}")}
        pulled = answer(of_both.bake("build", "--json", "--platform", platform, **cache))
        assert pulled["status"] == "registry-hit"
        shown = here("docker", "image", "inspect", "-f", "{{.Os}}/{{.Architecture}}", str(pulled["image_id"]))
        assert shown.stdout.strip() == platform
        assert answer(of_both.bake("resolve", "--json", "--platform", platform, **cache))["status"] == "local-hit"


def test_what_proves_another_key_does_not_stay(of_both: Project) -> None:
    """An image under the tag that does not prove the key is replaced, not kept."""
    key = answer(of_both.bake("key", "--json"))["cache_key"]
    push_image(of_both.host, of_both.path, str(key), {"a": "b"}, platforms=(ARM64,), attestation=True)
    built = answer(of_both.bake("build", "--push", "--json"))
    assert built["push_error"] is None
    found = manifests(of_both, key)
    assert set(found) == {AMD64, f"about {found[AMD64]}"}


def test_both_push_at_once(shared: Project) -> None:
    """Machines of several architectures that add at the same moment all find theirs there afterwards."""
    settings, labels = load_settings(shared.folder / "desktop-bake.toml", {}), right_labels(shared)
    key, platforms = labels["desktop-bake.cache-key"], (AMD64, ARM64, "linux/riscv64")
    tags = {platform: replace(settings.repository, tag=f"push-{n}") for n, platform in enumerate(platforms)}
    for platform, name in tags.items():
        push_image(
            shared.host,
            shared.path,
            str(name.tag),
            {**labels, "only": platform},
            platforms=(platform,),
            index=True,
            attestation=True,
        )
    faults: list[Exception] = []

    def add(platform: str) -> None:
        try:
            SharedTag(
                key=key_from_labels(labels), repository=settings.repository, access=access_of(settings, Engine())
            ).add(tags[platform])
        except Exception as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=add, args=(platform,)) for platform in platforms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    found = manifests(shared, key)
    assert {name for name in found if not name.startswith("about ")} == set(platforms)
    assert {f"about {found[platform]}" for platform in platforms} <= set(found)
    for name in tags.values():  # only its own tag keeps the image
        assert "artifactType" in top_of(shared, str(name.tag))


def test_two_keys_at_once(shared: Project) -> None:
    """An upload for a key is not lost if another of the same platform is uploaded before it is added."""
    settings, labels = load_settings(shared.folder / "desktop-bake.toml", {}), right_labels(shared)
    (shared.folder / "setup.sh").write_text("echo other\n")
    each = [
        (
            SharedTag(key=key_from_labels(found), repository=settings.repository, access=access_of(settings, Engine())),
            found,
        )
        for found in (labels, right_labels(shared))
    ]
    for tag, proof in each:
        push_image(shared.host, shared.path, str(tag.upload_name(AMD64).tag), proof, index=True)
    for tag, _ in each:
        tag.add(tag.upload_name(AMD64))
        assert set(manifests(shared, tag.key)) == {AMD64}


def test_one_key_twice_at_once(shared: Project) -> None:
    """Of two processes that publish one image at the same time, one finds the tag of its upload removed by the other,
    and the image published; that is no error."""
    settings, log = load_settings(shared.folder / "desktop-bake.toml", {}), list[str]()
    found = ensure_desktop_image(settings.environment(None), settings)
    assert isinstance(found, Built | LocalHit)
    built: Built | LocalHit = found

    class Slow(Engine):
        """Another process publishes, and removes the tag, before this one pushes."""

        def work(self, *words: str, **more: Any) -> Ended:
            publish(built, work(Engine(), settings, log.append))
            return super().work(*words, **more)

    done = publish(built, work(Slow(), settings, log.append))
    assert done.push_error is None
    assert log[-1].startswith("[desktop-cache] in the registry already: ")


def test_tags_that_are_immutable(shared: Project) -> None:
    """If a tag cannot be written twice, the key's own tag is pushed; the platform's tag stays as it was."""
    said = "The image tag 'push-linux-amd64-0' already exists and cannot be overwritten because the tag is immutable."
    with faulty(shared.host, refuses(400, "TAG_INVALID", said, on="PUT .*/manifests/push-")) as proxy:
        done = shared.bake("build", "--push", "--json", "--repository", f"{proxy.host}/{shared.path}")
    built = answer(done)
    assert built["push_error"] is None
    assert set(manifests(shared, built["cache_key"])) >= {AMD64}
