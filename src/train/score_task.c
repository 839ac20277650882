/* Held-out sequences of a task: the loss of each answer, whether it is the likeliest token, and, where answers are
 * numbers, how far the mean of what the model says is off. Sums in float64, in the order of sequences. */
#include "train/score_task.h"
#include "train/score.h"

#include "base/machine.h"

#include <math.h>
#include <string.h>

enum { PASS_TOKENS = 16384, MOST_ROWS = 256 };

typedef struct ur_task_answer { double loss, off; int right; } ur_task_answer;

void ur_task_scorer_plan(ur_task_scorer *s, const ur_model *m, const ur_ctx *c, const ur_task *task, ur_arena *arena)
{
	const int fill = PASS_TOKENS / task->length;
	size_t rows, asked, at_once;

	*s = (ur_task_scorer){ .task = task, .B = fill < 1 ? 1 : fill > MOST_ROWS ? MOST_ROWS : fill };
	rows = (size_t)task->length * (size_t)s->B;
	asked = (size_t)task->scored * (size_t)s->B;
	s->piece = ur_score_piece(task->length);
	if (s->piece < task->length) {
		const size_t size = ur_model_state_size(m);
		unsigned char *blocks = UR_TAKE(arena, unsigned char, size * (size_t)s->B);

		s->state = UR_TAKE(arena, void *, s->B);
		for (int b = 0; b < s->B && s->state; b++)
			s->state[b] = blocks + size * (size_t)b;
	}
	ur_net_plan(&s->net, m, c, s->piece, s->B, 0, s->piece < task->length, arena);
	s->ids = UR_TAKE(arena, int32_t, rows);
	s->targets = UR_TAKE(arena, int32_t, rows);
	at_once = (size_t)s->piece * (size_t)s->B;
	at_once = asked < at_once ? asked : at_once;
	s->asked = UR_TAKE(arena, int32_t, at_once);
	s->x = UR_TAKE(arena, float, at_once * (size_t)m->spec.width);
	s->number = UR_TAKE(arena, double, m->V);
	s->answer = UR_TAKE(arena, ur_task_answer, asked);
	for (int v = 0; v < m->V && s->number; v++)
		s->number[v] = ur_task_number(task, v);
}

/* One answer from its logits; `number` NULL: answers are no numbers. */
static ur_task_answer judge(int V, const float *logits, int target, const double *number)
{
	double sum = 0, mean = 0, numbers = 0;
	int best = 0;

	for (int v = 1; v < V; v++)
		if (logits[v] > logits[best])
			best = v;
	for (int v = 0; v < V; v++) {
		const double p = exp((double)logits[v] - logits[best]);
		sum += p;
		if (number && !isnan(number[v])) {
			numbers += p;
			mean += p * number[v];
		}
	}
	return (ur_task_answer){ .loss = log(sum) - ((double)logits[target] - logits[best]), .right = best == target,
		.off = number ? mean / numbers - number[target] : NAN };
}

struct judging { const ur_task_scorer *s; float *logits; };

static void judge_rows(void *arg, int from, int to, int thread)
{
	const struct judging *j = arg;
	const ur_task_scorer *s = j->s;
	const ur_model *m = s->net.m;
	float *logits = j->logits + (size_t)from * (size_t)m->V;
	(void)thread;

	ur_linear_serial(s->net.c->k, to - from, &m->mat[m->head], m->head_bias >= 0 ? m->mat[m->head_bias].data : NULL,
	                 s->x + (size_t)from * (size_t)m->spec.width, m->spec.width, logits, m->V, 0);
	for (int r = from; r < to; r++)
		s->answer[r] = judge(m->V, logits + (size_t)(r - from) * (size_t)m->V, s->targets[s->asked[r]],
		                     s->task->kind->number ? s->number : NULL);
}

/* Answers to the n questions of a piece. */
static void judge_piece(const ur_task_scorer *s, int n, ur_task_answer *answer)
{
	const int V = s->net.m->V, D = s->net.m->spec.width;
	/* the logits go where those of a whole pass would: work has room for so many rows of them */
	const int most = (int)(ur_head_work(V, s->net.T * s->net.B) / (size_t)V);

	for (int from = 0; from < n; from += most) {
		ur_task_scorer part = *s;
		part.asked += from;
		part.answer = answer + from;
		part.x += (size_t)from * (size_t)D;
		ur_for_chunks(s->net.c, n - from < most ? n - from : most, judge_rows, &(struct judging){ &part, s->net.work });
	}
}

/* The answers in B sequences, piece by piece; sequence b's are answer[b], [b + B], ... */
static void judge_batch(ur_task_scorer *s, int B)
{
	const int length = s->task->length, D = s->net.m->spec.width;
	int done = 0;

	for (int b = 0; s->state && b < B; b++)
		ur_model_state_clear(s->net.m, s->state[b]);
	for (int from = 0; from < length; from += s->piece) {
		const int T = length - from < s->piece ? length - from : s->piece, first = from * B;
		int n = 0;

		ur_net_forward(&s->net, &(ur_pass){ .T = T, .B = B, .ids = s->ids + first, .state = s->state });
		for (int r = 0; r < T * B; r++)
			if (s->targets[first + r] >= 0) {
				s->asked[n] = first + r;
				memcpy(s->x + (size_t)n++ * (size_t)D, s->net.last + (size_t)r * (size_t)D, (size_t)D * sizeof *s->x);
			}
		judge_piece(s, n, s->answer + done);
		done += n;
	}
}

struct sums { double sum, squares; };
static void add(struct sums *s, double x)
{
	s->sum += x;
	s->squares += x * x;
}

void ur_task_scorer_run(ur_task_scorer *s, ur_part_of part, int64_t n, ur_task_score *score)
{
	const int scored = s->task->scored;
	struct sums loss = { 0 }, right = { 0 }, squared = { 0 };
	int64_t whole = 0;

	for (int64_t first = 0; first < n; first += s->B) {
		const int B = (int)(n - first < s->B ? n - first : s->B);

		ur_task_draw(s->task, 0, part, first, B, s->ids, s->targets);
		judge_batch(s, B);
		for (int b = 0; b < B; b++) {
			double losses = 0, off = 0;
			int rights = 0;

			for (int i = b; i < scored * B; i += B) {
				losses += s->answer[i].loss;
				off += s->answer[i].off * s->answer[i].off;
				rights += s->answer[i].right;
			}
			add(&loss, losses / scored);
			add(&right, (double)rights / scored);
			add(&squared, off / scored);
			whole += rights == scored;
		}
	}
	*score = (ur_task_score){ .sequences = n, .targets = n * scored, .loss = ur_average_of(n, loss.sum, loss.squares),
		.accuracy = ur_average_of(n, right.sum, right.squares), .mse = ur_average_of(n, squared.sum, squared.squares),
		.whole = { (double)whole / (double)n, 0, 0 } };
	ur_wilson(whole, n, &score->whole.low, &score->whole.high);
	/* a share, which the normal distribution does not know; NaN stays */
	if (scored == 1)
		score->accuracy = score->whole;
	else if (n > 1)
		score->accuracy = (ur_average){ score->accuracy.mean, fmax(0, score->accuracy.low),
		                                 fmin(1, score->accuracy.high) };
}

ur_status ur_evaluate_task(const ur_model *m, const ur_ctx *c, const ur_task *task, ur_part_of part, int64_t n,
                           ur_task_score *score, ur_err *err)
{
	const double start = ur_clock();
	ur_arena arena = { 0 };
	ur_task_scorer s;
	ur_status status = ur_task_fits(task, &m->spec, err);

	if (status)
		return status;
	if (m->V != ur_vocab_size(task->vocab) || (m->vocab && ur_vocab_hash(m->vocab) != ur_vocab_hash(task->vocab)))
		return ur_fail(err, UR_E_INVALID, "%s has other characters than the model: it reads its own task's alone",
		               task->text);
	ur_task_scorer_plan(&s, m, c, task, &arena);
	if (!ur_arena_open(&arena))
		return ur_fail(err, UR_E_NOMEM, "scoring %s needs %zu MiB", task->text, arena.used >> 20);
	ur_task_scorer_plan(&s, m, c, task, &arena);
	ur_task_scorer_run(&s, part, n, score);
	score->seconds = ur_clock() - start;
	ur_arena_close(&arena);
	return UR_OK;
}
