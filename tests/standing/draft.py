"""Tables for operations that have none yet, as far as they follow from the model and the source; people decide the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator

from opengwlb.api import dispatch
from opengwlb.api.context import ACTIONS
from opengwlb.api.standing import standings
from opengwlb.wire.models import service as service_of

from .reading import leaves, reads

ALWAYS_ANSWERS = {"DryRun", "Filters", "MaxResults", "NextToken", "ClientToken", "Marker", "PageSize", "MaxItems"}
TAGS = {"Tags", "TagSpecifications", "TagKeys"}


def tables() -> Iterator[str]:
    """TOML to paste, one operation at a time."""
    for service, operation in sorted(dispatch.implemented() - set(standings())):
        yield f"[{service}.{operation}]\n" + "".join(_lines(service, operation))


def _lines(service: str, operation: str) -> Iterator[str]:
    shape = service_of(service).model.operation_model(operation).input_shape
    mentioned = reads(ACTIONS[service, operation])
    looks = operation.startswith(("Describe", "Get", "List"))
    found: dict[str, list[str]] = {"unproved": [], "answers": [], "stored": [], "refused": []}
    for name, member in (shape.members if shape is not None else {}).items():
        paths = list(leaves(member, name))
        unread = [path for path in paths if not mentioned.issuperset(path.split("."))]
        if unread == paths:
            found["refused"].append(name)
            continue
        kind = "stored" if name in TAGS else "answers" if looks or name in ALWAYS_ANSWERS else "unproved"
        found[kind].append(name)
        found["refused"] += unread
    yield f'by = "{"answers" if looks else "packets"}"\n'
    for kind, names in found.items():
        if names:
            yield f"{kind} = {json.dumps(names)}\n"
