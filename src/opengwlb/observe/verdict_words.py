"""The verdicts' sentences in Korean. The English ones are those of bpf/shared/verdicts.h; a test holds the two to each other."""

from __future__ import annotations

from collections.abc import Mapping

from opengwlb.policy.lint import Language

KOREAN: Mapping[str, str] = {
    "eni_forwarded": "VPC 라우터가 전달했습니다.",
    "arp_answered": "서브넷 주소에 대한 ARP 요청에 VPC 라우터가 응답했습니다.",
    "to_router": "라우터 자신에게 온 패킷이거나 커널이 응답해야 하는 프로토콜입니다.",
    "to_service": "인스턴스가 메타데이터 서비스나 이름 서버로 보낸 패킷입니다.",
    "eni_not_configured": "포트에 아직 설정이 없습니다. 만들어지는 동안에는 잠시 정상입니다.",
    "malformed": "올바른 형식의 IP 패킷이 아닙니다.",
    "source_check": "출발지 주소가 네트워크 인터페이스의 것이 아닙니다. 트래픽을 전달하는 인터페이스라면 소스/대상 확인을 끄세요.",
    "dest_check": "대상 주소가 패킷이 라우팅된 네트워크 인터페이스의 것이 아닙니다. 그 인터페이스의 소스/대상 확인을 끄세요.",
    "ttl_exceeded": "TTL이 다했습니다. 많이 보이면 엔드포인트의 서브넷이 같은 엔드포인트로 되돌려 보내는 것과 같은 라우팅 루프입니다.",
    "no_route": "라우팅 테이블에 대상으로 가는 경로가 없습니다.",
    "route_blackhole": "경로의 대상이 사라졌습니다. 경로의 상태는 blackhole입니다.",
    "no_such_address": "대상이 VPC 안에 있지만 그 주소를 가진 네트워크 인터페이스가 없습니다.",
    "mtu_exceeded": "다음 링크의 MTU보다 큽니다.",
    "not_unicast": "멀티캐스트, 브로드캐스트 또는 링크 로컬 패킷입니다. VPC는 이를 전달하지 않습니다.",
    "ipv6_not_enabled": "VPC, 로드 밸런서 또는 엔드포인트에서 IPv6를 사용하지 않습니다.",
    "not_ip": "IP도 ARP도 아닙니다. VPC는 이를 전달하지 않습니다.",
    "fib_error": "커널의 경로 조회가 실패했습니다. 알려 주세요.",
    "arp_unanswered": "서브넷의 다른 주소를 묻는 요청이 아닌 ARP입니다.",
    "neighbour_answered": "서브넷 주소에 대한 이웃 요청에 VPC 라우터가 응답했습니다.",
    "neighbour_unanswered": "서브넷의 다른 주소를 묻는 요청이 아닌 이웃 탐색 패킷입니다.",
    "service_not_here": "VPC의 이름 서버나 인스턴스 메타데이터로 보냈지만, 이 VPC의 인스턴스가 자신의 주소로 보낸 것이 아닙니다.",
    "igw_out": "인터넷으로 나갔습니다. IPv4는 퍼블릭 주소로 바뀌고 IPv6는 그대로입니다.",
    "igw_in": "인터넷에서 들어왔습니다. IPv4는 프라이빗 주소로 바뀌고 IPv6는 그대로입니다.",
    "igw_no_public_address": "보낸 쪽에 퍼블릭 IPv4 주소가 없거나 그 IPv6 주소를 가진 인터페이스가 없어, 응답이 돌아올 수 없습니다.",
    "igw_unknown_address": "인터넷에서 왔지만 대상 주소를 가진 네트워크 인터페이스가 없습니다.",
    "encapsulated": "GENEVE로 감싸 대상에 보냈습니다.",
    "endpoint_not_configured": "엔드포인트가 아직, 또는 더 이상 서비스 중이 아닙니다.",
    "endpoint_malformed": "올바른 형식의 IP 패킷이 아닙니다.",
    "endpoint_not_forwardable": "ARP, 이웃 탐색, 멀티캐스트 또는 링크 로컬 패킷은 터널에 들어가지 않습니다.",
    "no_targets": "새 플로우를 받을 대상이 없습니다. 영역에 리스너나 등록된 대상이 없습니다.",
    "tcp_no_flow": "알려진 플로우가 없는데 SYN이 아닌 TCP 패킷입니다. 플로우가 만료되었거나 다른 곳에서 시작되었습니다.",
    "flow_table_full": "플로우 테이블에 새 플로우를 위한 자리가 없습니다.",
    "inner_too_big": "Gateway Load Balancer가 전달하는 최대 크기인 8500바이트보다 큽니다.",
    "encap_failed": "커널이 GENEVE 헤더를 붙이지 못했습니다. 알려 주세요.",
    "fragment_no_flow": "TCP 또는 확장 헤더가 있는 IPv6의 뒤쪽 조각이, 플로우를 알려 주는 첫 조각보다 먼저 왔습니다.",
    "endpoint_ipv6_not_enabled": "dualstack이 아닌 엔드포인트를 지나는 IPv6 패킷입니다.",
    "underlay_mtu_exceeded": "GENEVE 헤더를 더하면 대상으로 가는 링크보다 큽니다.",
    "too_big_answered": "8500바이트보다 커서, 더 작은 패킷을 보내라고 보낸 쪽에 ICMP로 알렸습니다.",
    "new_flow_limit": "한 CPU가 1초에 열 수 있는 수보다 새 플로우가 많습니다. 알려진 플로우는 계속됩니다.",
    "tcp_reset_unknown": "알려진 플로우가 없는데 SYN이 아닌 TCP 패킷이어서 리셋으로 응답했습니다.",
    "tcp_reset_unhealthy": "대상이 비정상인 플로우의 TCP 패킷이어서 리셋으로 응답했습니다.",
    "tcp_reset_deregistered": "대상이 등록 취소된 플로우의 TCP 패킷이어서 리셋으로 응답했습니다.",
    "decapsulated": "대상에서 돌아와 엔드포인트로 나갔습니다.",
    "not_geneve": "GENEVE가 아닙니다. 로드 밸런서 자체의 스택이 받는 상태 확인과 ARP입니다.",
    "return_bad_outer": "돌아온 패킷의 외부 IP 또는 UDP 헤더가 올바르지 않거나 길이가 서로 맞지 않습니다.",
    "return_fragment": "돌아온 패킷이 IP 조각으로 나뉘어 있습니다. 대상의 터널은 조각내지 않아야 합니다.",
    "return_wrong_node": "돌아온 패킷이 노드가 아닌 주소로 보내졌습니다. 외부 주소가 서로 바뀌지 않았습니다.",
    "return_unknown_target": "어느 로드 밸런서의 대상도 아닌 주소에서 돌아왔습니다.",
    "return_bad_geneve": "돌아온 패킷의 GENEVE 헤더에 버전, 길이, 프로토콜 또는 옵션이 잘못되었습니다.",
    "return_unknown_endpoint": "엔드포인트 ID 옵션이 없거나 이 로드 밸런서의 엔드포인트가 아닙니다.",
    "return_bad_cookie": "플로우 쿠키 옵션이 없거나 그 플로우의 것이 아닙니다.",
    "return_no_flow": "돌아온 패킷의 플로우를 알지 못합니다. 만료되었거나 있었던 적이 없습니다.",
    "return_wrong_target": "이 플로우가 주어지지 않은 대상에서 돌아왔습니다.",
    "return_bad_inner": "돌아온 패킷의 내부 패킷이 올바른 형식의 IP 패킷이 아닙니다.",
    "decap_failed": "커널이 GENEVE 헤더를 떼어내지 못했습니다. 알려 주세요.",
    "return_mtu_exceeded": "돌아온 패킷의 내부 패킷이 엔드포인트의 링크보다 큽니다.",
    "target_not_configured": "노드가 아직, 또는 더 이상 서비스 중이 아닙니다.",
    "return_congestion_mark": "돌아온 패킷의 외부 헤더가 혼잡을 표시하지만, 보낸 쪽의 패킷이 ECN이 아니어서 이를 알 수 없습니다.",
    "return_too_big": "돌아온 패킷의 내부 패킷이 8500바이트보다 큽니다.",
    "decapsulated_changed": "플로우와 다른 내부 주소나 포트로 대상에서 돌아와 엔드포인트로 나갔습니다.",
    "inspector_returned": "검사하고 로드 밸런서로 돌려보냈습니다.",
    "inspector_denied": "검사기의 규칙이 거부했습니다.",
    "inspector_not_geneve": "GENEVE가 아닙니다. 어플라이언스 자체의 스택이 받는 상태 확인과 관리 트래픽입니다.",
    "inspector_malformed": "Gateway Load Balancer가 보내는 형식의 GENEVE 패킷이 아닙니다.",
    "chaos_lost": "일부러 없앴습니다. 이 대상에 chaos가 요청되었습니다.",
    "chaos_queue_full": "일부러 붙잡아 둘 패킷이었지만 chaos가 이미 최대한 붙잡고 있습니다.",
    "uplink_in": "이 컴퓨터의 NIC를 통해 그 뒤의 VPC로 들어왔습니다.",
    "uplink_out": "이 컴퓨터의 NIC를 통해 VPC에서 나갔습니다.",
    "uplink_not_configured": "업링크가 아직, 또는 더 이상 서비스 중이 아닙니다.",
    "security_group_egress": "보내는 네트워크 인터페이스의 보안 그룹에 이를 허용하는 아웃바운드 규칙이 없고, 응답도 아닙니다.",
    "security_group_ingress": "받는 네트워크 인터페이스의 보안 그룹에 이를 허용하는 인바운드 규칙이 없고, 응답도 아닙니다.",
    "network_acl_egress": "패킷이 나가는 서브넷의 네트워크 ACL이 아웃바운드로 거부합니다.",
    "network_acl_ingress": "패킷이 들어가는 서브넷의 네트워크 ACL이 인바운드로 거부합니다.",
    "tracking_full": "보안 그룹이 기억해야 하는 새 플로우를 위한 자리가 없습니다. 인터페이스에 열린 플로우가 너무 많습니다.",
    "rules_missing": "인터페이스의 보안 그룹이나 네트워크 ACL이 너무 커서 담을 수 없습니다. 맞게 줄일 때까지 아무것도 지나지 못합니다.",
}
"""Name -> sentence."""

KOREAN_STACKS: Mapping[str, str] = {
    "device_tx_dropped": "장치가 보내지 못했습니다. 큐가 가득 찼거나 패킷이 링크의 MTU보다 컸습니다.",
    "ip_in_discards": "박스의 스택에 받을 자리가 없었습니다.",
    "ip_in_header_errors": "박스의 스택이 보기에 IP 헤더가 잘못되었거나 TTL이 다했습니다.",
    "ip_in_address_errors": "박스의 스택이 패킷의 대상이 아닙니다.",
    "ip_out_discards": "박스의 스택이 보내지 못했습니다. 자리가 없거나 이웃을 찾지 못했습니다.",
    "ip_out_no_routes": "박스의 스택에 보낼 경로가 없었습니다.",
}
"""The same for `drops.STACK_SENTENCES`."""


def sentence(name: str, english: str, language: Language) -> str:
    """A verdict's sentence, or that of what a stack threw away; `english` is as its maker says it."""
    return (KOREAN.get(name) or KOREAN_STACKS.get(name, english)) if language == "ko" else english
