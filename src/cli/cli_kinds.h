/* Kinds of documents that the store keeps, as the tool shows them: one line of a table each (cli_kinds.c). */
#ifndef UR_CLI_KINDS_H
#define UR_CLI_KINDS_H

#include <jansson.h>
#include <stddef.h>

typedef struct ur_kind {
	const char *name;                       /* "lab": the document's kind */
	void (*print)(const json_t *document);  /* tables and words, to standard output */
	void (*csv)(const json_t *document);
	/* In a few words, for a list. "": nothing is known. */
	void (*outcome)(const json_t *document, char *out, size_t room);
} ur_kind;

/* A document that names no kind is a comparison's. */
const ur_kind *ur_kind_of(const json_t *document);

#endif
