"""A layer's script and what lies beside it; further files of the desktop's recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop_bake import ConfigurationError, ContextFile, Environment, ImageReference, Script, Settings
from desktop_bake.bake.config.layer_files import read_layer_files, read_layer_script
from desktop_bake.generator.layer import Layer

DEBIAN = ImageReference.parse("debian")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A configuration's folder."""
    (tmp_path / "layers").mkdir()
    for name in ("layers/tools.sh", "layers/common.sh", "layers/layer.sh", "requirements.txt", "Containerfile"):
        (tmp_path / name).write_text(f"# {name}\nFROM base\n")
    return tmp_path


def test_a_script_and_its_files(root: Path) -> None:
    """Its siblings lie beside it, others under the name that the list has."""
    files = ("layers/common.sh", "requirements.txt")
    layer = Layer(name="tools", script="layers/tools.sh", files=files)
    assert read_layer_script(root, layer) == b"# layers/tools.sh\nFROM base\n"
    assert list(read_layer_files(root, layer)) == ["common.sh", "requirements.txt"]
    text = Layer(name="tools", script=Script.text("true"), files=files)
    assert read_layer_script(root, text) == b"true"
    assert list(read_layer_files(root, text)) == list(files)
    by_path = Layer(
        name="tools", script=Script.file(root / "layers" / "tools.sh"), files=(root / "layers" / "common.sh",)
    )
    assert list(read_layer_files(root, by_path)) == ["common.sh"]


def test_packages_alone(root: Path) -> None:
    """A layer without a script has neither."""
    layer = Layer(name="tools", packages=("git",))
    assert (read_layer_script(root, layer), read_layer_files(root, layer)) == (None, {})


def test_the_scripts_own_name(root: Path) -> None:
    """The folder of the script may be listed whole; another file of the name that it gets is refused."""
    own = Layer(name="tools", script="layers/layer.sh", files=("layers/",))
    assert list(read_layer_files(root, own)) == ["common.sh", "tools.sh"]
    with pytest.raises(ConfigurationError, match=r"^layer 'tools': files holds 'layer\.sh', which is what the script"):
        read_layer_files(root, Layer(name="tools", script="layers/tools.sh", files=("layers/",)))


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("nowhere.sh", "layer 'tools': cannot read nowhere.sh: No such file or directory"),
        ("layers", "layer 'tools': cannot read layers: no regular file"),
        (Script.text(" \n"), "layer 'tools': text is empty"),
        ("empty.sh", "layer 'tools': empty.sh is empty"),
        ("link.sh", "layer 'tools': script 'link.sh' leads out of the configuration's folder"),
    ],
)
def test_no_script(root: Path, script: str | Script, says: str) -> None:
    """A script that cannot be read or run is refused by its layer."""
    (root / "empty.sh").write_text("")
    (root / "link.sh").symlink_to("/etc/passwd")
    with pytest.raises(ConfigurationError) as refused:
        read_layer_script(root, Layer(name="tools", script=script))
    assert str(refused.value).replace("Is a directory", "no regular file") == says
    assert refused.value.remedy


def test_files_of_the_desktops_recipe(root: Path) -> None:
    """They are in the context of a user's Dockerfile, under their names, and so in the key."""
    environment = Environment(
        env_id="e",
        base_image=DEBIAN,
        headless_desktop_enabled=True,
        dockerfile="Containerfile",
        files=("layers", "requirements.txt"),
    )
    recipe = Settings(root=root).recipe(environment)
    assert dict(recipe.context())["requirements.txt"] == ContextFile(content=b"# requirements.txt\nFROM base\n")
    assert [*recipe.files] == ["layers/common.sh", "layers/layer.sh", "layers/tools.sh", "requirements.txt"]


def test_files_without_a_dockerfile(root: Path) -> None:
    """The shipped Dockerfile copies no file: to give it some is refused, with what to do."""
    environment = Environment(env_id="e", base_image=DEBIAN, headless_desktop_enabled=True, files=("requirements.txt",))
    with pytest.raises(ConfigurationError, match=r"^environment 'e': files without a dockerfile: ") as refused:
        Settings(root=root).recipe(environment)
    assert "layer" in refused.value.remedy
