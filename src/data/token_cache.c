/* Finding, checking and reading files of token ids. */
#include "data/token_cache.h"

#include "data/pread_all.h"
#include "data/token_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_PIECE = 16384 };

/* ---- where they lie ---- */

static const char *absolute(const char *variable)
{
	const char *value = getenv(variable);
	return value && value[0] == '/' ? value : NULL;
}

const char *ur_token_temporary(int i)
{
	const char *own = absolute("TMPDIR");
	const char *all[] = { own ? own : "/tmp", "/tmp", "/var/tmp", NULL };
	return all[i];
}

/* mkdir -p, for the user alone. */
static void make_dirs(char *dir)
{
	for (char *p = dir + 1; *p; p++)
		if (*p == '/') {
			*p = '\0';
			(void)mkdir(dir, 0700);
			*p = '/';
		}
	(void)mkdir(dir, 0700);
}

int ur_token_place(int place, int make, char dir[UR_TOKEN_PATH])
{
	const char *cache = absolute("XDG_CACHE_HOME"), *home = absolute("HOME");
	struct stat st;
	int n;

	if (place == 1)
		n = snprintf(dir, UR_TOKEN_PATH, "%s/unroll-%lu", ur_token_temporary(0), (unsigned long)geteuid());
	else if (cache)
		n = snprintf(dir, UR_TOKEN_PATH, "%s/unroll", cache);
	else if (home)
		n = snprintf(dir, UR_TOKEN_PATH, "%s/.cache/unroll", home);
	else
		return 0;
	if (n < 0 || n >= UR_TOKEN_PATH)
		return 0;
	if (make)
		make_dirs(dir);
	if (place == 0)
		return !stat(dir, &st) && S_ISDIR(st.st_mode);
	/* everyone may write to /tmp: the folder must be ours alone */
	return !lstat(dir, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 077);
}

void ur_token_prefix(const char *path, char prefix[18])
{
	ur_hash hash = { 0 };
	ur_hash_add(&hash, path, strlen(path));
	snprintf(prefix, 18, "%016llx-", (unsigned long long)ur_hash_value(&hash));
}

const struct dirent *ur_token_next(DIR *dir, const char *prefix)
{
	const struct dirent *entry;

	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, prefix, strlen(prefix)))
			return entry;
	return NULL;
}

/* ---- the header ---- */

uint64_t ur_token_header_hash(const ur_token_header *h)
{
	ur_hash hash = { 0 };
	ur_hash_add(&hash, h, offsetof(ur_token_header, header_hash));
	return ur_hash_value(&hash);
}

int ur_token_layout(const ur_token_header *h, int64_t *ids_at, int64_t *index_at, int64_t *size)
{
	if ((h->width != 1 && h->width != 2 && h->width != 4) || h->tokens < 1 || h->tokens > INT64_MAX / 16 ||
	    h->path_bytes < 1 || h->path_bytes > UR_TOKEN_PATH || h->json_bytes > INT32_MAX)
		return 0;
	*ids_at = (int64_t)((sizeof *h + h->path_bytes + h->json_bytes + 7) / 8 * 8);
	*index_at = *ids_at + (h->tokens * h->width + 7) / 8 * 8;
	*size = *index_at + (h->tokens + UR_TOKEN_BLOCK - 1) / UR_TOKEN_BLOCK * 8;
	return 1;
}

int ur_token_open(int dir, const char *name, ur_token_header *h)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int64_t ids_at, index_at, size;
	struct stat st;

	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && pread(fd, h, sizeof *h, 0) == (ssize_t)sizeof *h &&
	    !memcmp(h->magic, UR_TOKEN_MAGIC, sizeof h->magic) && h->version == UR_TOKEN_VERSION &&
	    h->header_hash == ur_token_header_hash(h) && ur_token_layout(h, &ids_at, &index_at, &size) &&
	    st.st_size == size)
		return fd;
	close(fd);
	return -1;
}

int ur_token_fresh(const ur_token_header *h, const ur_token_key *key)
{
	return h->size == key->size && h->mtime == key->mtime && h->mtime_ns == key->mtime_ns && h->inode == key->inode;
}

/* ---- finding one ---- */

static int suits(const ur_token_header *h, const ur_token_key *key)
{
	if (!ur_token_fresh(h, key) || h->path_bytes != strlen(key->path))
		return 0;
	if (key->use)
		return h->vocab_hash == ur_vocab_hash(key->use);
	return h->learnt && h->cap == key->learn.cap && h->least == key->learn.least &&
	       h->unknown == (key->learn.unknown != 0) && !strncmp(h->kind, key->learn.kind, sizeof h->kind);
}

/* UR_OK: the body is whole, or UR_E_FORMAT. */
static ur_status check_body(int fd, const char *name, int64_t size, uint64_t expected, ur_progress *progress, void *arg,
	ur_err *err)
{
	char *piece = malloc(UR_TOKEN_PIECE);
	ur_hash hash = { 0 };
	ur_status status = UR_OK;

	if (!piece)
		return ur_fail(err, UR_E_NOMEM, "out of memory for a corpus");
	for (int64_t at = sizeof(ur_token_header); at < size && !status;) {
		size_t n = size - at < UR_TOKEN_PIECE ? (size_t)(size - at) : UR_TOKEN_PIECE;
		if (ur_pread_all(fd, name, size, at, piece, n, NULL))
			status = UR_E_FORMAT;
		else if (progress && progress(arg, at, size))
			status = ur_fail(err, UR_E_STOPPED, "stopped while the cached tokens were checked");
		ur_hash_add(&hash, piece, n);
		at += (int64_t)n;
	}
	free(piece);
	return status ? status : ur_hash_value(&hash) == expected ? UR_OK : UR_E_FORMAT;
}

/* The vocabulary that the cache holds, or NULL. */
static ur_vocab *load_vocab(int fd, const char *name, const ur_token_header *h, int64_t size)
{
	char *text = malloc(h->json_bytes + 1);
	ur_vocab *v = NULL;
	json_t *json;

	if (!text || ur_pread_all(fd, name, size, (int64_t)(sizeof *h + h->path_bytes), text, h->json_bytes, NULL)) {
		free(text);
		return NULL;
	}
	json = json_loadb(text, h->json_bytes, 0, NULL);
	free(text);
	if (!json)
		return NULL;
	(void)ur_vocab_from_json(json, &v, NULL);
	json_decref(json);
	if (v && ur_vocab_hash(v) != h->vocab_hash) {
		ur_vocab_free(v);
		return NULL;
	}
	return v;
}

/* The header suits: everything else. UR_E_FORMAT: it is no use. */
static ur_status load(int fd, const char *name, const ur_token_header *h, const ur_token_key *key,
	ur_progress *progress, void *arg, ur_tokens **tokens, ur_vocab **vocab, ur_err *err)
{
	char path[UR_TOKEN_PATH];
	int64_t ids_at, index_at, size;
	size_t blocks = (size_t)((h->tokens + UR_TOKEN_BLOCK - 1) / UR_TOKEN_BLOCK);
	ur_tokens *t;
	ur_status status;

	if (!ur_token_layout(h, &ids_at, &index_at, &size) ||
	    ur_pread_all(fd, name, size, sizeof *h, path, h->path_bytes, NULL) || memcmp(path, key->path, h->path_bytes))
		return UR_E_FORMAT;
	if ((status = check_body(fd, name, size, h->body_hash, progress, arg, err)))
		return status;
	*vocab = key->use ? ur_vocab_hold(key->use) : load_vocab(fd, name, h, size);
	if (!*vocab || (uint32_t)ur_token_width(ur_vocab_size(*vocab)) != h->width)
		return UR_E_FORMAT;
	*tokens = t = calloc(1, sizeof *t);
	if (!t)
		return ur_fail(err, UR_E_NOMEM, "out of memory for a corpus");
	*t = (ur_tokens){ .fd = -1, .name = strdup(name), .width = (int)h->width, .vocab_size = ur_vocab_size(*vocab),
		.n = h->tokens, .ids_at = ids_at, .size = size, .index = malloc(blocks * sizeof *t->index),
		.fingerprint = h->fingerprint, .young = (int)h->young };
	if (!t->name || !t->index)
		return ur_fail(err, UR_E_NOMEM, "out of memory for a corpus");
	if (ur_pread_all(fd, name, size, index_at, t->index, blocks * sizeof *t->index, NULL) || t->index[0] != 0)
		return UR_E_FORMAT;
	for (size_t i = 1; i < blocks; i++)
		if (t->index[i] <= t->index[i - 1] || t->index[i] >= key->size)
			return UR_E_FORMAT;
	t->fd = fd;
	return UR_OK;
}

ur_status ur_tokens_find(const ur_token_key *key, ur_progress *progress, void *arg, ur_tokens **tokens,
                         ur_vocab **vocab, ur_err *err)
{
	char folder[UR_TOKEN_PATH], name[UR_TOKEN_PATH + 300], prefix[18];
	ur_status status = UR_E_FORMAT;

	*tokens = NULL;
	*vocab = NULL;
	ur_token_prefix(key->path, prefix);
	for (int place = 0; place < UR_TOKEN_PLACES - 1 && status == UR_E_FORMAT; place++) {
		const struct dirent *entry;
		ur_token_header h;
		DIR *dir = ur_token_place(place, 0, folder) ? opendir(folder) : NULL;
		while (dir && status == UR_E_FORMAT && (entry = ur_token_next(dir, prefix))) {
			const char *end = strstr(entry->d_name, UR_TOKEN_SUFFIX);
			int fd = end && !strcmp(end, UR_TOKEN_SUFFIX) ? ur_token_open(dirfd(dir), entry->d_name, &h) : -1;
			if (fd < 0)
				continue;
			snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
			if (suits(&h, key))
				status = load(fd, name, &h, key, progress, arg, tokens, vocab, err);
			if (status) {
				close(fd);
				ur_tokens_close(*tokens);
				ur_vocab_free(*vocab);
				*tokens = NULL;
				*vocab = NULL;
			}
		}
		if (dir)
			closedir(dir);
	}
	return status == UR_E_FORMAT ? UR_OK : status;
}

/* ---- reading ---- */

ur_status ur_tokens_read(const ur_tokens *t, int64_t from, int64_t n, int32_t *out, ur_err *err)
{
	union { uint8_t one[READ_PIECE]; uint16_t two[READ_PIECE / 2]; uint32_t four[READ_PIECE / 4]; } piece;
	int64_t most = READ_PIECE / t->width;
	uint32_t size = (uint32_t)t->vocab_size, highest = 0;

	for (; n > 0; n -= most, from += most, out += most) {
		int now = (int)(n < most ? n : most);
		ur_status status = ur_pread_all(t->fd, t->name, t->size, t->ids_at + from * t->width, &piece,
			(size_t)now * (size_t)t->width, err);
		if (status)
			return status;
		for (int i = 0; i < now; i++) {
			uint32_t id = t->width == 1 ? piece.one[i] : t->width == 2 ? piece.two[i] : piece.four[i];
			highest = id > highest ? id : highest;
			out[i] = (int32_t)id;
		}
		if (highest >= size)
			return ur_fail(err, UR_E_FORMAT, "%s was damaged while in use: remove it and start again", t->name);
	}
	return UR_OK;
}

void ur_tokens_close(ur_tokens *t)
{
	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	free(t->name);
	free(t->index);
	free(t);
}
