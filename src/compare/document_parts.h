/* How the document's files put JSON together. */
#ifndef UR_DOCUMENT_PARTS_H
#define UR_DOCUMENT_PARTS_H

#include "compare/compare_parts.h"

/* One more member, or none at all: json is NULL from the first failure on. */
json_t *ur_with(json_t *json, const char *key, json_t *value);
/* One more item; the same. */
json_t *ur_also(json_t *list, json_t *value);
json_t *ur_interval(const ur_mean *m);
/* The document's "pairs". */
json_t *ur_pairs_json(const ur_compare *what, const ur_comparison *c);

#endif
