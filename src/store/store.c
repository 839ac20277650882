/* Placeholder so that the room builds while it is being written. */
#include "store/store.h"
