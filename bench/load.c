/* Load between two network namespaces, for bench/traffic.py. One process, so that both ends read one clock.
 *
 *   load latency CLIENT SERVER ADDRESS SECONDS RATE   one-way times of 64-byte datagrams, RATE a second or as many as go, by one thread
 *   load blast   CLIENT SERVER ADDRESS SECONDS        18-byte datagrams a second that arrive, sent as fast as one CPU can
 *   load steady  CLIENT SERVER ADDRESS SECONDS RATE   18-byte datagrams at RATE, FLOWS source ports in turn: how many arrived
 *   load connect CLIENT SERVER ADDRESS SECONDS        connect, 64 bytes, 64 bytes back, close: how many a second, one at a time
 *
 * CLIENT and SERVER are namespaces by name. Prints one JSON object. Times are those of CLOCK_MONOTONIC, in the datagrams themselves.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "box.h"

#define PORT 5301
#define BATCH 64
#define FLOWS 64
#define SMALL 18
#define TIMED 64
#define REQUEST 64
#define SERVED_TIMEOUT_US 100000

static struct sockaddr_in server = {.sin_family = AF_INET};
static const char *client_box, *server_box;
static double seconds;
static volatile int over;
static volatile int ready;
static uint64_t arrived;

/* The first CPU that this process may use is for what is measured, the last for who only receives. */
static void pin(int last)
{
	static cpu_set_t allowed;
	static int known;
	cpu_set_t one;
	int chosen = -1;

	if (!known && sched_getaffinity(0, sizeof(allowed), &allowed))
		fail("sched_getaffinity");
	known = 1;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && (chosen < 0 || last))
			chosen = cpu;
	CPU_ZERO(&one);
	CPU_SET(chosen, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		fail("sched_setaffinity");
}

static int opened(const char *box, int type)
{
	struct timeval wait = {.tv_usec = SERVED_TIMEOUT_US};
	int fd, size = 64 << 20;

	enter(box);
	fd = socket(AF_INET, type, 0);
	if (fd < 0)
		fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return fd;
}

static int listening(int type)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int fd = opened(server_box, type), yes = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (void *)&any, sizeof(any)))
		fail("bind");
	return fd;
}

static int compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

static void latency(double rate)
{
	uint64_t total = seconds * rate, gap = 1e9 / rate, got = 0, sent = 0, start, next, at, last = 0;
	uint32_t *times = calloc(total, sizeof(*times));
	int in = listening(SOCK_DGRAM), out = opened(client_box, SOCK_DGRAM);
	char data[2048] = {};

	if (!times)
		fail("calloc");
	pin(1);
	if (connect(out, (void *)&server, sizeof(server)))
		fail("connect");
	start = next = now();
	while ((at = now()) < start + (uint64_t)(seconds * 1e9) + 200000000ULL && got < total) {
		if (sent < total && at >= next) {
			memcpy(data, &at, sizeof(at));
			last = at;
			if (send(out, data, TIMED, 0) == TIMED)
				sent++;
			next += gap;
		}
		while (got < total && recv(in, data, sizeof(data), MSG_DONTWAIT) == TIMED) {
			memcpy(&at, data, sizeof(at));
			times[got++] = now() - at;
		}
	}
	if (!got)
		fail("nothing arrived");
	qsort(times, got, sizeof(*times), compare);
	printf("{\"rate\": %.0f, \"sent\": %lu, \"received\": %lu, \"p50\": %u, \"p99\": %u, \"p99.9\": %u}\n",
	       sent / ((last - start) / 1e9), sent, got, times[got / 2], times[got * 99 / 100], times[got * 999 / 1000]);
}

static void *receive(void *nothing)
{
	static char data[BATCH][64];
	struct mmsghdr many[BATCH] = {};
	struct iovec pieces[BATCH];
	int fd = listening(SOCK_DGRAM), count;

	pin(1);
	for (int i = 0; i < BATCH; i++) {
		pieces[i] = (struct iovec){.iov_base = data[i], .iov_len = sizeof(data[i])};
		many[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
	}
	ready = 1;
	for (;;) {
		count = recvmmsg(fd, many, BATCH, MSG_DONTWAIT, NULL);
		if (count > 0)
			arrived += count;
		else if (over)
			return nothing;
		else
			usleep(500); /* who waits in the call has to be woken for each packet, on the sender's time */
	}
}

static pthread_t serving(void *(*body)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, body, NULL))
		fail("pthread_create");
	while (!ready)
		sched_yield();
	return thread;
}

static void blast(double rate)
{
	static char data[SMALL];
	struct iovec piece = {.iov_base = data, .iov_len = sizeof(data)};
	struct mmsghdr many[BATCH] = {};
	pthread_t thread = serving(receive);
	uint64_t sent = 0, start, took;
	int fds[FLOWS], flows = rate ? FLOWS : 1, count;

	for (int i = 0; i < flows; i++) {
		fds[i] = opened(client_box, SOCK_DGRAM);
		if (connect(fds[i], (void *)&server, sizeof(server)))
			fail("connect");
	}
	pin(0);
	for (int i = 0; i < BATCH; i++)
		many[i].msg_hdr = (struct msghdr){.msg_iov = &piece, .msg_iovlen = 1};
	start = now();
	while ((took = now() - start) < (uint64_t)(seconds * 1e9)) {
		if (!rate) {
			count = sendmmsg(fds[0], many, BATCH, 0);
			sent += count > 0 ? count : 0;
		} else if (sent < took / 1e9 * rate) {
			sent += send(fds[sent % flows], data, sizeof(data), 0) == sizeof(data);
		} else {
			usleep(50);
		}
	}
	usleep(100000);
	over = 1;
	pthread_join(thread, NULL);
	printf("{\"sent\": %lu, \"received\": %lu, \"rate\": %.0f}\n", sent, arrived, arrived / (took / 1e9));
}

static void *answer(void *nothing)
{
	int door = listening(SOCK_STREAM), fd;
	char data[REQUEST];

	pin(1);
	if (listen(door, 1024))
		fail("listen");
	ready = 1;
	while (!over) {
		fd = accept(door, NULL, NULL);
		if (fd < 0)
			continue;
		if (recv(fd, data, sizeof(data), MSG_WAITALL) == sizeof(data))
			send(fd, data, sizeof(data), MSG_NOSIGNAL);
		close(fd);
	}
	return nothing;
}

static void connections(void)
{
	pthread_t thread = serving(answer);
	uint64_t done = 0, failed = 0, start;
	char data[REQUEST] = {};
	int fd;

	enter(client_box);
	pin(0);
	start = now();
	while (now() - start < (uint64_t)(seconds * 1e9)) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		/* The server closes first and keeps the waiting state, so that ports do not run out here. */
		if (!connect(fd, (void *)&server, sizeof(server)) && send(fd, data, sizeof(data), MSG_NOSIGNAL) == sizeof(data) &&
		    recv(fd, data, sizeof(data), MSG_WAITALL) == sizeof(data) && recv(fd, data, 1, 0) == 0)
			done++;
		else
			failed++;
		close(fd);
	}
	over = 1;
	printf("{\"rate\": %.1f, \"failed\": %lu}\n", done / ((now() - start) / 1e9), failed);
	pthread_join(thread, NULL);
}

int main(int count, char **words)
{
	if (count < 6)
		return 2;
	client_box = words[2];
	server_box = words[3];
	server.sin_port = htons(PORT);
	if (inet_pton(AF_INET, words[4], &server.sin_addr) != 1)
		return 2;
	seconds = atof(words[5]);
	if (!strcmp(words[1], "latency") && count == 7)
		latency(atof(words[6]));
	else if (!strcmp(words[1], "blast"))
		blast(0);
	else if (!strcmp(words[1], "steady") && count == 7)
		blast(atof(words[6]));
	else if (!strcmp(words[1], "connect"))
		connections();
	else
		return 2;
	return 0;
}
