"""What is baked on a base: layers, a desktop, a preflight."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import ConfigurationError, ContextFile, Preflight, Stack
from tests.harness.recipes import BASE, BROWSER, CERTS, PREFLIGHT, RECIPE, TOOLS

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"lib/a.sh": ContextFile(content=b"a\n", executable=True), "B c": ContextFile(content=b"")}


def test_preflight() -> None:
    """A preflight has a Dockerfile and a script, and its step learns the SHA-256 of both."""
    assert [name for name, _ in PREFLIGHT.context()] == ["Dockerfile", "preflight.sh"]
    assert PREFLIGHT.arguments(BASE) == {
        "DESKTOP_BAKE_SHA256_DOCKERFILE": hashlib.sha256(PREFLIGHT.dockerfile).hexdigest(),
        "DESKTOP_BAKE_SHA256_PREFLIGHT": hashlib.sha256(PREFLIGHT.script).hexdigest(),
    }


@pytest.mark.parametrize("script", [b"", b"a\r\n", b"\xef\xbb\xbfa"])
def test_preflight_refused(script: bytes) -> None:
    """A preflight is a script, too."""
    with pytest.raises(ConfigurationError, match=r"^the preflight script "):
        Preflight(dockerfile=b"FROM base\n", script=script)


def test_stack() -> None:
    """A stack has something to bake, and what is baked last is its top."""
    assert Stack(desktop=RECIPE).top is RECIPE
    assert Stack(desktop=RECIPE, preflight=PREFLIGHT).top is PREFLIGHT
    with pytest.raises(ConfigurationError, match=r"^nothing to bake: no desktop, no layer, no preflight$"):
        Stack()


def test_parts() -> None:
    """The parts lie in their order, and without the topmost each stack is what that lies on."""
    stack: Stack | None = Stack(below=(CERTS,), desktop=RECIPE, above=(TOOLS, BROWSER), preflight=PREFLIGHT)
    found = []
    while stack:
        found.append(stack.top)
        assert stack.parts[-1] is stack.top
        stack = stack.under_top()
    assert found == [PREFLIGHT, BROWSER, TOOLS, RECIPE, CERTS]
    assert Stack(above=(TOOLS,), below=(CERTS,)).layers == (CERTS, TOOLS)


def test_too_high_a_stack() -> None:
    """No more is stacked than an engine can run."""
    with pytest.raises(ConfigurationError, match=r"^65 parts cannot be stacked$"):
        Stack(below=(CERTS,) * 65)


def test_packages_of_a_layer() -> None:
    """Packages count as a set; the program that installs them is in the context, and the bake file names them."""
    assert [name for name, _ in BROWSER.context()] == ["Dockerfile", "layer_packages.sh"]
    arguments = replace(BROWSER, packages=("git", "chromium", "git")).arguments(BASE)
    assert arguments["DESKTOP_BAKE_PACKAGES"] == "chromium git"
    assert arguments["DESKTOP_BAKE_BASE"] == BASE.hex[:16]
    assert arguments["DESKTOP_BAKE_SHA256_PACKAGES"] == hashlib.sha256(b"echo packages\n").hexdigest()
    dated = replace(BROWSER, date="2026-11-27").arguments(BASE)
    assert dated["DESKTOP_BAKE_BASE"] == f"{BASE.hex[:16]}-2026-11-27"


def test_files_of_a_layer(tmp_path: Path) -> None:
    """Files lie beside each other in the context, and the step computes of them what the bake file names."""
    layer = replace(TOOLS, files=FILES)
    assert [name for name, _ in layer.context()] == ["Dockerfile", "files/B c", "files/lib/a.sh", "layer.sh"]
    for name, file in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(file.content)
        (tmp_path / name).chmod(0o755 if file.executable else 0o644)
    command = "{ find . ! -type d -exec sha256sum {} + | sort; find . ! -type d -perm -100 | sort; } | sha256sum"
    words = ["env", "LC_ALL=C", "sh", "-c", command]
    said = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert layer.arguments(BASE)["DESKTOP_BAKE_SHA256_FILES"] == said.split()[0]
    assert "DESKTOP_BAKE_SHA256_FILES" not in TOOLS.arguments(BASE)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"script": None}, "layer 'tools' installs nothing"),
        ({"script": b"\n"}, "the script of layer 'tools' is empty"),
        ({"script": b"a\r\n"}, "the script of layer 'tools' has CRLF line ends"),
        ({"files": {"../a": ContextFile(content=b"")}}, "build context file '../a' is outside the context"),
        ({"files": {"layer.sh": ContextFile(content=b"")}}, "already part of the recipe"),
        ({"files": {"a\\b": ContextFile(content=b"")}}, "has a backslash"),
    ],
)
def test_layer_refused(fields: dict[str, Any], says: str) -> None:
    """A layer that exists can be baked."""
    with pytest.raises(ConfigurationError) as refused:
        replace(TOOLS, **fields)
    assert says in str(refused.value)
    assert refused.value.remedy
