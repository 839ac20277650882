/* Writing a file of token ids: as the ids come, under a temporary name; the header last; synced, then renamed. */
#define _GNU_SOURCE
#include "data/token_cache.h"

#include "data/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	YOUNG = 2,              /* seconds: file systems keep times as coarsely as this */
	ABANDONED = 3600        /* a temporary file not written to for that long has no writer any more */
};

struct ur_token_writer {
	ur_token_key key;
	ur_token_header header;
	int fd, failed, width, vocab_size;
	char folder[UR_TOKEN_PATH], prefix[18];
	char *name, *final;             /* NULL: unlinked; a temporary file to remove; where to rename it to */
	int64_t n, last, size;          /* last: where the token before the next one ends in the source */
	int64_t *index;
	size_t blocks, block_room, used;
	ur_hash body;
	unsigned char buffer[1 << 16];
};

/* Of this place: the disk is full, or the like. */
static ur_status failed(ur_token_writer *w, const char *what, ur_err *err)
{
	w->failed = 1;
	return ur_fail(err, UR_E_IO, "the tokens of %s cannot be %s in %s: %s; set XDG_CACHE_HOME or TMPDIR to a folder "
		"with room for about as many bytes as the text has", w->key.path, what, w->folder, strerror(errno));
}

static ur_status no_memory(ur_err *err)
{
	return ur_fail(err, UR_E_NOMEM, "out of memory for a corpus");
}

static ur_status write_at(ur_token_writer *w, const void *data, size_t n, int64_t at, ur_err *err)
{
	const char *s = data;

	while (n) {
		ssize_t put = pwrite(w->fd, s, n, at);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			errno = put ? errno : ENOSPC;
			return failed(w, "written", err);
		}
		s += put;
		at += put;
		n -= (size_t)put;
	}
	return UR_OK;
}

/* The body, in order. */
static ur_status append(ur_token_writer *w, const void *data, size_t n, ur_err *err)
{
	ur_hash_add(&w->body, data, n);
	w->size += (int64_t)n;
	return write_at(w, data, n, w->size - (int64_t)n, err);
}

static ur_status pad(ur_token_writer *w, ur_err *err)
{
	static const char zeros[8];
	return append(w, zeros, (size_t)(-w->size & 7), err);
}

static ur_status open_file(ur_token_writer *w, int place, ur_err *err)
{
	size_t room = UR_TOKEN_PATH + 64;

	if (place < UR_TOKEN_PLACES - 1) {
		if (!ur_token_place(place, 1, w->folder)) {
			errno = EACCES;
			return failed(w, "kept", err);
		}
		w->name = malloc(room);
		w->final = malloc(room);
		if (!w->name || !w->final)
			return no_memory(err);
		snprintf(w->final, room, "%s/%s%016llx" UR_TOKEN_SUFFIX, w->folder, w->prefix,
			(unsigned long long)w->header.vocab_hash);
		snprintf(w->name, room, "%s.XXXXXX", w->final);
		w->fd = mkostemp(w->name, O_CLOEXEC);
		if (w->fd >= 0)
			return UR_OK;
		w->name[0] = '\0';
		return failed(w, "kept", err);
	}
	for (int i = 0; w->fd < 0 && ur_token_temporary(i); i++) {
		char name[UR_TOKEN_PATH];
		snprintf(w->folder, sizeof w->folder, "%s", ur_token_temporary(i));
		if (snprintf(name, sizeof name, "%s/unroll-XXXXXX", ur_token_temporary(i)) >= (int)sizeof name)
			continue;
		w->fd = mkostemp(name, O_CLOEXEC);
		if (w->fd >= 0)
			unlink(name);
	}
	return w->fd >= 0 ? UR_OK : failed(w, "kept", err);
}

ur_status ur_token_writer_open(int place, const ur_token_key *key, const ur_vocab *vocab, ur_token_writer **writer,
                               ur_err *err)
{
	ur_token_writer *w = calloc(1, sizeof *w);
	struct timespec now;
	json_t *json;
	char *text;
	ur_token_header *h;
	ur_status status;

	*writer = w;
	if (!w)
		return no_memory(err);
	w->fd = -1;
	w->key = *key;
	w->vocab_size = ur_vocab_size(vocab);
	w->width = ur_token_width(w->vocab_size);
	ur_token_prefix(key->path, w->prefix);
	clock_gettime(CLOCK_REALTIME, &now);
	json = ur_vocab_to_json(vocab);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!text)
		return no_memory(err);
	h = &w->header;
	memcpy(h->magic, UR_TOKEN_MAGIC, sizeof h->magic);
	h->version = UR_TOKEN_VERSION;
	h->width = (uint32_t)w->width;
	h->size = key->size;
	h->mtime = key->mtime;
	h->mtime_ns = key->mtime_ns;
	h->inode = key->inode;
	h->cap = key->learn.cap;
	h->least = key->learn.least;
	h->unknown = key->learn.unknown != 0;
	h->path_bytes = strlen(key->path);
	h->json_bytes = strlen(text);
	h->vocab_hash = ur_vocab_hash(vocab);
	h->learnt = !key->use;
	h->young = key->mtime + YOUNG >= now.tv_sec;
	if (key->learn.kind)
		strncpy(h->kind, key->learn.kind, sizeof h->kind - 1);
	w->size = sizeof *h;
	status = open_file(w, place, err);
	if (!status)
		status = append(w, key->path, h->path_bytes, err);
	if (!status)
		status = append(w, text, h->json_bytes, err);
	if (!status)
		status = pad(w, err);
	free(text);
	return status;
}

/* Another UR_TOKEN_BLOCK of tokens begins. */
static int add_block(ur_token_writer *w)
{
	if (w->blocks == w->block_room) {
		size_t room = w->block_room * 2 + 64;
		int64_t *index = realloc(w->index, room * sizeof *index);
		if (!index)
			return 0;
		w->index = index;
		w->block_room = room;
	}
	w->index[w->blocks++] = w->last;
	return 1;
}

static ur_status flush(ur_token_writer *w, ur_err *err)
{
	size_t n = w->used;

	w->used = 0;
	return append(w, w->buffer, n, err);
}

ur_status ur_token_writer_add(void *arg, const int32_t *ids, const int64_t *ends, size_t n, ur_err *err)
{
	ur_token_writer *w = arg;

	for (size_t i = 0; i < n; i++) {
		uint32_t id = (uint32_t)ids[i];
		ur_status status;
		if (w->n++ % UR_TOKEN_BLOCK == 0 && !add_block(w))
			return no_memory(err);
		w->last = ends[i];
		if (w->width == 1) {
			w->buffer[w->used] = (unsigned char)id;
		} else if (w->width == 2) {
			uint16_t two = (uint16_t)id;
			memcpy(w->buffer + w->used, &two, sizeof two);
		} else {
			memcpy(w->buffer + w->used, &id, sizeof id);
		}
		w->used += (size_t)w->width;
		if (w->used == sizeof w->buffer && (status = flush(w, err)))
			return status;
	}
	return UR_OK;
}

int64_t ur_token_writer_count(const ur_token_writer *w)
{
	return w->n;
}

int ur_token_writer_failed(const ur_token_writer *w)
{
	return w && w->failed;
}

/* Removes the source's files that no longer fit it, and what killed writers left. */
static void sweep(const ur_token_writer *w)
{
	const struct dirent *entry;
	DIR *dir = opendir(w->folder);
	time_t now = time(NULL);

	while (dir && (entry = ur_token_next(dir, w->prefix))) {
		const char *end = strstr(entry->d_name, UR_TOKEN_SUFFIX);
		int useless = 0;
		if (end && !strcmp(end, UR_TOKEN_SUFFIX)) {
			ur_token_header h;
			int fd = ur_token_open(dirfd(dir), entry->d_name, &h);
			useless = fd < 0 || !ur_token_fresh(&h, &w->key);
			if (fd >= 0)
				close(fd);
		} else if (end) {
			struct stat st;
			useless = !fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) && st.st_mtime < now - ABANDONED;
		}
		if (useless)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

ur_status ur_token_writer_finish(ur_token_writer *w, uint64_t fingerprint, ur_tokens **tokens, ur_err *err)
{
	ur_token_header *h = &w->header;
	int64_t ids_at, index_at, size;
	ur_status status = flush(w, err);
	ur_tokens *t;

	*tokens = NULL;
	if (!status)
		status = pad(w, err);
	if (!status)
		status = append(w, w->index, w->blocks * sizeof *w->index, err);
	if (status)
		return status;
	h->tokens = w->n;
	h->fingerprint = fingerprint;
	h->body_hash = ur_hash_value(&w->body);
	h->header_hash = ur_token_header_hash(h);
	if (!ur_token_layout(h, &ids_at, &index_at, &size))
		return ur_fail(err, UR_E_INVALID, "%s is too long for a corpus", w->key.path);
	if ((status = write_at(w, h, sizeof *h, 0, err)))
		return status;
	t = calloc(1, sizeof *t);
	if (!t || !(t->name = strdup(w->final ? w->final : "the temporary file of tokens"))) {
		free(t);
		return no_memory(err);
	}
	if (w->final) {
		if (fsync(w->fd) || rename(w->name, w->final)) {
			ur_tokens_close(t);
			return failed(w, "kept", err);
		}
		w->name[0] = '\0';
		sweep(w);
	}
	t->fd = w->fd;
	t->index = w->index;
	t->width = w->width;
	t->vocab_size = w->vocab_size;
	t->n = w->n;
	t->ids_at = ids_at;
	t->size = size;
	t->fingerprint = fingerprint;
	w->fd = -1;
	w->index = NULL;
	*tokens = t;
	return UR_OK;
}

void ur_token_writer_close(ur_token_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	if (w->name && w->name[0])
		unlink(w->name);
	free(w->name);
	free(w->final);
	free(w->index);
	free(w);
}
