"""What an image's history shows of what was built upon it: a decision over texts."""

from __future__ import annotations

from desktop_bake.bake.config.shipped import shipped
from desktop_bake.bake.images.last_steps import Step, built_upon, last_stage
from tests.harness.every import every

BASE = ["", 'CMD ["bash"]']
DOCKERFILE = b"""# escape=`
ARG TOP
FROM base AS first
RUN not of the last stage
from first
RUN --mount=type=bind,source=x,target=/x --mount=type=cache,"target=/a b" --network=none `
    # a comment
    echo   a `
    && echo b
RUN <<EOF
ENV not an instruction
EOF
COPY --link a b /c/
ONBUILD RUN x
run ["echo", "x"]
ENV A=$B
"""
STEPS = last_stage(DOCKERFILE)
HISTORY = [
    *BASE,
    "RUN |1 A=b /bin/sh -c echo   a     && echo b # buildkit",
    "RUN /bin/sh -c ENV not an instruction\n # buildkit",
    "COPY a b /c/ # buildkit",
    "RUN echo x # buildkit",
    "ENV A=1",
]


def test_the_last_stage() -> None:
    """Only what leaves an entry counts, in one piece; a heredoc's lines are no instructions."""
    assert [step.name for step in last_stage(DOCKERFILE)] == ["RUN", "RUN", "COPY", "RUN", "ENV"]
    assert last_stage(DOCKERFILE)[0] == Step(name="RUN", command="echo   a     && echo b")
    assert last_stage(DOCKERFILE)[3] == Step(name="RUN", command="echo x")
    assert last_stage(b"FROM base\n") == ()


def test_what_the_recipe_made() -> None:
    """A history that ends with the recipe's steps is the recipe's, whatever the base's is."""
    assert built_upon(HISTORY, 5, STEPS) is None
    assert built_upon(HISTORY[2:], 4, STEPS) is None


@every(
    ("history", "layers", "says"),
    [
        ([*HISTORY, "RUN /bin/sh -c echo X >/which # buildkit"], 6, "does not end with"),
        ([*HISTORY, "ENV X=1"], 5, "does not end with"),  # the steps before are others then
        ([*HISTORY, "bash"], 6, "does not end with"),  # docker commit
        ([*HISTORY, ""], 6, "does not end with"),
        ([*HISTORY, "/bin/sh -c #(nop)  LABEL a=b"], 5, "does not end with"),  # the builder before BuildKit
        ([*HISTORY, *HISTORY[2:]], 9, "more than once"),
        (HISTORY[:-1], 5, "does not end with"),
        ([], 5, "does not end with"),
        (HISTORY, 6, "layers that its history does not tell of"),
    ],
)
def test_what_was_built_upon(history: list[str], layers: int, says: str) -> None:
    """Each step that was added, of whichever kind, shows; so does a layer without an entry."""
    assert says in (built_upon(history, layers, STEPS) or "")


def test_a_step_like_the_recipes_own() -> None:
    """A step that is added once more, word for word, leaves the recipe's steps standing further up, too."""
    step = "RUN /bin/sh -c make # buildkit"
    recipe = last_stage(b"FROM base\nRUN make\nRUN make\n")
    assert built_upon([*BASE, step, step], 3, recipe) is None
    assert "more than once" in str(built_upon([*BASE, step, step, step], 4, recipe))


def test_nothing_to_tell_it_by() -> None:
    """A last stage without a step cannot be told from what was built upon it."""
    assert "no step" in str(built_upon([*BASE, "RUN x"], 2, last_stage(b"FROM base AS a\nRUN x\nFROM a\n")))


def test_the_shipped_recipe() -> None:
    """The shipped Dockerfiles can be told: each has a step."""
    for name in ("Dockerfile", "preflight.Dockerfile", "layer.Dockerfile"):
        steps = last_stage(shipped(f"recipe/{name}").read_bytes())
        assert steps
        assert {step.name for step in steps} <= {"RUN", "COPY", "ARG", "ENV", "SHELL", "USER"}
