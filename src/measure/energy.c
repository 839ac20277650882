/* Linux's powercap: /sys/class/powercap/intel-rapl:N (AMD's processors use the same name) is a zone; its file `name`
 * says "package-0" where it is a whole package, and energy_uj counts microjoules up to max_energy_range_uj and then
 * starts again. Zones below, intel-rapl:N:M, are parts of a package and are left alone, as is
 * "psys", the whole board. */
#include "measure/energy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ZONES = 64, PACKAGES = 8 };

/* The first line of a file of zone n, without its end. 0: it cannot be read. */
static int read_line(const char *root, int zone, const char *name, char *line, int room)
{
	char path[4096];
	FILE *f;
	int ok;

	if (snprintf(path, sizeof path, "%s/sys/class/powercap/intel-rapl:%d/%s", root, zone, name) >= (int)sizeof path)
		return 0;
	f = fopen(path, "re");
	if (!f)
		return 0;
	ok = fgets(line, room, f) != NULL;
	fclose(f);
	if (ok)
		line[strcspn(line, "\n")] = 0;
	return ok;
}

/* Joules in a file; NaN: none. */
static double joules(const char *root, int zone, const char *name)
{
	char line[32];
	unsigned long long microjoules;
	char end;

	if (!read_line(root, zone, name, line, sizeof line) || sscanf(line, "%llu%c", &microjoules, &end) != 1)
		return NAN;
	return (double)microjoules * 1e-6;
}

void ur_energy_read(const char *root, ur_energy *e)
{
	char name[32];

	*e = (ur_energy){ 0 };
	for (int zone = 0; zone < ZONES; zone++) {
		if (!read_line(root, zone, "name", name, sizeof name) || strncmp(name, "package-", 8))
			continue;
		if (e->n < PACKAGES) {
			e->joules[e->n] = joules(root, zone, "energy_uj");
			e->most[e->n] = joules(root, zone, "max_energy_range_uj");
		}
		/* a sum without one of the packages would be wrong */
		if (e->n == PACKAGES || isnan(e->joules[e->n])) {
			e->n = 0;
			return;
		}
		e->n++;
	}
}

double ur_energy_between(const ur_energy *a, const ur_energy *b)
{
	double sum = 0;

	if (a->n == 0 || a->n != b->n)
		return NAN;
	for (int i = 0; i < a->n; i++) {
		double used = b->joules[i] - a->joules[i];
		sum += used < 0 ? used + b->most[i] : used;
	}
	return sum;
}
