"""The sentences of `reach`, in English and Korean, beside the verdicts' own."""

from __future__ import annotations

from collections.abc import Mapping

from opengwlb.policy.lint import Language

SENTENCES: Mapping[str, Mapping[Language, str]] = {
    "symmetric": {
        "en": "Reachable both ways. Both directions meet the same appliance{appliance}. What it lets through is its own decision, "
        "which was not asked.",
        "ko": "양방향으로 도달할 수 있습니다. 두 방향이 같은 어플라이언스{appliance}를 지납니다. "
        "통과 여부는 어플라이언스가 직접 결정하며 여기서는 확인하지 않았습니다.",
    },
    "asymmetric": {
        "en": "Reachable both ways, but the two directions do not meet the same flow at the same appliance: stateful "
        "inspection will see only half of it.",
        "ko": "양방향으로 도달할 수 있지만, 두 방향이 같은 어플라이언스의 같은 플로우를 지나지 않아, 상태 기반 검사가 절반만 봅니다.",
    },
    "by-passes": {
        "en": "Reachable both ways, but it by-passes the appliances: no endpoint is on the way.",
        "ko": "양방향으로 도달할 수 있지만 어플라이언스를 우회합니다. 경로에 엔드포인트가 없습니다.",
    },
    "by-passes-half": {
        "en": "Reachable both ways, but one direction by-passes the appliances: no endpoint is on its way.",
        "ko": "양방향으로 도달할 수 있지만 한 방향이 어플라이언스를 우회합니다. 그 경로에 엔드포인트가 없습니다.",
    },
    "one-way": {
        "en": "Arrives. Nothing was asked about the way back: the VPC itself, or what is behind an uplink, answers.",
        "ko": "도달합니다. VPC 자체나 업링크 뒤의 장치가 응답하므로 돌아오는 경로는 확인하지 않았습니다.",
    },
    "blocked-forward": {
        "en": "Not reachable: the request ends at {at}. {sentence}",
        "ko": "도달할 수 없습니다. 요청이 {at}에서 끝납니다. {sentence}",
    },
    "blocked-back": {
        "en": "Not reachable: the request arrives, but the answer ends at {at}. {sentence}",
        "ko": "도달할 수 없습니다. 요청은 도달하지만 응답이 {at}에서 끝납니다. {sentence}",
    },
    "blocked-back-past": {
        "en": "Not reachable: the request by-passes the appliances, and the answer ends at {at}. {sentence}",
        "ko": "도달할 수 없습니다. 요청은 어플라이언스를 우회해 도달하지만 응답이 {at}에서 끝납니다. {sentence}",
    },
    "blocked-hidden": {
        "en": "Not reachable: it ends where another account decides.",
        "ko": "도달할 수 없습니다. 다른 계정이 결정하는 곳에서 끝납니다.",
    },
    "routed": {"en": "By {table}, to {to}.", "ko": "{table}에 따라 {to}(으)로 보냅니다."},
    "routed-to": {"en": "To {to}.", "ko": "{to}(으)로 보냅니다."},
    "refused-table": {"en": "By {table}.", "ko": "{table}에 따른 결과입니다."},
    "flow": {"en": "Known flow, cookie {cookie}.", "ko": "알려진 플로우이며 쿠키는 {cookie}입니다."},
    "maglev": {
        "en": "New flow, target by its hash, cookie {cookie}.",
        "ko": "새 플로우이며 해시로 대상을 정했습니다. 쿠키는 {cookie}입니다.",
    },
    "fail-open": {
        "en": "New flow, target by its hash; no target is healthy, so all that failed are used. Cookie {cookie}.",
        "ko": "새 플로우이며 해시로 대상을 정했습니다. 정상 대상이 없어 실패한 대상을 모두 사용합니다. 쿠키는 {cookie}입니다.",
    },
    "target": {"en": "To {target} ({address}).", "ko": "대상은 {target}({address})입니다."},
    "returned": {
        "en": "{at} is taken to return it as it is.",
        "ko": "{at}이(가) 패킷을 그대로 돌려준다고 가정합니다.",
    },
    "delivered": {"en": "Arrives at {at}.", "ko": "{at}에 도달합니다."},
    "groups-refuse": {
        "en": "None of {groups} of {interface} allows {asked}.",
        "ko": "{interface}의 보안 그룹 {groups} 중 어느 것도 {asked}을(를) 허용하지 않습니다.",
    },
    "acl-refuses": {"en": "In {acl} {entry} denies {asked}.", "ko": "{acl}의 {entry}이(가) {asked}을(를) 거부합니다."},
    "routing": {"en": "{at} decides by its routes.", "ko": "{at}의 경로에 따라 결정됩니다."},
}
"""Code -> sentence. `flow`, `maglev` and `fail-open` are what an endpoint chose by."""


def say(code: str, language: Language, **values: object) -> str:
    return SENTENCES[code][language].format(**values)
