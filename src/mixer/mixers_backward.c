/* Gradients: only training links this table. */
#include "mixer/mixer.h"

const ur_mixer_backward *const ur_mixer_backwards[] = {
#define UR_MIXER(name) &ur_mixer_backward_##name,
#include "mixer/mixers.def"
#undef UR_MIXER
	NULL
};

const ur_mixer_backward *ur_mixer_backward_of(const ur_mixer *m)
{
	for (int i = 0; ur_mixer_backwards[i]; i++)
		if (ur_mixer_backwards[i]->mixer == m)
			return ur_mixer_backwards[i];
	return NULL;
}
