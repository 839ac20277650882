/* The cache of tokens: used again, and right whatever happened to it: changed sources, damage, forgery, killed writers,
 * several at once, places that cannot be written. */
#include "corpus_files.h"
#include "data/token_file.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static uint64_t file_id(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_ino * 1000003 + (uint64_t)st.st_mtim.tv_nsec + (uint64_t)st.st_mtim.tv_sec * 1000000007;
}

static void cache_is_used_again(void **state)
{
	char path[PATH_ROOM], file[PATH_ROOM], now[PATH_ROOM];
	ur_corpus *c, *d;
	ur_err err;
	uint64_t id;

	(void)state;
	use_cache("again");
	strcpy(path, write_file("again.txt", "hello world", 11));
	expect_text(path, "char", "hello world");
	assert_int_equal(cached(file, 1), 1);
	id = file_id(file);
	expect_text(path, "char", "hello world");
	c = opened(path, "char");
	/* the same vocabulary, given: the same cache */
	assert_int_equal(ur_corpus_open(&(ur_corpus_request){ .path = path, .use = ur_corpus_vocab(c) }, &d, &err), UR_OK);
	assert_true(ur_corpus_vocab(d) == ur_corpus_vocab(c));
	ur_corpus_close(c);
	assert_int_equal(ur_corpus_tokens(d), 11);
	assert_int_equal(cached(now, 1), 1);
	assert_string_equal(now, file);
	assert_true(file_id(file) == id);
	/* another way to the same file */
	assert_int_equal(symlink(path, in_root("link.txt")), 0);
	expect_text(in_root("link.txt"), "char", "hello world");
	assert_true(file_id(file) == id);
	/* other kinds and caps are other caches */
	expect_text(path, "word", "hello world");
	assert_int_equal(cached(NULL, 1), 2);
	/* the source changes: what was made from it goes, and open corpora keep what they have */
	write_file("again.txt", "other words", 11);
	expect_text(path, "char", "other words");
	assert_int_equal(cached(NULL, 1), 1);
	assert_int_equal(ur_corpus_read(d, 0, 1, &(int32_t){ 0 }, &err), UR_OK);
	ur_corpus_close(d);
}

static void caps_are_kept_apart(void **state)
{
	static const char text[] = "a a a b b c d";
	static const int sizes[] = { 3, 4, 6, 3, 4 };
	char path[PATH_ROOM];

	(void)state;
	use_cache("caps");
	strcpy(path, write_file("caps.txt", text, sizeof text - 1));
	for (int i = 0; i < 5; i++) {
		ur_corpus *c;
		int32_t ids[7];
		assert_int_equal(ur_corpus_open(&(ur_corpus_request){ .path = path, .vocab = "word",
			.vocab_size = sizes[i] == 6 ? 0 : sizes[i] }, &c, NULL), UR_OK);
		assert_int_equal(ur_vocab_size(ur_corpus_vocab(c)), sizes[i]);
		assert_int_equal(ur_corpus_read(c, 0, 7, ids, NULL), UR_OK);
		assert_int_equal(ids[6] == ur_vocab_unknown(ur_corpus_vocab(c)), sizes[i] < 6);
		ur_corpus_close(c);
	}
	assert_int_equal(cached(NULL, 1), 3);
	/* so are least counts, and unknown characters */
	for (int i = 0; i < 6; i++) {
		static const int64_t least[] = { 0, 2, 3, 0, 2, 3 }, size[] = { 6, 4, 3, 6, 4, 3 };
		ur_corpus *c;
		assert_int_equal(ur_corpus_open(&(ur_corpus_request){ .path = path, .vocab = "word", .vocab_least = least[i] },
			&c, NULL), UR_OK);
		assert_int_equal(ur_vocab_size(ur_corpus_vocab(c)), size[i]);
		ur_corpus_close(c);
	}
	for (int i = 0; i < 4; i++) {
		ur_corpus *c;
		assert_int_equal(ur_corpus_open(&(ur_corpus_request){ .path = path, .vocab = "char", .vocab_unknown = i % 2 },
			&c, NULL), UR_OK);
		assert_int_equal(ur_vocab_unknown(ur_corpus_vocab(c)), i % 2 ? 5 : -1);
		ur_corpus_close(c);
	}
}

/* Written again within the file system's clock tick, same size: only the contents tell. */
static void young_sources_are_compared(void **state)
{
	char path[PATH_ROOM];
	struct stat st;

	(void)state;
	use_cache("young");
	strcpy(path, write_file("young.txt", "abcabc", 6));
	assert_int_equal(utimensat(AT_FDCWD, path, NULL, 0), 0);
	expect_text(path, "char", "abcabc");
	assert_int_equal(stat(path, &st), 0);
	for (int i = 0; i < 2; i++) {
		const char *text = i ? "abcabc" : "cabbac";
		struct timespec times[2];
		int fd = open(path, O_WRONLY);
		assert_int_equal(pwrite(fd, text, 6, 0), 6);
		times[0] = times[1] = st.st_mtim;
		assert_int_equal(futimens(fd, times), 0);
		close(fd);
		expect_text(path, "char", text);
	}
}

/* Any byte of a cache may be wrong: the tokens are right all the same, and the cache is whole afterwards. */
static void damaged_caches_are_rebuilt(void **state)
{
	static const char text[] = "the cat sat on the mat\nthe end\n";
	char path[PATH_ROOM], file[PATH_ROOM];
	unsigned char good[4096], now[4096];
	FILE *f;
	size_t bytes;

	(void)state;
	use_cache("damage");
	strcpy(path, write_file("damage.txt", text, sizeof text - 1));
	expect_text(path, "word", text);
	assert_int_equal(cached(file, 1), 1);
	f = fopen(file, "rb");
	bytes = fread(good, 1, sizeof good, f);
	fclose(f);
	assert_true(bytes > sizeof(ur_token_header) && bytes < sizeof good);
	for (size_t at = 0; at < bytes; at += at < sizeof(ur_token_header) ? 1 : 3) {
		int fd = open(file, O_WRONLY);
		unsigned char bad = good[at] ^ (unsigned char)(1 << at % 8);
		assert_int_equal(pwrite(fd, &bad, 1, (off_t)at), 1);
		close(fd);
		expect_text(path, "word", text);
		f = fopen(file, "rb");
		assert_non_null(f);
		assert_int_equal(fread(now, 1, sizeof now, f), bytes);
		fclose(f);
		assert_memory_equal(now, good, bytes);
	}
	for (size_t size = 0; size < bytes + 100; size += 41) { /* too short, too long */
		assert_int_equal(truncate(file, (off_t)size), 0);
		expect_text(path, "word", text);
		assert_int_equal(cached(NULL, 1), 1);
	}
	/* not even a file */
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkdir(file, 0700), 0);
	expect_text(path, "word", text);
	assert_int_equal(rmdir(file), 0);
	assert_int_equal(symlink("/dev/zero", file), 0);
	expect_text(path, "word", text);
	assert_int_equal(cached(NULL, 1), 1);
}

/* A forged cache: every hash is right, the contents are not. */
static void forge(const char *file, size_t at, unsigned char value)
{
	unsigned char data[4096];
	ur_token_header h;
	ur_hash hash = { 0 };
	FILE *f = fopen(file, "r+b");
	size_t bytes = fread(data, 1, sizeof data, f);

	memcpy(&h, data, sizeof h);
	data[at] = value;
	ur_hash_add(&hash, data + sizeof h, bytes - sizeof h);
	h.body_hash = ur_hash_value(&hash);
	h.header_hash = ur_token_header_hash(&h);
	memcpy(data, &h, sizeof h);
	rewind(f);
	assert_int_equal(fwrite(data, 1, bytes, f), bytes);
	fclose(f);
}

static void forged_caches_do_no_harm(void **state)
{
	static const char text[] = "abcabc";
	char path[PATH_ROOM], file[PATH_ROOM];
	int64_t ids_at, index_at, size;
	ur_token_header h;
	ur_corpus *c;
	int32_t ids[6];
	ur_err err;
	FILE *f;

	(void)state;
	use_cache("forge");
	strcpy(path, write_file("forge.txt", text, sizeof text - 1));
	expect_text(path, "char", text);
	assert_int_equal(cached(file, 1), 1);
	f = fopen(file, "rb");
	assert_int_equal(fread(&h, sizeof h, 1, f), 1);
	fclose(f);
	assert_true(ur_token_layout(&h, &ids_at, &index_at, &size));
	/* a token that the vocabulary does not have */
	forge(file, (size_t)ids_at + 2, 3);
	c = opened(path, "char");
	assert_int_equal(ur_corpus_read(c, 0, 2, ids, &err), UR_OK);
	assert_int_equal(ur_corpus_read(c, 0, 6, ids, &err), UR_E_FORMAT);
	assert_non_null(strstr(err.text, file));
	ur_corpus_close(c);
	/* an index that does not begin at 0; a vocabulary that is no JSON, and one that is another */
	forge(file, (size_t)ids_at + 2, 2);
	forge(file, (size_t)index_at, 1);
	c = opened(path, "char");
	assert_int_equal(ur_corpus_bytes(c, 2, 6, &size, &err), UR_OK);
	assert_int_equal(size, 4);
	ur_corpus_close(c);
	forge(file, sizeof h + h.path_bytes, 'x');
	expect_text(path, "char", text);
	forge(file, sizeof h + h.path_bytes + h.json_bytes - strlen("7,98,99]}"), '6');
	expect_text(path, "char", text);
	/* another source's path */
	forge(file, sizeof h + 1, '?');
	expect_text(path, "char", text);
	f = fopen(file, "rb");
	assert_int_equal(fseek(f, sizeof h + 1, SEEK_SET), 0);
	assert_int_equal(fgetc(f), path[1]);
	fclose(f);
	assert_int_equal(cached(NULL, 1), 1);
}

/* ---- several processes, and places that cannot be written ---- */

static int kill_in_second_pass(void *arg, int64_t done, int64_t total)
{
	(void)arg;
	if (done > total / 2)
		raise(SIGKILL);
	return 0;
}

static void killed_writers_leave_nothing(void **state)
{
	static const char text[] = "to be or not to be";
	char path[PATH_ROOM], file[PATH_ROOM];
	int status;
	pid_t child;
	ur_corpus *c;

	(void)state;
	use_cache("killed");
	strcpy(path, write_file("killed.txt", text, sizeof text - 1));
	child = fork();
	if (!child) {
		ur_corpus_open(&(ur_corpus_request){ .path = path, .vocab = "word", .progress = kill_in_second_pass }, &c,
			NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(cached(NULL, 0), 0);
	assert_int_equal(cached(file, 1), 1); /* the temporary file */
	expect_text(path, "word", text);
	assert_int_equal(cached(NULL, 0), 1);
	assert_int_equal(cached(NULL, 1), 2);
	/* once it is old, the next writer removes it */
	set_time(file, time(NULL) - 7200);
	write_file("killed.txt", "to see", 6);
	expect_text(path, "word", "to see");
	assert_int_equal(cached(NULL, 1), 1);
}

static void processes_at_once(void **state)
{
	enum { CHILDREN = 4, ROUNDS = 5 };
	size_t bytes;
	char *text = long_text(&bytes), path[PATH_ROOM];
	ur_corpus *c;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		pid_t child[CHILDREN];
		char cache[16];
		snprintf(cache, sizeof cache, "once%d", round);
		use_cache(cache);
		strcpy(path, write_file("once.txt", text, bytes));
		for (int i = 0; i < CHILDREN; i++) {
			child[i] = fork();
			if (!child[i]) {
				int32_t *out = malloc(bytes * sizeof *out), *expected = malloc(bytes * sizeof *out);
				int bad = open_kind(path, i % 2 ? "word" : "char", &c, NULL) != UR_OK;
				int64_t n = bad ? 0 : ur_vocab_encode(ur_corpus_vocab(c), text, bytes, expected, bytes, NULL);
				bad |= !n || n != ur_corpus_tokens(c) || ur_corpus_read(c, 0, n, out, NULL) ||
					memcmp(out, expected, (size_t)n * sizeof *out);
				_exit(bad);
			}
		}
		for (int i = 0; i < CHILDREN; i++) {
			int status;
			assert_int_equal(waitpid(child[i], &status, 0), child[i]);
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		}
		assert_int_equal(cached(NULL, 0), 2);
		assert_int_equal(cached(NULL, 1), 2);
	}
	free(text);
}

static void other_places(void **state)
{
	static const char text[] = "here and there";
	char path[PATH_ROOM], folder[PATH_ROOM], file[PATH_ROOM], now[PATH_ROOM];
	struct stat st;

	(void)state;
	strcpy(path, write_file("place.txt", text, sizeof text - 1));
	/* ~/.cache */
	unsetenv("XDG_CACHE_HOME");
	setenv("HOME", in_root("home"), 1);
	assert_int_equal(mkdir(in_root("other"), 0700), 0);
	setenv("TMPDIR", in_root("other"), 1);
	expect_text(path, "char", text);
	assert_int_equal(stat(in_root("home/.cache/unroll"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	/* $TMPDIR */
	setenv("HOME", "/dev/null", 1);
	expect_text(path, "char", text);
	snprintf(folder, sizeof folder, "%s/unroll-%lu", in_root("other"), (unsigned long)geteuid());
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(cached_in(folder, file, 1), 1);
	/* not if others may write there: then a file without a name */
	assert_int_equal(chmod(folder, 0777), 0);
	write_file("place.txt", "moved away now", 14);
	expect_text(path, "char", "moved away now");
	expect_text(path, "char", "moved away now");
	assert_int_equal(cached_in(folder, now, 1), 1);
	assert_string_equal(now, file);
	unsetenv("HOME");
	setenv("TMPDIR", "/dev/null", 1);
	expect_text(path, "word", "moved away now");
	setenv("TMPDIR", in_root("tmp"), 1);
}

/* A full disk: every place fails, err says what to do, and nothing is left behind. */
static void full_disks(void **state)
{
	size_t bytes;
	char *text = long_text(&bytes), path[PATH_ROOM];
	int status;
	pid_t child;

	(void)state;
	use_cache("full");
	strcpy(path, write_file("full.txt", text, bytes));
	child = fork();
	if (!child) {
		ur_corpus *c;
		ur_err err = { 0 };
		struct rlimit limit = { 20000, 20000 };
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		_exit(open_kind(path, "char", &c, &err) != UR_E_IO || !strstr(err.text, path) ||
			!strstr(err.text, "set XDG_CACHE_HOME or TMPDIR"));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(cached(NULL, 1), 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cache_is_used_again),
		cmocka_unit_test(caps_are_kept_apart),
		cmocka_unit_test(young_sources_are_compared),
		cmocka_unit_test(damaged_caches_are_rebuilt),
		cmocka_unit_test(forged_caches_do_no_harm),
		cmocka_unit_test(killed_writers_leave_nothing),
		cmocka_unit_test(processes_at_once),
		cmocka_unit_test(other_places),
		cmocka_unit_test(full_disks),
	};
	return cmocka_run_group_tests(tests, make_root, remove_root);
}
