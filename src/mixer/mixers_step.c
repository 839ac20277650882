/* Declarations and steps: the only table of mixers that a streaming program links. */
#include "mixer/mixer.h"

#include <string.h>

const ur_mixer *const ur_mixers[] = {
#define UR_MIXER(name) &ur_mixer_##name,
#include "mixer/mixers.def"
#undef UR_MIXER
	NULL
};

const ur_mixer *ur_mixer_find(const char *name)
{
	for (int i = 0; ur_mixers[i]; i++)
		if (!strcmp(ur_mixers[i]->name, name))
			return ur_mixers[i];
	return NULL;
}
