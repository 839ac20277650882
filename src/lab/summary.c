/* The lesson's closing table: its three problems, and then where recurrence still has the better answer; what a
 * recurrent network does, what a transformer does instead, and what that costs. Every cell is a figure of an
 * experiment. */
#include "lab/lab.h"

#include <stdio.h>
#include <string.h>

typedef struct cell {
	const char *experiment, *figure;
	const char *note;               /* what the figure is */
	const char *who, *beside;       /* NULL, or another figure of the experiment, and whose it is */
} cell;

enum { COLUMNS = 3 };
static const char *const columns[] = { "Problem", "A recurrent network", "Attention instead", "The new cost" };

#define FIGURE(experiment_, figure_, note_, ...) \
	{ .experiment = experiment_, .figure = figure_, .note = note_, ##__VA_ARGS__ }

static const struct row { const char *name; cell cells[COLUMNS]; } rows[] = {
	{ "Sequential compute",
	  { FIGURE("serial", "rnn_chain_512", "dependent calls for 512 tokens, one waiting for the other"),
	    FIGURE("serial", "attention_chain_512", "dependent calls for the same 512 tokens"),
	    FIGURE("cost", "attention_exponent", "of time over length", .who = "a recurrence",
	           .beside = "rnn_exponent") } },
	{ "Bottleneck",
	  { FIGURE("bottleneck", "errors_without", "of the longest sources' tokens wrong: all went through one vector"),
	    FIGURE("bottleneck", "errors_with", "of them wrong where every source position can be read"),
	    FIGURE("bottleneck", "kept_with", "kept of each source token, where one vector held the whole source") } },
	{ "Long range",
	  { FIGURE("distance", "decay_rnn", "factor of the gradient for every step back, and the task it was trained on",
	           .who = "LSTM", .beside = "decay_lstm"),
	    FIGURE("distance", "decay_attention", "factor for every step back: any position is one step away"),
	    FIGURE("cost", "matrix_100k_bytes", "of scores at 100,000 positions, unless they are never kept") } },
	{ "One token at a time",
	  { FIGURE("streaming", "recurrence_step", "for one step more", .who = "its state",
	           .beside = "recurrence_state"),
	    FIGURE("streaming", "attention_step", "for one that reads all that came before", .who = "with a window",
	           .beside = "window_step"),
	    FIGURE("streaming", "attention_state", "of keys and values kept for each stream", .who = "with a window",
	           .beside = "window_state") } },
	{ "Beyond 50,000 steps",
	  { FIGURE("long", "rnn_far", "answered right, each of which hangs on all before it"),
	    FIGURE("long", "attention_far", "answered right, where guessing is right in half"),
	    FIGURE("long", "attention_update", "to learn from all of them at once", .who = "LSTM",
	           .beside = "rnn_update") } },
	{ "Learning as events arrive",
	  { FIGURE("online", "rnn_learning", "right behind a change of the stream, each event learnt once",
	           .who = "the same, frozen", .beside = "rnn_frozen"),
	    FIGURE("online", "attention_learning", "right there, learning in a window", .who = "frozen",
	           .beside = "attention_frozen"),
	    FIGURE("online", "attention_event", "to learn from an event", .who = "LSTM", .beside = "rnn_event") } },
};

static const char *text_of(const json_t *figure) { return json_string_value(json_object_get(figure, "text")); }

static json_t *cell_of(const json_t *sections, const cell *c)
{
	const json_t *section = ur_section_find(sections, c->experiment), *figure = ur_figure_find(section, c->figure);
	const char *text = text_of(figure), *beside = c->beside ? text_of(ur_figure_find(section, c->beside)) : NULL;
	char note[256];

	(void)snprintf(note, sizeof note, beside ? "%s (%s: %s)" : "%s", c->note, c->who, beside);
	return json_pack("{s:s,s:s,s:s,s:s,s:O?}", "text",
	                 text ? text : section ? "not measured yet" : "not part of this lab", "note", note, "experiment",
	                 c->experiment, "figure", c->figure, "origin", json_object_get(figure, "origin"));
}

json_t *ur_lab_summary(const json_t *sections)
{
	json_t *out = json_pack("{s:[s,s,s,s],s:[],s:s}", "columns", columns[0], columns[1], columns[2], columns[3], "rows",
		"words", "Recurrence does its work step by step through a state of fixed size. Attention looks at all "
		"positions at once and pays for each pair of them. Neither is the better one: which cost hurts depends on "
		"length, machine and use, and each cell links to the experiment that measured it here.");
	size_t n = 0;

	for (size_t i = 0; out && i < sizeof rows / sizeof *rows; i++) {
		json_t *cells = json_array();

		for (int k = 0; k < COLUMNS; k++)
			n += !json_array_append_new(cells, cell_of(sections, &rows[i].cells[k]));
		if (json_array_append_new(json_object_get(out, "rows"),
		                          json_pack("{s:s,s:o}", "name", rows[i].name, "cells", cells)))
			n = 0;
	}
	if (out && n != COLUMNS * sizeof rows / sizeof *rows) {
		json_decref(out);
		out = NULL;
	}
	return out;
}
