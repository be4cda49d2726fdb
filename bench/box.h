/* What the tools of this directory share: failing, the clock, and a way into a network namespace. */
#ifndef OPENGWLB_BENCH_BOX_H
#define OPENGWLB_BENCH_BOX_H

#ifndef _GNU_SOURCE
#error "setns() needs _GNU_SOURCE, before any header"
#endif
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1000000000ULL + at.tv_nsec;
}

static void enter(const char *box)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", box);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		fail(path);
	close(fd);
}

#endif
