"""What is installed: one package, complete, typed, and in conflict with no other."""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from desktop_bake import __version__

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).parents[2]
CLIENT = """\
from pathlib import Path

from desktop_bake import (
    ConfigurationError, DesktopTask, DockerRunnerConfig, Environment, ImageReference, ImageResult, Script, Settings,
    TaskOptions, __version__,
    ensure_desktop_image, load_settings, start_task,
)

version: str = __version__
settings: Settings = load_settings(Path("desktop-bake.toml"), {})
environment: Environment = settings.environment(None)
options = TaskOptions(geometry="1024x768")
script: Script = Script.text("echo")
runner = DockerRunnerConfig(base_image="debian", preflight_script=script, preflight_run_script=Script.file("run.sh"))


def work(log: list[str]) -> int:
    try:
        image: ImageResult = ensure_desktop_image(environment, settings, log=log.append)
    except ConfigurationError as error:
        return error.exit_status
    with start_task(environment, image, settings, options=options) as task:
        started: DesktopTask = task
        return started.execute(["true"]).status


base: ImageReference = environment.base_image
"""


def run(*words: object, cwd: Path, status: int = 0) -> str:
    """Run a program that knows of no checkout, and return its output."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([*map(str, words)], cwd=cwd, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution, as installers build it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "-o", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    """The wheel's metadata for a package index."""
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(archive.read(name))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel and PyPI's project named bake."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv")
    programs = folder / "venv" / "bin"
    pip = [sys.executable, "-m", "pip", "--python", programs / "python"]
    run(*pip, "install", "-q", "--no-compile", "bake", wheel, cwd=folder)
    return programs


def test_one_package(wheel: Path) -> None:
    """The wheel has one package, with its mark for type checkers, every module, and every program in a file."""
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith((".dist-info", ".data"))} == {"desktop_bake"}
    assert "desktop_bake/py.typed" in names
    files = {path.relative_to(ROOT) for top in ("bake", "generator") for path in (ROOT / top).rglob("*.*")}
    files |= {
        "_shipped" / path.relative_to(ROOT) for path in (ROOT / "docker-bake.hcl.j2", *(ROOT / "recipe").iterdir())
    }
    shipped = {f"desktop_bake/{path}" for path in files if "__pycache__" not in path.parts}
    assert {name for name in names if name.startswith("desktop_bake/") and name.count("/") > 1} == shipped


def test_an_index_takes_it(wheel: Path) -> None:
    """Twine accepts wheel and source distribution as they are, without a warning."""
    run(sys.executable, "-m", "twine", "check", "--strict", *wheel.parent.iterdir(), cwd=wheel.parent)


def test_metadata(metadata: Message) -> None:
    """The wheel names each Python version of the tests' workflow, its types, and nothing for development."""
    classifiers = metadata.get_all("Classifier", [])
    tests = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "tests.yml")
    named = [classifier.rpartition(" ")[2] for classifier in classifiers if re.search(r"Python :: 3\.", classifier)]
    assert named == tests["jobs"]["unit"]["strategy"]["matrix"]["python"]
    assert "Typing :: Typed" in classifiers
    assert metadata.get_all("Provides-Extra") == ["ui"]
    assert "pytest" not in str(metadata.get_all("Requires-Dist"))


def test_readme_of_the_package(metadata: Message) -> None:
    """The package's README is ours without links that would be broken on a package index; its words stay."""
    text = str(metadata.get_payload())
    targets = re.findall(r"\]\(([^)]*)\)", text)
    assert [target for target in targets if not target.startswith("https://")] == []
    readme = (ROOT / "README.md").read_text()
    pages = re.findall(r"(?<!!)\[([^\]]+)\]\(docs/", readme)
    assert pages
    for words in pages:
        assert words in text


def test_version_has_one_place(metadata: Message) -> None:
    """Only pyproject.toml has the version; wheel and installation repeat it, and the changelog begins with it."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert metadata["Version"] == __version__ == version
    release = re.sub(r"\.dev\d+$", "", version)
    heading = re.search(r"^## (\S+) — (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heading
    assert heading[1] == release
    assert (heading[2] == "unreleased") == (release != version)
    modules = [path for top in ("desktop_bake", "bake", "generator") for path in (ROOT / top).rglob("*.py")]
    assert [path for path in modules if f'"{release}' in path.read_text()] == []


def test_beside_the_other_bake(installed: Path, tmp_path: Path) -> None:
    """Both are installed, and each answers for itself."""
    assert run(installed / "desktop-bake", "--version", cwd=tmp_path).startswith("desktop-bake ")
    assert run(installed / "python", "-m", "desktop_bake", "--version", cwd=tmp_path).startswith("desktop-bake ")
    where = "import bake, desktop_bake, os; print(*(os.path.dirname(m.__file__) for m in (bake, desktop_bake)))"
    other, ours = run(installed / "python", "-c", where, cwd=tmp_path).split()
    assert (Path(other).name, Path(ours).name) == ("bake", "desktop_bake")
    assert not (Path(other) / "ensure.py").exists()


def test_beside_modules_of_the_user(installed: Path, tmp_path: Path) -> None:
    """A script beside a generator.py, a bake.py and a registry folder imports every public name."""
    (tmp_path / "registry").mkdir()
    for name in ("generator.py", "bake.py", "registry/__init__.py"):
        (tmp_path / name).write_text("raise SystemExit('the wrong one')\n")
    (tmp_path / "script.py").write_text("from desktop_bake import *\nimport desktop_bake as d\nprint(len(d.__all__))\n")
    assert int(run(installed / "python", "script.py", cwd=tmp_path)) > 30


def test_wheel_is_complete(installed: Path, tmp_path: Path) -> None:
    """The wheel renders with its own template and recipe, and has its manual page."""
    (tmp_path / "desktop-bake.toml").write_text(
        f'[environments.a]\nbase_image = "a@sha256:{"a" * 64}"\nheadless_desktop_enabled = true\n'
    )
    run(installed / "desktop-bake", "render", "-o", "ci", cwd=tmp_path)
    assert (tmp_path / "ci" / "docker-bake.hcl").is_file()
    assert len(list((tmp_path / "ci" / "context").glob("*/desktop_install.sh"))) == 1
    page = installed.parent / "share" / "man" / "man1" / "desktop-bake.1"
    assert page.read_bytes() == (ROOT / "docs" / "desktop-bake.1").read_bytes()


def test_typed(installed: Path, tmp_path: Path) -> None:
    """A program that uses the API passes mypy's strict checks, and one that misuses it does not."""
    (tmp_path / "client.py").write_text(CLIENT)
    check = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--python-executable",
        installed / "python",
        "--cache-dir",
        "cache",
    ]
    run(*check, "client.py", cwd=tmp_path)
    (tmp_path / "wrong.py").write_text("from desktop_bake import Settings, nonsense\n\nSettings(push='yes')\n")
    said = run(*check, "wrong.py", cwd=tmp_path, status=1)
    assert 'has no attribute "nonsense"' in said
    assert 'Argument "push" to "Settings" has incompatible type "str"' in said


def test_a_name_costs_itself_alone(installed: Path, tmp_path: Path) -> None:
    """Importing the package loads none of its parts; a name loads what it needs."""
    program = (
        "import sys, desktop_bake\n"
        "print(sum(name.startswith('desktop_bake.') for name in sys.modules))\n"
        "desktop_bake.Digest\n"
        "print('desktop_bake.bake' in sys.modules)"
    )
    assert run(installed / "python", "-c", program, cwd=tmp_path).split() == ["0", "False"]


def test_one_file_imports_python_on_whales() -> None:
    """Only one place has the slow import."""
    having = [path.name for path in (ROOT / "bake").rglob("*.py") if "python_on_whales" in path.read_text()]
    assert having == ["bake_process.py"]
