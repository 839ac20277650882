/* Files: atomic replacement, what survives a kill, a full disk or a lack of permission, and mapping. */
#define _GNU_SOURCE
#include "test_folder.h"

#include "base/file.h"
#include "base/rng.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void assert_holds(const char *path, const char *text)
{
	char got[256];
	FILE *f = fopen(path, "r");
	size_t n;
	assert_non_null(f);
	n = fread(got, 1, sizeof got - 1, f);
	got[n] = 0;
	fclose(f);
	assert_string_equal(got, text);
}

/* Files in a folder, and how many of them are temporaries. */
static int files_in(const char *path, int *temporaries)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	int n = 0;
	assert_non_null(d);
	*temporaries = 0;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			n++;
			*temporaries += strstr(e->d_name, ".tmp-") != NULL;
		}
	closedir(d);
	return n;
}

static void assert_no_temporaries(void)
{
	int temporaries;
	files_in(".", &temporaries);
	assert_int_equal(temporaries, 0);
}

static ur_status save(const char *path, const char *text, ur_err *err)
{
	ur_file *f;
	ur_status status = ur_file_begin(path, &f, err);
	if (status) {
		assert_null(f);
		return status;
	}
	status = ur_file_write(f, text, strlen(text), err);
	assert_int_equal(status, UR_OK);
	return ur_file_commit(f, err);
}

static void file_replaces_atomically(void **unused)
{
	ur_file *f;
	ur_err err = { 0 };
	int temporaries;
	(void)unused;
	put("a", "old");
	assert_int_equal(ur_file_begin("a", &f, &err), UR_OK);
	assert_int_equal(ur_file_write(f, "new", 3, &err), UR_OK);
	assert_int_equal(ur_file_write(f, "", 0, &err), UR_OK);
	assert_holds("a", "old");
	files_in(".", &temporaries);
	assert_int_equal(temporaries, 1);
	assert_int_equal(ur_file_commit(f, &err), UR_OK);
	assert_holds("a", "new");
	assert_int_equal(ur_file_begin("a", &f, &err), UR_OK);
	assert_int_equal(ur_file_write(f, "never", 5, &err), UR_OK);
	ur_file_abandon(f);
	assert_holds("a", "new");
	ur_file_abandon(NULL);
	assert_int_equal(ur_file_begin("empty", &f, &err), UR_OK); /* an empty file is a file */
	assert_int_equal(ur_file_commit(f, &err), UR_OK);
	assert_holds("empty", "");
	assert_no_temporaries();
}

static void file_writes_any_sizes(void **unused)
{
	enum { N = 400000 };
	static unsigned char bytes[N];
	ur_file *f;
	ur_map map;
	ur_err err = { 0 };
	size_t at = 0;
	(void)unused;
	for (size_t i = 0; i < N; i++)
		bytes[i] = (unsigned char)ur_rng_below(1, 2, i, 256);
	assert_int_equal(ur_file_begin("big", &f, &err), UR_OK);
	assert_int_equal(ur_file_reserve(f, N, &err), UR_OK);
	for (uint64_t i = 0; at < N; i++) {
		static const size_t edges[] = { 65536, 65535, 1, 65537 }; /* around the buffer's size */
		size_t n = i < 4 ? edges[i] : (size_t)ur_rng_below(3, 4, i, i % 5 ? 1000 : 140000);
		if (n > N - at)
			n = N - at;
		assert_int_equal(ur_file_write(f, bytes + at, n, &err), UR_OK);
		at += n;
	}
	assert_int_equal(ur_file_commit(f, &err), UR_OK);
	assert_int_equal(ur_file_map("big", &map, &err), UR_OK);
	assert_int_equal(map.size, N);
	assert_memory_equal(map.bytes, bytes, N);
	assert_int_equal(save("big", "replaced", &err), UR_OK); /* the mapping keeps the old file */
	assert_memory_equal(map.bytes, bytes, N);
	ur_file_unmap(&map);
	assert_null(map.bytes);
	ur_file_unmap(&map);
}

static mode_t mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode;
}

static void file_keeps_permissions(void **unused)
{
	static const mode_t modes[] = { 0600, 0644, 0640, 0755, 0666 };
	mode_t mask = umask(027);
	ur_err err = { 0 };
	(void)unused;
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		put("p", "old");
		assert_int_equal(chmod("p", modes[i]), 0);
		assert_int_equal(save("p", "new", &err), UR_OK);
		assert_int_equal(mode_of("p") & 07777, modes[i]);
	}
	assert_int_equal(save("fresh", "new", &err), UR_OK);
	assert_int_equal(mode_of("fresh") & 07777, 0640);
	umask(mask);
}

static void file_follows_links(void **unused)
{
	ur_err err = { 0 };
	(void)unused;
	assert_int_equal(mkdir("sub", 0777), 0);
	put("sub/target", "old");
	assert_int_equal(symlink("target", "sub/inner"), 0);
	assert_int_equal(symlink("sub/inner", "outer"), 0);
	assert_int_equal(save("outer", "new", &err), UR_OK);
	assert_true(S_ISLNK(mode_of("outer")) && S_ISLNK(mode_of("sub/inner")) && S_ISREG(mode_of("sub/target")));
	assert_holds("sub/target", "new");
	assert_int_equal(symlink("sub/later", "dangling"), 0); /* is created where it points */
	assert_int_equal(save("dangling", "made", &err), UR_OK);
	assert_true(S_ISLNK(mode_of("dangling")));
	assert_holds("sub/later", "made");
	assert_int_equal(symlink("round", "round"), 0);
	assert_int_equal(save("round", "x", &err), UR_E_IO);
	assert_says(err, "round: could not");
}

static void file_says_what_is_wrong(void **unused)
{
	ur_err err = { 0 };
	char name[400];
	(void)unused;
	put("plain", "x");
	assert_int_equal(mkdir("directory", 0777), 0);
	assert_int_equal(mkfifo("fifo", 0666), 0);
	assert_int_equal(save("no/such/file", "x", &err), UR_E_IO);
	assert_says(err, "no/such/file: there is no directory 'no/such'");
	assert_int_equal(save("plain/file", "x", &err), UR_E_IO);
	assert_says(err, "there is no directory 'plain'");
	assert_int_equal(save("directory", "x", &err), UR_E_IO);
	assert_says(err, "directory: is a directory");
	assert_int_equal(save("new/", "x", &err), UR_E_IO);
	assert_says(err, "directory");
	assert_int_equal(save("", "x", &err), UR_E_IO);
	assert_int_equal(save("fifo", "x", &err), UR_E_IO);
	assert_says(err, "fifo: is a pipe (FIFO); only a regular file");
	assert_int_equal(save("/dev/null", "x", &err), UR_E_IO);
	assert_says(err, "is a device");
	assert_true(S_ISCHR(mode_of("/dev/null")));
	memset(name, 'n', 255);
	name[255] = 0;
	assert_int_equal(save(name, "x", &err), UR_OK); /* the longest name: its temporary's is cut */
	assert_holds(name, "x");
	memset(name, 'n', 300);
	name[300] = 0;
	assert_int_equal(save(name, "x", &err), UR_E_IO);
	assert_says(err, "name too long");
	assert_no_temporaries();
}

static void map_says_what_is_wrong(void **unused)
{
	ur_map map;
	ur_err err = { 0 };
	(void)unused;
	put("nothing", "");
	assert_int_equal(ur_file_map("absent", &map, &err), UR_E_IO);
	assert_says(err, "absent: there is no such file");
	assert_null(map.bytes);
	assert_int_equal(ur_file_map(".", &map, &err), UR_E_IO);
	assert_says(err, ".: is a directory");
	assert_int_equal(ur_file_map("fifo", &map, &err), UR_E_IO); /* at once, though nobody writes it */
	assert_says(err, "fifo: is a pipe (FIFO); a regular file is needed");
	assert_int_equal(ur_file_map("nothing", &map, &err), UR_E_FORMAT);
	assert_says(err, "nothing: is empty");
	assert_int_equal(ur_file_map("/dev/null", &map, &err), UR_E_IO);
	assert_says(err, "is a device");
	assert_int_equal(ur_file_map("absent", &map, NULL), UR_E_IO);
}

/* Runs fn in a child process; its exit status, or minus the signal that ended it. */
static int in_child(int (*fn)(void))
{
	int status;
	pid_t child = fork();
	if (!child)
		_exit(fn());
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int die_writing(void)
{
	ur_file *f;
	static char bytes[100000];
	if (ur_file_begin("victim", &f, NULL) || ur_file_write(f, bytes, sizeof bytes, NULL))
		return 1;
	raise(SIGKILL);
	return 2;
}

static void file_survives_kill_and_sweeps(void **unused)
{
	ur_file *live, *f;
	ur_err err = { 0 };
	int temporaries;
	(void)unused;
	put("victim", "old");
	put("victim.tmp-1-notours", "keep"); /* like ours, but not ours */
	put("victimless.tmp-1-0123456789abcdef", "keep"); /* another target's */
	assert_int_equal(in_child(die_writing), -SIGKILL);
	assert_int_equal(in_child(die_writing), -SIGKILL); /* sweeps the first one's leftover */
	assert_holds("victim", "old");
	files_in(".", &temporaries);
	assert_int_equal(temporaries, 3);
	assert_int_equal(ur_file_begin("victim", &live, &err), UR_OK); /* sweeps the second's */
	assert_int_equal(ur_file_begin("victim", &f, &err), UR_OK);    /* but not what is being written */
	files_in(".", &temporaries);
	assert_int_equal(temporaries, 4);
	assert_int_equal(ur_file_write(live, "live", 4, &err), UR_OK);
	assert_int_equal(ur_file_commit(live, &err), UR_OK);
	assert_holds("victim", "live");
	assert_int_equal(ur_file_write(f, "f", 1, &err), UR_OK);
	assert_int_equal(ur_file_commit(f, &err), UR_OK);
	assert_holds("victim", "f");
	assert_int_equal(unlink("victim.tmp-1-notours") | unlink("victimless.tmp-1-0123456789abcdef"), 0);
	assert_no_temporaries();
}

enum { CANNOT = 77 };
/* In a child, where cmocka's own would jump into the parent's test. */
#define check(what) \
	do { \
		if (!(what)) { \
			fprintf(stderr, "line %d: %s (%s)\n", __LINE__, #what, err.text); \
			return 1; \
		} \
	} while (0)

static int tell(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), failed = fd < 0 || write(fd, text, strlen(text)) < 0;
	if (fd >= 0)
		close(fd);
	return failed;
}

/* A view of the mounts that is this process's own; who is not root becomes it in a user namespace. */
static int be_alone(void)
{
	char user[64], group[64];
	if (!unshare(CLONE_NEWNS))
		return 0;
	snprintf(user, sizeof user, "0 %u 1", (unsigned)geteuid());
	snprintf(group, sizeof group, "0 %u 1", (unsigned)getegid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) || tell("/proc/self/uid_map", user) ||
		tell("/proc/self/setgroups", "deny") || tell("/proc/self/gid_map", group);
}

static int fill_disk(void)
{
	static char block[1 << 16];
	ur_file *f;
	ur_err err = { 0 };
	int temporaries;

	/* a file system of our own, of 256 KiB */
	if (be_alone() || mkdir("disk", 0777) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "disk", "tmpfs", 0, "size=256k"))
		return CANNOT;
	check(!ur_file_begin("disk/file", &f, &err) && !ur_file_write(f, "old", 3, &err) && !ur_file_commit(f, &err));
	/* found while writing */
	check(!ur_file_begin("disk/file", &f, &err));
	for (int i = 0; i < 10 && !err.status; i++)
		(void)ur_file_write(f, block, sizeof block, &err);
	check(err.status == UR_E_IO && strstr(err.text, "disk/file: the disk is full: this file needs "));
	check(files_in("disk", &temporaries) == 1); /* the temporary is gone at once */
	err = (ur_err){ 0 };
	check(ur_file_write(f, block, 1, &err) == UR_E_IO && strstr(err.text, "the disk is full"));
	check(ur_file_commit(f, &err) == UR_E_IO && strstr(err.text, "the disk is full"));
	/* found beforehand */
	check(!ur_file_begin("disk/file", &f, &err));
	check(ur_file_reserve(f, 1000000, &err) == UR_E_IO);
	check(strstr(err.text, "the disk is full: this file needs 1000000 bytes"));
	ur_file_abandon(f);
	check(files_in("disk", &temporaries) == 1);
	check(!ur_file_begin("disk/file", &f, &err) && !ur_file_reserve(f, 200000, &err) && !ur_file_commit(f, &err));
	/* found when the buffer is emptied at the end */
	check(!ur_file_begin("disk/file", &f, &err) && !ur_file_write(f, "kept", 4, &err) && !ur_file_commit(f, &err));
	check(!ur_file_begin("disk/file", &f, &err));
	for (int i = 0; i < 3; i++)
		check(!ur_file_write(f, block, sizeof block, &err));
	check(!ur_file_write(f, block, sizeof block - 1, &err)); /* stays in the buffer */
	check(ur_file_commit(f, &err) == UR_E_IO && strstr(err.text, "needs 262143 bytes"));
	check(files_in("disk", &temporaries) == 1);
	check(!mount(NULL, "disk", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	check(ur_file_begin("disk/file", &f, &err) == UR_E_IO && strstr(err.text, "the file system is read-only"));
	check(ur_file_begin("disk/other", &f, &err) == UR_E_IO && strstr(err.text, "the file system is read-only"));
	f = NULL;
	{
		char got[8] = { 0 };
		int fd = open("disk/file", O_RDONLY);
		check(fd >= 0 && read(fd, got, 7) == 4 && !strcmp(got, "kept"));
		close(fd);
	}
	return 0;
}

static void file_meets_full_disk(void **unused)
{
	int status = in_child(fill_disk);
	(void)unused;
	(void)rmdir("disk");
	if (status == CANNOT) {
		print_message("no file system of our own to fill: not permitted here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static int meet_limit(void)
{
	static char block[1 << 16];
	const struct rlimit small = { 100000, 100000 };
	ur_file *f;
	ur_err err = { 0 };
	int temporaries;

	signal(SIGXFSZ, SIG_IGN);
	check(!setrlimit(RLIMIT_FSIZE, &small));
	check(!ur_file_begin("limited", &f, &err));
	for (int i = 0; i < 4 && !err.status; i++)
		(void)ur_file_write(f, block, sizeof block, &err);
	check(err.status == UR_E_IO && strstr(err.text, "ulimit -f"));
	check(ur_file_commit(f, &err) == UR_E_IO);
	files_in(".", &temporaries);
	check(temporaries == 0 && access("limited", F_OK));
	return 0;
}

static int be_nobody(void)
{
	ur_file *f;
	ur_map map;
	ur_err err = { 0 };
	if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
		return CANNOT;
	check(ur_file_begin("readonly", &f, &err) == UR_E_IO && strstr(err.text, "readonly: is read-only (mode 0444)"));
	check(ur_file_begin("closed/file", &f, &err) == UR_E_IO && strstr(err.text, "closed/file: no permission to"));
	check(ur_file_map("secret", &map, &err) == UR_E_IO && strstr(err.text, "secret: no permission to read it"));
	return 0;
}

static void file_respects_limits_and_permissions(void **unused)
{
	int status;
	(void)unused;
	assert_int_equal(in_child(meet_limit), 0);
	put("readonly", "x");
	put("secret", "x");
	assert_int_equal(chmod(".", 0755) | chmod("readonly", 0444) | chmod("secret", 0) | mkdir("closed", 0555), 0);
	status = in_child(be_nobody);
	if (status != CANNOT)
		assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_replaces_atomically),
		cmocka_unit_test(file_writes_any_sizes),
		cmocka_unit_test(file_keeps_permissions),
		cmocka_unit_test(file_follows_links),
		cmocka_unit_test(file_says_what_is_wrong),
		cmocka_unit_test(map_says_what_is_wrong),
		cmocka_unit_test(file_survives_kill_and_sweeps),
		cmocka_unit_test(file_meets_full_disk),
		cmocka_unit_test(file_respects_limits_and_permissions),
	};
	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
