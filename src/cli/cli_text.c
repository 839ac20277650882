/* How the program speaks: complaints, numbers for people, JSON for programs, words for a shell. */
#define _GNU_SOURCE
#include "cli/cli.h"

#include "vocab/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A file's or a user's text must not steer the terminal: control characters and what is not UTF-8 become \xHH. */
static size_t put_visible(const unsigned char *s, size_t n, int keep_lines, char *out, size_t room)
{
	size_t used = 0;

	while (n) {
		uint32_t code = 0;
		int bytes = ur_utf8_next(s, n, &code);
		char piece[8];
		size_t length;

		if (bytes > 0 && ((code >= 32 && code < 127) || code >= 160 || (code == '\n' && keep_lines))) {
			length = (size_t)bytes;
			memcpy(piece, s, length);
		} else {
			bytes = 1;
			length = (size_t)snprintf(piece, sizeof piece, *s == '\n' ? "\\n" : *s == '\t' ? "\\t" : "\\x%02X", *s);
		}
		if (used + length + 1 > room)
			break;
		memcpy(out + used, piece, length);
		used += length;
		s += bytes;
		n -= (size_t)bytes;
	}
	if (room)
		out[used] = 0;
	return used;
}

const char *ur_visible(const char *text, char *out, size_t room)
{
	put_visible((const unsigned char *)text, strlen(text), 0, out, room);
	return out;
}

static void complain(const ur_args *args, const char *format, va_list list)
{
	char text[1024], shown[2048];

	(void)vsnprintf(text, sizeof text, format, list);
	put_visible((const unsigned char *)text, strlen(text), 1, shown, sizeof shown);
	(void)fflush(stdout);
	(void)fprintf(stderr, "unroll %s: %s\n", args->name, shown);
}

void ur_complain(const ur_args *args, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	complain(args, format, list);
	va_end(list);
}

int ur_wrong(const ur_args *args, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	complain(args, format, list);
	va_end(list);
	(void)fprintf(stderr, "try: unroll %s --help\n", args->name);
	return UR_EXIT_USAGE;
}

int ur_failed(const ur_args *args, ur_status status, const ur_err *err)
{
	if (status == UR_E_STOPPED && ur_stop_signal())
		return 128 + ur_stop_signal();
	ur_complain(args, "%s", err->text[0] ? err->text : unroll_status_text(status));
	return status == UR_E_INVALID || status == UR_E_FORMAT ? UR_EXIT_USAGE : UR_EXIT_FAILED;
}

const char *ur_commas(int64_t n, ur_short out)
{
	char digits[24];
	int length = snprintf(digits, sizeof digits, "%" PRId64, n), at = 0;

	for (int i = 0; i < length; i++) {
		out[at++] = digits[i];
		if (digits[i] != '-' && i + 1 < length && (length - 1 - i) % 3 == 0)
			out[at++] = ',';
	}
	out[at] = 0;
	return out;
}

const char *ur_size_text(double bytes, ur_short out)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	int unit = -1;

	while (fabs(bytes) >= 1023.5 && unit < 5) {
		bytes /= 1024;
		unit++;
	}
	if (unit < 0)
		(void)snprintf(out, sizeof(ur_short), "%.0f byte%s", bytes, fabs(bytes) == 1 ? "" : "s");
	else
		(void)snprintf(out, sizeof(ur_short), fabs(bytes) < 9.95 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
	return out;
}

const char *ur_time_text(double seconds, ur_short out)
{
	int64_t s;

	if (!(seconds >= 0) || seconds > 1e12) {
		(void)snprintf(out, sizeof(ur_short), "?");
		return out;
	}
	s = (int64_t)(seconds + 0.5);
	if (seconds < 0.0995)
		(void)snprintf(out, sizeof(ur_short), "%.2g ms", seconds * 1000);
	else if (seconds < 9.95)
		(void)snprintf(out, sizeof(ur_short), "%.1f s", seconds);
	else if (s < 60)
		(void)snprintf(out, sizeof(ur_short), "%d s", (int)s);
	else if (s < 3600)
		(void)snprintf(out, sizeof(ur_short), "%d min %02d s", (int)(s / 60), (int)(s % 60));
	else if (s < 86400)
		(void)snprintf(out, sizeof(ur_short), "%d h %02d min", (int)(s / 3600), (int)(s % 3600 / 60));
	else
		(void)snprintf(out, sizeof(ur_short), "%" PRId64 " days %d h", s / 86400, (int)(s % 86400 / 3600));
	return out;
}

void ur_csv_text(const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		(void)fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

int ur_print_json(const ur_args *args, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(10)) : NULL;

	json_decref(json);
	if (!text) {
		ur_complain(args, "out of memory for the result");
		return UR_EXIT_FAILED;
	}
	(void)fputs(text, stdout);
	(void)fputc('\n', stdout);
	free(text);
	return UR_EXIT_OK;
}

json_t *ur_json_number(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

json_t *ur_json_text(const char *text, size_t bytes)
{
	const unsigned char *s = (const unsigned char *)text;
	char *out = malloc(3 * bytes + 1); /* a replacement character is 3 bytes */
	size_t used = 0;
	json_t *json;

	if (!out)
		return NULL;
	while (bytes) {
		uint32_t code;
		int n = ur_utf8_next(s, bytes, &code);
		if (n > 0) {
			memcpy(out + used, s, (size_t)n);
			used += (size_t)n;
		} else {
			used += ur_utf8_put(0xFFFD, out + used);
			n = 1;
		}
		s += n;
		bytes -= (size_t)n;
	}
	json = json_stringn_nocheck(out, used);
	free(out);
	return json;
}

static int is_plain(const char *word)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
	return *word && word[strspn(word, safe)] == 0;
}

static size_t put_quoted(const char *word, char *out)
{
	char *at = out;

	if (is_plain(word)) {
		at = stpcpy(out, word);
	} else {
		*at++ = '\'';
		for (; *word; word++)
			if (*word == '\'')
				at = stpcpy(at, "'\\''");
			else
				*at++ = *word;
		*at++ = '\'';
		*at = 0;
	}
	return (size_t)(at - out);
}

char *ur_quoted(const char *word)
{
	char *out = malloc(4 * strlen(word) + 3);
	if (out)
		put_quoted(word, out);
	return out;
}

static int is_among(const char *word, const char *const *words)
{
	for (; words && *words; words++)
		if (!strcmp(*words, word))
			return 1;
	return 0;
}

char *ur_command_line(const ur_args *args, const char *program, const char *const *without, const char *with)
{
	size_t room = (program ? strlen(program) : 0) + (with ? strlen(with) : 0) + 3, at = 0;
	char *out;

	for (int i = 0; i < args->argc; i++)
		room += 4 * strlen(args->argv[i]) + 3;
	out = malloc(room);
	if (!out)
		return NULL;
	at = put_quoted(program ? program : args->argv[0], out);
	for (int i = 1; i < args->argc; i++) {
		if (is_among(args->argv[i], without) || (with && !strcmp(args->argv[i], with)))
			continue;
		out[at++] = ' ';
		at += put_quoted(args->argv[i], out + at);
	}
	if (with)
		(void)snprintf(out + at, room - at, " %s", with);
	return out;
}

int ur_terminal_width(int fd)
{
	struct winsize size;

	if (!isatty(fd))
		return 0;
	if (ioctl(fd, TIOCGWINSZ, &size) || size.ws_col == 0)
		return 80;
	return size.ws_col;
}
