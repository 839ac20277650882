/* The cells by number: what a step links. */
#include "mixer/recurrent.h"

const ur_cell *const ur_cells[UR_CELLS] = {
	[UR_CELL_RNN] = &ur_cell_rnn, [UR_CELL_GRU] = &ur_cell_gru, [UR_CELL_LSTM] = &ur_cell_lstm,
};
