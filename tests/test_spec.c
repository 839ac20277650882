/* Spec text: what it means, and that every complaint says what is wrong with the arrow under the character. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/spec.h"

static ur_spec parsed(const char *text)
{
	ur_spec spec;
	ur_err err = { 0 };
	if (ur_spec_parse(text, &spec, &err))
		fail_msg("%s", err.text);
	assert_string_equal(spec.text, text);
	return spec;
}

static double option(const ur_spec *s, const char *name)
{
	for (int i = 0; s->mixer->options[i].name; i++)
		if (!strcmp(s->mixer->options[i].name, name))
			return s->option[i];
	fail_msg("%s has no option %s", s->text, name);
	return 0;
}

static void plain_stacks(void **unused)
{
	static const char *const names[] = { "rnn", "gru", "lstm" };
	ur_spec s;

	(void)unused;
	for (size_t i = 0; i < 3; i++) {
		s = parsed(names[i]);
		assert_string_equal(s.mixer->name, names[i]);
		assert_string_equal(s.form->name, "plain");
		assert_int_equal(s.layers, 2);
		assert_int_equal(s.width, 256);
		assert_int_equal(s.context, 256);
		assert_int_equal(s.ffn, 0);
		assert_false(s.tied || s.positions);
		assert_true(s.dropout == 0);
	}
	s = parsed("lstm:3x128,dropout=0.25,tie=1");
	assert_int_equal(s.layers, 3);
	assert_int_equal(s.width, 128);
	assert_int_equal(s.tied, 1);
	assert_true(s.dropout == 0.25);
	assert_true(option(&(ur_spec){ .mixer = parsed("rnn").mixer, .option = { 0 } }, "nonlinearity") == 0);
	s = parsed("rnn:1x1,nonlinearity=relu");
	assert_true(option(&s, "nonlinearity") == 1);
	s = parsed("lstm:512x65536");
	assert_int_equal(s.layers, UR_MOST_LAYERS);
	assert_int_equal(s.width, UR_MOST_WIDTH);
	s = parsed("lstm,positions=learned");
	assert_int_equal(s.positions, 1);
	assert_int_equal(s.width, 256);
}

static void blocks(void **unused)
{
	ur_spec s = parsed("transformer:4x128,heads=8,context=64");

	(void)unused;
	assert_string_equal(s.mixer->name, "attention");
	assert_string_equal(s.form->name, "gpt2");
	assert_int_equal(s.context, 64);
	assert_int_equal(s.ffn, 512);
	assert_int_equal(s.tied, 1);
	/* attention knows no order by itself, so GPT-2's form gives it learned positions; LLaMA's turns them */
	assert_int_equal(s.positions, 1);
	assert_true(option(&s, "heads") == 8 && option(&s, "rope") == 0 && option(&s, "bias") == 1);
	s = parsed("transformer:4x128,block=llama");
	assert_int_equal(s.positions, 0);
	assert_int_equal(s.tied, 0);
	assert_int_equal(s.ffn, 352);
	assert_true(option(&s, "rope") == 1 && option(&s, "bias") == 0);
	s = parsed("transformer:4x128,rope=1,positions=none,bias=0,tie=0,ffn=100");
	assert_true(option(&s, "rope") == 1 && option(&s, "bias") == 0);
	assert_int_equal(s.positions, 0);
	assert_int_equal(s.tied, 0);
	assert_int_equal(s.ffn, 100);
	s = parsed("attention:1x32,block=plain");
	assert_int_equal(s.positions, 1);
	assert_int_equal(s.ffn, 0);
	s = parsed("lstm:2x64,block=llama");
	assert_string_equal(s.form->name, "llama");
	assert_int_equal(s.positions, 0);
	assert_int_equal(s.ffn, 192);
	s = parsed("gru:2x64,block=gpt2");
	assert_int_equal(s.positions, 0); /* a recurrence tells its steps apart */
}

static double attending_cell(const ur_spec *s)
{
	for (int i = 0; s->attend && s->attend->options[i].name; i++)
		if (!strcmp(s->attend->options[i].name, "cell"))
			return s->attend_option[i];
	return -1;
}

static void pairs(void **unused)
{
	static const char *const cells[] = { "rnn", "gru", "lstm" };
	ur_spec s = parsed("seq2seq:lstm:3x128,dropout=0.25,tie=1");

	(void)unused;
	assert_true(s.pair && !s.attend && !s.both_ways && !s.summary && s.tied && s.dropout == 0.25);
	assert_string_equal(s.mixer->name, "lstm");
	assert_string_equal(s.form->name, "pairs");
	assert_true(s.layers == 3 && s.width == 128 && s.ffn == 0 && s.positions == UR_NOWHERE);
	s = parsed("seq2seq:gru");
	assert_true(s.pair && s.layers == 2 && s.width == 256);
	assert_false(parsed("gru").pair);
	for (int i = 0; i < 3; i++) {
		char text[80];
		for (int bahdanau = 0; bahdanau < 2; bahdanau++) {
			snprintf(text, sizeof text, "seq2seq:%s:1x32,attention=%s,encoder=bi,summary=each", cells[i],
			         bahdanau ? "bahdanau" : "luong");
			s = parsed(text);
			assert_string_equal(s.attend->name, bahdanau ? "bahdanau" : "luong");
			assert_true(s.both_ways && s.summary);
			assert_true(attending_cell(&s) == i); /* the same cell as the other layers' */
		}
	}
	s = parsed("seq2seq:gru,attention=none,encoder=uni,summary=first");
	assert_true(!s.attend && !s.both_ways && !s.summary);
	s = parsed("seq2seq:rnn,nonlinearity=relu");
	assert_true(option(&s, "nonlinearity") == 1);
	s = parsed("seq2seq:rnn,attention=luong,nonlinearity=tanh"); /* as it has it anyway */
	assert_string_equal(s.attend->name, "luong");
	s = parsed("seq2seq:lstm,block=pairs");
	assert_string_equal(s.form->name, "pairs");
}

static void pairs_of_attention(void **unused)
{
	static const char *const same_form[] = { "seq2seq:transformer:3x64,heads=8", "seq2seq:attention:3x64,heads=8",
		"seq2seq:transformer:3x64,heads=8,block=vaswani" };
	ur_spec s;

	(void)unused;
	for (size_t i = 0; i < sizeof same_form / sizeof *same_form; i++) {
		s = parsed(same_form[i]);
		assert_string_equal(s.form->name, "vaswani");
		assert_true(s.pair && s.norm_last && s.positions == UR_SINUSOIDAL && s.heads == 8 && s.ffn == 256 && !s.tied);
		assert_true(option(&s, "bias") == 1 && option(&s, "rope") == 0);
	}
	s = parsed("seq2seq:transformer:3x64,norm=pre,positions=learned");
	assert_true(!s.norm_last && s.positions == UR_LEARNED && s.heads == option(&s, "heads"));
	s = parsed("seq2seq:transformer:3x64,norm=post,block=gpt2");
	assert_string_equal(s.form->name, "gpt2");
	assert_true(s.norm_last && s.positions == UR_LEARNED && s.tied);
	s = parsed("seq2seq:transformer:3x64,block=llama");
	assert_true(!s.norm_last && s.positions == UR_NOWHERE && option(&s, "rope") == 1);
	/* norms and positions are not of pairs alone */
	s = parsed("transformer:3x64,block=vaswani");
	assert_true(!s.pair && s.norm_last && s.positions == UR_SINUSOIDAL);
	s = parsed("lstm:2x64,block=llama,norm=post");
	assert_true(s.norm_last);
	assert_false(parsed("transformer").norm_last);
}

static void same(const ur_spec *a, const ur_spec *b)
{
	assert_ptr_equal(a->mixer, b->mixer);
	assert_ptr_equal(a->form, b->form);
	assert_true(a->dropout == b->dropout);
	assert_true(a->pair == b->pair && a->attend == b->attend && a->both_ways == b->both_ways &&
	            a->summary == b->summary && a->norm_last == b->norm_last && a->heads == b->heads);
	assert_true(a->layers == b->layers && a->context == b->context && a->tied == b->tied &&
	            a->positions == b->positions);
	for (int i = 0; i < UR_MIXER_OPTIONS; i++)
		assert_true(a->option[i] == b->option[i] && a->attend_option[i] == b->attend_option[i]);
}

static void resizing(void **unused)
{
	static const struct { const char *from, *to; } pairs[] = {
		{ "lstm", "lstm:2x96" }, { "lstm:3x128", "lstm:3x96" },
		{ "gru:1x64,dropout=0.1,tie=1", "gru:1x96,dropout=0.1,tie=1" },
		{ "transformer,heads=8", "transformer:2x96,heads=8" },
		{ "rnn,nonlinearity=relu", "rnn:2x96,nonlinearity=relu" },
		{ "seq2seq:lstm", "seq2seq:lstm:2x96" },
		{ "seq2seq:gru:1x512,attention=bahdanau,encoder=bi", "seq2seq:gru:1x96,attention=bahdanau,encoder=bi" },
		{ "seq2seq:rnn,summary=each", "seq2seq:rnn:2x96,summary=each" },
		{ "seq2seq:transformer:3x64,heads=8,norm=pre", "seq2seq:transformer:3x96,heads=8,norm=pre" },
		{ "transformer:3x64,block=vaswani", "transformer:3x96,block=vaswani" },
	};
	ur_spec a, b, c;
	ur_err err = { 0 };

	(void)unused;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		a = parsed(pairs[i].from);
		assert_int_equal(ur_spec_resize(&a, 96, &b, &err), UR_OK);
		assert_string_equal(b.text, pairs[i].to);
		assert_int_equal(b.width, 96);
		same(&a, &b);
		c = parsed(b.text);
		same(&b, &c);
		assert_int_equal(b.ffn, c.ffn);
	}
	a = parsed("transformer:2x64,heads=8");
	assert_int_equal(ur_spec_resize(&a, 90, &b, &err), UR_E_INVALID);
	assert_non_null(strstr(err.text, "multiple of heads"));
	assert_int_equal(ur_spec_resize(&a, 0, &b, &err), UR_E_INVALID);
	assert_int_equal(ur_spec_resize(&a, UR_MOST_WIDTH + 1, &b, &err), UR_E_INVALID);
}

static void append(char *to, size_t room, const char *name)
{
	size_t n = strlen(to);
	snprintf(to + n, room - n, "%s%s", n ? ", " : "", name);
}

/* `says` with the lists of the tables in it. */
static void fill(const char *says, const char *spec, char *out, size_t room)
{
	const char *at = strchr(says, '@');
	const int pair = !strncmp(spec, "seq2seq:", 8);
	char list[300] = "", name[32];
	size_t n;

	if (pair)
		spec += 8;
	snprintf(name, sizeof name, "%.*s", (int)strcspn(spec, ":,"), spec);
	if (!at) {
		snprintf(out, room, "%s", says);
		return;
	}
	if (!strncmp(at, "@names", n = 6)) {
		append(list, sizeof list, "transformer");
		append(list, sizeof list, "attention");
		for (int i = 0; ur_mixers[i]; i++)
			if (strcmp(ur_mixers[i]->name, "attention") != 0 && !(ur_mixers[i]->flags & UR_READS_MEMORY))
				append(list, sizeof list, ur_mixers[i]->name);
	} else if (!strncmp(at, "@forms", n = 6)) {
		for (int i = 0; ur_form_nth(i); i++)
			append(list, sizeof list, ur_form_nth(i)->name);
	} else {
		n = 8;
		append(list, sizeof list, "dropout, context, block, tie, positions, ffn, norm");
		if (pair)
			append(list, sizeof list, "attention, encoder, summary");
		for (const ur_option *o = ur_mixer_find(name)->options; o && o->name; o++)
			append(list, sizeof list, o->name);
	}
	snprintf(out, room, "%.*s%s%s", (int)(at - says), says, list, at + n);
}

static void complaints(void **unused)
{
	/* @names, @forms, @options: what the tables list, so that a new line in one needs none here */
	static const struct { const char *text, *says; } wrong[] = {
		{ "", "spec: starts with the architecture's name, as in lstm:2x256\n  \n  ^" },
		{ ":2x3", "spec: starts with the architecture's name, as in lstm:2x256\n  :2x3\n  ^" },
		{ "ltsm:2x3", "spec: 'ltsm' is no architecture; there are @names, and seq2seq: before one of them\n  ltsm:2x3\n"
		  "  ^" },
		{ "LSTM", "spec: 'LSTM' is no architecture; there are @names, and seq2seq: before one of them\n  LSTM\n  ^" },
		{ "a-name-that-is-longer-than-any-architecture's,x=1", "spec: 'a-name-that-is-longer-than-any-architect' is no "
		  "architecture; there are @names, and seq2seq: before one of them\n"
		  "  a-name-that-is-longer-than-any-architecture's,x=1\n  ^" },
		{ "lstm:", "spec: expected LAYERSxWIDTH, as in 2x256, with 1 to 512 layers\n  lstm:\n       ^" },
		{ "lstm:0x4", "spec: expected LAYERSxWIDTH, as in 2x256, with 1 to 512 layers\n  lstm:0x4\n       ^" },
		{ "lstm:-1x4", "spec: expected LAYERSxWIDTH, as in 2x256, with 1 to 512 layers\n  lstm:-1x4\n       ^" },
		{ "lstm:513x4", "spec: expected LAYERSxWIDTH, as in 2x256, with 1 to 512 layers\n  lstm:513x4\n       ^" },
		{ "lstm:99999999999999999999x4", "spec: expected LAYERSxWIDTH, as in 2x256, with 1 to 512 layers\n"
		  "  lstm:99999999999999999999x4\n       ^" },
		{ "lstm:2", "spec: expected 'x' and a width, as in 2x256\n  lstm:2\n        ^" },
		{ "lstm:2X3", "spec: expected 'x' and a width, as in 2x256\n  lstm:2X3\n        ^" },
		{ "lstm:2x", "spec: expected a width of 1 to 65536\n  lstm:2x\n         ^" },
		{ "lstm:2x0", "spec: expected a width of 1 to 65536\n  lstm:2x0\n         ^" },
		{ "lstm:2x65537", "spec: expected a width of 1 to 65536\n  lstm:2x65537\n         ^" },
		{ "lstm:2x8x", "spec: expected ',' and an option, or the end\n  lstm:2x8x\n          ^" },
		{ "lstm:2x8 ", "spec: expected ',' and an option, or the end\n  lstm:2x8 \n          ^" },
		{ "lstm:2x8,", "spec: expected option=value\n  lstm:2x8,\n           ^" },
		{ "lstm:2x8,tie", "spec: expected option=value\n  lstm:2x8,tie\n              ^" },
		{ "lstm:2x8,tie,ffn=1", "spec: expected option=value\n  lstm:2x8,tie,ffn=1\n              ^" },
		{ "lstm:2x8,heads=2", "spec: lstm has no option 'heads'; it has @options\n  lstm:2x8,heads=2\n           ^" },
		{ "rnn,=1", "spec: rnn has no option ''; it has @options\n  rnn,=1\n      ^" },
		{ "rnn,nonlinearity=sigmoid", "spec: 'sigmoid' is not a value of 'nonlinearity'; it takes tanh|relu\n"
		  "  rnn,nonlinearity=sigmoid\n                   ^" },
		{ "rnn,nonlinearity=tan", "spec: 'tan' is not a value of 'nonlinearity'; it takes tanh|relu\n"
		  "  rnn,nonlinearity=tan\n                   ^" },
		{ "lstm,positions=rotary", "spec: 'rotary' is not a value of 'positions'; it takes none|learned|sinusoidal\n"
		  "  lstm,positions=rotary\n                 ^" },
		{ "lstm,dropout=", "spec: option 'dropout' wants a value here\n  lstm,dropout=\n               ^" },
		{ "lstm,dropout=0.2x", "spec: option 'dropout' wants a number, not '0.2x'\n  lstm,dropout=0.2x\n"
		  "                  ^" },
		{ "lstm,dropout= 0.2", "spec: option 'dropout' wants a number, not ' 0.2'\n  lstm,dropout= 0.2\n"
		  "               ^" },
		{ "lstm,dropout=nan", "spec: option 'dropout' wants a number, not 'nan'\n  lstm,dropout=nan\n"
		  "               ^" },
		{ "lstm,context=0x10", "spec: option 'context' wants a number, not '0x10'\n  lstm,context=0x10\n"
		  "                ^" },
		{ "lstm,context=1e", "spec: option 'context' wants a number, not '1e'\n  lstm,context=1e\n                ^" },
		{ "lstm,context=1.5", "spec: option 'context' wants a whole number, not '1.5'\n  lstm,context=1.5\n"
		  "               ^" },
		{ "lstm,context=0", "spec: option 'context' must be from 1 to 1.67772e+07, not 0\n  lstm,context=0\n"
		  "               ^" },
		{ "lstm,dropout=1", "spec: option 'dropout' must be from 0 to 0.95, not 1\n  lstm,dropout=1\n"
		  "               ^" },
		{ "lstm,dropout=-1e300", "spec: option 'dropout' must be from 0 to 0.95, not -1e300\n  lstm,dropout=-1e300\n"
		  "               ^" },
		{ "lstm,dropout=1e999", "spec: option 'dropout' wants a number, not '1e999'\n  lstm,dropout=1e999\n"
		  "                    ^" },
		{ "lstm,tie=1,tie=0", "spec: option 'tie' is given twice\n  lstm,tie=1,tie=0\n             ^" },
		{ "transformer,heads=2,heads=2", "spec: option 'heads' is given twice\n  transformer,heads=2,heads=2\n"
		  "                      ^" },
		{ "lstm,block=bert", "spec: 'bert' is no block; there are @forms\n  lstm,block=bert\n             ^" },
		{ "lstm,block=", "spec: '' is no block; there are @forms\n  lstm,block=\n             ^" },
		{ "lstm,block=a-block-of-more-than-thirty-characters", "spec: 'a-block-of-more-than-thirty-ch' is no block; "
		  "there are @forms\n  lstm,block=a-block-of-more-than-thirty-characters\n             ^" },
		{ "lstm,block=llama,block=llama", "spec: option 'block' is given twice\n  lstm,block=llama,block=llama\n"
		  "                   ^" },
		{ "lstm,ffn=64", "spec: a plain stack has no feed-forward half; add block=gpt2 or block=llama\n"
		  "  lstm,ffn=64\n           ^" },
		{ "transformer:2x64,heads=3", "spec: the width must be a multiple of heads\n  transformer:2x64,heads=3\n"
		  "              ^" },
		{ "transformer,heads=3", "spec: the width must be a multiple of heads\n  transformer,heads=3\n  ^" },
		{ "transformer:2x64,kv_heads=3", "spec: heads must be a multiple of kv_heads\n  transformer:2x64,kv_heads=3\n"
		  "              ^" },
		{ "seq2seq:", "spec: an architecture's name follows, as in seq2seq:lstm:2x256\n  seq2seq:\n          ^" },
		{ "seq2seq:,tie=1", "spec: an architecture's name follows, as in seq2seq:lstm:2x256\n  seq2seq:,tie=1\n"
		  "          ^" },
		{ "seq2seq", "spec: 'seq2seq' is no architecture; there are @names, and seq2seq: before one of them\n"
		  "  seq2seq\n  ^" },
		{ "seq2seq:ltsm:2x3", "spec: 'ltsm' is no architecture; there are @names\n  seq2seq:ltsm:2x3\n          ^" },
		{ "seq2seq:seq2seq:lstm", "spec: 'seq2seq' is no architecture; there are @names\n  seq2seq:seq2seq:lstm\n"
		  "          ^" },
		{ "seq2seq:lstm:2", "spec: expected 'x' and a width, as in 2x256\n  seq2seq:lstm:2\n                ^" },
		{ "luong:2x32", "spec: luong reads an encoder's outputs: as in seq2seq:lstm:2x256,attention=luong\n"
		  "  luong:2x32\n  ^" },
		{ "seq2seq:bahdanau,cell=gru", "spec: bahdanau reads an encoder's outputs: as in "
		  "seq2seq:lstm:2x256,attention=bahdanau\n  seq2seq:bahdanau,cell=gru\n          ^" },
		{ "lstm,attention=luong", "spec: option 'attention' is for models of pairs, as in seq2seq:lstm\n"
		  "  lstm,attention=luong\n       ^" },
		{ "gru:2x8,encoder=bi", "spec: option 'encoder' is for models of pairs, as in seq2seq:gru\n"
		  "  gru:2x8,encoder=bi\n          ^" },
		{ "rnn,tie=1,summary=each", "spec: option 'summary' is for models of pairs, as in seq2seq:rnn\n"
		  "  rnn,tie=1,summary=each\n            ^" },
		{ "seq2seq:lstm,attention=loung", "spec: 'loung' is no attention; there are none, luong, bahdanau\n"
		  "  seq2seq:lstm,attention=loung\n                         ^" },
		{ "seq2seq:lstm,attention=gru", "spec: 'gru' is no attention; there are none, luong, bahdanau\n"
		  "  seq2seq:lstm,attention=gru\n                         ^" },
		{ "seq2seq:lstm,attention=", "spec: '' is no attention; there are none, luong, bahdanau\n"
		  "  seq2seq:lstm,attention=\n                         ^" },
		{ "seq2seq:lstm,encoder=both", "spec: 'both' is not a value of 'encoder'; it takes uni|bi\n"
		  "  seq2seq:lstm,encoder=both\n                       ^" },
		{ "seq2seq:lstm,summary=1", "spec: '1' is not a value of 'summary'; it takes first|each\n"
		  "  seq2seq:lstm,summary=1\n                       ^" },
		{ "seq2seq:lstm,encoder=bi,encoder=bi", "spec: option 'encoder' is given twice\n"
		  "  seq2seq:lstm,encoder=bi,encoder=bi\n                          ^" },
		{ "seq2seq:lstm,heads=2", "spec: lstm has no option 'heads'; it has @options\n  seq2seq:lstm,heads=2\n"
		  "               ^" },
		{ "seq2seq:lstm:2x8,block=gpt2", "spec: pairs in residual blocks are of attention: leave out block=\n"
		  "  seq2seq:lstm:2x8,block=gpt2\n                         ^" },
		{ "seq2seq:lstm,block=plain", "spec: block=plain is for models of one text: leave out block=\n"
		  "  seq2seq:lstm,block=plain\n                     ^" },
		{ "lstm,block=pairs", "spec: block=pairs is for models of pairs\n  lstm,block=pairs\n             ^" },
		{ "seq2seq:transformer,block=pairs", "spec: transformer has no state of a fixed size, which is all "
		  "that would join the two; use block=vaswani\n  seq2seq:transformer,block=pairs\n          ^" },
		{ "seq2seq:transformer,attention=luong", "spec: option 'attention' is for recurrent pairs; transformer reads "
		  "the source in every layer\n  seq2seq:transformer,attention=luong\n                                ^" },
		{ "seq2seq:transformer,encoder=uni", "spec: option 'encoder' is for recurrent pairs; transformer reads the "
		  "source in every layer\n  seq2seq:transformer,encoder=uni\n                              ^" },
		{ "seq2seq:attention,summary=each", "spec: option 'summary' is for recurrent pairs; attention reads the "
		  "source in every layer\n  seq2seq:attention,summary=each\n                            ^" },
		{ "seq2seq:rnn,nonlinearity=relu,attention=luong", "spec: the decoder's top layer, luong, has no option "
		  "'nonlinearity'\n  seq2seq:rnn,nonlinearity=relu,attention=luong\n                           ^" },
		{ "seq2seq:transformer:2x64,heads=3", "spec: the width must be a multiple of heads\n"
		  "  seq2seq:transformer:2x64,heads=3\n                      ^" },
		{ "seq2seq:lstm,ffn=64", "spec: a plain stack has no feed-forward half\n  seq2seq:lstm,ffn=64\n"
		  "                   ^" },
		{ "seq2seq:lstm,norm=pre", "spec: a plain stack has no norms\n  seq2seq:lstm,norm=pre\n                    ^" },
		{ "lstm,norm=post", "spec: a plain stack has no norms; add block=gpt2 or block=vaswani\n  lstm,norm=post\n"
		  "            ^" },
		{ "transformer,norm=last", "spec: 'last' is not a value of 'norm'; it takes pre|post\n  transformer,norm=last\n"
		  "                   ^" },
		/* the arrow counts characters, not bytes, and nothing reaches a terminal that it would obey */
		{ "lstm,caf\xC3\xA9=1,tie=\xE2\x82\xAC", "spec: lstm has no option 'caf\xC3\xA9'; it has @options\n"
		  "  lstm,caf\xC3\xA9=1,tie=\xE2\x82\xAC\n       ^" },
		{ "lstm:2x8\xC3\xA9,tie=1", "spec: expected ',' and an option, or the end\n  lstm:2x8\xC3\xA9,tie=1\n"
		  "          ^" },
		{ "lstm,tie=\xC3\xA9\xC3\xA9,x", "spec: option 'tie' wants a number, not '\xC3\xA9\xC3\xA9'\n"
		  "  lstm,tie=\xC3\xA9\xC3\xA9,x\n           ^" },
		{ "lstm,tie=1\x1B[2J\n", "spec: option 'tie' wants a number, not '1?[2J?'\n  lstm,tie=1?[2J?\n            ^" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		ur_spec spec = { .layers = 77 };
		ur_err err = { 0 };
		char says[sizeof err.text];

		fill(wrong[i].says, wrong[i].text, says, sizeof says);
		assert_int_equal(ur_spec_parse(wrong[i].text, &spec, &err), UR_E_INVALID);
		assert_int_equal(err.status, UR_E_INVALID);
		assert_string_equal(err.text, says);
		assert_int_equal(spec.layers, 77);
		assert_int_equal(ur_spec_parse(wrong[i].text, &spec, NULL), UR_E_INVALID);
	}
}

/* A mistake far into a long spec is shown with what is around it. */
static void long_specs(void **unused)
{
	char text[400] = "transformer:2x64";
	ur_spec spec;
	ur_err err = { 0 };
	const char *line, *arrow;

	(void)unused;
	strcat(text, ",rope_base=10000,context=0000000000000000000000000000000064,"
	       "window=00000000000000000000000000000000008,dropout=0.1,tie=0,fnf=3");
	assert_int_equal(ur_spec_parse(text, &spec, &err), UR_E_INVALID);
	line = strchr(err.text, '\n') + 3;
	arrow = strchr(line, '\n') + 3;
	assert_memory_equal(line + strspn(arrow, " "), "fnf=3\n", 6);
	assert_int_equal(strspn(arrow, " "), 60);
	assert_memory_equal(line, strstr(text, "fnf") - 60, 60);

	memset(text, 'x', sizeof text - 1);
	assert_int_equal(ur_spec_parse(text, &spec, &err), UR_E_INVALID);
	assert_string_equal(err.text, "spec: longer than 255 characters");
	text[UR_SPEC_TEXT - 1] = 0;
	assert_int_equal(ur_spec_parse(text, &spec, &err), UR_E_INVALID);
	assert_non_null(strstr(err.text, "is no architecture"));
}

static void seen_line(void *arg, const char *name, const char *about)
{
	char *all = arg;
	assert_true(name[0] && about && about[0]);
	strcat(strcat(all, name), "\n");
}

static void help_lists_everything(void **unused)
{
	char all[4000] = "\n";

	(void)unused;
	ur_spec_help(seen_line, all);
	/* what starts a spec stands at a line's beginning, what attention= takes below it */
	for (int i = 0; ur_mixers[i]; i++) {
		const int reads = (ur_mixers[i]->flags & UR_READS_MEMORY) != 0;
		char name[40], choice[40];

		snprintf(name, sizeof name, "\n%s\n", ur_mixers[i]->name);
		snprintf(choice, sizeof choice, "\n  %s\n", ur_mixers[i]->name);
		assert_int_equal(strstr(all, name) != NULL, !reads);
		assert_int_equal(strstr(strstr(all, "\nattention=\n"), choice) != NULL, reads);
	}
	assert_null(strstr(all, "  cell=\n"));
	for (int i = 0; ur_form_nth(i); i++)
		assert_non_null(strstr(all, ur_form_nth(i)->name));
	assert_non_null(strstr(all, "\ntransformer\n"));
	assert_non_null(strstr(all, "  dropout=\n"));
	assert_non_null(strstr(all, "  nonlinearity=\n"));
	assert_non_null(strstr(all, "\nseq2seq:\n"));
	assert_non_null(strstr(all, "\nattention=\n  none\n") && strstr(all, "  encoder=\n"));
	assert_non_null(strstr(all, "  summary=\n") && strstr(all, "  norm=\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_stacks),
		cmocka_unit_test(blocks),
		cmocka_unit_test(pairs),
		cmocka_unit_test(pairs_of_attention),
		cmocka_unit_test(resizing),
		cmocka_unit_test(complaints),
		cmocka_unit_test(long_specs),
		cmocka_unit_test(help_lists_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
