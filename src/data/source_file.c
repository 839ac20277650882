/* Opening of source_file.h. */
#include "data/source_file.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static ur_status look(const char *path, int fd, struct stat *st, ur_err *err)
{
	const char *tail = ur_path_tail(path);

	if (fd < 0 && errno == ENOENT && !strcmp(path, "-"))
		return ur_fail(err, UR_E_IO, "standard input can be read only once, in order: save it to a file and give that");
	if (fd < 0 || fstat(fd, st))
		return ur_fail(err, UR_E_IO, "%s cannot be opened: %s", tail, strerror(errno));
	if (S_ISDIR(st->st_mode))
		return ur_fail(err, UR_E_IO, "%s is a directory: give a file", tail);
	if (!S_ISREG(st->st_mode))
		return ur_fail(err, UR_E_IO, "%s is not a regular file but a %s, which cannot be read from any position: save "
			"its contents to a file and give that", tail, S_ISFIFO(st->st_mode) ? "pipe" : "device or socket");
	return UR_OK;
}

ur_status ur_source_open(const char *path, int *fd, struct stat *st, ur_err *err)
{
	ur_status status;

	/* O_NONBLOCK: a pipe without a writer must be an answer, not a wait */
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	status = look(path, *fd, st, err);
	if (status && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return status;
}

ur_status ur_source_unchanged(int fd, const char *path, const struct stat *then, ur_err *err)
{
	struct stat now;

	if (fstat(fd, &now) || now.st_size != then->st_size || now.st_mtim.tv_sec != then->st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != then->st_mtim.tv_nsec)
		return ur_fail(err, UR_E_IO, "%s changed while it was being read: try again when nothing writes to it",
			ur_path_tail(path));
	return UR_OK;
}
