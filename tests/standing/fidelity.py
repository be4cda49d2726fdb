"""docs/*/fidelity.md, from docs/ledger/fidelity.toml: every behaviour, how sure we are that AWS has it too, and the test that holds it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from . import names

SOURCE = names.ROOT / "docs/ledger/fidelity.toml"
KINDS = ("documented", "observed", "inferred", "unknown", "ours")


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    id: str
    area: str
    en: str
    ko: str
    standing: str
    """One of KINDS."""
    source: str
    """Where AWS or others say it: a page of the user guide, a model, a decision record, a public repository."""
    tests: tuple[str, ...]


@cache
def behaviours() -> tuple[Behaviour, ...]:
    return tuple(_read())


def _read() -> Iterator[Behaviour]:
    """Rows are `id = [standing, source, English, Korean, tests …]`, grouped by area; so a row is one line."""
    ledger = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
    for area, rows in ledger.items():
        for key, (standing, source, en, ko, *tests) in rows.items():
            yield Behaviour(
                id=f"{area}.{key}", area=area, en=en, ko=ko, standing=standing, source=source, tests=tuple(tests)
            )


@dataclass(frozen=True, kw_only=True)
class Words:
    title: str
    introduction: str
    korean: bool
    heading: tuple[str, ...]
    standing: Mapping[str, str]
    areas: Mapping[str, str]
    untested: str
    none: str
    counted: str


ENGLISH = Words(
    title="How sure we are: the fidelity ledger",
    introduction="""\
What passes here, does it pass on AWS? Each row is one behaviour of a Gateway Load Balancer or of the API around it, how we know that AWS
behaves so, and the test that holds this product to it. The page is made from [docs/ledger/fidelity.toml](../ledger/fidelity.toml) by
`python -m tests.standing`. [`gwlb parity`](parity.md) records the same scenario here and on AWS and compares.

- **documented**: AWS says it, in a guide or in the service's model; the source is named.
- **observed**: others have seen it on AWS and published it; AWS does not say it.
- **inferred**: follows from what is documented or observed, and nobody has published a measurement.
- **unknown**: AWS says nothing; what happens here is our decision, with its reason in a decision record.
- **ours**: AWS is known to do otherwise or has no such thing, and we differ on purpose.
""",
    korean=False,
    heading=("Behaviour", "Standing", "Source", "Test"),
    standing={kind: kind for kind in KINDS},
    areas={
        "wire": "GENEVE on the wire",
        "return": "What an appliance returns",
        "size": "Sizes and fragments",
        "flow": "Flows",
        "sticky": "Stickiness and selection",
        "failover": "Failover and deregistration",
        "health": "Health checks",
        "elb": "ELBv2's API",
        "endpoint": "Endpoint services and endpoints",
        "route": "Routing",
        "vpc": "VPCs, interfaces, addresses",
        "guard": "Security groups, network ACLs, source checks",
        "flowlog": "Flow logs",
        "instance": "Instances",
        "metrics": "Metrics",
        "api": "The API as a whole",
        "odd": "Odd packets",
        "beyond": "Beyond AWS",
    },
    untested="Rows without a test",
    none="none",
    counted="{rows} behaviours: {counts}. {tested} have a test.",
)
KOREAN = Words(
    title="얼마나 확실한가: 충실도 장부",
    introduction="""\
여기서 통과하면 AWS에서도 통과할까요? 각 줄은 Gateway Load Balancer 또는 그 주변 API의 동작 하나와,
AWS가 그렇게 동작한다는 근거, 그리고 이 제품이 그 동작을 지키는지 확인하는 테스트입니다. 이 문서는
[docs/ledger/fidelity.toml](../ledger/fidelity.toml)에서 `python -m tests.standing`이 만듭니다.
[`gwlb parity`](parity.md)는 같은 시나리오를 여기와 AWS에서 기록해 비교합니다.

- **문서화됨**: AWS가 안내서나 서비스 모델에서 말합니다. 출처를 적었습니다.
- **관찰됨**: 다른 사람들이 AWS에서 보고 공개했습니다. AWS는 말하지 않습니다.
- **추론**: 문서나 관찰에서 따라 나오지만, 측정을 공개한 사람은 없습니다.
- **알 수 없음**: AWS가 아무 말도 하지 않습니다. 여기서의 동작은 우리의 결정이며 이유는 결정 기록에 있습니다.
- **독자적**: AWS가 다르게 동작하거나 그런 것이 없음을 알고, 일부러 다르게 했습니다.
""",
    korean=True,
    heading=("동작", "근거", "출처", "테스트"),
    standing={
        "documented": "문서화됨",
        "observed": "관찰됨",
        "inferred": "추론",
        "unknown": "알 수 없음",
        "ours": "독자적",
    },
    areas={
        "wire": "GENEVE 패킷 형식",
        "return": "어플라이언스가 돌려주는 것",
        "size": "크기와 단편",
        "flow": "플로",
        "sticky": "고정(stickiness)과 대상 선택",
        "failover": "장애 조치와 등록 취소",
        "health": "상태 확인",
        "elb": "ELBv2 API",
        "endpoint": "엔드포인트 서비스와 엔드포인트",
        "route": "라우팅",
        "vpc": "VPC, 인터페이스, 주소",
        "guard": "보안 그룹, 네트워크 ACL, 소스 확인",
        "flowlog": "플로 로그",
        "instance": "인스턴스",
        "metrics": "지표",
        "api": "API 전반",
        "odd": "드문 패킷",
        "beyond": "AWS에 없는 것",
    },
    untested="테스트가 없는 줄",
    none="없음",
    counted="동작 {rows}개: {counts}. 테스트가 있는 것 {tested}개.",
)


def page(words: Words) -> str:
    """The whole document in one language; rows without a test come first."""
    rows = behaviours()
    counts = ", ".join(
        f"{words.standing[kind]} {sum(row.standing == kind for row in rows)}"
        for kind in KINDS
        if any(row.standing == kind for row in rows)
    )
    said = words.counted.format(rows=len(rows), counts=counts, tested=sum(bool(row.tests) for row in rows))
    lines = [f"# {words.title}", "", words.introduction, said, ""]
    lines += _table(words.untested, [row for row in rows if not row.tests], words)
    for area in dict.fromkeys(row.area for row in rows):
        lines += _table(words.areas[area], [row for row in rows if row.area == area and row.tests], words)
    return "\n".join(lines).rstrip() + "\n"


def _table(title: str, rows: list[Behaviour], words: Words) -> Iterator[str]:
    if not rows:
        return
    yield f"## {title}"
    yield ""
    yield "| " + " | ".join(words.heading) + " |"
    yield "| --- | --- | --- | --- |"
    for row in rows:
        text = row.ko if words.korean else row.en
        tests = "<br>".join(_linked(test) for test in row.tests) or words.none
        yield f"| {text} | {words.standing[row.standing]} | {row.source} | {tests} |"
    yield ""


def _linked(test: str) -> str:
    (file, *_) = names.files_of(test)
    return f"[{test.rpartition('::')[2]}](../../{file})"
