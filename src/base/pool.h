/* A pool of pinned worker threads. The caller is worker 0. Tasks are numbered and their numbers are given out in
 * order; a task's result must depend on its number alone, never on the thread, so results are the same bits at any
 * number of threads. */
#ifndef UR_POOL_H
#define UR_POOL_H

typedef struct ur_pool ur_pool;
typedef void ur_pool_task(void *arg, int task, int thread);

/* threads < 1: one per processor this process may use. NULL: out of memory or threads. */
ur_pool *ur_pool_open(int threads);
void ur_pool_close(ur_pool *pool);
/* A NULL pool is one thread, the caller's. */
int ur_pool_threads(const ur_pool *pool);
/* Runs task(arg, i, thread) for i in [0, tasks) and returns when all are done. Never called from inside a task. */
void ur_pool_run(ur_pool *pool, int tasks, ur_pool_task *task, void *arg);
/* Processors this process may run on. */
int ur_cpu_count(void);

#endif
