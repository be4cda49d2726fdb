/* One-way times through a load balancer to its target, for bench/watching.py. One thread, so that both ends read one clock.
 *
 *   inject ROUTER DEVICE TARGET MAC MAC SOURCE DESTINATION PORT SECONDS RATE
 *
 * UDP of one flow, RATE a second or as many as go, from ROUTER's DEVICE (an endpoint's end in the VPC's box; the MACs are the other end's
 * and its own) until it comes out of the tunnel in the box TARGET. Prints one JSON object. Stays on the last CPU that it may use.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "box.h"

#define GENEVE_PORT 6081
#define GENEVE_LENGTH 40 /* header and options */
#define DESTINATION_PORT 5301

struct frame {
	struct ether_header eth;
	struct iphdr ip;
	struct udphdr udp;
	uint64_t at;
} __attribute__((packed));

static void pin(void)
{
	cpu_set_t allowed, one;
	int chosen = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		fail("sched_getaffinity");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			chosen = cpu;
	CPU_ZERO(&one);
	CPU_SET(chosen, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		fail("sched_setaffinity");
}

static int sending(const char *device)
{
	struct sockaddr_ll where = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(device)};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), yes = 1;

	if (fd < 0 || !where.sll_ifindex || bind(fd, (void *)&where, sizeof(where)))
		fail(device);
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes)))
		fail("PACKET_QDISC_BYPASS");
	return fd;
}

static int receiving(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(GENEVE_PORT)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 64 << 20;

	if (fd < 0 || bind(fd, (void *)&any, sizeof(any)))
		fail("bind");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

static void mac(uint8_t *to, const char *text)
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", to, to + 1, to + 2, to + 3, to + 4, to + 5) != 6)
		fail(text);
}

static uint16_t checksum(const struct iphdr *ip)
{
	const uint16_t *words = (const void *)ip;
	uint32_t sum = 0;

	for (int i = 0; i < 10; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static int compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

int main(int count, char **words)
{
	struct frame frame = {
		.eth.ether_type = htons(ETHERTYPE_IP),
		.ip = {.version = 4, .ihl = 5, .tot_len = htons(sizeof(frame) - sizeof(frame.eth)), .ttl = 64, .protocol = IPPROTO_UDP},
		.udp = {.dest = htons(DESTINATION_PORT), .len = htons(sizeof(frame.udp) + sizeof(frame.at))},
	};
	uint64_t total, gap, got = 0, sent = 0, start, next, at, last = 0;
	char data[256];
	struct rusage used;
	uint32_t *times;
	double seconds, rate, cpu_us;
	int in, out;

	if (count != 11)
		return 2;
	mac(frame.eth.ether_dhost, words[4]);
	mac(frame.eth.ether_shost, words[5]);
	if (inet_pton(AF_INET, words[6], &frame.ip.saddr) != 1 || inet_pton(AF_INET, words[7], &frame.ip.daddr) != 1)
		return 2;
	frame.ip.check = checksum(&frame.ip);
	frame.udp.source = htons(atoi(words[8]));
	seconds = atof(words[9]);
	rate = atof(words[10]);
	total = seconds * rate;
	gap = 1e9 / rate;
	times = calloc(total, sizeof(*times));
	if (!times)
		fail("calloc");
	enter(words[3]);
	in = receiving();
	enter(words[1]);
	out = sending(words[2]);
	pin();
	start = next = now();
	while ((at = now()) < start + (uint64_t)(seconds * 1e9) + 200000000ULL && got < total) {
		if (sent < total && at >= next) {
			frame.at = last = at;
			if (send(out, &frame, sizeof(frame), 0) == sizeof(frame))
				sent++;
			next += gap;
		}
		/* What was sent has arrived when the call returns, all on this CPU: asking once for each is enough. */
		if (got < sent && recv(in, data, sizeof(data), MSG_DONTWAIT) >= GENEVE_LENGTH + (int)(sizeof(frame) - sizeof(frame.eth))) {
			memcpy(&at, data + GENEVE_LENGTH + sizeof(frame.ip) + sizeof(frame.udp), sizeof(at));
			times[got++] = now() - at;
		}
	}
	if (!got || getrusage(RUSAGE_SELF, &used))
		fail("nothing arrived");
	cpu_us = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
	qsort(times, got, sizeof(*times), compare);
	printf("{\"rate\": %.0f, \"sent\": %lu, \"received\": %lu, \"p50\": %u, \"p99\": %u, \"p99.9\": %u, \"cpu_us\": %.2f}\n",
	       sent / ((last - start) / 1e9), sent, got, times[got / 2], times[got * 99 / 100], times[got * 999 / 1000],
	       cpu_us / sent);
	return 0;
}
