/* Whole-sequence passes: linked by prefill, evaluation and training. */
#include "mixer/mixer.h"

const ur_mixer_forward *const ur_mixer_forwards[] = {
#define UR_MIXER(name) &ur_mixer_forward_##name,
#include "mixer/mixers.def"
#undef UR_MIXER
	NULL
};

const ur_mixer_forward *ur_mixer_forward_of(const ur_mixer *m)
{
	for (int i = 0; ur_mixer_forwards[i]; i++)
		if (ur_mixer_forwards[i]->mixer == m)
			return ur_mixer_forwards[i];
	return NULL;
}
