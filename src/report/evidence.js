'use strict';
/* How firm the answer is, what the models write, and how to repeat it. */
const Evidence = (() => {
	const W = Words, { el, is, array, mean } = W, { p, command, said, machine, known } = Pieces;
	const { doc, contenders, ordered, model, seeds, paired } = Facts;

	/* ---- how sure ---- */

	function order() {
		const o = doc.order || {}, seed = seeds(), list = array(o.by_seed);
		if (!list.length)
			return null;
		return [el('h3', null, 'The order under each seed'),
			p('about', list.length === 1 ? 'There is one seed: another might order them otherwise.' : o.same
				? 'All seeds order the models alike.' : 'The seeds do not agree on the whole order.'),
			Tables.plain('Order by seed', [{ label: 'Seed' }, ...list[0].map((x, i) => ({ label: i + 1 + '.' }))],
				list.map((names, i) => [String(is(seed[i]) ? seed[i] : i + 1), ...array(names).map((n) => model(n))]))];
	}

	function tuning() {
		const list = contenders().filter((c) => array(c.tuning).some((t) => array(t.trials).length));
		if (!list.length)
			return null;
		const OPEN = { above: 'The highest value tried did best: a higher one might do better still.',
			below: 'The lowest value tried did best: a lower one might do better still.' };
		const values = (c) => array(c.tuning).map((t) => [
			el('div', { class: 'trials' }, el('b', null, t.parameter === 'lr' ? 'learning rate' : String(t.parameter)),
				array(t.trials).map((r) => el('span', { class: r.chosen ? 'trial chosen' : 'trial' },
				el('span', null, W.short(r.value)), el('small', null, is(r.loss) ? W.loss(r.loss) : 'diverged')))),
			OPEN[t.open] ? p('about', OPEN[t.open]) : null]);
		return [el('h3', null, 'What was tuned'),
			p('about', 'Short runs before the comparison, each with its loss on the validation text; the chosen ' +
				'value is framed. Every model had the same number of trials.'),
			Tables.plain('Tuning trials', [{ label: 'Model' }, { label: 'Trials: value and loss' }],
				list.map((c) => [model(c.name), el('div', null, values(c))]), 'tuning')];
	}

	/* ---- samples, repeating, how it was measured ---- */

	function samples() {
		const list = ordered().filter((c) => typeof c.sample === 'string' && c.sample);
		if (!list.length)
			return null;
		const prompt = (doc.setting || {}).prompt;
		return [p('about', prompt ? ['Each went on from the same prompt, ', el('code', null, String(prompt)),
			', with the weights it was scored with. ' ] : 'What each model wrote. ',
			'They are for the eye; the loss is the measure.'),
			el('div', { class: 'samples' },
				list.map((c) => el('figure', null, el('figcaption', null, model(c.name), mean(c.loss) === null ? null
				: el('small', null, 'loss ' + W.loss(mean(c.loss)))),
				el('pre', { tabindex: '0', role: 'region', 'aria-label': 'Text by ' + W.cut(String(c.name), 40) },
					c.sample))))];
	}

	function pairsFacts() {
		const d = doc.pairs || {};
		return paired() ? [d.source_vocabulary ? `of sources ${d.source_vocabulary}${is(d.source_vocabulary_size)
			? ' of ' + W.whole(d.source_vocabulary_size) : ''}` : null,
		[[d.train_pairs, 'pairs to train on'], [d.val_pairs, 'to validate on'], [d.test_pairs, 'to test on']]
			.filter((x) => is(x[0])).map((x) => `${W.whole(x[0])} ${x[1]}`).join(', '),
		d.left_out > 0 ? `${W.many(d.left_out, 'held-out pair')} too long for the most limited model, left out for all`
			: null] : [];
	}

	function facts() {
		const d = doc.data || {}, s = doc.setting || {}, b = doc.budget || {};
		const rows = [
			[paired() ? 'Pairs' : 'Text', [d.path || d.name, d.vocabulary
				? `${d.vocabulary} vocabulary${is(d.vocabulary_size) ? ' of ' + W.whole(d.vocabulary_size) : ''}`
				: null, d.note, ...pairsFacts()].filter(Boolean).join('; ')],
			['Fingerprint', d.fingerprint],
			['Tokens', [[d.train_tokens, 'to train on'], [d.val_tokens, 'to validate on'],
				[d.test_tokens, 'to test on'], [d.scored_tokens, 'scored']]
				.filter((x) => is(x[0])).map((x) => `${W.whole(x[0])} ${x[1]}`).join(', ') +
				(d.heldout_is_test === false ? '; no part was kept for the end: what rates were chosen on is also ' +
					'what is compared on, which flatters all a little' : '')],
			['Machine', machine(doc.machine)],
			['Budget', b.text],
			['Recipe', said([[s.target_parameters, (n) => W.whole(n) + ' parameters aimed at'],
				[s.window, (n) => (paired() ? 'sides of at most ' : 'windows of ') + W.whole(n)],
				[s.step_tokens, (n) => W.whole(n) + ' tokens a step'],
				[s.schedule, (name) => name + ' schedule'], [seeds().join(', '), (list) => 'seeds ' + list]])],
			['Took', is(doc.seconds) ? W.seconds(doc.seconds) : ''],
			['Started', W.date(doc.started)],
			['Unroll', [doc.version, is(doc.id) ? 'comparison ' + doc.id : null].filter(Boolean).join(', ')],
		];
		return known('On what', rows);
	}

	function kept() {
		const list = contenders().filter((c) => c.model);
		return list.length ? [el('h3', null, 'The trained models'),
			p('about', 'Of each model the run of the lowest validation loss is kept; it is the one whose ' +
				'speed was measured.'),
			Tables.plain('Files of the trained models', [{ label: 'Model' }, { label: 'Seed', numeric: true },
				{ label: 'File' }],
				list.map((c) => [model(c.name), is(c.kept_seed) ? String(c.kept_seed) : W.NONE,
					el('code', null, String(c.model))]))]
			: null;
	}

	function repeat() {
		return [doc.command ? command('The command', String(doc.command)) : null,
			doc.again ? [command('The same losses on any machine', String(doc.again)),
				p('about', 'It fixes what this machine had decided: sizes, rates and tokens. Losses repeat; times ' +
					'are those of the machine.')] : null,
			kept(), facts()];
	}

	/* the third: of texts or of pairs alone */
	const METHOD = [
		['Loss', 'is the mean negative logarithm of the probability given to each next token of held-out text, in ' +
			'nats: 0 would be certainty, and e to the loss is how many equally likely tokens the model hesitates ' +
			'between. Bits a byte is the same, divided by the bytes of the text, so that ' +
			'vocabularies can be compared.'],
		['Fair', 'means equal parameters as far as whole layers allow, the same text in the same order, the same ' +
			'tokens a step, and the same number of tuning trials for each model before any of the runs that count.'],
		['\u00b1', 'is half of a 95 % interval of the mean over seeds (Student\u2019s t). It covers the luck of ' +
			'starting weights and order, not another text. With few seeds it is wide, as it should be.'],
		['p', 'is from a paired t-test: each seed gives one difference between two models. Where several models are ' +
			'compared with the best, p is raised by Holm\u2019s method. A tie means that the difference is small or ' +
			'may be chance, and \u201cunsure\u201d that more seeds could decide.'],
		['Step', 'is one token through a live stream, timed alone, again and again at each position: p50 is the ' +
			'median, p99 what one in a hundred exceeds. State is what the stream must keep, counted in bytes.', 'text'],
		['Reading a sequence', 'is one pass over T tokens at once on all threads. The exponent is the slope on ' +
			'logarithmic axes: 1 doubles the time when T doubles, 2 makes it four times as long.', 'text'],
		['Translations', 'are of held-out sources, each translated once; where several pairs have its source, all ' +
			'their targets are references, and edits count against the nearest. BLEU is of words and up to four in a ' +
			'row, over all sources (Papineni et al. 2002).', 'pairs'],
		['By length', 'is of the one kept model of each. Intervals are over sources: Wilson\u2019s for exact ' +
			'translations, by drawing sources again for the rest. They do not cover another seed.', 'pairs'],
		['Memory', 'is the peak of the process while training, as the system reports it.'],
		['Predicted', 'marks what was worked out and not measured. Everything else on this page was measured ' +
			'in the runs it names.'],
	];

	function method() {
		return [el('dl', { class: 'method' },
			METHOD.filter(([, , kind]) => !kind || (kind === 'pairs') === paired()).map(([k, v]) =>
				el('div', null, el('dt', null, k), el('dd', null, v))))];
	}

	return { order, tuning, samples, repeat, method };
})();
