/* Their gradients: only training links this table. */
#include "mixer/recurrent.h"

ur_cell_back_fn *const ur_cell_backs[UR_CELLS] = {
	[UR_CELL_RNN] = ur_cell_back_rnn, [UR_CELL_GRU] = ur_cell_back_gru, [UR_CELL_LSTM] = ur_cell_back_lstm,
};
