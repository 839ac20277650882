/* Sections of the lab from facts that were made up, and what stands in them. */
#ifndef LAB_SECTIONS_H
#define LAB_SECTIONS_H

#include "lab/lab.h"

#include <string.h>

/* Of facts, of which it takes the reference; a new reference. */
static inline json_t *section_from(const ur_experiment *e, json_t *facts, const json_t *others)
{
	ur_section s = { .json = json_object() };

	assert_non_null(facts);
	e->conclude(facts, others, &s);
	assert_false(s.failed);
	json_decref(facts);
	return s.json;
}

static inline const json_t *finding_of(const json_t *section, const char *name)
{
	size_t i;
	json_t *f;

	json_array_foreach(json_object_get((json_t *)(size_t)section, "findings"), i, f)
		if (!strcmp(json_string_value(json_object_get(f, "name")), name))
			return f;
	fail_msg("there is no finding %s", name);
	return NULL;
}

/* The verdict on facts, of which it takes the reference. */
static inline const char *verdict_on(const ur_experiment *e, json_t *facts, const char *finding)
{
	static char verdict[32];
	json_t *section = section_from(e, facts, NULL);
	const json_t *f = finding_of(section, finding);

	(void)snprintf(verdict, sizeof verdict, "%s", json_string_value(json_object_get(f, "verdict")));
	/* whatever is found is stated whole */
	assert_true(json_is_string(json_object_get(f, "claim")) && json_is_string(json_object_get(f, "rule")) &&
	            json_is_string(json_object_get(f, "words")));
	assert_true(!strcmp(verdict, "condition") == json_is_string(json_object_get(f, "condition")));
	json_decref(section);
	return verdict;
}

/* The answer to a question of the section that facts, of which it takes the reference, come to. */
static inline int answer_on(const ur_experiment *e, json_t *facts, size_t question)
{
	json_t *section = section_from(e, facts, NULL);
	const json_t *all = json_object_get(section, "questions");
	const int answer = (int)json_integer_value(json_object_get(json_array_get(all, question), "answer"));

	json_decref(section);
	return answer;
}

/* Questions have an answer among their choices, and there are enough of them. */
static inline void assert_questions(const json_t *section, size_t least)
{
	const json_t *all = json_object_get(section, "questions");
	size_t i;
	json_t *q;

	assert_true(json_array_size(all) >= least);
	json_array_foreach((json_t *)(size_t)all, i, q) {
		const json_int_t answer = json_integer_value(json_object_get(q, "answer"));
		assert_true(answer >= 0 && (size_t)answer < json_array_size(json_object_get(q, "choices")));
		assert_true(strlen(json_string_value(json_object_get(q, "because"))) > 10);
	}
}

#endif
