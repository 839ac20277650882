/* Files, written so that a crash never leaves half of one, and read as one block of memory.
 *
 * A writer fills a temporary beside its target, NAME.tmp-PID-RANDOM, and takes the target's place in one rename once
 * the bytes are on the disk. Until ur_file_commit succeeds the target is what it was. A process killed in between
 * leaves its temporary behind; the next ur_file_begin for the same target removes it (each live writer holds a lock
 * on its own, so a temporary whose lock is free has no owner). */
#ifndef UR_FILE_H
#define UR_FILE_H

#include "base/status.h"

#include <string.h>

/* A file being written. Belongs to one thread at a time. */
typedef struct ur_file ur_file;

/* Starts to write `path`, whose directory must exist. A symbolic link is followed: what it leads to is replaced. An
 * existing file keeps its permission bits, and its owner where the system allows that; a new one gets 0666 less
 * the umask. Only regular files are replaced, and only ones the caller may write. *file is NULL on failure. */
ur_status ur_file_begin(const char *path, ur_file **file, ur_err *err);
/* Asks for `bytes` of disk in all, before writing them, so that a full disk is met at once. Optional; a file system
 * that cannot promise space is no error. */
ur_status ur_file_reserve(ur_file *file, int64_t bytes, ur_err *err);
/* Appends; buffered. After a failure the temporary is gone, and every later call returns the same failure. */
ur_status ur_file_write(ur_file *file, const void *bytes, size_t count, ur_err *err);
/* Makes the bytes durable and puts them in the target's place, or leaves the target alone. Frees the writer either
 * way. The one failure after which the target is already new is that of syncing its directory; the text says so. */
ur_status ur_file_commit(ur_file *file, ur_err *err);
/* Drops what was written and frees the writer; NULL is fine. */
void ur_file_abandon(ur_file *file);

/* A whole file, read-only. */
typedef struct ur_map {
	const unsigned char *bytes; /* page-aligned; NULL: nothing mapped */
	size_t size;
} ur_map;

/* Maps a regular file that is not empty; pages are read as they are touched. A file replaced by rename (as above)
 * stays readable here in its old form, but one cut short in place by another program ends this process (SIGBUS), as
 * with any mapping. */
ur_status ur_file_map(const char *path, ur_map *map, ur_err *err);
void ur_file_unmap(ur_map *map);

/* Removes a file, or a folder with all that is in it; symbolic links are not followed. What cannot be removed stays. */
void ur_remove_all(const char *path);

/* The last 200 bytes of a path, for messages: the name's end says more than its start. */
static inline const char *ur_path_tail(const char *path)
{
	size_t n = strlen(path);
	return n > 200 ? path + n - 200 : path;
}

#endif
