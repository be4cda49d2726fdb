/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What became of a packet. One line each: number, name, kind, sentence.
 *
 * The kernel counts by number; Python reads this very file (dataplane/verdicts.py), so the same sentence is the metric's help, the
 * CLI's output and the console's tooltip. A number is never given out twice. The name is what people see: lower case, no prefix.
 * Kinds: PASS went on, REPLY was answered by the program itself, STACK was handed to the kernel on purpose, DROP ended here.
 */
#ifndef OPENGWLB_VERDICTS_H
#define OPENGWLB_VERDICTS_H

#define VERDICTS(V)                                                                                                            \
	/* VPC router: eni.bpf.c */                                                                                            \
	V(1, eni_forwarded, PASS, "Routed by the VPC router.")                                                                 \
	V(2, arp_answered, REPLY, "An ARP request for an address of the subnet, answered by the VPC router.")                  \
	V(3, to_router, STACK, "Addressed to the router itself, or a protocol the kernel must answer.")                        \
	V(4, to_service, STACK, "From an instance to its metadata service or name server.")                                    \
	V(10, eni_not_configured, DROP, "The port has no configuration yet: normal for a moment while it is being made.")      \
	V(11, malformed, DROP, "Not a well-formed IP packet.")                                                                 \
	V(12, source_check, DROP,                                                                                              \
	  "The source address is not the network interface's own: turn its source/dest check off if it forwards traffic.")     \
	V(13, dest_check, DROP,                                                                                                \
	  "The destination is not an address of the network interface it was routed to: turn source/dest check off there.")    \
	V(14, ttl_exceeded, DROP, "The TTL ran out. Many of these mean a routing loop, such as an endpoint's subnet routed "   \
				  "back to the same endpoint.")                                                                \
	V(15, no_route, DROP, "The route table has no route for the destination.")                                             \
	V(16, route_blackhole, DROP, "The route's target is gone: the route is in state blackhole.")                           \
	V(17, no_such_address, DROP, "The destination is inside the VPC but no network interface has that address.")           \
	V(18, mtu_exceeded, DROP, "Larger than the next link's MTU.")                                                          \
	V(19, not_unicast, DROP, "Multicast, broadcast or link-local: a VPC does not carry it.")                               \
	V(20, ipv6_not_enabled, DROP, "IPv6 in a VPC, load balancer or endpoint without IPv6.")                                \
	V(21, not_ip, DROP, "Neither IP nor ARP: a VPC does not carry it.")                                                    \
	V(22, fib_error, DROP, "The kernel's route look-up failed: please report it.")                                         \
	V(23, arp_unanswered, DROP, "ARP that is no request for another address of the subnet.")                               \
	V(24, neighbour_answered, REPLY, "A neighbour solicitation for an address of the subnet, answered by the VPC router.") \
	V(25, neighbour_unanswered, DROP,                                                                                      \
	  "Neighbour discovery that is no solicitation for another address of the subnet.")                                    \
	V(26, service_not_here, DROP,                                                                                          \
	  "For the VPC's name server or the instance metadata, but not from an instance of this VPC by its own address.")     \
	/* Internet gateway: igw.bpf.c */                                                                                      \
	V(30, igw_out, PASS, "Left for the internet: IPv4 with its public address, IPv6 as it is.")                            \
	V(31, igw_in, PASS, "Came from the internet: IPv4 now with its private address, IPv6 as it is.")                       \
	V(32, igw_no_public_address, DROP,                                                                                     \
	  "The sender has no public IPv4 address, or no network interface holds its IPv6 address: nothing could come back.")   \
	V(33, igw_unknown_address, DROP, "From the internet for an address that no network interface holds.")                  \
	/* Endpoint, on the load balancer's side: endpoint.bpf.c */                                                            \
	V(40, encapsulated, PASS, "Sent to a target in GENEVE.")                                                               \
	V(41, endpoint_not_configured, DROP, "The endpoint is not in service (yet, or any more).")                             \
	V(42, endpoint_malformed, DROP, "Not a well-formed IP packet.")                                                        \
	V(43, endpoint_not_forwardable, DROP, "ARP, neighbour discovery, multicast or link-local: never enters the tunnel.")   \
	V(44, no_targets, DROP, "No target could take the new flow: the zone has no listener or no registered target.")        \
	V(45, tcp_no_flow, DROP, "TCP without SYN for a flow that is not known: it expired, or began elsewhere.")              \
	V(46, flow_table_full, DROP, "A new flow found no room in the flow table.")                                            \
	V(47, inner_too_big, DROP, "Larger than 8500 bytes, the most a Gateway Load Balancer carries.")                        \
	V(48, encap_failed, DROP, "The kernel could not add the GENEVE header: please report it.")                             \
	V(49, fragment_no_flow, DROP,                                                                                          \
	  "A later fragment of TCP, or of IPv6 behind extension headers, before its first, which alone tells its flow.")       \
	V(50, endpoint_ipv6_not_enabled, DROP, "IPv6 through an endpoint that is not dualstack.")                              \
	V(51, underlay_mtu_exceeded, DROP, "With its GENEVE header larger than the link toward the target.")                   \
	V(52, too_big_answered, REPLY, "Larger than 8500 bytes: the sender was told by ICMP to send smaller packets.")         \
	V(54, new_flow_limit, DROP, "More new flows in this second than one CPU may open: known flows go on.")                  \
	V(55, tcp_reset_unknown, REPLY, "TCP without SYN for a flow that is not known, answered with a reset.")                \
	V(56, tcp_reset_unhealthy, REPLY, "TCP of a flow whose target is unhealthy, answered with a reset.")                   \
	V(57, tcp_reset_deregistered, REPLY, "TCP of a flow whose target was deregistered, answered with a reset.")            \
	/* Return from a target: target.bpf.c */                                                                               \
	V(60, decapsulated, PASS, "Came back from its target and left by its endpoint.")                                       \
	V(61, not_geneve, STACK, "Not GENEVE: health checks and ARP, for the load balancer's own stack.")                      \
	V(62, return_bad_outer, DROP, "The outer IP or UDP header of a return is not well-formed, or its lengths disagree.")   \
	V(63, return_fragment, DROP, "A return arrived in IP fragments: the target's tunnel must not fragment.")               \
	V(64, return_wrong_node, DROP, "A return addressed to another address than the node's: outer addresses not swapped.")  \
	V(65, return_unknown_target, DROP, "A return from an address that is no target of any load balancer.")                 \
	V(66, return_bad_geneve, DROP, "The GENEVE header of a return has a wrong version, length, protocol or option.")       \
	V(67, return_unknown_endpoint, DROP, "The endpoint id option is missing or names no endpoint of this load balancer.")  \
	V(68, return_bad_cookie, DROP, "The flow cookie option is missing or is not the flow's.")                              \
	V(69, return_no_flow, DROP, "The flow of this return is not known: it expired or never existed.")                      \
	V(70, return_wrong_target, DROP, "A return from a target that this flow was not given to.")                            \
	V(71, return_bad_inner, DROP, "The inner packet of a return is not a well-formed IP packet.")                          \
	V(72, decap_failed, DROP, "The kernel could not strip the GENEVE header: please report it.")                           \
	V(73, return_mtu_exceeded, DROP, "The inner packet of a return is larger than the endpoint's link.")                   \
	V(74, target_not_configured, DROP, "The node is not in service (yet, or any more).")                                   \
	V(75, return_congestion_mark, DROP,                                                                                    \
	  "A return whose outer header marks congestion, but whose sender would not hear of it: its packets are not ECN.")     \
	V(76, return_too_big, DROP, "The inner packet of a return is larger than 8500 bytes.")                                 \
	V(77, decapsulated_changed, PASS,                                                                                      \
	  "Came back from its target with other inner addresses or ports than its flow's, and left by its endpoint.")           \
	/* In-kernel appliance: inspector.bpf.c */                                                                             \
	V(90, inspector_returned, PASS, "Inspected and returned to the load balancer.")                                        \
	V(91, inspector_denied, DROP, "Denied by a rule of the inspector.")                                                    \
	V(92, inspector_not_geneve, STACK, "Not GENEVE: health checks and management, for the appliance's own stack.")         \
	V(93, inspector_malformed, DROP, "Not a GENEVE packet of the form a Gateway Load Balancer sends.")                     \
	/* Chaos on a target's port: chaos.bpf.c */                                                                            \
	V(100, chaos_lost, DROP, "Taken away on purpose: chaos was asked for on this target.")                                 \
	V(101, chaos_queue_full, DROP, "Was to be held back on purpose, but chaos held as much already as it may.") \
	/* Uplink to a NIC of this machine: uplink.bpf.c */                                                                    \
	V(110, uplink_in, PASS, "Came in by a NIC of this machine, for the VPC behind it.")                                     \
	V(111, uplink_out, PASS, "Left the VPC by a NIC of this machine.")                                                      \
	V(112, uplink_not_configured, DROP, "The uplink is not in service (yet, or any more).")                                 \
	/* Security groups and network ACLs, in the VPC's router: eni.bpf.c */                                                 \
	V(120, security_group_egress, DROP,                                                                                    \
	  "No outbound rule of the sending network interface's security groups allows it, and it answers nothing.")            \
	V(121, security_group_ingress, DROP,                                                                                   \
	  "No inbound rule of the receiving network interface's security groups allows it, and it answers nothing.")           \
	V(122, network_acl_egress, DROP, "The network ACL of the subnet that it leaves denies it outbound.")                    \
	V(123, network_acl_ingress, DROP, "The network ACL of the subnet that it enters denies it inbound.")                    \
	V(124, tracking_full, DROP,                                                                                            \
	  "A new flow that security groups must remember found no room: too many of the interface's flows are open.")          \
	V(125, rules_missing, DROP,                                                                                            \
	  "The interface's security groups or network ACL are too large to be kept: until they fit, nothing passes.")

#define V(number, name, kind, sentence) VERDICT_##name = number,
enum verdict { VERDICTS(V) VERDICT_MAX = 128 };
#undef V

#endif
