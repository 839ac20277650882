/* Numbers in order. */
#ifndef UR_ORDER_H
#define UR_ORDER_H

/* Rising; NaNs have no place here. */
void ur_sort(int n, double *x);
/* The middle one, or the mean of the middle two; sorts x. NaN: there are none. */
double ur_median(int n, double *x);

#endif
