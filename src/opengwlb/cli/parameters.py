"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

Name = Annotated[str, Parameter(env_var="GWLB_NAME", help="Which lab: the `--name` its server was started with.")]
Json = Annotated[bool, Parameter(negative=(), help="Print JSON instead of a table.")]
Account = Annotated[str, Parameter(help="Whose view: an account's name, or operator for everything.")]
Region = Annotated[str, Parameter(help="Which AWS region, such as ap-northeast-2.")]
Watch = Annotated[
    float | bool | None,
    Parameter(negative=(), help="Show it again every so many seconds (2 when none are given) until Ctrl-C."),
]
"""As `watching.answer` and `watching.seconds` take it: None, True, or seconds."""
Command = Annotated[str, Parameter(allow_leading_hyphen=True, show_default=False)]
