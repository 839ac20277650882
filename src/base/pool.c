/* Thread pool. A worker that runs out of work spins briefly (the next product follows within microseconds) and then
 * sleeps; the caller does the same while it waits for the last task.
 *
 * One 64-bit ticket word holds (generation, next task), so a late worker of an old job can never take a task of a
 * new one: its compare-and-swap fails. */
#define _GNU_SOURCE
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

enum { SPINS = 20000, LINE = 64 };

struct ur_pool {
	int threads;
	pthread_t *ids;
	struct start { ur_pool *pool; int thread, cpu; } *starts;
	pthread_mutex_t lock;
	pthread_cond_t wake, idle;
	int sleeping, waiting;  /* under lock */
	_Alignas(LINE) _Atomic uint64_t ticket;
	_Alignas(LINE) atomic_int left;
	_Alignas(LINE) atomic_int quit;
	/* the job, written before the ticket is published */
	_Atomic(ur_pool_task *) task;
	_Atomic(void *) arg;
	atomic_int tasks;
	int pinned;             /* the caller was pinned; its processors were `before` */
	cpu_set_t before;
};

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#else
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

int ur_cpu_count(void)
{
	cpu_set_t set;
	int n;
	if (sched_getaffinity(0, sizeof set, &set))
		return 1;
	n = CPU_COUNT(&set);
	return n > 0 ? n : 1;
}

/* The processor number of the n-th one this process may use, or -1. */
static int nth_cpu(int n)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set))
		return -1;
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && n-- == 0)
			return (int)cpu;
	return -1;
}

static void pin(int cpu)
{
	cpu_set_t set;
	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	(void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

/* Takes tasks of generation `generation` until there are none. */
static void work(ur_pool *p, uint32_t generation, int thread)
{
	/* acquire: whoever reads a value of the next job also sees that this generation is closed */
	ur_pool_task *task = atomic_load_explicit(&p->task, memory_order_acquire);
	void *arg = atomic_load_explicit(&p->arg, memory_order_acquire);
	int tasks = atomic_load_explicit(&p->tasks, memory_order_acquire);
	uint64_t t = atomic_load(&p->ticket);

	while ((uint32_t)(t >> 32) == generation && (int)(uint32_t)t < tasks) {
		if (!atomic_compare_exchange_weak(&p->ticket, &t, t + 1))
			continue;
		task(arg, (int)(uint32_t)t, thread);
		if (atomic_fetch_sub(&p->left, 1) == 1) {
			pthread_mutex_lock(&p->lock);
			if (p->waiting)
				pthread_cond_signal(&p->idle);
			pthread_mutex_unlock(&p->lock);
		}
		t = atomic_load(&p->ticket);
	}
}

static void *worker(void *start)
{
	struct start *s = start;
	ur_pool *p = s->pool;
	uint32_t seen = 0;

	pin(s->cpu);
	for (;;) {
		int spins = 0;
		while ((uint32_t)(atomic_load_explicit(&p->ticket, memory_order_acquire) >> 32) == seen &&
		       !atomic_load_explicit(&p->quit, memory_order_relaxed)) {
			if (++spins < SPINS) {
				relax();
				continue;
			}
			pthread_mutex_lock(&p->lock);
			p->sleeping++;
			while ((uint32_t)(atomic_load(&p->ticket) >> 32) == seen && !atomic_load(&p->quit))
				pthread_cond_wait(&p->wake, &p->lock);
			p->sleeping--;
			pthread_mutex_unlock(&p->lock);
		}
		if (atomic_load(&p->quit))
			return NULL;
		seen = (uint32_t)(atomic_load(&p->ticket) >> 32);
		work(p, seen, s->thread);
	}
}

void ur_pool_run(ur_pool *p, int tasks, ur_pool_task *task, void *arg)
{
	uint32_t generation;
	int spins = 0;

	if (!p || p->threads == 1 || tasks <= 1) {
		for (int i = 0; i < tasks; i++)
			task(arg, i, 0);
		return;
	}
	generation = (uint32_t)(atomic_load(&p->ticket) >> 32) + 1;
	/* close the old generation first: a worker still looking at it must not see the new job's task count */
	atomic_store(&p->ticket, (uint64_t)(generation - 1) << 32 | INT32_MAX);
	atomic_store(&p->task, task);
	atomic_store(&p->arg, arg);
	atomic_store(&p->tasks, tasks);
	atomic_store(&p->left, tasks);
	atomic_store(&p->ticket, (uint64_t)generation << 32);
	pthread_mutex_lock(&p->lock);
	if (p->sleeping)
		pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	work(p, generation, 0);
	while (atomic_load_explicit(&p->left, memory_order_acquire) > 0) {
		if (++spins < SPINS) {
			relax();
			continue;
		}
		pthread_mutex_lock(&p->lock);
		p->waiting = 1;
		while (atomic_load(&p->left) > 0)
			pthread_cond_wait(&p->idle, &p->lock);
		p->waiting = 0;
		pthread_mutex_unlock(&p->lock);
	}
}

int ur_pool_threads(const ur_pool *p) { return p ? p->threads : 1; }

ur_pool *ur_pool_open(int threads)
{
	int cpus = ur_cpu_count();
	ur_pool *p = aligned_alloc(LINE, (sizeof *p + LINE - 1) / LINE * LINE);

	if (threads < 1)
		threads = cpus;
	if (!p)
		return NULL;
	*p = (ur_pool){ .threads = 1 };
	p->ids = calloc((size_t)threads, sizeof *p->ids);
	p->starts = calloc((size_t)threads, sizeof *p->starts);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	pthread_cond_init(&p->idle, NULL);
	if (!p->ids || !p->starts) {
		ur_pool_close(p);
		return NULL;
	}
	for (int i = 1; i < threads; i++) {
		/* workers pin themselves; the caller's thread is the caller's own, and the last one keeps clear of it
		 * only when there are processors enough */
		p->starts[i] = (struct start){ p, i, threads <= cpus ? nth_cpu(i) : -1 };
		if (pthread_create(&p->ids[i], NULL, worker, &p->starts[i])) {
			ur_pool_close(p);
			return NULL;
		}
		p->threads = i + 1;
	}
	if (threads > 1 && threads <= cpus) {
		int cpu = nth_cpu(0);
		p->pinned = !sched_getaffinity(0, sizeof p->before, &p->before);
		pin(cpu);
	}
	return p;
}

void ur_pool_close(ur_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	atomic_store(&p->quit, 1);
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (int i = 1; i < p->threads; i++)
		pthread_join(p->ids[i], NULL);
	if (p->pinned)
		(void)sched_setaffinity(0, sizeof p->before, &p->before);
	pthread_cond_destroy(&p->idle);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p->starts);
	free(p->ids);
	free(p);
}
