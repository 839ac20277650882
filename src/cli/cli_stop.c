/* Interrupts. A signal handler can reach nothing but a global, so these are the program's only ones; the library
 * has none. */
#define _GNU_SOURCE
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t came;
static const char *volatile said;
static volatile int wake[2];    /* a pipe; 0: none */

static void on_signal(int number)
{
	const char *text = said;
	const int error = errno;

	if (came) {
		(void)signal(number, SIG_DFL);
		(void)raise(number);
		return;
	}
	came = number;
	if ((text && write(STDERR_FILENO, text, strlen(text)) < 0) || (wake[1] && write(wake[1], "", 1) < 0))
		errno = 0; /* nothing can be done about it */
	errno = error;
}

void ur_stop_catch(const char *notice)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART }, before;

	said = notice;
	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		/* what the shell or nohup ignores stays ignored */
		if (!sigaction(numbers[i], NULL, &before) && before.sa_handler != SIG_IGN)
			(void)sigaction(numbers[i], &action, NULL);
}

int ur_stop_signal(void) { return came; }

int ur_stop_wake(void)
{
	int ends[2];

	if (!wake[0] && !pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
		wake[0] = ends[0];
		wake[1] = ends[1]; /* last: the handler reads it */
		if (came && write(ends[1], "", 1) < 0)
			return 0;
	}
	return wake[0];
}
