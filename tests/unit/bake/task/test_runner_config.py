"""What a task runner is configured with."""

from __future__ import annotations

import pytest

from desktop_bake import (
    ConfigurationError,
    DockerRunnerConfig,
    Environment,
    ImageReference,
    Layer,
    Script,
    TaskOptions,
)


@pytest.mark.parametrize(
    ("desktop", "cache", "effective"),
    [(False, False, False), (False, True, False), (True, False, False), (True, True, True)],
)
def test_the_toggles(desktop: bool, cache: bool, effective: bool) -> None:
    """Both are off by default; the cache has no effect without a desktop."""
    config = DockerRunnerConfig(base_image="debian", headless_desktop_enabled=desktop, desktop_cache_enabled=cache)
    assert config.desktop_cache_enabled is effective
    assert config.environment.desktop_cache_enabled is effective
    assert DockerRunnerConfig.of(config.environment) == config
    plain = DockerRunnerConfig(base_image="debian")
    assert (plain.headless_desktop_enabled, plain.desktop_cache_enabled) == (False, False)


def test_of_an_environment() -> None:
    """An environment gives what a runner needs of it; the options are the runner's own."""
    environment = Environment(env_id="e", base_image=ImageReference.parse("debian:12"), headless_desktop_enabled=True)
    config = DockerRunnerConfig.of(environment, TaskOptions(user="me"))
    assert (config.base_image, config.env_id, config.options.user) == ("debian:12", "e", "me")
    assert config.environment == environment


@pytest.mark.parametrize(("desktop", "preflight"), [(True, True), (True, False), (False, True), (False, False)])
def test_both_caches(desktop: bool, preflight: bool) -> None:
    """Desktop and preflight have a switch each, and the scripts are inline."""
    config = DockerRunnerConfig(
        base_image="debian",
        headless_desktop_enabled=True,
        desktop_cache_enabled=desktop,
        preflight_cache_enabled=preflight,
        preflight_script=Script.text("a\r\n"),
        preflight_run_script=Script.text("b"),
    )
    environment = config.environment
    assert (environment.desktop_cache_enabled, environment.preflight_cache_enabled) == (desktop, preflight)
    assert environment.preflight_script == Script.text("a\n")
    assert DockerRunnerConfig.of(environment) == config
    assert DockerRunnerConfig(base_image="debian", preflight_cache_enabled=True).preflight_cache_enabled is False


def test_files_and_variables_of_an_environment() -> None:
    """A file that an environment names is the runner's script, too, and what its tasks get is in the options."""
    base = ImageReference.parse("debian")
    environment = Environment(env_id="e", base_image=base, preflight_script="a.sh", env_vars={"A": "1", "B": "2"})
    config = DockerRunnerConfig.of(environment, TaskOptions(variables={"B": "3"}))
    assert config.preflight_script == Script.file("a.sh")
    assert config.options.variables == {"A": "1", "B": "3"}


LAYER = Layer(name="tools", packages=("git",))


def test_layers_and_the_recipe_of_an_environment() -> None:
    """Layers, packages, and a recipe with its files are the runner's, too, whichever toggles are on."""
    whole = Environment(
        env_id="e",
        base_image=ImageReference.parse("debian"),
        cache_desktop_build=True,
        layers=(LAYER, Layer(name="own", script=Script.text("a"), cache=False)),
        packages=("curl",),
        files=("theme.conf",),
        install_script=Script.file("install.sh"),
        setup_script=Script.text("b"),
        dockerfile=Script.file("Dockerfile"),
        build_args={"A": "1"},
        build_secrets=("TOKEN",),
        platforms=("linux/arm64",),
        platform="linux/arm64",
    )
    assert DockerRunnerConfig.of(whole).environment == whole
    assert DockerRunnerConfig.of(whole).environment.baked_layers == (LAYER,)
    assert DockerRunnerConfig(
        base_image="debian", desktop_cache_enabled=True, packages=("git",)
    ).environment.cache_enabled


def test_refused() -> None:
    """A base that is none, and a text that could be a file's name, are refused where the runner is configured."""
    with pytest.raises(ConfigurationError, match=r"^preflight_script is of type str, not Script$"):
        DockerRunnerConfig(base_image="debian", preflight_script="a.sh")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"^malformed image reference "):
        DockerRunnerConfig(base_image="UPPER")
    with pytest.raises(ConfigurationError, match=r"^environment 'default': packages holds '-y'"):
        DockerRunnerConfig(base_image="debian", packages=("-y",))
    with pytest.raises(ConfigurationError, match=r"^dockerfile is of type str, not Script$"):
        DockerRunnerConfig(base_image="debian", dockerfile="Dockerfile")  # type: ignore[arg-type]
