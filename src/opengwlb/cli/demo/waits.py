"""Waiting that shows what it waits for, and ends: in place on a terminal, one line per change elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext

from rich.console import Console

from ..refusal import Refusal

POLL_S = 0.5


class Waits:
    def __init__(
        self,
        console: Console,
        *,
        mistakes: Callable[[], Sequence[str]] = tuple,
        told: Callable[[str], None] = lambda said: None,
    ) -> None:
        """`mistakes` says what is wrong with what was built; it is asked when something does not come. `told` gets each thing that is
        waited for, and how far it is."""
        self.console = console
        self._mistakes = mistakes
        self._told = told

    def until(self, what: str, look: Callable[[], tuple[bool, str]], *, timeout_s: float = 90) -> None:
        """Poll `look` (whether it is so, and how far it is) until it is so. Refuses when the time is over."""
        began, shown = time.monotonic(), ""
        spinner = self.console.status(what) if self.console.is_terminal else nullcontext()
        with spinner as status:
            while True:
                done, state = look()
                waited = time.monotonic() - began
                self._told(f"{what}: {state}")
                if state != shown and status is None and not done:
                    self.console.print(f"  waiting for {what}: {state}", soft_wrap=True)
                shown = state
                if status is not None:
                    status.update(f"waiting for {what}: {state} [dim]({waited:.0f} s)[/]")
                if done:
                    break
                if waited > timeout_s:
                    raise Refusal(
                        f"Waited {timeout_s:.0f} s for {what}, and it still is: {state}. The lab is left as it is."
                        + "".join(f"\n  {one}" for one in self._known())
                    )
                time.sleep(POLL_S)
        self.console.print(f"  [green]✓[/] {what}: {state} [dim]({waited:.1f} s)[/]", soft_wrap=True)

    def _known(self) -> Sequence[str]:
        try:
            return self._mistakes()
        except Refusal:
            return ()  # no server: what was waited for says that already
