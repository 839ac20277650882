/* A folder of its own for a test program that writes files: a group's set-up and tear-down, which make it, work in it
 * and remove it; and what an error must say. */
#ifndef TEST_FOLDER_H
#define TEST_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "asserts.h"

static char folder[64];

static inline int open_folder(void **unused)
{
	(void)unused;
	strcpy(folder, "/tmp/unroll-test-XXXXXX");
	return mkdtemp(folder) && !chdir(folder) ? 0 : -1;
}

static inline int close_folder(void **unused)
{
	char command[100];
	(void)unused;
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return chdir("/") || system(command);
}

#endif
