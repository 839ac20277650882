/* Reading a file at a position, whole or not at all. */
#ifndef UR_PREAD_ALL_H
#define UR_PREAD_ALL_H

#include "base/status.h"

/* n bytes at offset `at`. name and size (the file's, when it was opened) are for the error: UR_E_IO. */
ur_status ur_pread_all(int fd, const char *name, int64_t size, int64_t at, void *to, size_t n, ur_err *err);

#endif
