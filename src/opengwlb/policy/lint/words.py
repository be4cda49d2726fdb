"""The checker's sentences, in English and Korean. `values` of a finding fill the places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from .finding import Finding

Language = Literal["en", "ko"]

SENTENCES: Mapping[str, Mapping[Language, str]] = {
    "endpoint-loop": {
        "en": "Packets for {destination} that leave {endpoint} inspected are sent back to it by the table of its "
        "own subnet, until their TTL is used up. Give the endpoint a subnet of its own, with a table that "
        "leads onward.",
        "ko": "검사를 마치고 {endpoint}에서 나온 {destination}행 패킷이, 엔드포인트가 있는 "
        "서브넷의 라우팅 테이블 때문에 TTL이 다할 때까지 같은 엔드포인트로 되돌아갑니다. 엔드포인트를 "
        "별도의 서브넷에 두고, 그 테이블이 바깥으로 향하게 하세요.",
    },
    "edge-route-missing": {
        "en": "{subnet} ({cidr}) sends its traffic out through {endpoint}, but {gateway} delivers to it directly: "
        "what comes in is not inspected, and answers meet no flow. The gateway's route table must send {cidr} "
        "to {endpoint}.",
        "ko": "{subnet}({cidr})의 나가는 트래픽은 {endpoint}를 거치지만, 들어오는 트래픽은 "
        "{gateway}가 곧바로 전달합니다. 들어오는 패킷은 검사되지 않고 응답은 플로우를 찾지 못합니다. "
        "게이트웨이 라우팅 테이블에서 {cidr}을(를) {endpoint}로 보내야 합니다.",
    },
    "return-route-missing": {
        "en": "{gateway} sends what comes for {subnet} ({cidr}) through {endpoint}, but the subnet's own table does "
        "not lead back there: answers by-pass inspection.",
        "ko": "{gateway}는 {subnet}({cidr})행 트래픽을 {endpoint}로 보내지만, 서브넷의 "
        "라우팅 테이블은 그 엔드포인트로 되돌려 보내지 않습니다. 응답이 검사를 우회합니다.",
    },
    "directions-differ": {
        "en": "What comes in for {subnet} goes through {inbound}, what leaves it through {outbound}: the two "
        "directions meet different flows, and mostly different appliances.",
        "ko": "{subnet}(으)로 들어오는 트래픽은 {inbound}, 나가는 트래픽은 {outbound}를 "
        "지납니다. 두 방향이 서로 다른 플로우가 되어 대개 다른 어플라이언스를 만납니다.",
    },
    "dead-end": {
        "en": "What {endpoint} inspected for {destination} finds no route in the table of its subnet and is dropped.",
        "ko": "{endpoint}에서 검사를 마친 {destination}행 패킷은 엔드포인트 서브넷의 테이블에 경로가 없어 폐기됩니다.",
    },
    "blackhole-route": {
        "en": "The route {destination} leads to {target}, which is gone or not ready: its packets are dropped.",
        "ko": "{destination} 경로의 대상 {target}이(가) 없거나 준비되지 않아 패킷이 폐기됩니다.",
    },
    "listener-missing": {
        "en": "The load balancer {name} has no listener: it knows no target group, and drops every new flow.",
        "ko": "로드 밸런서 {name}에 리스너가 없습니다. 대상 그룹을 알지 못하므로 새 플로우를 모두 폐기합니다.",
    },
    "no-targets": {
        "en": "The target group {name} has no registered target: every new flow is dropped.",
        "ko": "대상 그룹 {name}에 등록된 대상이 없어 새 플로우가 모두 폐기됩니다.",
    },
    "zone-without-target": {
        "en": "The load balancer {name} has no target in {zone}, and cross-zone load balancing is off: endpoints of "
        "that zone drop every new flow.",
        "ko": "로드 밸런서 {name}은(는) {zone}에 대상이 없고 교차 영역 로드 밸런싱이 꺼져 있습니다. "
        "그 영역의 엔드포인트는 새 플로우를 모두 폐기합니다.",
    },
    "zone-with-one-target": {
        "en": "The load balancer {name} has one target in {zone}: when it fails, the zone has none.",
        "ko": "로드 밸런서 {name}의 {zone}에는 대상이 하나뿐입니다. 이 대상이 실패하면 영역에 대상이 남지 않습니다.",
    },
    "target-zone-disabled": {
        "en": "The target {target} is in {zone}, where the load balancer {name} is not enabled: it is not used.",
        "ko": "대상 {target}은(는) {zone}에 있지만 로드 밸런서 {name}은(는) 그 영역을 사용하지 "
        "않습니다. 대상이 쓰이지 않습니다.",
    },
    "endpoint-not-accepted": {
        "en": "The endpoint {endpoint} is {state}: it carries no packet until the provider of {service} accepts it.",
        "ko": "엔드포인트 {endpoint}의 상태는 {state}입니다. {service}의 제공자가 수락할 "
        "때까지 패킷을 나르지 않습니다.",
    },
    "health-says-nothing": {
        "en": "The health check of {name} only opens a TCP connection to port {port}: it passes on an appliance "
        "whose data path is dead. Check a page that asks the data path (HTTP).",
        "ko": "{name}의 상태 확인은 포트 {port}에 TCP 연결만 맺습니다. 데이터 경로가 죽은 "
        "어플라이언스에서도 통과합니다. 데이터 경로를 확인하는 페이지(HTTP)를 검사하세요.",
    },
    "group-closed": {
        "en": "No security group of {target} ({groups}) lets in {protocol} {port} from the load balancer's "
        "{source}: {consequence}.",
        "ko": "{target}의 보안 그룹({groups})이 로드 밸런서 {source}에서 오는 "
        "{protocol} {port}을(를) 허용하지 않습니다: {consequence}.",
    },
    "group-closed-out": {
        "en": "No security group of {target} ({groups}) lets out UDP 6081 to the load balancer's {source}: it "
        "cannot return packets.",
        "ko": "{target}의 보안 그룹({groups})이 로드 밸런서 {source}(으)로 나가는 UDP "
        "6081을 허용하지 않아 패킷을 돌려줄 수 없습니다.",
    },
    "acl-closed": {
        "en": "The network ACL {acl} of {subnet} refuses {protocol} {port} from the load balancer's {source}: "
        "{consequence}.",
        "ko": "{subnet}의 네트워크 ACL {acl}이(가) 로드 밸런서 {source}에서 오는 "
        "{protocol} {port}을(를) 거부합니다: {consequence}.",
    },
    "mtu-too-small": {
        "en": "{device} has an MTU of {mtu} bytes: with GENEVE's 68 bytes, packets of customers above {largest} "
        "bytes do not reach the targets behind it.",
        "ko": "{device}의 MTU는 {mtu}바이트입니다. GENEVE 68바이트를 더하면 "
        "{largest}바이트보다 큰 고객 패킷이 그 뒤의 대상에 닿지 못합니다.",
    },
}
"""Code -> sentence."""

CONSEQUENCES: Mapping[str, Mapping[Language, str]] = {
    "no-traffic": {"en": "it gets no traffic", "ko": "트래픽을 받지 못합니다"},
    "no-health": {"en": "its health checks fail", "ko": "상태 확인이 실패합니다"},
}


def sentence(finding: Finding, language: Language = "en") -> str:
    values = dict(finding.values)
    if "consequence" in values:
        values["consequence"] = CONSEQUENCES[values["consequence"]][language]
    return SENTENCES[finding.code][language].format(**values)
