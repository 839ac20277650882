/* A call of any kernel slot with any shape, on numbers of its own, to be timed. */
#ifndef UR_SLOT_CALLS_H
#define UR_SLOT_CALLS_H

#include "base/machine.h"
#include "measure/count.h"

typedef struct ur_slot_room ur_slot_room;

/* Room for products of so many rows, panels and depth, and for other slots on 16 rows of 512. NULL: no memory. */
ur_slot_room *ur_slot_room_open(const ur_kernels *k, int rows, int panels, int depth);
void ur_slot_room_close(ur_slot_room *room);
int ur_slot_has_rows(ur_slot slot);
/* Processor seconds of one call, the median of several runs of many: rows of n; K is a product's depth. Takes some
 * milliseconds. */
double ur_slot_time(ur_slot_room *room, ur_slot slot, int rows, int n, int K);

#endif
