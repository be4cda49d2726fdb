"""Which part of user data runs, and when."""

from __future__ import annotations

import pytest

from opengwlb.instances.builtin.user_data import Script, is_script, scripts


def multipart(*parts: tuple[str, str]) -> bytes:
    text = 'Content-Type: multipart/mixed; boundary="//"\nMIME-Version: 1.0\n\n'
    for kind, body in parts:
        text += f'--//\nContent-Type: {kind}; charset="us-ascii"\n\n{body}\n'
    return (text + "--//--\n").encode()


def test_a_script_runs_once() -> None:
    assert scripts(b"#!/bin/sh\necho hi\n") == ([Script(b"#!/bin/sh\necho hi\n")], [])


def test_a_boothook_runs_on_every_boot_with_or_without_an_interpreter() -> None:
    assert scripts(b"#cloud-boothook\necho hi\n")[0] == [Script(b"#!/bin/sh\necho hi\n", every_boot=True)]
    assert scripts(b"#cloud-boothook\n#!/bin/bash\necho hi\n")[0] == [
        Script(b"#!/bin/bash\necho hi\n", every_boot=True)
    ]
    assert scripts(b"#cloud-boothook")[0] == [Script(b"#!/bin/sh\n", every_boot=True)]


def test_awss_recipe_for_scripts_on_every_boot_is_understood() -> None:
    data = multipart(
        ("text/cloud-config", "#cloud-config\ncloud_final_modules:\n- [scripts-user, always]"),
        ("text/x-shellscript", "#!/bin/bash\necho hi"),
    )
    found, remarks = scripts(data)
    assert [(script.content.strip(), script.every_boot) for script in found] == [(b"#!/bin/bash\necho hi", True)]
    assert remarks == []


def test_parts_that_do_not_run_are_named() -> None:
    found, remarks = scripts(
        multipart(("text/cloud-config", "#cloud-config\npackages: [x]"), ("text/x-shellscript", "#!/bin/sh"))
    )
    assert [script.every_boot for script in found] == [False]
    assert remarks == ["a part of type text/cloud-config is not run"]
    assert "cloud-config is not run" in scripts(b"#cloud-config\npackages: [x]")[1][0]


@pytest.mark.parametrize("data", [b"", b"rules: []\n", b"\x00\xff", b"echo hi\n"])
def test_anything_else_is_data(data: bytes) -> None:
    assert scripts(data) == ([], [])
    assert not is_script(data)
