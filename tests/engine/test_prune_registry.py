"""`prune --registry` removes only what is certainly unused: whole lists, whole answers, everything tags reach."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import Digest, ImageReference, RegistryError
from desktop_bake.bake.config.settings import Settings
from desktop_bake.bake.engine.engine import Engine
from desktop_bake.bake.registry.client import Tagged, digest_of, tagged, tags_of
from desktop_bake.bake.registry.manifest import OCI_INDEX, OCI_MANIFEST
from desktop_bake.bake.upkeep.policy import Policy, Reach
from desktop_bake.bake.upkeep.prune import plan
from desktop_bake.generator.key import CacheKey
from tests.harness import faults
from tests.harness.proxy import Exchange, Fault, faulty
from tests.harness.registries import HERE, Api, RealRegistry, push_image, real_registry
from tests.harness.targets import KEY
from tests.harness.work import work

if TYPE_CHECKING:
    from tests.harness.project import Run


NAME = "team/desktop"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RealRegistry]:
    """An empty registry."""
    with real_registry(tmp_path / "registry") as registry:
        yield registry


def reference(host: str) -> ImageReference:
    """The test's repository."""
    return ImageReference.parse(f"{host}/{NAME}")


def pages(
    tags: list[str], size: int, link: Callable[[str, str], str] = lambda _host, path: f'<{path}>; rel="next"'
) -> Fault:
    """A list of tags in pages of this size, each linked by a cursor that only the registry understands."""

    def act(exchange: Exchange) -> bool:
        at = int(exchange.path.partition("cursor=")[2] or 0)
        ends = at + size >= len(tags)
        path = f"/v2/{NAME}/tags/list?cursor={at + size}"
        headers = {} if ends else {"Link": link(exchange.host, path)}
        return faults.answers(200, json.dumps({"name": NAME, "tags": tags[at : at + size]}), headers=headers).act(
            exchange
        )

    return Fault(act=act, on="GET .*/tags/list")


TAGS = [f"t{number:02}" for number in range(30)]
LINKS: dict[str, Callable[[str, str], str]] = {
    "path": lambda _, path: f'<{path}>; rel="next"',
    "query": lambda _, path: f"<?{path.partition('?')[2]}>; rel=next",
    "URL": lambda host, path: f'<http://{host}{path}>;rel="next"',
    "further parameters": lambda _, path: f'<{path}>; title="a, b"; Rel="prefetch next"',
    "further links": lambda _, path: f'</other>; rel="first", <{path}>; rel="next"',
}


@pytest.mark.parametrize("form", LINKS)
def test_every_page_is_read(form: str) -> None:
    """Thirty pages, linked in any form that the specification of links allows: every tag is found."""
    with faulty("127.0.0.1:9", pages(TAGS, 1, LINKS[form])) as proxy:
        assert list(tags_of(reference(proxy.host))) == TAGS


NO_LIST = "gives a list of tags that is not understood"
ELSEWHERE = "lists tags on pages, and the next one cannot be asked for"
BROKEN: dict[str, tuple[Fault, str]] = {
    "a page that fails": (faults.answers(500, on="cursor=20"), "failed with status 500"),
    "a page that is not there": (faults.refuses(404, "NAME_UNKNOWN", on="cursor=20"), "NAME_UNKNOWN"),
    "a page of another kind": (faults.answers(200, '{"tags": {}}', on="cursor=20"), NO_LIST),
    "a page without tags": (faults.answers(200, "{}", on="cursor=20"), NO_LIST),
    "a tag of another kind": (faults.answers(200, '{"tags": ["a", 5]}', on="cursor=20"), NO_LIST),
    "half a page": (faults.answers(200, '{"tags": ["a"', on="cursor=20"), NO_LIST),
    "a web page": (faults.html(on="cursor=20"), NO_LIST),
    "another host": (pages(TAGS, 10, lambda _, path: f'<http://127.0.0.1:9{path}>; rel="next"'), ELSEWHERE),
    "another scheme": (pages(TAGS, 10, lambda host, path: f'<https://{host}{path}>; rel="next"'), ELSEWHERE),
    "no link": (pages(TAGS, 10, lambda _, path: f'{path}; rel="next"'), ELSEWHERE),
    "no URL": (pages(TAGS, 10, lambda *_: '<http://[x>; rel="next"'), ELSEWHERE),
    "itself": (
        pages(TAGS, 10, lambda _, path: f'<{path.partition("?")[0]}?cursor=10>; rel="next"'),
        "lists tags without end",
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_list_that_is_not_whole(how: str) -> None:
    """A page that fails, is malformed, or links to another host is an error that says so, never a shorter list."""
    fault, says = BROKEN[how]
    with faulty("127.0.0.1:9", fault, pages(TAGS, 10)) as proxy, pytest.raises(RegistryError, match=says) as caught:
        tags_of(reference(proxy.host))
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def test_no_such_repository(registry: RealRegistry) -> None:
    """A registry without the repository has no tags, even if it says so without JSON; a web server is an error."""
    assert tags_of(reference(registry.host)) == ()
    for body in ("404 page not found", ""):
        with faulty(registry.host, faults.answers(404, body, kind="text/plain", on="/tags/")) as proxy:
            assert tags_of(reference(proxy.host)) == ()
    with faulty(registry.host, faults.html(404)) as proxy, pytest.raises(RegistryError, match="not like a registry"):
        tags_of(reference(proxy.host))


def test_what_a_tag_reaches(registry: RealRegistry) -> None:
    """A tag reaches its manifest or index and all below, including attestations and nested indexes."""
    where = replace(reference(registry.host), tag="t")
    push_image(registry.host, NAME, "t", {"a": "b"}, platforms=(HERE, "linux/s390x"), attestation=True, nested=True)
    outer = digest_of(where)
    found = tagged(where, None).reached
    assert outer in found
    assert len(found) == 6  # two indexes, two images, two attestations
    assert tagged(replace(where, tag="absent"), HERE) == Tagged(reached=frozenset())


# --- the command -----------------------------------------------------------------------------------------------


def key_of(number: int) -> CacheKey:
    """The key of one of the test's images."""
    assert isinstance(KEY, CacheKey)
    return replace(KEY, setup=Digest.of(str(number).encode()))


def key(number: int) -> str:
    """The key's text."""
    return str(key_of(number))


def push(host: str, number: int, created: str | None) -> str:
    """Push an image of ours that no environment uses, with this creation time; return its digest."""
    labels = key_of(number).labels("debian:bookworm")
    system, architecture = HERE.split("/")
    config: dict[str, Any] = {"os": system, "architecture": architecture, "config": {"Labels": labels}}
    config |= {"created": created} if created else {}
    return push_image(host, NAME, key(number), {}, platforms=(HERE,), config=json.dumps(config).encode())


def index_of(host: str, tag: str | None, digest: str, media_type: str) -> str:
    """Push an index that names this content, under a tag or only its digest; return its digest."""
    size = len(Api(host).send("GET", f"/v2/{NAME}/manifests/{digest}", headers={"Accept": media_type}).body)
    child = {"mediaType": media_type, "digest": digest, "size": size}
    content = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child]}).encode()
    return Api(host).push_manifest(NAME, tag or str(Digest.of(content)), content, OCI_INDEX)


def pruned(cli: Run, host: str, *words: str, status: int = 0) -> dict[str, Any]:
    """The report of `prune --registry`, by key."""
    done = cli("prune", "--registry", "--yes", "--json", *words, DESKTOP_BAKE_REPOSITORY=f"{host}/{NAME}")
    assert done.returncode == status, done.stdout + done.stderr
    if status:
        return {"said": done.stderr}
    return {row["image"].rpartition(":")[2]: row["reason"] for row in json.loads(done.stdout)["registry"]}


def test_what_other_tags_reach_stays(cli: Run, registry: RealRegistry) -> None:
    """What an index, or an index in one, names under another tag stays; all else is removed."""
    manifest, nested, free = (push(registry.host, number, "2020-01-01T00:00:00Z") for number in range(3))
    index_of(registry.host, "multi", manifest, OCI_MANIFEST)
    inner = index_of(registry.host, None, nested, OCI_MANIFEST)
    index_of(registry.host, "outer", inner, OCI_INDEX)
    name = f"{registry.host}/{NAME}"
    assert pruned(cli, registry.host) == {
        key(0): f"also tagged {name}:multi",
        key(1): f"also tagged {name}:outer",
        key(2): "no environment reaches it",
    }
    there = {digest for digest in (manifest, nested, free) if digest_of(ImageReference.parse(f"{name}@{digest}"))}
    assert there == {manifest, nested}


def planned(host: str, **policy: float) -> dict[str, str]:
    """What would happen to the registry's images, by key, if no environment used any."""
    nobody, chosen = Reach(environments={}, families={}, elsewhere={}), Policy(now_s=time.time(), **policy)  # type: ignore[arg-type]
    found = plan(work(Engine(), Settings(repository=reference(host))), nobody, chosen, registry=True)
    return {verdict.image.name.rpartition(":")[2]: verdict.reason for verdict in found.published}


def test_an_unknown_age_is_not_old(registry: RealRegistry) -> None:
    """`--older-than` and `--keep` keep an image without a creation time, or of 1970; without them it is removed."""
    times = ["2020-01-01T00:00:00Z", None, "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "yesterday"]
    for number, created in enumerate(times):
        push(registry.host, number, created)
    unknown = {key(number): "nobody knows when it was made" for number in range(1, 5)}
    goes, kept = "no environment reaches it", "among the last 1 of its family"
    assert planned(registry.host, older_than_s=86_400) == {key(0): goes, **unknown}
    assert planned(registry.host, keep=1) == {key(0): kept, **unknown}
    assert set(planned(registry.host).values()) == {goes}


MISSING: dict[str, Fault] = {
    "the list": faults.answers(500, on="/tags/list"),
    "another tag": faults.answers(500, on="GET .*/manifests/other"),
    "another tag, malformed": faults.tampers(lambda _: b"[]", on="GET .*/manifests/other"),
    "a configuration": faults.answers(500, on="GET .*/blobs/"),
}


def test_nothing_goes_if_an_answer_is_missing(cli: Run, registry: RealRegistry) -> None:
    """A list, a tag or a configuration that cannot be read whole: exit status 5, one line, and nothing is removed."""
    push(registry.host, 0, "2020-01-01T00:00:00Z")
    push_image(registry.host, NAME, "other", {}, platforms=(HERE,))
    for fault in MISSING.values():
        with faulty(registry.host, fault) as proxy, pytest.raises(RegistryError, match="so nothing is removed"):
            planned(proxy.host)
    with faulty(registry.host, MISSING["another tag"]) as proxy:
        assert "so nothing is removed" in pruned(cli, proxy.host, status=5)["said"]
        assert not [r for r in proxy.requests if r.method == "DELETE"]
