/* The base room: arena, random numbers, pool, status, machine. Its files: test_file.c. */
#define _GNU_SOURCE
#include "test_folder.h"

#include "base/arena.h"
#include "base/machine.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/status.h"

#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- arena -- */

struct plan { char *bytes; double *doubles; char *nothing, *last; };

static void cut(ur_arena *a, struct plan *p)
{
	p->bytes = UR_TAKE(a, char, 3);
	p->doubles = UR_TAKE(a, double, 100);
	p->nothing = UR_TAKE(a, char, 0);
	p->last = UR_TAKE(a, char, 1);
}

static void arena_measures_then_cuts(void **unused)
{
	ur_arena a = { 0 };
	struct plan p;
	size_t measured;

	(void)unused;
	cut(&a, &p);
	assert_null(p.bytes);
	assert_null(p.doubles);
	measured = a.used;
	assert_int_equal(measured, 64 + 832 + 0 + 64);
	assert_true(ur_arena_open(&a));
	assert_int_equal(a.used, 0);
	cut(&a, &p);
	assert_int_equal(a.used, measured);
	assert_non_null(p.last);
	assert_int_equal((uintptr_t)p.bytes % 64, 0);
	assert_int_equal((uintptr_t)p.doubles % 64, 0);
	assert_ptr_equal((char *)p.doubles, p.bytes + 64);
	assert_ptr_equal(p.last, p.bytes + 64 + 832);
	for (int i = 0; i < 100; i++)
		assert_true(p.doubles[i] == 0);
	memset(p.doubles, 1, 100 * sizeof(double));
	assert_int_equal(*p.last, 0);
	assert_null(UR_TAKE(&a, char, 1)); /* more than was measured */
	ur_arena_close(&a);
	assert_null(a.base);
	assert_int_equal(a.size, 0);
}

static void arena_refuses_overflow(void **unused)
{
	static const struct { size_t count, item; } huge[] = {
		{ SIZE_MAX, 2 }, { SIZE_MAX / 2 + 1, 2 }, { SIZE_MAX, 1 }, { SIZE_MAX - 63, 1 }, { SIZE_MAX / 8, 16 },
	};
	(void)unused;
	for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
		ur_arena a = { 0 };
		assert_null(ur_arena_take(&a, 10, 10));
		assert_null(ur_arena_take(&a, huge[i].count, huge[i].item));
		assert_null(ur_arena_take(&a, 1, 1)); /* does not wrap back to something small */
		assert_null(ur_arena_take(&a, 0, 1));
		assert_true(a.used == SIZE_MAX);
		assert_false(ur_arena_open(&a));
	}
	{ /* pieces that fit one by one, but not together */
		ur_arena a = { 0 };
		for (int i = 0; i < 4; i++)
			assert_null(ur_arena_take(&a, SIZE_MAX / 3, 1));
		assert_true(a.used == SIZE_MAX);
		assert_false(ur_arena_open(&a));
	}
	{ /* measurable, but more than any machine has */
		ur_arena a = { 0 };
		assert_null(ur_arena_take(&a, (size_t)1 << 62, 1));
		assert_false(ur_arena_open(&a));
	}
	{
		ur_arena a = { 0 }; /* empty is fine */
		assert_true(ur_arena_open(&a));
		ur_arena_close(&a);
	}
}

/* -- random numbers -- */

static void philox_known_answers(void **unused)
{
	/* kat_vectors of the Random123 distribution: counter words 0 to 3, key words 0 and 1, result */
	static const struct { uint32_t counter[4], key[2], out[4]; } known[] = {
		{ { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
		{ { ~0u, ~0u, ~0u, ~0u }, { ~0u, ~0u }, { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
		{ { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, { 0xa4093822, 0x299f31d0 },
		  { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
	};
	(void)unused;
	for (int i = 0; i < 3; i++) {
		const uint32_t *c = known[i].counter, *k = known[i].key;
		uint64_t seed = (uint64_t)k[1] << 32 | k[0], lo = (uint64_t)c[1] << 32 | c[0], hi = (uint64_t)c[3] << 32 | c[2];
		uint32_t out[4];
		ur_rng4(seed, hi, lo, out);
		assert_memory_equal(out, known[i].out, sizeof out);
		assert_true(ur_rng_u64(seed, hi, lo) == ((uint64_t)out[1] << 32 | out[0]));
	}
}

/* Chi-squared of equal cells: mean `cells` - 1, deviation sqrt(2 (cells - 1)). */
static double chi_squared(const int *cell, int cells, int n)
{
	double expected = (double)n / cells, sum = 0;
	for (int i = 0; i < cells; i++)
		sum += (cell[i] - expected) * (cell[i] - expected) / expected;
	return sum;
}

static void random_numbers_are_uniform(void **unused)
{
	enum { N = 200000, CELLS = 100 };
	static int cell[CELLS], below[7];
	double mean = 0, sum = 0, squares = 0, fourth = 0;
	int bits[64] = { 0 };
	double chi;

	(void)unused;
	for (int i = 0; i < N; i++) {
		uint64_t hi = ur_rng_for(UR_RNG_TEST, 1);
		double u = ur_rng_unit(42, hi, (uint64_t)i), z = ur_rng_normal(42, hi + 1, (uint64_t)i);
		uint64_t w = ur_rng_u64(42, hi, (uint64_t)i), b = ur_rng_below(43, hi, (uint64_t)i, 7);
		assert_true(u >= 0 && u < 1);
		assert_true(b < 7);
		assert_true(isfinite(z));
		cell[(int)(u * CELLS)]++;
		below[b]++;
		for (int j = 0; j < 64; j++)
			bits[j] += (int)(w >> j & 1);
		mean += u / N;
		sum += z;
		squares += z * z;
		fourth += z * z * z * z;
	}
	/* within five standard deviations; the numbers are fixed, so this holds always or never */
	assert_true(fabs(mean - 0.5) < 5 * sqrt(1.0 / 12 / N));
	chi = chi_squared(cell, CELLS, N);
	assert_true(fabs(chi - (CELLS - 1)) < 5 * sqrt(2.0 * (CELLS - 1)));
	assert_true(fabs(chi_squared(below, 7, N) - 6) < 5 * sqrt(12.0));
	for (int j = 0; j < 64; j++)
		assert_true(abs(bits[j] - N / 2) < 5 * sqrt(N / 4.0));
	assert_true(fabs(sum / N) < 5 / sqrt(N));
	assert_true(fabs(squares / N - 1) < 5 * sqrt(2.0 / N));
	assert_true(fabs(fourth / N - 3) < 5 * sqrt(96.0 / N));
	assert_int_equal(ur_rng_below(1, 2, 3, 1), 0);
	assert_true(ur_rng_for(UR_RNG_BATCH, 5) != ur_rng_for(UR_RNG_INIT, 5));
}

/* -- pool -- */

enum { TASKS = 1000 };
struct job { int done[TASKS]; atomic_int threads_seen; int threads; };

static void count_task(void *arg, int task, int thread)
{
	struct job *j = arg;
	j->done[task]++; /* plain: TSan would see two threads given the same task */
	atomic_fetch_or(&j->threads_seen, 1 << thread);
	if (thread < 0 || thread >= j->threads)
		abort();
}

static void pool_runs_every_task_once(void **unused)
{
	static struct job j;
	(void)unused;
	for (int threads = 1; threads <= 8; threads++) {
		ur_pool *p = ur_pool_open(threads);
		assert_non_null(p);
		assert_int_equal(ur_pool_threads(p), threads);
		for (int tasks = 0; tasks <= TASKS; tasks = tasks < 20 ? tasks + 1 : tasks * 3 / 2 + 1) {
			j = (struct job){ .threads = threads };
			ur_pool_run(p, tasks, count_task, &j);
			for (int i = 0; i < TASKS; i++)
				assert_int_equal(j.done[i], i < tasks);
		}
		ur_pool_close(p);
	}
	j = (struct job){ .threads = 1 };
	ur_pool_run(NULL, 5, count_task, &j);
	assert_int_equal(ur_pool_threads(NULL), 1);
	for (int i = 0; i < TASKS; i++)
		assert_int_equal(j.done[i], i < 5);
}

struct tiny { int value[8]; int round; };

static void tiny_task(void *arg, int task, int thread)
{
	struct tiny *t = arg;
	(void)thread;
	t->value[task] += t->round;
}

static void pool_survives_many_tiny_jobs(void **unused)
{
	(void)unused;
	for (int threads = 1; threads <= 8; threads++) {
		/* more threads than processors take turns: fewer rounds, the same races */
		int rounds = threads <= ur_cpu_count() ? 20000 : 3000;
		ur_pool *p = ur_pool_open(threads);
		struct tiny t = { 0 };
		int64_t sum = 0;
		assert_non_null(p);
		for (t.round = 1; t.round <= rounds; t.round++) {
			ur_pool_run(p, 1 + t.round % 8, tiny_task, &t); /* sizes change, so a stale task number would show */
			sum += (1 + t.round % 8) * (int64_t)t.round;
			if (t.round % 1000 == 0)
				usleep(3000); /* let the workers fall asleep */
		}
		for (int i = 0; i < 8; i++)
			sum -= t.value[i];
		assert_int_equal(sum, 0);
		ur_pool_close(p);
	}
}

static void slow_task(void *arg, int task, int thread)
{
	(void)thread;
	usleep((useconds_t)(task % 4 * 4000)); /* long past the caller's spinning */
	atomic_fetch_add((atomic_int *)arg, 1);
}

static void pool_waits_for_slow_tasks(void **unused)
{
	ur_pool *p = ur_pool_open(4);
	atomic_int done = 0;
	(void)unused;
	assert_non_null(p);
	for (int i = 1; i <= 10; i++) {
		ur_pool_run(p, 8, slow_task, &done);
		assert_int_equal(atomic_load(&done), 8 * i);
	}
	ur_pool_close(p);
	for (int i = 0; i < 50; i++) /* closing at once, with workers not yet started or just asleep */
		ur_pool_close(ur_pool_open(3));
	ur_pool_close(NULL);
}

static cpu_set_t before; /* what main started with */

static void pool_restores_affinity(void **unused)
{
	cpu_set_t after;
	(void)unused;
	assert_int_equal(ur_cpu_count(), CPU_COUNT(&before));
	for (int threads = 0; threads <= 4; threads++) {
		ur_pool *p = ur_pool_open(threads);
		atomic_int done = 0;
		assert_non_null(p);
		if (threads == 0)
			assert_int_equal(ur_pool_threads(p), CPU_COUNT(&before));
		if (threads > 1 && threads <= CPU_COUNT(&before))
			assert_int_equal(ur_cpu_count(), 1); /* the caller is pinned meanwhile */
		ur_pool_run(p, 8, slow_task, &done);
		ur_pool_close(p);
		assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
		assert_true(CPU_EQUAL(&before, &after));
	}
}

/* -- status -- */

static void errors_carry_text(void **unused)
{
	ur_err err = { 0 };
	char longer[2000];
	(void)unused;
	assert_int_equal(ur_fail(&err, UR_E_FORMAT, "line %d: %s", 7, "bad"), UR_E_FORMAT);
	assert_int_equal(err.status, UR_E_FORMAT);
	assert_string_equal(err.text, "line 7: bad");
	ur_fail(&err, err.status, "%s: %s", "a.txt", err.text); /* context before an earlier error */
	assert_string_equal(err.text, "a.txt: line 7: bad");
	assert_int_equal(ur_fail(NULL, UR_E_IO, "%d", 1), UR_E_IO);
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	ur_fail(&err, UR_E_IO, "%s", longer);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	assert_string_equal(unroll_status_text(UR_OK), "ok");
	assert_string_equal(unroll_status_text(UR_E_NOMEM), "out of memory");
	assert_string_equal(unroll_status_text((ur_status)99), "unknown status");
}

/* -- machine -- */

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void clock_goes_forward(void **unused)
{
	double a = ur_clock(), b;
	(void)unused;
	usleep(20000);
	b = ur_clock();
	assert_true(b - a >= 0.02 && b - a < 10);
	for (int i = 0; i < 1000; i++) {
		a = b;
		b = ur_clock();
		assert_true(b >= a);
	}
}

static void tree(const char *path, const char *text)
{
	char part[256];
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
		(void)mkdir(part, 0777);
	}
	put(path, text);
}

static void memory_free_heeds_every_limit(void **unused)
{
	int64_t now = ur_memory_free();
	(void)unused;
	assert_true(now > 1 << 20);
	assert_int_equal(ur_memory_free_under("./none"), -1);
	tree("m/proc/meminfo", "MemTotal:  9000 kB\nMemFree:  1 kB\nMemAvailable:    8000 kB\n");
	assert_int_equal(ur_memory_free_under("m"), 8000 * 1024);
	/* version 2: a group without a limit below one with; the cache it could drop counts as free */
	tree("m/proc/self/cgroup", "0::/user/job\n");
	tree("m/sys/fs/cgroup/user/job/memory.max", "max\n");
	tree("m/sys/fs/cgroup/user/job/memory.current", "5000\n");
	assert_int_equal(ur_memory_free_under("m"), 8000 * 1024);
	tree("m/sys/fs/cgroup/user/memory.max", "1000000\n");
	tree("m/sys/fs/cgroup/user/memory.current", "400000\n");
	assert_int_equal(ur_memory_free_under("m"), 600000);
	tree("m/sys/fs/cgroup/user/memory.stat", "anon 1\nfile 2\ninactive_file 100000\nactive_file 3\n");
	assert_int_equal(ur_memory_free_under("m"), 700000);
	tree("m/sys/fs/cgroup/user/job/memory.max", "999999\n"); /* wider than the group above leaves */
	assert_int_equal(ur_memory_free_under("m"), 700000);
	tree("m/sys/fs/cgroup/user/job/memory.max", "4000\n"); /* over its limit */
	assert_int_equal(ur_memory_free_under("m"), 0);
	/* version 1 */
	tree("v/proc/meminfo", "MemAvailable:    8000 kB\n");
	tree("v/proc/self/cgroup", "5:devices:/x\n4:cpu,memory:/x/y\n3:memory_not:/\n");
	assert_int_equal(ur_memory_free_under("v"), 8000 * 1024);
	tree("v/sys/fs/cgroup/memory/memory.limit_in_bytes", "500000\n"); /* the group's own path is not mounted here */
	tree("v/sys/fs/cgroup/memory/memory.usage_in_bytes", "100000\n");
	assert_int_equal(ur_memory_free_under("v"), 400000);
	tree("v/sys/fs/cgroup/memory/memory.stat", "inactive_file 7\ntotal_inactive_file 50000\n");
	assert_int_equal(ur_memory_free_under("v"), 450000);
	tree("v/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"); /* version 1's "none" */
	assert_int_equal(ur_memory_free_under("v"), 8000 * 1024);
}

static void memory_peak_follows_use(void **unused)
{
	/* bounds are wide: a kernel counts in batches, larger ones with more processors */
	const size_t n = 64 << 20;
	int64_t start = ur_memory_peak(), after, reset;
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)unused;
	assert_true(p != MAP_FAILED);
	assert_true(start > 0);
	for (size_t i = 0; i < n; i += 1024)
		((volatile char *)p)[i] = 1;
	after = ur_memory_peak();
	assert_true(after >= (int64_t)n / 4 * 3 && after >= start);
	assert_int_equal(munmap(p, n), 0);
	assert_true(ur_memory_peak() >= after - (int64_t)n / 4);
	if (ur_memory_peak_reset()) {
		reset = ur_memory_peak();
		assert_true(reset > 0 && reset < after - (int64_t)n / 2);
	}
}

static void cpu_has_a_name(void **unused)
{
	char name[128], cut_name[6];
	(void)unused;
	ur_cpu_name(name, sizeof name);
	print_message("%s\n", name);
	assert_true(strlen(name) > 2);
	assert_null(strstr(name, "  "));
	assert_null(strchr(name, '\n'));
	ur_cpu_name(cut_name, sizeof cut_name);
	assert_true(strlen(cut_name) < sizeof cut_name);
	assert_memory_equal(cut_name, name, strlen(cut_name));
	ur_cpu_name(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_measures_then_cuts),
		cmocka_unit_test(arena_refuses_overflow),
		cmocka_unit_test(philox_known_answers),
		cmocka_unit_test(random_numbers_are_uniform),
		cmocka_unit_test(pool_runs_every_task_once),
		cmocka_unit_test(pool_survives_many_tiny_jobs),
		cmocka_unit_test(pool_waits_for_slow_tasks),
		cmocka_unit_test(pool_restores_affinity),
		cmocka_unit_test(errors_carry_text),
		cmocka_unit_test(clock_goes_forward),
		cmocka_unit_test(memory_free_heeds_every_limit),
		cmocka_unit_test(memory_peak_follows_use),
		cmocka_unit_test(cpu_has_a_name),
	};
	if (sched_getaffinity(0, sizeof before, &before))
		return 1;
	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
