/* The file that a corpus or pairs are read from: regular, so that it can be read at any position, and the same from
 * beginning to end of a reading. */
#ifndef UR_SOURCE_FILE_H
#define UR_SOURCE_FILE_H

#include "base/status.h"

#include <sys/stat.h>

/* Opens it for reading; *st is what it was then. UR_E_IO: it cannot be opened, or is not regular; *fd is -1. */
ur_status ur_source_open(const char *path, int *fd, struct stat *st, ur_err *err);
/* UR_E_IO: its size or time is not that of `then`. */
ur_status ur_source_unchanged(int fd, const char *path, const struct stat *then, ur_err *err);

#endif
