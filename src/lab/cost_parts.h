/* The two halves of the experiment "cost": what it measures (cost_measure.c), and what follows from it (cost.c).
 *
 * Facts. A curve is {"T": [T, ...], "of": {name: [times or bytes at each T, ...]}, "width": D, "tokens": of a batch
 * where it is of training, "processor": true where the seconds of the calling thread count and not those on the clock,
 * "mixers": {name: {"grows": whether its state does}}}. "scores" and "tiles" name one head of attention with its matrix
 * of scores kept, and in tiles. "resident": bytes are what the process grew by; false: what the code says that it asks
 * for, where the system does not tell.
 *
 *     predicted         curve of seconds of training batches on one thread, by the cost model, before anything is timed
 *     memory            curve of bytes that a forward pass takes beyond weights, input and output; "resident"
 *     same              {"T", "most": the greatest difference between tiles and the matrix in any number of the output}
 *     core              curve of one head of 64, one thread
 *     forward/D training/D step/D
 *                       curves of layers of width D: one sequence; a batch; one step at position T
 *     long              {"T", "heads", "width", "threads", "seconds", "bytes", "resident", "share" of peak} */
#ifndef UR_COST_PARTS_H
#define UR_COST_PARTS_H

#include "lab/lab.h"
#include "measure/mixer_rig.h"

enum { UR_COST_HEAD = 64, UR_COST_FAR = 100000 };

/* Bytes that one forward pass of a layer takes beyond weights, input and output; *resident: as the process grew, else
 * (where the system does not tell) as the mixer says. */
ur_status ur_cost_memory(const ur_lab_mixer *m, const ur_ctx *ctx, int width, int T, double *bytes, int *resident,
                         ur_err *err);
/* The same of one head that keeps its matrix of scores. */
ur_status ur_cost_memory_of_scores(const ur_ctx *ctx, int T, double *bytes, int *resident, ur_err *err);
/* The greatest difference of any number of the output between one head in tiles and with its matrix kept. `window` 0;
 * what a test plants, else: tiles then skip keys further back, and are no longer exact. */
ur_status ur_cost_apart(const ur_ctx *ctx, int T, int window, double *most, ur_err *err);
/* What the experiment measures. */
ur_status ur_cost_measure(ur_lab *lab, ur_err *err);

#endif
