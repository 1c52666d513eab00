"""What a task runner is configured with."""

from __future__ import annotations

import pytest

from desktop_bake import ConfigurationError, DockerRunnerConfig, Environment, ImageReference, TaskOptions


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


def test_refused() -> None:
    """A base that is none is refused where the runner is configured."""
    with pytest.raises(ConfigurationError, match=r"^malformed image reference "):
        DockerRunnerConfig(base_image="UPPER")
