/* Working memory: what a mixer says it needs for so many steps of so many sequences is enough for fewer of both, since
 * nets are planned for the most and pass over what there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "mixer/mixer.h"

#include <string.h>

static ur_dims dims_of(const ur_mixer *m, int width, int heads)
{
	ur_dims d = { .in = width, .out = width, .context = 4096, .memory = width };
	int at;

	for (int i = 0; m->options && m->options[i].name; i++)
		d.option[i] = m->options[i].standard;
	if (m->options && ur_option_find(m->options, "heads", strlen("heads"), &at))
		d.option[at] = heads;
	return d;
}

static ur_need need_of(const ur_mixer_forward *f, const ur_ctx *c, const ur_dims *d, int T, int B)
{
	return f->need(c, d, &(ur_span){ .T = T, .B = B, .S = T });
}

static void check(const ur_mixer_forward *f, const ur_ctx *c, const ur_dims *d, int T, int B, const ur_need *most, int t,
                  int b)
{
	const ur_need n = need_of(f, c, d, t, b);

	if (n.forward > most->forward || n.backward > most->backward || n.saved > most->saved)
		fail_msg("%s, width %d: %d steps of %d sequences need %zu floats forward, %zu back, %zu saved; %d of %d were said "
		         "to need %zu, %zu, %zu", f->mixer->name, d->out, t, b, n.forward, n.backward, n.saved, T, B,
		         most->forward, most->backward, most->saved);
}

static void test_fewer_need_no_more(void **state)
{
	static const struct { int width, heads, T, B; } shapes[] = {
		/* just above what packed heads share their room by, and where heads just do and do not have a task each */
		{ 512, 1, 909, 32 }, { 512, 2, 994, 32 }, { 512, 4, 919, 32 }, { 512, 8, 994, 32 }, { 512, 1, 513, 32 },
		{ 64, 4, 300, 32 }, { 64, 1, 60, 4 }, { 32, 2, 8200, 2 },
	};

	(void)state;
	for (int threads = 1; threads <= 2; threads++) {
		ur_ctx c;

		assert_true(ur_ctx_open(&c, NULL, threads));
		for (int i = 0; ur_mixer_forwards[i]; i++)
			for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
				const ur_mixer_forward *f = ur_mixer_forwards[i];
				const ur_dims d = dims_of(f->mixer, shapes[s].width, shapes[s].heads);
				const int T = shapes[s].T, B = shapes[s].B;
				const ur_need most = need_of(f, &c, &d, T, B);

				for (int t = 1; t <= T; t += t < 64 || t > T - 64 ? 1 : 7)
					check(f, &c, &d, T, B, &most, t, B);
				for (int b = 1; b <= B; b++)
					check(f, &c, &d, T, B, &most, T, b);
			}
		ur_ctx_close(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_fewer_need_no_more) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
