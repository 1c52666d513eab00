"""The image that an environment used before: it is asked for while its base is, which takes as long again.

A guess decides nothing. The answer is used only under the tag of the key that follows from the base as it is now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..system.asked import Asked

if TYPE_CHECKING:
    from ...generator.layer_key import Key
    from ..context import Context
    from ..engine.engine import Image


class Guess:
    """An image that is probably wanted.

    Args:
        context: the engine to ask, and the repository of the tag.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tag = ""
        self._asked: Asked[Image | None] | None = None

    def begin(self, key: Key) -> None:
        """Ask for the image of this key, in a thread; at most once."""
        if not self._asked:
            tag = self._tag = f"{self._context.settings.repository}:{key}"
            self._asked = Asked(lambda: self._context.engine.image(tag), "guess").begin()

    def image(self, tag: str) -> Image | None:
        """The image under this tag: the answer to the guess if it was right, otherwise the engine is asked.

        Raises:
            EngineError, TimeLimitError: no engine answers, or not in time.
        """
        return self._asked.answer() if self._asked and tag == self._tag else self._context.engine.image(tag)
