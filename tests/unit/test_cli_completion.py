"""Completion, as a real bash completes: commands, their options, and the values of options that have a few."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from opengwlb.cli import main as command
from opengwlb.cli.options import ServeOptions

ASK = """
source "$1"; shift
complete -p gwlb >&2
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
_gwlb
printf '%s\\n' "${COMPREPLY[@]}"
"""
"""What bash does when TAB is pressed after the words."""


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    def serve(options: ServeOptions) -> None:
        raise AssertionError("no command here starts a server")

    assert command.run(serve=serve, arguments=("completion", shell)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["gwlb", "ev"], ["events"]),
        (["gwlb", "co"], ["completion", "console"]),
        (["gwlb", "plan", "cr"], ["cross-zone"]),
        (["gwlb", "flows", "--fo"], ["--follow"]),
        (["gwlb", "status", "--wa"], ["--watch"]),
        (["gwlb", "flows", "--verdict", "no"], ["no_targets"]),
        (["gwlb", "serve", "--data-plane", ""], ["kernel", "none"]),
        (["gwlb", "nothing-of-this-name"], []),
    ],
)
def test_bash_completes(
    typed: list[str], offered: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "gwlb.bash"
    file.write_text(script("bash", capsys))
    done = subprocess.run(["bash", "-c", ASK, "bash", str(file), *typed], capture_output=True, text=True, timeout=20)
    assert "_gwlb gwlb" in done.stderr, done.stderr
    assert sorted(filter(None, done.stdout.splitlines())) == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_every_command_in_their_own_words(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(shell, capsys)
    assert [name for name in ("status", "flows", "events", "console", "completion") if name not in text] == []
    program = shutil.which(shell)
    if program is not None:
        assert subprocess.run([program, "-n"], input=text, text=True, timeout=20).returncode == 0
