"""Values of options as the docker client reads them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from desktop_bake.bake.task.docker_values import bytes_of, fields_of, nano_cpus_of, pair_of, size_of, truth_of
from tests.harness.every import every


@every(
    ("read", "text", "wanted"),
    [
        (size_of, "1024", 1024),
        (size_of, "96m", 96 << 20),
        (size_of, "1.5GiB", 3 << 29),
        (size_of, "2 kB", 2048),
        (size_of, "1P", 1 << 50),
        (size_of, "", None),
        (size_of, "-1", None),
        (size_of, "1x", None),
        (size_of, "1.m", None),
        (size_of, "m", None),
        (bytes_of, "1k", 1024),
        (bytes_of, "9999999p", None),
        (nano_cpus_of, "1.5", 1_500_000_000),
        (nano_cpus_of, "1/2", 500_000_000),
        (nano_cpus_of, ".000000001", 1),
        (nano_cpus_of, "1e-10", None),
        (nano_cpus_of, "1/3", None),
        (nano_cpus_of, " 1", None),
        (nano_cpus_of, "nan", None),
        (truth_of, "T", True),
        (truth_of, "0", False),
        (truth_of, "yes", None),
        (truth_of, "tRUE", None),
        (pair_of, "a=b=c", ("a", "b=c")),
        (pair_of, "a=", ("a", "")),
        (pair_of, "=b", None),
        (pair_of, "a", None),
        (fields_of, "a,b=c", ["a", "b=c"]),
        (fields_of, '"a,b",c', ["a,b", "c"]),
        (fields_of, 'a"b', ['a"b']),
        (fields_of, '"a', None),
        (fields_of, '"a"b', None),
        (fields_of, "a\nb", None),
        (fields_of, "", []),
    ],
)
def test_values(read: Callable[[str], object], text: str, wanted: object) -> None:
    """A value is read as the docker client reads it, or refused."""
    if wanted is None:
        with pytest.raises(ValueError):  # noqa: PT011  (its text is the caller's)
            read(text)
    else:
        assert read(text) == wanted
