/* Atomic replacement of files: write beside the target, fsync, rename, fsync the directory (Pillai et al., "All file
 * systems are not created equal", OSDI 2014, on why each of these is needed). Mapping of whole files.
 *
 * The temporary is locked with flock while its writer lives. The kernel drops the lock when the writer dies, however
 * that happens, so the lock tells a leftover from a live file where a process number, which is reused and means
 * something else in another container, cannot. */
#define _GNU_SOURCE
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	BUFFER = 1 << 16,
	STEM = 200,     /* bytes of the target's name that its temporary carries: the rest must fit NAME_MAX */
	TEMP = STEM + 64,
	LINKS = 40, TRIES = 16
};

struct ur_file {
	int fd, dir;            /* -1: closed */
	int existed;
	struct stat was;        /* the target, where it existed */
	int64_t flushed;        /* bytes handed to the kernel */
	int64_t reserved;       /* bytes asked for in all */
	size_t used;            /* bytes in buffer */
	ur_err failed;          /* the first failure */
	char *path;             /* as the caller gave it, for messages */
	char *target;           /* past symbolic links */
	const char *name;       /* its last component */
	char temp[TEMP];
	char buffer[BUFFER];
};

/* `error` is an errno; `bytes` is what the file needs as far as is known, or negative. */
static ur_status fail(ur_err *err, const char *path, const char *doing, int error, int64_t bytes)
{
	const char *tail = ur_path_tail(path);
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		if (bytes >= 0)
			return ur_fail(err, UR_E_IO, "%s: %s: this file needs %lld bytes; free some space or write elsewhere",
			               tail, error == ENOSPC ? "the disk is full" : "the disk quota is used up", (long long)bytes);
		return ur_fail(err, UR_E_IO, "%s: %s; free some space or write elsewhere", tail,
		               error == ENOSPC ? "the disk is full" : "the disk quota is used up");
	case EFBIG:
		return ur_fail(err, UR_E_IO, "%s: %lld bytes are more than the file system or this process's limit on file "
		               "sizes (ulimit -f) allows", tail, (long long)bytes);
	case EROFS:
		return ur_fail(err, UR_E_IO, "%s: the file system is read-only; write elsewhere", tail);
	case EACCES:
	case EPERM:
		return ur_fail(err, UR_E_IO, "%s: no permission to %s", tail, doing);
	default:
		errno = error;
		return ur_fail(err, UR_E_IO, "%s: could not %s: %m", tail, doing);
	}
}

static const char *kind_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a directory";
	if (S_ISFIFO(mode))
		return "a pipe (FIFO)";
	if (S_ISSOCK(mode))
		return "a socket";
	return "a device";
}

/* The file that `path` leads to through symbolic links; it need not exist. Malloc'd; NULL and errno on failure. */
static char *follow(const char *path)
{
	char *at = strdup(path);
	for (int links = 0; at; links++) {
		char to[PATH_MAX], *next, *slash;
		ssize_t n = readlink(at, to, sizeof to);
		if (n < 0)
			return at;
		if (links == LINKS || n == sizeof to) {
			free(at);
			errno = links == LINKS ? ELOOP : ENAMETOOLONG;
			return NULL;
		}
		slash = strrchr(at, '/');
		if (to[0] == '/' || !slash)
			next = strndup(to, (size_t)n);
		else if (asprintf(&next, "%.*s/%.*s", (int)(slash - at), at, (int)n, to) < 0)
			next = NULL;
		free(at);
		at = next;
	}
	errno = ENOMEM;
	return NULL;
}

/* Is `name` STEM.tmp-DIGITS-HEX? */
static int is_temporary(const char *name, const char *stem, size_t n)
{
	size_t digits;
	if (strncmp(name, stem, n) || strncmp(name + n, ".tmp-", 5))
		return 0;
	name += n + 5;
	digits = strspn(name, "0123456789");
	if (!digits || name[digits] != '-')
		return 0;
	name += digits + 1;
	return strlen(name) == 16 && strspn(name, "0123456789abcdef") == 16;
}

/* Removes temporaries of this target that no process holds. Best effort: a failure leaves a file, no more. */
static void sweep(int dir, const char *stem, size_t n)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!list) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(list))) {
		struct stat st;
		int old;
		if (!is_temporary(entry->d_name, stem, n))
			continue;
		old = openat(dir, entry->d_name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (old < 0)
			continue;
		if (!fstat(old, &st) && S_ISREG(st.st_mode) && !flock(old, LOCK_EX | LOCK_NB))
			(void)unlinkat(dir, entry->d_name, 0);
		close(old);
	}
	closedir(list);
}

static uint64_t random_word(void)
{
	uint64_t r;
	if (getrandom(&r, sizeof r, GRND_NONBLOCK) != sizeof r) {
		struct timespec t;
		clock_gettime(CLOCK_REALTIME, &t);
		r = (uint64_t)t.tv_sec * 1000000007u ^ (uint64_t)t.tv_nsec << 20 ^ (uint64_t)(uintptr_t)&t;
	}
	return r;
}

/* Creates and locks the temporary. 0, or an errno. */
static int create(ur_file *f, size_t stem)
{
	for (int i = 0; i < TRIES; i++) {
		struct stat st;
		(void)snprintf(f->temp, sizeof f->temp, "%.*s.tmp-%ld-%016llx", (int)stem, f->name, (long)getpid(),
		               (unsigned long long)random_word());
		/* a file that takes the place of another is private until it has that one's permissions */
		f->fd = openat(f->dir, f->temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, f->existed ? 0600 : 0666);
		if (f->fd < 0) {
			if (errno == EEXIST)
				continue;
			return errno;
		}
		/* between these two calls another writer's sweep may take it for a leftover: then there is no lock, or no
		 * name any more. A file system without locks (any other error) has no sweeps either. */
		if ((!flock(f->fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK) && !fstat(f->fd, &st) && st.st_nlink > 0)
			return 0;
		close(f->fd);
		f->fd = -1;
	}
	return EEXIST;
}

/* Closes and removes the temporary. */
static void discard(ur_file *f)
{
	if (f->fd >= 0) {
		(void)unlinkat(f->dir, f->temp, 0);
		close(f->fd);
		f->fd = -1;
	}
}

static ur_status fail_file(ur_file *f, ur_err *err, const char *doing, int error, int64_t bytes)
{
	discard(f);
	fail(&f->failed, f->path, doing, error, bytes);
	if (err)
		*err = f->failed;
	return f->failed.status;
}

void ur_file_abandon(ur_file *f)
{
	if (!f)
		return;
	discard(f);
	if (f->dir >= 0)
		close(f->dir);
	free(f->target);
	free(f->path);
	free(f);
}

static ur_status open_directory(ur_file *f, ur_err *err)
{
	char *slash = strrchr(f->target, '/');
	const char *where = ".";

	f->name = slash ? slash + 1 : f->target;
	if (!*f->name)
		return ur_fail(err, UR_E_IO, "%s: names a directory, not a file", ur_path_tail(f->path));
	if (slash) {
		*slash = 0; /* target is not needed as one string again */
		where = slash == f->target ? "/" : f->target;
	}
	f->dir = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir >= 0)
		return UR_OK;
	if (errno == ENOENT || errno == ENOTDIR)
		return ur_fail(err, UR_E_IO, "%s: there is no directory '%s'; create it first", ur_path_tail(f->path),
		               ur_path_tail(where));
	return fail(err, f->path, "open its directory", errno, -1);
}

ur_status ur_file_begin(const char *path, ur_file **file, ur_err *err)
{
	ur_file *f = calloc(1, sizeof *f);
	ur_status status;
	size_t stem;
	int error;

	*file = NULL;
	if (!f)
		return ur_fail(err, UR_E_NOMEM, "%s: no memory to write it", ur_path_tail(path));
	f->fd = f->dir = -1;
	f->path = strdup(path);
	f->target = follow(path);
	if (!f->path || !f->target) {
		status = fail(err, path, "follow its symbolic links", f->path ? errno : ENOMEM, -1);
		goto failed;
	}
	f->existed = !stat(path, &f->was);
	if (!f->existed && errno != ENOENT && errno != ENOTDIR) {
		status = fail(err, path, "look at it", errno, -1);
		goto failed;
	}
	if (f->existed && !S_ISREG(f->was.st_mode)) {
		status = ur_fail(err, UR_E_IO, "%s: is %s; only a regular file can be replaced", ur_path_tail(path),
		                 kind_of(f->was.st_mode));
		goto failed;
	}
	if (f->existed && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS)) {
		status = errno == EROFS ? fail(err, path, "write it", EROFS, -1) :
			ur_fail(err, UR_E_IO, "%s: is read-only (mode %04o); change that or write elsewhere", ur_path_tail(path),
			        (unsigned)(f->was.st_mode & 07777));
		goto failed;
	}
	status = open_directory(f, err);
	if (status)
		goto failed;
	stem = strnlen(f->name, STEM);
	sweep(f->dir, f->name, stem);
	error = create(f, stem);
	if (error) {
		status = fail(err, path, "create a file in its directory", error, -1);
		goto failed;
	}
	*file = f;
	return UR_OK;
failed:
	ur_file_abandon(f);
	return status;
}

/* Returns what went wrong before, if anything did. */
static ur_status earlier(const ur_file *f, ur_err *err)
{
	if (f->failed.status && err)
		*err = f->failed;
	return f->failed.status;
}

ur_status ur_file_reserve(ur_file *f, int64_t bytes, ur_err *err)
{
	if (earlier(f, err))
		return f->failed.status;
	f->reserved = bytes;
	if (bytes > 0 && fallocate(f->fd, FALLOC_FL_KEEP_SIZE, 0, bytes) &&
	    (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
		return fail_file(f, err, "write it", errno, bytes);
	return UR_OK;
}

/* Hands `count` bytes to the kernel. `after`: bytes that will follow at once, for the message. */
static ur_status put(ur_file *f, const char *bytes, size_t count, size_t after, ur_err *err)
{
	while (count) {
		ssize_t n = write(f->fd, bytes, count);
		if (n < 0) {
			int64_t need = f->flushed + (int64_t)(count + after);
			if (errno == EINTR)
				continue;
			return fail_file(f, err, "write it", errno, need > f->reserved ? need : f->reserved);
		}
		f->flushed += n;
		bytes += n;
		count -= (size_t)n;
	}
	return UR_OK;
}

ur_status ur_file_write(ur_file *f, const void *bytes, size_t count, ur_err *err)
{
	if (earlier(f, err))
		return f->failed.status;
	if (count > BUFFER - f->used) {
		size_t used = f->used;
		f->used = 0;
		if (put(f, f->buffer, used, count, err))
			return f->failed.status;
		if (count >= BUFFER)
			return put(f, bytes, count, 0, err);
	}
	if (count)
		memcpy(f->buffer + f->used, bytes, count);
	f->used += count;
	return UR_OK;
}

static ur_status finish(ur_file *f, ur_err *err)
{
	if (earlier(f, err) || put(f, f->buffer, f->used, 0, err))
		return f->failed.status;
	if (f->existed) {
		/* only root may give a file away, and others only to groups they are in; failing both it is the caller's */
		if (fchown(f->fd, f->was.st_uid, f->was.st_gid) && fchown(f->fd, (uid_t)-1, f->was.st_gid))
			errno = 0;
		if (fchmod(f->fd, f->was.st_mode & 0777))
			return fail_file(f, err, "set its permissions", errno, -1);
	}
	if (fsync(f->fd))
		return fail_file(f, err, "write it to the disk", errno, f->flushed);
	if (renameat(f->dir, f->temp, f->dir, f->name))
		return fail_file(f, err, "put the new file in its place", errno, f->flushed);
	/* the lock goes only now: the temporary's name no longer exists */
	close(f->fd);
	f->fd = -1;
	if (fsync(f->dir) && errno != EINVAL && errno != ENOTSUP)
		return ur_fail(err, UR_E_IO, "%s: is written, but its directory could not be synced (%m), so a power failure "
		               "may bring the old one back", ur_path_tail(f->path));
	return UR_OK;
}

ur_status ur_file_commit(ur_file *f, ur_err *err)
{
	ur_status status = finish(f, err);
	ur_file_abandon(f);
	return status;
}

static ur_status map_open(int fd, const char *path, ur_map *map, ur_err *err)
{
	struct stat st;
	void *bytes;

	if (fstat(fd, &st))
		return fail(err, path, "look at it", errno, -1);
	if (!S_ISREG(st.st_mode))
		return ur_fail(err, UR_E_IO, "%s: is %s; a regular file is needed", ur_path_tail(path), kind_of(st.st_mode));
	if (st.st_size == 0)
		return ur_fail(err, UR_E_FORMAT, "%s: is empty", ur_path_tail(path));
	if ((uint64_t)st.st_size > SIZE_MAX)
		return ur_fail(err, UR_E_IO, "%s: is too large for this machine", ur_path_tail(path));
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return fail(err, path, "map it into memory", errno, -1);
	*map = (ur_map){ bytes, (size_t)st.st_size };
	return UR_OK;
}

ur_status ur_file_map(const char *path, ur_map *map, ur_err *err)
{
	/* O_NONBLOCK: a pipe that nobody writes must not hang the open */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ur_status status;

	*map = (ur_map){ 0 };
	if (fd < 0) {
		if (errno == ENOENT)
			return ur_fail(err, UR_E_IO, "%s: there is no such file", ur_path_tail(path));
		if (errno == ENXIO)
			return ur_fail(err, UR_E_IO, "%s: is a socket or a device without a driver; a regular file is needed",
			               ur_path_tail(path));
		return fail(err, path, "read it", errno, -1);
	}
	status = map_open(fd, path, map, err);
	close(fd);
	return status;
}

void ur_file_unmap(ur_map *map)
{
	if (map->bytes)
		(void)munmap((void *)(uintptr_t)map->bytes, map->size);
	*map = (ur_map){ 0 };
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	(void)remove(path);
	return 0;
}

void ur_remove_all(const char *path) { (void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS); }
