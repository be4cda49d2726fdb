"""What a command says instead of a traceback: one sentence, by whom and what to do."""

from __future__ import annotations


class Refusal(Exception):
    """Ends the command with this sentence on standard error. `status` is the exit status."""

    def __init__(self, sentence: str, *, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status
