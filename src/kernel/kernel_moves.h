/* Slots that all kernel sets share: they move numbers, or do so little arithmetic that every set is to give the same
 * bits. kernel.h says what each means. */
#ifndef UR_KERNEL_MOVES_H
#define UR_KERNEL_MOVES_H

#include "kernel/kernel.h"

void ur_move_copy(int rows, int n, const float *x, ptrdiff_t ldx, float *y, ptrdiff_t ldy);
void ur_move_fill(int rows, int n, float a, float *x, ptrdiff_t ldx);
void ur_move_rotate(int heads, int n, const float *turn, float *x);
void ur_move_tanh_back(int n, const float *y, const float *dy, float *dx);

#endif
