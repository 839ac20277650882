/* pread until everything is there. A short file is an answer, not a signal: this is why files are not mapped. */
#include "data/pread_all.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

ur_status ur_pread_all(int fd, const char *name, int64_t size, int64_t at, void *to, size_t n, ur_err *err)
{
	char *out = to;

	while (n) {
		ssize_t got = pread(fd, out, n, at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ur_fail(err, UR_E_IO, "%s cannot be read at byte %lld: %s", name, (long long)at, strerror(errno));
		if (got == 0)
			return ur_fail(err, UR_E_IO, "%s ended at byte %lld, expected %lld: it changed while it was being read",
				name, (long long)at, (long long)size);
		out += got;
		at += got;
		n -= (size_t)got;
	}
	return UR_OK;
}
