"""docs/*/operations.md, from the standings: which operations there are, what each is good for, and the test that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opengwlb.api.standing import Standing, standings
from opengwlb.wire.models import service as service_of

from . import names

SERVICES = {
    "ec2": "EC2",
    "elbv2": "Elastic Load Balancing",
    "sts": "STS",
    "iam": "IAM",
    "ssm": "Systems Manager",
    "cloudwatch": "CloudWatch",
    "resourcegroupstaggingapi": "Resource Groups Tagging API",
    "service-quotas": "Service Quotas",
}
WHOLE = ("elbv2", "sts", "cloudwatch", "resourcegroupstaggingapi")
"""Services whose every operation is listed; of the others those that nobody needs for this product are left out."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """One language."""

    title: str
    introduction: str
    heading: tuple[str, ...]
    status: Mapping[str, str]
    unproved: str
    none: str
    stored: str


ENGLISH = Words(
    title="Operations",
    introduction="""\
Every operation of AWS's API that this product answers, what a call of it is good for, and the test that shows it. The page is made from
[src/opengwlb/api/standing](../../src/opengwlb/api/standing) by `python -m tests.standing`; a test holds it to what the code does.

- **enforced by packets**: the named test sees the effect in packets, or in what runs in the boxes that packets pass.
- **stored only**: kept and shown again, as on AWS, without effect on packets: key pairs, DHCP options and tags. Nothing else is.
- **answers only**: describes things, or decides who may call what.
- **not supported**: AWS's own error, by name (`UnsupportedOperation`, `InvalidAction`, `OperationNotPermitted` …), and nothing changes.
- **describes none**: the answer is an empty list, because there are none; clients look for such things before they delete others.

Members that no operation acts on are refused with an error that names them, and so is whatever a newer SDK brings. EC2 has more than 700
operations; listed are those that are answered and those that are refused by name. Every other one is answered with
`UnsupportedOperation`.
""",
    heading=("Operation", "Status", "Test", "Refused members"),
    status={
        "packets": "enforced by packets",
        "stored": "stored only",
        "answers": "answers only",
        "refused": "not supported",
        "empty": "describes none",
    },
    unproved="acted on, not seen in packets yet",
    none="–",
    stored="Stored without effect",
)
KOREAN = Words(
    title="작업(operation) 목록",
    introduction="""\
이 제품이 응답하는 AWS API 작업과, 각 호출의 효과, 그리고 그것을 보여 주는 테스트입니다. 이 문서는
[src/opengwlb/api/standing](../../src/opengwlb/api/standing)에서 `python -m tests.standing`이 만들며, 코드와 일치하는지 테스트가 확인합니다.

- **패킷으로 집행**: 이름이 적힌 테스트가 그 효과를 패킷에서, 또는 패킷이 지나는 상자 안에서 실행되는 것에서 확인합니다.
- **저장만**: AWS에서처럼 저장하고 다시 보여 줄 뿐 패킷에는 영향이 없습니다. 키 페어, DHCP 옵션, 태그뿐입니다.
- **응답만**: 조회하거나, 누가 무엇을 호출할 수 있는지를 결정합니다.
- **지원하지 않음**: AWS의 오류를 이름 그대로 돌려주고(`UnsupportedOperation`, `InvalidAction` …) 아무것도 바뀌지 않습니다.
- **없음을 응답**: 그런 리소스가 없으므로 빈 목록을 돌려줍니다. 클라이언트는 다른 것을 지우기 전에 이런 리소스를 찾아봅니다.

어떤 작업도 따르지 않는 멤버는 그 이름을 적은 오류로 거절하며, 더 새로운 SDK가 보내는 멤버도 마찬가지입니다.
EC2에는 700개가 넘는 작업이 있습니다. 여기에는 응답하는 것과 이름을 들어 거절하는 것만 적었고,
나머지는 모두 `UnsupportedOperation`으로 응답합니다.
""",
    heading=("작업", "상태", "테스트", "거절하는 멤버"),
    status={
        "packets": "패킷으로 집행",
        "stored": "저장만",
        "answers": "응답만",
        "refused": "지원하지 않음",
        "empty": "없음을 응답",
    },
    unproved="따르지만 아직 패킷으로 확인하지 않음",
    none="–",
    stored="효과 없이 저장되는 것",
)


def page(words: Words) -> str:
    """The whole document in one language."""
    return "\n".join([f"# {words.title}", "", words.introduction, *_sections(words)]) + "\n"


def _sections(words: Words) -> Iterator[str]:
    every = standings()
    for service, title in SERVICES.items():
        of_service = {operation: each for (known, operation), each in every.items() if known == service}
        listed: dict[str, Standing | None] = dict(of_service)
        if service in WHOLE:
            listed |= {name: listed.get(name) for name in service_of(service).model.operation_names}
        yield f"## {title}"
        yield ""
        yield "| " + " | ".join(words.heading) + " |"
        yield "| --- | --- | --- | --- |"
        for operation, standing in sorted(listed.items()):
            yield f"| {operation} | " + " | ".join(_row(standing, words)) + " |"
        yield ""
    yield f"## {words.stored}"
    yield ""
    for (_, operation), standing in sorted(every.items()):
        kept = sorted(path for path, kind in standing.members.items() if kind == "stored")
        if kept:
            yield f"- {operation}: {', '.join(f'`{path}`' for path in kept)}"


def _row(standing: Standing | None, words: Words) -> tuple[str, str, str]:
    if standing is None:
        return words.status["refused"], words.none, words.none
    status = words.status[standing.by]
    unproved = [path for path, kind in standing.members.items() if kind == "unproved"]
    if unproved:
        named = f"{words.unproved}: {', '.join(f'`{path}`' for path in unproved)}"
        status = f"{status}; {named}" if "packets" in standing.members.values() else named
    tests = [_linked(test) for test in standing.tests]
    tests += [f"`{path}`: {', '.join(_linked(test) for test in proof)}" for path, proof in standing.proof.items()]
    tests += [f"`{key}`: {', '.join(_linked(test) for test in proof)}" for key, proof in standing.keys.items() if proof]
    refused = [f"`{path}`" for path, kind in standing.members.items() if kind in ("refused", "refuses")]
    return status, "<br>".join(tests) or words.none, ", ".join(refused) or words.none


def _linked(test: str) -> str:
    (file, *_) = names.files_of(test)
    return f"[{test.rpartition('::')[2]}](../../{file})"
