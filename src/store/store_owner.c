/* Who is at a run or a comparison, and the folder beside the store.
 *
 * A store that begins something makes a lock file of a name that is never used again in PATH.d/, holds it with flock
 * until it is closed, and writes the name into the rows it is at. The kernel drops the lock however the process ends,
 * so that a free or a missing one tells a row that nobody is at any more, where a process number, which is reused and
 * means something else in another container, cannot. The lock is taken before the name is written anywhere, and who
 * looks takes it shared, so that two who look do not take each other for the owner. */
#define _GNU_SOURCE
#include "store/store_private.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static ur_status cannot(const ur_store *s, const char *name, ur_err *err)
{
	const int error = errno;
	char room[100];

	return ur_fail(err, UR_E_IO, "%s/%s: could not make it: %s%s", ur_path_tail(s->folder), name,
	               strerror_r(error, room, sizeof room),
	               error == ENOSPC || error == EDQUOT ? "; free some space, or name a store elsewhere" : "");
}

/* PID-RANDOM.lock; a row may hold anything. */
static int is_owner(const char *name)
{
	const size_t n = strspn(name, "0123456789abcdef-");
	return n > 0 && !strcmp(name + n, ".lock");
}

/* Opens the lock file and takes it shared; -1: somebody has it, or it cannot be told. *gone: there is none. */
static int try_lock(const ur_store *s, const char *owner, int *gone)
{
	char path[UR_STORE_PATH + UR_OWNER];
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", s->folder, owner);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	*gone = fd < 0 && (errno == ENOENT || errno == ENOTDIR);
	if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int ur_owner_alive(const ur_store *s, const char *owner)
{
	int gone, fd;

	if (!is_owner(owner) || strlen(owner) >= UR_OWNER)
		return 0;
	if ((fd = try_lock(s, owner, &gone)) < 0)
		return !gone;
	close(fd);
	return 0;
}

/* ---- folders ---- */

ur_status ur_folder_of(const ur_store *s, int64_t comparison, char path[UR_STORE_PATH], ur_err *err)
{
	if (snprintf(path, UR_STORE_PATH, "%s/%" PRId64, s->folder, comparison) >= UR_STORE_PATH)
		return ur_fail(err, UR_E_INVALID, "%s: the path is too long", ur_path_tail(s->path));
	return UR_OK;
}

ur_status ur_folder_make(const ur_store *s, int64_t comparison, char path[UR_STORE_PATH], ur_err *err)
{
	ur_status status = ur_folder_of(s, comparison, path, err);

	if (status)
		return status;
	(void)mkdir(s->folder, 0777);
	return mkdir(path, 0777) && errno != EEXIST ? cannot(s, strrchr(path, '/') + 1, err) : UR_OK;
}

void ur_folder_remove(const ur_store *s, int64_t comparison)
{
	char path[UR_STORE_PATH];

	if (!ur_folder_of(s, comparison, path, NULL))
		ur_remove_all(path);
}

void ur_make_parents(const char *path)
{
	char part[UR_STORE_PATH];

	for (const char *p = strchr(path + 1, '/'); p && p - path < UR_STORE_PATH; p = strchr(p + 1, '/')) {
		(void)snprintf(part, sizeof part, "%.*s", (int)(p - path), path);
		(void)mkdir(part, 0700);
	}
}

/* ---- owning ---- */

/* Removes what processes left that were killed: lock files nobody holds, folders of comparisons that are done or
 * deleted. A folder is made only once its comparison stands in the table, and ids are not used again. */
static void sweep(const ur_store *s)
{
	DIR *list = opendir(s->folder);
	const struct dirent *entry;

	while (list && (entry = readdir(list))) {
		const char *name = entry->d_name;
		char *end;
		const int64_t id = strtoll(name, &end, 10);
		int64_t one;
		int gone, fd, found;

		if (is_owner(name) && strlen(name) < UR_OWNER) {
			if ((fd = try_lock(s, name, &gone)) < 0)
				continue;
			(void)unlinkat(dirfd(list), name, 0);
			close(fd);
		} else if (id > 0 && !*end && !ur_sql_int(s, "SELECT 1 FROM comparison WHERE id = ?1 AND status <> 'done'",
		                                          UR_BIND(UR_INT(id)), &one, &found, NULL) && !found) {
			ur_folder_remove(s, id);
		}
	}
	if (list)
		closedir(list);
}

static uint64_t random_word(void)
{
	uint64_t r;

	if (getrandom(&r, sizeof r, GRND_NONBLOCK) != sizeof r) {
		struct timespec t;
		(void)clock_gettime(CLOCK_REALTIME, &t);
		r = (uint64_t)t.tv_sec * 1000000007u ^ (uint64_t)t.tv_nsec << 20 ^ (uint64_t)(uintptr_t)&t;
	}
	return r;
}

ur_status ur_owner_take(ur_store *s, ur_err *err)
{
	enum { TRIES = 16 };
	char path[UR_STORE_PATH + UR_OWNER], name[UR_OWNER];

	if (*s->owner)
		return UR_OK;
	(void)mkdir(s->folder, 0777);
	sweep(s);
	for (int i = 0; i < TRIES; i++) {
		struct stat st;

		(void)snprintf(name, sizeof name, "%ld-%016" PRIx64 ".lock", (long)getpid(), random_word());
		(void)snprintf(path, sizeof path, "%s/%s", s->folder, name);
		s->lock = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
		if (s->lock < 0) {
			if (errno == EEXIST)
				continue;
			return cannot(s, name, err);
		}
		/* between these two calls another's sweep may take it for a leftover: then it is locked, or has no name */
		if (!flock(s->lock, LOCK_EX | LOCK_NB) && !fstat(s->lock, &st) && st.st_nlink > 0) {
			memcpy(s->owner, name, sizeof name);
			return UR_OK;
		}
		close(s->lock);
	}
	errno = EAGAIN;
	return cannot(s, name, err);
}

void ur_owner_drop(ur_store *s)
{
	char path[UR_STORE_PATH + UR_OWNER];

	if (!*s->owner)
		return;
	(void)snprintf(path, sizeof path, "%s/%s", s->folder, s->owner);
	(void)unlink(path);
	close(s->lock);
	*s->owner = 0;
}
