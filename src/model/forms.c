/* The table of forms. */
#include "model/form.h"

#include <string.h>

static const ur_form *const forms[] = {
#define UR_FORM(name) &ur_form_##name,
#include "model/forms.def"
#undef UR_FORM
};

const ur_form *ur_form_nth(int n) { return n >= 0 && n < (int)(sizeof forms / sizeof *forms) ? forms[n] : NULL; }

const ur_form *ur_form_find(const char *name)
{
	for (int i = 0; ur_form_nth(i); i++)
		if (!strcmp(forms[i]->name, name))
			return forms[i];
	return NULL;
}
