/* What an experiment's section of the document is made of. Calls add to the section; they cannot fail (a lack of memory
 * is kept and told at the end). Texts are copied; formats are printf's. docs/LAB.md has the JSON that comes out. */
#ifndef UR_SECTION_H
#define UR_SECTION_H

#include "base/status.h"

#include <jansson.h>

/* What a claim comes to. */
typedef enum ur_found {
	UR_HOLDS,           /* measured here */
	UR_HOLDS_IF,        /* measured here, under a condition that `condition` states */
	UR_FAILS,           /* does not hold here */
	UR_PREDICTED,       /* derived or simulated, never measured */
	UR_MISSING,         /* not measured on this machine; `words` says why */
} ur_found;
const char *ur_found_name(ur_found found);      /* "holds", "condition", "fails", "predicted", "missing" */

/* Where a number comes from. */
typedef enum ur_origin { UR_MEASURED, UR_COUNTED, UR_DERIVED, UR_FORETOLD } ur_origin;
const char *ur_origin_name(ur_origin origin);   /* "measured", "counted", "derived", "predicted" */

typedef struct ur_section {
	json_t *json;               /* the section */
	int failed;                 /* there was no memory for something */
} ur_section;

typedef struct ur_finding {
	const char *name;           /* unique in its section: "steps" */
	const char *claim;          /* one sentence, as the lesson has it */
	const char *prediction;     /* of the cost model, before it was measured; NULL: it has none to make */
	const char *rule;           /* which measurement decides, and how */
	ur_found found;
	const char *condition;      /* UR_HOLDS_IF */
	const char *words;          /* what was measured, with its numbers; one or two sentences */
} ur_finding;
void ur_section_finding(ur_section *s, const ur_finding *f);

/* A number that the summary, the questions or other experiments use; text as it is shown: "3.1 ms". */
void ur_section_figure(ur_section *s, const char *name, double value, ur_origin origin, const char *format, ...)
	UR_PRINTF(5, 6);
/* Of a finished section: its figure, or NULL; and a figure's text. */
const json_t *ur_figure_find(const json_t *section, const char *name);
/* The section of that name among others, or NULL. */
const json_t *ur_section_find(const json_t *sections, const char *name);

/* Charts: lines over x; what kind of axis "log" or "linear". Points with an interval have low and high, else NaN. */
typedef struct ur_axis_of { const char *label, *unit; int log; } ur_axis_of;
json_t *ur_section_chart(ur_section *s, const char *title, const char *about, const ur_axis_of *x, const ur_axis_of *y);
/* A line of the chart; `model` (may be NULL) gives it that model's colour; predicted lines are dashed. */
json_t *ur_chart_line(ur_section *s, json_t *chart, const char *name, const char *model, ur_origin origin);
void ur_line_point(ur_section *s, json_t *line, double x, double y, double low, double high);

/* Tables: the first column names the row. `columns` ends with NULL. */
json_t *ur_section_table(ur_section *s, const char *title, const char *about, const char *const *columns);
json_t *ur_table_row(ur_section *s, json_t *table, const char *name);
/* The next cell: text as it is shown; value sorts (NaN: none). */
void ur_row_cell(ur_section *s, json_t *row, double value, ur_origin origin, const char *format, ...) UR_PRINTF(5, 6);

/* A question whose answer was measured. `choices` ends with NULL; answer is an index; `because` says what was measured.
 * Every section has three or more once it is measured. */
void ur_section_question(ur_section *s, const char *question, const char *const *choices, int answer,
                         const char *because);

/* Numbers of facts: NaN where missing. Path with dots: "lstm.median". */
double ur_fact_at(const json_t *fact, const char *path);

/* Numbers as people read them, in the caller's buffer, which they return: "3.1 ms", "410 MB" (10^6), "16.8 million". */
typedef char ur_said[40];
const char *ur_tell_time(double seconds, ur_said out);
const char *ur_tell_bytes(double bytes, ur_said out);
const char *ur_tell_count(double n, ur_said out);

#endif
