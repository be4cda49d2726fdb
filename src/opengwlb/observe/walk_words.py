"""A walk's sentences, in English and Korean."""

from __future__ import annotations

from collections.abc import Mapping

from opengwlb.policy.lint import Language

SENTENCES: Mapping[str, Mapping[Language, str]] = {
    "no-reply": {"en": "No reply was seen.", "ko": "응답이 보이지 않았습니다."},
    "one-cookie": {
        "en": "One flow cookie both ways: {cookies}.",
        "ko": "양방향의 플로우 쿠키가 {cookies}(으)로 같습니다.",
    },
    "several-cookies": {
        "en": "The flow cookies are {cookies}, not one.",
        "ko": "플로우 쿠키가 하나가 아닙니다: {cookies}.",
    },
    "no-cookie": {
        "en": "The flow cookies are missing, not one.",
        "ko": "플로우 쿠키가 없습니다.",
    },
    "one-appliance": {
        "en": "Request and reply met the same appliance, {appliance}.",
        "ko": "요청과 응답이 같은 어플라이언스 {appliance}을(를) 지났습니다.",
    },
    "several-appliances": {
        "en": "Request and reply met different appliances: {appliances}.",
        "ko": "요청과 응답이 서로 다른 어플라이언스를 지났습니다: {appliances}.",
    },
    "endpoint-id": {
        "en": "The endpoint id in the GENEVE header is {endpoints}.",
        "ko": "GENEVE 헤더의 엔드포인트 ID는 {endpoints}입니다.",
    },
    "no-endpoint-id": {
        "en": "The endpoint id in the GENEVE header is missing.",
        "ko": "GENEVE 헤더에 엔드포인트 ID가 없습니다.",
    },
    "complete": {
        "en": "The {leg} was seen at all {steps} steps.",
        "ko": "{leg}이(가) {steps}단계 모두에서 보였습니다.",
    },
    "complete-as-watched": {
        "en": "The {leg} was seen at the {watched} of {steps} steps that you may watch.",
        "ko": "{leg}이(가) 전체 {steps}단계 중 볼 수 있는 {watched}단계 모두에서 보였습니다.",
    },
    "incomplete": {
        "en": "The {leg} was not seen at step {missing}: `gwlb drops` may say why.",
        "ko": "{leg}이(가) {missing}단계에서 보이지 않았습니다. `gwlb drops`에서 이유를 찾을 수 있습니다.",
    },
    "by-passed": {
        "en": "The {leg} went past the appliances: it met no endpoint on its way from {first} to {last}. {reason}",
        "ko": "{leg}이(가) 어플라이언스를 우회했습니다. {first}에서 {last}까지 가는 동안 엔드포인트를 만나지 않았습니다. {reason}",
    },
    "route-past": {
        "en": "{table} sends {destination} to {target}.",
        "ko": "{table}이(가) {destination}을(를) {target}(으)로 보냅니다.",
    },
    "no-edge-table": {
        "en": "{gateway} has no route table of its own, so it delivers to {destination} directly.",
        "ko": "{gateway}에 연결된 라우팅 테이블이 없어 {destination}(으)로 곧바로 전달합니다.",
    },
    "not-returned": {
        "en": "The appliance did not return the {leg}.",
        "ko": "어플라이언스가 {leg}을(를) 돌려주지 않았습니다.",
    },
    "unchanged": {
        "en": "The {leg} left the appliance byte for byte as it came (TTL aside).",
        "ko": "{leg}이(가) TTL을 제외하고 들어온 바이트 그대로 어플라이언스를 나왔습니다.",
    },
    "changed": {
        "en": "The appliance changed bytes of the {leg}.",
        "ko": "어플라이언스가 {leg}의 바이트를 바꿨습니다.",
    },
    "translated": {
        "en": "The internet gateway translated {old} to {new} in the {leg}.",
        "ko": "인터넷 게이트웨이가 {leg}의 {old}을(를) {new}(으)로 변환했습니다.",
    },
    "mss-lowered": {
        "en": "The endpoint lowered the segment size that the {leg} announces from {old} to {new}.",
        "ko": "엔드포인트가 {leg}이(가) 알리는 세그먼트 크기를 {old}에서 {new}(으)로 낮췄습니다.",
    },
    "ended-at-appliance": {
        "en": "{appliance} took the packet and did not return it: its own rules decide.",
        "ko": "{appliance}이(가) 패킷을 받고 돌려주지 않았습니다. 어플라이언스 자체의 규칙이 결정한 일입니다.",
    },
    "chosen-hash": {
        "en": "Chosen among the healthy targets by the hash of the flow.",
        "ko": "플로우의 해시에 따라 정상 대상 중에서 선택되었습니다.",
    },
    "chosen-fail-open": {
        "en": "Chosen by the hash of the flow among targets that failed their health checks, because none is healthy.",
        "ko": "정상 대상이 없어, 상태 확인에 실패한 대상 중에서 플로우의 해시에 따라 선택되었습니다.",
    },
    "chosen-adopted": {
        "en": "Chosen by the hash of the flow, for a TCP connection that began elsewhere.",
        "ko": "다른 곳에서 시작된 TCP 연결이므로 플로우의 해시에 따라 선택되었습니다.",
    },
    "chosen-rebalanced": {
        "en": "Chosen because its former target became unhealthy or was deregistered.",
        "ko": "이전 대상이 비정상이 되었거나 등록 취소되어 다시 선택되었습니다.",
    },
}
"""Code -> sentence."""

LEGS: Mapping[str, Mapping[Language, str]] = {
    "request": {"en": "request", "ko": "요청"},
    "reply": {"en": "reply", "ko": "응답"},
}
_NUMBERS = {6: "six", 7: "seven", 8: "eight"}


def say(code: str, language: Language, **values: object) -> str:
    """The sentence, with `leg` by its name in the language and `steps` in words where the language writes them so."""
    if "leg" in values:
        values["leg"] = LEGS[str(values["leg"])][language]
    if language == "en" and isinstance(steps := values.get("steps"), int):
        values["steps"] = _NUMBERS.get(steps, steps)
    return SENTENCES[code][language].format(**values)
