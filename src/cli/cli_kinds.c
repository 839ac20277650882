/* Kinds of documents. */
#include "cli/cli_kinds.h"

#include "cli/cli_compare.h"
#include "cli/cli_lab.h"

static const ur_kind kinds[] = {
	{ "comparison", ur_comparison_print, ur_comparison_csv, ur_comparison_outcome },
	{ "lab", ur_lab_print, ur_lab_csv, ur_lab_outcome },
};

const ur_kind *ur_kind_of(const json_t *document)
{
	const char *name = json_string_value(json_object_get(document, "kind"));

	for (size_t i = 0; name && i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(name, kinds[i].name))
			return &kinds[i];
	return &kinds[0];
}
