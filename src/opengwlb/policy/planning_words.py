"""The sentences of a plan, in English and Korean. `values` of a reason fill the places."""

from __future__ import annotations

from collections.abc import Mapping

from .lint import Language
from .planning import Reason

SENTENCES: Mapping[str, Mapping[Language, str]] = {
    "new-flows-only": {
        "en": "Live flows keep their target for as long as they live; only new flows go by the new rule.",
        "ko": "활성 플로우는 끝날 때까지 대상을 유지하고, 새 플로우만 새 규칙을 따릅니다.",
    },
    "rebalances": {
        "en": "target_failover.on_deregistration is rebalance: flows move when the delay of {delay_s} s ends.",
        "ko": "target_failover.on_deregistration이 rebalance이므로 등록 취소 지연 시간 {delay_s}초가 끝나면 플로우가 다른 대상으로 "
        "이동합니다.",
    },
    "resets": {
        "en": "send_tcp_reset.on_deregistration.enabled is true: after the delay of {delay_s} s the next packet of a TCP flow "
        "is answered with a reset; other flows stay.",
        "ko": "send_tcp_reset.on_deregistration.enabled가 true이므로 등록 취소 지연 시간 {delay_s}초 후 TCP 플로우의 다음 패킷에 "
        "RST로 응답합니다. 다른 플로우는 유지됩니다.",
    },
    "stays": {
        "en": "target_failover.on_deregistration is no_rebalance: flows stay for as long as they are active, also after the "
        "delay of {delay_s} s. They break when the target itself goes away.",
        "ko": "target_failover.on_deregistration이 no_rebalance이므로 등록 취소 지연 시간 {delay_s}초가 지나도 활성 플로우는 "
        "유지됩니다. 대상 자체가 사라지면 끊어집니다.",
    },
    "zone-leaves": {
        "en": "Deregisters {targets}: a zone itself cannot be taken from a load balancer.",
        "ko": "{targets}의 등록을 취소합니다. 로드 밸런서에서 가용 영역 자체를 뺄 수는 없습니다.",
    },
    "same-key": {"en": "The flow key stays the same.", "ko": "플로우 키는 그대로입니다."},
    "other-key": {
        "en": "Flows are found by another key: those that are live are not found any more.",
        "ko": "플로우를 다른 키로 찾으므로 지금 활성인 플로우는 더 이상 찾을 수 없습니다.",
    },
    "not-foretold": {
        "en": "Which target those get that begin anew is not foretold.",
        "ko": "새로 시작하는 플로우가 어느 대상으로 갈지는 미리 알 수 없습니다.",
    },
    "adopts": {
        "en": "opengwlb.adopt.enabled is true: an established TCP connection begins anew with its next packet.",
        "ko": "opengwlb.adopt.enabled가 true이므로 연결된 TCP는 다음 패킷으로 새 플로우를 시작합니다.",
    },
    "no-syn": {
        "en": "An established TCP connection cannot begin anew without a SYN: it breaks. AWS says to drain first.",
        "ko": "연결된 TCP는 SYN 없이 새로 시작할 수 없어 끊어집니다. AWS는 먼저 드레이닝하라고 안내합니다.",
    },
    "idle-timeout": {
        "en": "tcp.idle_timeout.seconds is {idle_s} but holds only without stickiness: it will be 350.",
        "ko": "tcp.idle_timeout.seconds가 {idle_s}이지만 고정성이 없을 때만 적용되므로 350이 됩니다.",
    },
    "zone-without-target": {
        "en": "New flows of {zone} will be dropped: no target is left for them.",
        "ko": "{zone}의 새 플로우는 보낼 대상이 없어 폐기됩니다.",
    },
    "zone-fails-open": {
        "en": "New flows of {zone} will go to unhealthy targets (fail open): no healthy one is left for them.",
        "ko": "{zone}에 정상 대상이 없어 새 플로우를 비정상 대상으로 보냅니다(페일 오픈).",
    },
}


def say(reason: Reason, language: Language) -> str:
    return SENTENCES[reason.code][language].format(**reason.values)
