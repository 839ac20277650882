/* How well a stream is foretold, each event scored before it is learnt: since the start, and with events of the past
 * fading (Gama, Sebastiao and Rodrigues, "On evaluating stream learning algorithms", Machine Learning 90, 2013):
 *
 *     S_i = e_i + a S_{i-1},   N_i = 1 + a N_{i-1},   the fading mean is S_i / N_i,   a = 1 - 1 / fade
 *
 * Four contestants are scored on the same events. */
#ifndef UR_PREQUENTIAL_H
#define UR_PREQUENTIAL_H

#include <stdint.h>

/* The model that learns; the same one that stopped; "as the last time"; the commonest class so far, or the mean of all
 * values so far. */
enum { UR_OF_MODEL, UR_OF_FROZEN, UR_OF_LAST, UR_OF_USUAL, UR_CONTESTANTS };
const char *ur_contestant_name(int who);        /* "model", "frozen", "last", "usual" */

/* What one contestant did on one event: of classes error is 0 (right) or 1 and loss is in nats; of values error is
 * said - true and loss its square, in units that loss is taken in. Not finite: it said nothing (of loss: it has none),
 * since one infinite error would stay in every mean for good. */
typedef struct ur_attempt { double error, loss; } ur_attempt;

/* Sums, since the start and fading. Numbers alone, so that it can be kept as an array. */
typedef struct ur_sums { double n, error, square, losses, loss; } ur_sums;   /* losses: events that had one */
typedef struct ur_tally {
	ur_sums all, fading;
	double faded_n2;                /* of the squares of the fading weights: what intervals rest on */
	double ahead, ahead2;           /* sum of |its error| - |the model's| over events both said something on, and of
	                                 * squares */
	double both;                    /* those events */
	double last, last_fading;       /* errors of "as the last time" on the events this one said something on; where that
	                                 * said nothing, 1 */
} ur_tally;

typedef struct ur_prequential {
	double keep;                    /* a */
	ur_tally of[UR_CONTESTANTS];
} ur_prequential;

/* fade >= 1 events; below 1: nothing fades. */
void ur_prequential_start(ur_prequential *p, double fade);
void ur_prequential_add(ur_prequential *p, const ur_attempt attempt[UR_CONTESTANTS]);

/* Means with 95 % intervals as if events were independent: of shares Wilson's, with as many events as the weights are
 * worth. NaN where there is nothing. */
typedef struct ur_mean3 { double mean, low, high; } ur_mean3;
typedef struct ur_standing {
	int64_t n;                      /* events it was scored on */
	ur_mean3 right, right_now;      /* classes: share that was right, since the start and fading */
	double mae, mae_now, rmse, rmse_now;    /* values */
	double loss, loss_now;
	ur_mean3 behind;                /* by how much its mean |error| is more than the model's; of the model itself 0 */
} ur_standing;
ur_standing ur_prequential_of(const ur_prequential *p, int who);
/* Of classes, beyond "as the last time" (kappa temporal: Bifet, Read, Zliobaite, Pfahringer and Holmes, "Pitfalls in
 * benchmarking data stream classification and how to avoid them", ECML 2013): (p - p_last) / (1 - p_last), 1 is always
 * right, 0 is no better, both on the events `who` was scored on. Since the start, or fading. NaN: cannot be told. */
double ur_prequential_kappa(const ur_prequential *p, int who, int now);

#endif
