'use strict';
/* Pairs: how good translations are, in all and by the length of the source, what they cost, and what each model made of
 * a few sentences, with where its attention lay. */
const Translated = (() => {
	const W = Words, { el, is, array, mean, NONE } = W, { box, p } = Pieces;
	const { doc, ordered, contenders, of, model, translated } = Facts;

	const share = (x) => W.percent(x, 1);
	const round = (x) => share(x).replace('.0', '');
	const tenth = (x) => is(x) ? W.fixed(x, 1) : NONE;
	const pairs = () => doc.pairs || {};
	/* contenders that have translations, the best by loss first */
	const rows = () => ordered().filter((c) => translated(c).name);

	/* ---- quality and cost, one row a model ---- */

	const over = (label, unit, key, format, first = 1) => ({ label, unit, numeric: true, first,
		value: (c) => mean(translated(c)[key]),
		cell: (c) => { const x = translated(c)[key]; return [mean(x) === null ? NONE : format(x.mean),
			W.spread(x) === null ? null : el('small', null, `${format(x.low)} to ${format(x.high)}`)]; } });
	const cost = (c) => translated(c).sentence || {};
	const COLUMNS = [
		{ label: 'Model', value: (c) => String(c.name), cell: (c) => el('span', { class: 'who' }, model(c.name),
			el('small', null, translated(c).attends ? 'with attention' : 'without attention')) },
		over('Exact', 'of sources', 'exact', share, -1),
		over('BLEU', '0 to 100', 'bleu', tenth, -1),
		over('Wrong tokens', 'of the reference', 'token_errors', share),
		over('Wrong words', 'of the reference', 'word_errors', share),
		over('Cut', 'without an end', 'cut', share),
		{ label: 'A sentence', unit: 'p50, p99', numeric: true, value: (c) => cost(c).p50_us,
			cell: (c) => [W.micros(cost(c).p50_us), is(cost(c).p99_us) ? el('small', null, W.micros(cost(c).p99_us))
				: null] },
		{ label: 'In batches', unit: 'sentences/s', numeric: true, first: -1,
			value: (c) => translated(c).sentences_per_second,
			cell: (c) => W.short(translated(c).sentences_per_second) },
		{ label: 'Memory', unit: 'a sentence', numeric: true, value: (c) => Facts.held(c),
			cell: (c) => [W.bytes(Facts.held(c)), is(cost(c).remembered_bytes) ? el('small', null,
				`source ${W.bytes(cost(c).remembered_bytes)}`) : null] },
	];

	function quality() {
		if (!rows().length)
			return null;
		const d = pairs(), at = rows().map(cost).find((c) => is(c.source_tokens)), seeds = Facts.seeds().length;
		return [p('about', `${is(d.sources) ? W.whole(d.sources) : 'Held-out'} sources, which no training saw, ` +
			(d.beam > 1 ? `translated with a beam of ${W.whole(d.beam)}. ` : 'translated greedily. ') +
			'Exact is a translation that is a reference to the last character; wrong tokens and words are those to ' +
			'insert, delete or change, for each of the reference. ' +
			(seeds > 1 ? `Means over ${seeds} seeds, with 95 % intervals.` : '')),
		Tables.sortable('translations', 'Translations', COLUMNS, rows().map((c) => Object.assign({}, c,
			{ className: c.name === (doc.advice || {}).pick ? 'pick' : null })), 3),
		at ? p('about', 'A sentence: one at a time on one thread. Memory: what is kept of a source of ' +
			`${W.whole(at.source_tokens)} tokens, its end included, and the decoder\u2019s state after ` +
			`${W.whole(at.target_tokens)}.`) : null];
	}

	/* ---- by length ---- */

	const OF = {
		token_errors: ['wrong tokens', share, round], exact: ['exact translations', share, round],
		word_errors: ['wrong words', share, round], bleu: ['BLEU', tenth, W.short],
	};

	function lengthView(state) {
		const [title, format, mark] = OF[state.of], series = [], table = [], legend = [];
		for (const c of contenders()) {
			const list = array(translated(c).by_source_length).filter((b) => b && b[state.of] && is(b[state.of].value));
			const i = of(c.name), middle = (b) => (b.from + b.to) / 2;
			const edge = (k) => list.filter((b) => is(b[state.of][k])).map((b) => ({ x: middle(b),
				y: b[state.of][k] }));
			if (!list.length)
				continue;
			legend.push({ name: c.name, index: i, more: translated(c).attends ? 'with attention' : 'without' });
			series.push({ name: c.name, index: i, kind: 'band', points: edge('low') },
				{ name: c.name, index: i, kind: 'band', points: edge('high'), fill: '-1' });
			series.push({ name: c.name, index: i, kind: 'line',
				points: list.map((b) => ({ x: middle(b), y: b[state.of].value, b })),
				tip: (q) => [`${title} ${format(q.y)} (${format(q.b[state.of].low)} to ${format(q.b[state.of].high)})`,
					`sources of ${W.whole(q.b.from)} to ${W.whole(q.b.to)} tokens, ${W.whole(q.b.n)} of them`] });
			table.push(...list.map((b) => [c.name, W.whole(b.from), W.whole(b.to), format(b[state.of].value),
				format(b[state.of].low), format(b[state.of].high), W.whole(b.n)]));
		}
		return { xTitle: 'tokens of the source', xFormat: W.whole, yTitle: title, yFormat: mark, series, legend,
			notes: ['Shaded: 95 % intervals over sources, of the one model of each that was kept. Where bands of two ' +
				'models overlap, the sources do not tell them apart.'],
			table: { label: title + ' by length of the source', columns: ['Model', 'From', 'To', title, 'Low', 'High',
				'Sources'].map((l, i) => ({ label: l, numeric: i > 0 })), rows: table } };
	}

	/* where no target has the words that BLEU looks for, there is none to show */
	const told = (key) => rows().some((c) => array(translated(c).by_source_length).some((b) => b && b[key]));

	function lengths() {
		if (!rows().some((c) => array(translated(c).by_source_length).length))
			return null;
		return [Charts.figure('source-length', { title: 'Errors by length of the source', tall: true,
			start: { of: 'token_errors' },
			text: 'An encoder without attention hands its decoder one state, however long the source was: what no ' +
				'longer fits into it shows at the right.',
			choices: [{ name: 'of', label: 'Show', options: [['token_errors', 'wrong tokens'], ['exact', 'exact'],
				['word_errors', 'wrong words'], ['bleu', 'BLEU']].filter(([key]) => told(key)) }] }, lengthView)];
	}

	/* ---- sentences, and where attention lay ---- */

	/* Tokens as they are read: a blank and the end have no letters of their own. */
	const token = (t) => t === null ? el('i', null, 'end') : String(t) === ' ' ? '\u2423' : String(t);

	function weights(source, output) {
		const list = array(output.weights), made = array(output.tokens);
		if (!list.length)
			return null;
		const cell = (w) => {
			const node = el('td', { title: W.percent(w) }, el('span', { class: 'hidden' }, W.percent(w)));
			node.style.setProperty('--weight', `${Math.round(100 * Math.max(0, Math.min(1, is(w) ? w : 0)))}%`);
			return node;
		};
		const name = W.cut(String(output.name), 40);
		return el('figure', { class: 'weights' }, el('figcaption', null, model(output.name)),
			el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Attention of ${name}` },
				el('table', null, el('caption', { class: 'hidden' }, `Attention of ${name}: a row for each token it ` +
					'wrote, a column for each of the source, in each cell the share of its attention'),
				el('thead', null, el('tr', null, el('td'), source.map((t) => el('th', { scope: 'col' },
					el('span', null, token(t)))))),
				el('tbody', null, list.map((row, r) => el('tr', null, el('th', { scope: 'row' },
					r < made.length ? token(made[r]) : ''), array(row).map(cell)))))));
	}

	function sentence(s, i) {
		const source = array(s.source), outputs = array(s.outputs), end = (o) => o.ended === false ? ' \u2026' : '';
		const blank = source.some((t) => typeof t === 'string' && [...t].length > 1) ? ' ' : '';
		const right = (o) => o.text === s.reference ? el('span', { class: 'badge best' }, 'exact') : null;
		const maps = outputs.map((o) => weights(source, o)).filter(Boolean);
		return [el('h3', null, `Sentence ${i + 1}, ${W.many(source.length - 1, 'token')}`),
			Tables.plain(`Translations of sentence ${i + 1}`, [{ label: 'By' }, { label: 'Text' }],
				[['Source', source.filter((t) => t !== null).join(blank)], ['Reference', String(s.reference)],
					...outputs.map((o) => [model(o.name), el('span', null, o.text + end(o), ' ', right(o))])],
				'sentence'),
			maps.length ? box('weights ' + i, 'div', { class: 'maps' }, maps) : null];
	}

	function shown() {
		const list = array(pairs().shown).filter((s) => s && array(s.outputs).length);
		if (!list.length)
			return null;
		const maps = list.some((s) => s.outputs.some((o) => array(o.weights).length));
		return [p('about', 'Held-out sentences: one of median length, then longer ones. ' + (maps
			? 'Each row of a map is a token that was written, each column one of the source; the fuller the colour, ' +
				'the more of its attention lay there when it was chosen.' : 'No model here has attention to show.')),
		list.map(sentence)];
	}

	return { quality, lengths, shown };
})();
