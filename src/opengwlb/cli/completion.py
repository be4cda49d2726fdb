"""`gwlb completion`: what a shell needs to complete commands and options by itself, without starting Python at every key."""

from __future__ import annotations

from typing import Literal

from cyclopts import App


def register(app: App) -> None:
    """Adds this module's command, which completes all that `app` has."""

    @app.command
    def completion(shell: Literal["bash", "zsh", "fish"], /) -> None:
        """Print what a shell needs to complete gwlb's commands and options.

        bash: eval "$(gwlb completion bash)" in ~/.bashrc. zsh: gwlb completion zsh > a directory of $fpath, as _gwlb. fish: gwlb completion
        fish > ~/.config/fish/completions/gwlb.fish

        Parameters
        ----------
        shell
            Which shell it is for.
        """
        print(app.generate_completion(prog_name="gwlb", shell=shell))
