"""Types for the console's pages, from the models that the server answers by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import pytest
from botocore.model import ServiceModel

from opengwlb.console.typescript import aws, structs

MODEL = ServiceModel(
    {
        "metadata": {"protocol": "json"},
        "operations": {
            "Ask": {"name": "Ask", "http": {}, "input": {"shape": "AskRequest"}, "output": {"shape": "AskResult"}},
            "Other": {"name": "Other", "http": {}, "input": {"shape": "OtherRequest"}},
            "Nothing": {"name": "Nothing", "http": {}},
        },
        "shapes": {
            "AskRequest": {
                "type": "structure",
                "required": ["Name"],
                "members": {"Name": {"shape": "Text"}, "Kind": {"shape": "Kind"}, "dotted.name": {"shape": "Flag"}},
            },
            "AskResult": {
                "type": "structure",
                "members": {"Trees": {"shape": "Trees"}, "Sizes": {"shape": "Sizes"}, "At": {"shape": "When"}},
            },
            "OtherRequest": {"type": "structure", "members": {}},
            "Tree": {"type": "structure", "members": {"Below": {"shape": "Trees"}, "Bytes": {"shape": "Bytes"}}},
            "Trees": {"type": "list", "member": {"shape": "Tree"}},
            "Sizes": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Size"}},
            "Kind": {"type": "string", "enum": ["a", "b-c"]},
            "Text": {"type": "string"},
            "Flag": {"type": "boolean"},
            "Size": {"type": "long"},
            "When": {"type": "timestamp"},
            "Bytes": {"type": "blob"},
        },
    },
    "small-service",
)
PAGES = {
    "Ask": {"input_token": "Next", "output_token": "Next", "result_key": ["Trees", "Sizes"], "more_results": "More"},
    "Other": {"input_token": ["A", "B"], "output_token": ["C", "D"], "result_key": "Rows"},
}


def _written(*operations: str) -> str:
    return aws.module(
        {"small-service": (MODEL, PAGES)}, implemented=[("small-service", operation) for operation in operations]
    )


def test_a_shape_is_an_interface_and_only_required_members_must_be_there() -> None:
    text = _written("Ask")
    assert "    Name: string;\n" in text
    assert "    Kind?: Kind | undefined;\n" in text
    assert '    "dotted.name"?: boolean | undefined;\n' in text


def test_an_enumeration_offers_its_values_and_takes_others() -> None:
    assert '  export type Kind = "a" | "b-c" | (string & {});\n' in _written("Ask")


def test_lists_maps_timestamps_and_blobs_are_what_json_has() -> None:
    text = _written("Ask")
    assert "Trees?: Array<Tree> | undefined" in text
    assert "Sizes?: { [key: string]: number } | undefined" in text
    assert "At?: string | undefined" in text
    assert "Bytes?: string | undefined" in text


def test_a_shape_inside_itself_is_written_once() -> None:
    assert _written("Ask").count("export interface Tree {") == 1


def test_operations_lead_from_service_and_name_to_input_and_output() -> None:
    text = _written("Ask", "Nothing")
    assert '  "small-service": {\n' in text
    assert "    Ask: { input: smallService.AskRequest; output: smallService.AskResult };\n" in text
    assert "    Nothing: { input: Record<string, never>; output: Record<string, never> };\n" in text


def test_what_is_not_implemented_is_not_written() -> None:
    text = _written("Ask")
    assert "OtherRequest" not in text
    assert aws.paginators(PAGES, ["Ask"]).keys() == {"Ask"}


def test_tokens_and_results_are_lists_however_the_model_has_them() -> None:
    assert aws.paginators(PAGES, ["Ask", "Other"]) == {
        "Ask": {"inputTokens": ["Next"], "outputTokens": ["Next"], "results": ["Trees", "Sizes"], "more": "More"},
        "Other": {"inputTokens": ["A", "B"], "outputTokens": ["C", "D"], "results": ["Rows"], "more": None},
    }


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    limit: Annotated[int, msgspec.Meta(ge=1)] = 100


@dataclass
class Point:
    x: float


class Answer(msgspec.Struct):
    points: tuple[Point, ...]
    pair: tuple[int, str]
    state: Literal["ok", "bad"]
    by_name: dict[str, Point | None]
    raw: bytes = b""
    later: int | msgspec.UnsetType = msgspec.UNSET


class Tagged(msgspec.Struct, tag_field="kind", tag="tagged", rename={"of": "from"}):
    of: str


def test_a_question_may_leave_out_defaults_and_an_answer_may_not() -> None:
    text = structs.module([Asked, Answer])
    assert "  name: string;\n  limit?: number | undefined;\n" in text
    assert "  raw: string;\n  later?: number | undefined;\n" in text


def test_structs_dataclasses_and_collections_become_interfaces() -> None:
    text = structs.module([Answer])
    assert "  points: Array<Point>;\n  pair: [number, string];\n" in text
    assert "  by_name: { [key: string]: Point | null };\n" in text
    assert "export interface Point {\n  x: number;\n}\n" in text
    assert set(text.partition("  state: ")[2].partition(";")[0].split(" | ")) == {'"ok"', '"bad"'}


def test_tags_and_other_names_on_the_wire_are_kept() -> None:
    assert 'export interface Tagged {\n  kind: "tagged";\n  from: string;\n}\n' in structs.module([Tagged])


def test_two_types_of_one_name_are_refused() -> None:
    other = msgspec.defstruct("Asked", [("x", int)], module="elsewhere")
    with pytest.raises(ValueError, match="both have a Asked"):
        structs.module([Asked, other])
