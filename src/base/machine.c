/* Clock, memory and processor, as Linux tells them: clock_gettime, /proc, /sys/fs/cgroup. */
#define _GNU_SOURCE
#include "base/machine.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static double read_clock(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double ur_clock(void) { return read_clock(CLOCK_MONOTONIC); }

double ur_thread_clock(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

double ur_cpu_clock(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

/* The number after `key` at the start of a line of a file; -1: none. With key "" it is the file's first. */
static int64_t number_in(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	size_t n = strlen(key);
	int64_t value = -1;
	char line[512];

	if (!f)
		return -1;
	while (fgets(line, sizeof line, f)) {
		if (strncmp(line, key, n))
			continue;
		if (sscanf(line + n, "%" SCNd64, &value) != 1)
			value = -1;
		break;
	}
	fclose(f);
	return value;
}

static int64_t least(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* What one control group leaves; -1: it sets no limit ("max", or nothing to read). */
static int64_t left_in(const char *group, int version)
{
	char path[PATH_MAX + 64];
	int64_t limit, usage, cache;

	(void)snprintf(path, sizeof path, "%s/%s", group, version == 2 ? "memory.max" : "memory.limit_in_bytes");
	limit = number_in(path, "");
	if (limit < 0)
		return -1;
	(void)snprintf(path, sizeof path, "%s/%s", group, version == 2 ? "memory.current" : "memory.usage_in_bytes");
	usage = number_in(path, "");
	(void)snprintf(path, sizeof path, "%s/memory.stat", group);
	cache = number_in(path, version == 2 ? "inactive_file " : "total_inactive_file ");
	if (usage < 0)
		return -1;
	if (cache > 0)
		usage = usage > cache ? usage - cache : 0;
	return limit > usage ? limit - usage : 0;
}

/* The least left in `group`, a path below `mount`, and every group above it. */
static int64_t left_upward(const char *mount, const char *group, int version)
{
	char path[PATH_MAX];
	size_t top = strlen(mount);
	int64_t left = -1;

	if ((size_t)snprintf(path, sizeof path, "%s%s", mount, group) >= sizeof path)
		return -1;
	for (;;) {
		char *slash;
		left = least(left, left_in(path, version));
		slash = strrchr(path + top, '/');
		if (!slash)
			return left;
		*slash = 0;
	}
}

/* Does "a,b,c" have the word `name`? */
static int lists(const char *words, const char *name)
{
	size_t n = strlen(name);
	for (const char *at = words; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, name, n) && (at[n] == ',' || !at[n]))
			return 1;
	}
	return 0;
}

static int64_t left_in_groups(const char *root)
{
	char path[PATH_MAX], line[PATH_MAX];
	int64_t left = -1;
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof line, f)) {
		/* HIERARCHY:CONTROLLERS:PATH; version 2 is hierarchy 0 with no controllers */
		char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!group)
			continue;
		*controllers++ = 0;
		*group++ = 0;
		group[strcspn(group, "\n")] = 0;
		if (!*controllers) {
			(void)snprintf(path, sizeof path, "%s/sys/fs/cgroup", root);
			left = least(left, left_upward(path, group, 2));
			(void)snprintf(path, sizeof path, "%s/sys/fs/cgroup/unified", root);
			left = least(left, left_upward(path, group, 2));
		} else if (lists(controllers, "memory")) {
			(void)snprintf(path, sizeof path, "%s/sys/fs/cgroup/memory", root);
			left = least(left, left_upward(path, group, 1));
		}
	}
	fclose(f);
	return left;
}

int64_t ur_memory_free_under(const char *root)
{
	char path[PATH_MAX];
	int64_t kilobytes;

	(void)snprintf(path, sizeof path, "%s/proc/meminfo", root);
	kilobytes = number_in(path, "MemAvailable:");
	return least(kilobytes < 0 ? -1 : kilobytes * 1024, left_in_groups(root));
}

int64_t ur_memory_free(void) { return ur_memory_free_under(""); }

int64_t ur_memory_peak(void)
{
	/* getrusage also counts what the process was before exec, a large parent's copy for instance, and a reset does
	 * not touch that part: so it comes second */
	int64_t kilobytes = number_in("/proc/self/status", "VmHWM:");
	struct rusage usage;

	if (kilobytes >= 0)
		return kilobytes * 1024;
	if (getrusage(RUSAGE_SELF, &usage))
		return -1;
	return (int64_t)usage.ru_maxrss * 1024;
}

int ur_memory_peak_reset(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	int done;

	if (fd < 0)
		return 0;
	done = write(fd, "5", 1) == 1; /* 5: reset the high-water mark (proc(5)) */
	close(fd);
	return done;
}

void ur_cpu_name(char *text, size_t room)
{
	static const char *const keys[] = { "model name", "Model", "cpu model", "cpu", "uarch" };
	FILE *f = fopen("/proc/cpuinfo", "re");
	struct utsname machine;
	size_t n = 0;
	char line[512];

	if (!room)
		return;
	while (f && !n && fgets(line, sizeof line, f)) {
		char *colon = strchr(line, ':');
		size_t key = colon ? (size_t)(colon - line) : 0;
		int found = 0;
		while (key && isspace((unsigned char)line[key - 1]))
			key--;
		for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
			found |= strlen(keys[i]) == key && !strncmp(line, keys[i], key);
		if (!found)
			continue;
		for (const char *c = colon + 1; *c && n + 1 < room; c++) { /* runs of spaces become one, none at the ends */
			if (!isspace((unsigned char)*c))
				text[n++] = *c;
			else if (n && text[n - 1] != ' ')
				text[n++] = ' ';
		}
		while (n && text[n - 1] == ' ')
			n--;
	}
	text[n] = 0;
	if (f)
		fclose(f);
	if (!n)
		(void)snprintf(text, room, "%s", uname(&machine) ? "unknown" : machine.machine);
}
