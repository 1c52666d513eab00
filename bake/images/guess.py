"""The image that an environment used before: it is asked for while its base is, which takes as long again.

A guess decides nothing. The answer is used only under the tag of the key that follows from the base as it is now.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

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
        self._answers: list[Image | Exception | None] = []
        self._answered = threading.Event()

    def begin(self, key: Key) -> None:
        """Ask for the image of this key, in a thread; at most once."""
        if not self._tag:
            self._tag = f"{self._context.settings.repository}:{key}"
            threading.Thread(target=self._ask, name="guess", daemon=True).start()

    def _ask(self) -> None:
        try:
            self._answers.append(self._context.engine.image(self._tag))
        except Exception as error:  # noqa: BLE001 (it is raised where the answer is wanted)
            self._answers.append(error)
        finally:
            self._answered.set()

    def image(self, tag: str) -> Image | None:
        """The image under this tag: the answer to the guess if it was right, otherwise the engine is asked.

        Raises:
            EngineError, TimeLimitError: no engine answers, or not in time.
        """
        if tag != self._tag:
            return self._context.engine.image(tag)
        self._answered.wait()
        (answer,) = self._answers
        if isinstance(answer, Exception):
            raise answer
        return answer
