'use strict';
/* What to use and why, how far a running comparison has come, and the table of all models. */
const Answer = (() => {
	const W = Words, { el, is, array, mean, sentence, NONE } = W, { box, p, progress } = Pieces;
	const { doc, contenders, ordered, of, model, seeds, trained, position, compared, file, spec,
		paired, translated, taken, held } = Facts;

	/* ---- the answer ---- */

	/* "Use gru (...). In quality ..." without its first sentence, which is the heading */
	function paragraphs(text, pick) {
		const parts = String(text || '').split(/\n\s*\n/).map((s) => s.trim());
		if (pick && parts[0].startsWith('Use ' + pick))
			parts[0] = parts[0].replace(/^.*?\.(\s+|$)/, '');
		return parts.filter(Boolean);
	}

	function prose(text) {
		const lines = text.split('\n'), items = lines.filter((l) => l.startsWith('- ')),
			words = lines.filter((l) => !l.startsWith('- '));
		return [words.length ? p('', words.join(' ')) : null,
			items.length ? el('ul', null, items.map((l) => el('li', null, l.slice(2)))) : null];
	}

	/* of pairs, instead of a step and a stream */
	function sentences(c) {
		const t = translated(c), at = t.sentence || {};
		return [
			['Exact', mean(t.exact) === null ? NONE : W.percent(mean(t.exact), 1), 'of held-out sources'],
			['A sentence', W.micros(taken(c)), is(at.p99_us) ? `p99 ${W.micros(at.p99_us)}, one at a time` : ''],
			['Its memory', W.bytes(held(c)), is(at.source_tokens) ? `of ${W.whole(at.source_tokens)} tokens` : ''],
		];
	}

	function figures(c) {
		const at = is(compared(c).p50_us) ? compared(c) : null;
		const memory = c.memory || {};
		return [
			['Loss', W.plusMinus(c.loss), 'nats a token' + (c.loss && c.loss.n > 1 ? `, ${c.loss.n} seeds, 95 %` : '')],
			...paired() ? sentences(c) : [['Bits a byte', mean(c.bits_per_byte) === null ? NONE
				: W.fixed(mean(c.bits_per_byte), 3), 'of the held-out text']],
			['One step', at ? W.micros(at.p50_us) : NONE, at
				? `p99 ${W.micros(at.p99_us)}, after ${W.whole(at.position)} tokens` : ''],
			['State', at ? W.bytes(at.state_bytes) : NONE, at ? (c.limit ? `after ${W.whole(at.position)} tokens`
				: 'a stream, after any number of tokens') : ''],
			['Training', is(c.train_tokens_per_second) ? W.short(c.train_tokens_per_second) : NONE, 'tokens a second'],
			['Memory', W.bytes(memory.peak), 'while training, at its peak'],
		].filter((f) => f[1] !== NONE);
	}

	/* Loss of every model on one line each: a dot a seed, the mean, its interval. */
	function dots() {
		const rows = ordered().filter((c) => mean(c.loss) !== null || trained(c).length || c.diverged);
		const all = rows.flatMap((c) => [...trained(c), mean(c.loss), c.loss && c.loss.low, c.loss
			&& c.loss.high]).filter(is);
		if (rows.length < 1 || !all.length)
			return null;
		const least = Math.min(...all), most = Math.max(...all), room = (most - least || 1) * 0.06;
		const at = (x) => `${100 * (x - least + room) / (most - least + 2 * room || 1)}%`;
		const put = (className, x, to) => {
			const node = el('span', { class: className }, className === 'end' ? W.loss(x) : null);
			node.style.left = at(x);
			if (is(to))
				node.style.width = `calc(${at(to)} - ${at(x)})`;
			return node;
		};
		return el('figure', { class: 'dots' },
			el('figcaption', null, el('h2', { class: 'minor' }, 'Loss, lower is better'),
				p('about', 'A dot for each seed; the bar is the 95 % interval of the mean.')),
			rows.map((c) => el('div', { class: `row m${of(c.name) % 8}` }, model(c.name),
				el('div', { class: 'track', 'aria-hidden': 'true' },
					c.loss && is(c.loss.low) && is(c.loss.high) ? put('range', c.loss.low, c.loss.high) : null,
					trained(c).map((x) => put('seed', x)), mean(c.loss) === null ? null : put('mean', mean(c.loss))),
				el('span', { class: 'value' }, c.diverged ? el('span', { class: 'badge bad' }, 'diverged') :
					mean(c.loss) !== null ? W.loss(mean(c.loss)) : trained(c).length
						? W.loss(trained(c).reduce((a, b) => a + b, 0) / trained(c).length) : NONE))),
			most > least ? el('div', { class: 'row ends', 'aria-hidden': 'true' }, el('span'),
				el('div', { class: 'track' }, put('end', least), put('end', most)), el('span')) : null);
	}

	function answer() {
		const a = doc.advice || {}, pick = contenders().find((c) => c.name === a.pick),
			running = doc.state === 'running', stage = doc.stage || {};
		const text = paragraphs(a.text, a.pick), sure = text.findIndex((t) => t.startsWith('How sure'));
		const lead = a.pick ? text[0] : null, rest = text.filter((t, i) => i !== sure && !(lead && i === 0));
		const out = contenders().filter((c) => c.diverged);
		const head = a.pick ? ['Use ', el('em', null, String(a.pick))] :
			running ? [doc.status === 'killed' ? 'An unfinished comparison'
				: `Comparing ${W.many(contenders().length, 'model')}`] :
			out.length && out.length === contenders().length ? ['None can be recommended']
				: ['A comparison without a recommendation'];
		const data = doc.data || {};
		return [
			p('eyebrow', [data.name || data.path, doc.budget && doc.budget.text].filter(Boolean).join(' \u00b7 ')),
			el('h1', null, head),
			running ? progress(doc, [stage.what, stage.name, is(stage.seed) ? 'seed ' + stage.seed
				: null].filter(Boolean).map(String).join(', '), 'comparison') : null,
			box(pick ? 'answer' : 'answer alone', 'div', { class: pick ? 'answer' : 'answer alone' }, [
				el('div', { class: 'words' },
					pick ? p('spec', spec(pick.spec), is(pick.parameters) ? ` ${W.whole(pick.parameters)} parameters`
						: '') : null,
					lead ? p('lead', lead) : running && doc.status !== 'killed'
						? p('lead', 'Figures appear as they are measured; the recommendation comes last.') : null,
					rest.map(prose),
					sure >= 0 ? p('sure', el('b', null, 'How sure. '),
						sentence(text[sure].replace(/^How sure:?\s*/, ''))) : null,
					out.map((c) => p('sure', el('b', null, `${W.cut(String(c.name), 40)} diverged. `), c.why
						? sentence(String(c.why)) : 'Its loss was no number any more.'))),
				dots(),
			]),
			pick ? el('dl', { class: 'figures' }, figures(pick).map(([label, value, note]) =>
				el('div', null, el('dt', null, label), el('dd', null, el('b', null, value), note
					? el('small', null, note) : null)))) : null,
			array(a.needs).length ? [el('h2', { class: 'minor' }, 'If you need something else most'),
				Tables.plain('Which model under which need', [{ label: 'Need' }, { label: 'Use' }, { label: 'Because' },
					{ label: 'How sure' }],
					a.needs.map((n) => [String(n.need || ''), n.name ? model(n.name) : NONE, String(n.why || ''),
						String(n.sure || '')]), 'needs')] : null,
		];
	}

	/* ---- where the runs are ---- */

	function runs() {
		const rows = contenders().filter((c) => array(c.runs).length);
		if (doc.state !== 'running' || !rows.length)
			return null;
		return [Tables.plain('Runs', [{ label: 'Model' }, ...seeds().map((s) => ({ label: 'seed ' + s }))],
			rows.map((c) => [model(c.name), ...array(c.runs).map((r) => el('div', { class: 'run ' + r.state },
				el('progress', { max: '1', value: String(is(r.steps) && r.steps > 0
					? Math.min(1, (r.step || 0) / r.steps) : 0), 'aria-label': `Run of seed ${r.seed}` }),
				el('small', null, r.state === 'done' && is(r.loss) ? 'loss ' + W.loss(r.loss) : r.state === 'running'
					&& is(r.steps) ?
					`${W.whole(r.step)} of ${W.whole(r.steps)} steps` : String(r.state || ''))))]), 'runs')];
	}

	/* ---- all models ---- */

	const VERDICTS = { worse: 'bad', tie: 'fine', unsure: 'open' };

	function versus(c) {
		const v = c.above_best;
		if (c.diverged || (!v && c.rank !== 1))
			return NONE;
		if (!v)
			return el('span', { class: 'badge best' }, 'best');
		const chance = is(v.p_holm) ? v.p_holm : v.p;
		return el('span', { class: 'versus' },
			el('span', null, is(v.mean) ? '+' + W.loss(v.mean) : NONE, ' ', v.verdict
				? el('span', { class: 'badge ' + (VERDICTS[v.verdict] || '') }, String(v.verdict)) : null),
			is(v.low) && is(v.high) ? el('small', null, `${W.loss(v.low)} to ${W.loss(v.high)}`) : null,
			is(chance) ? el('small', null, `p ${W.chance(chance).startsWith('<') ? '' : '= '}${W.chance(chance)}`)
				: null);
	}

	const COLUMNS = [
		{ label: 'Model', value: (c) => String(c.name), cell: (c) => el('span', { class: 'who' }, model(c.name),
			spec(c.spec),
			c.diverged ? el('small', null, el('span', { class: 'badge bad' }, 'diverged'), ' ', c.why ? String(c.why)
				: '') : null) },
		{ label: 'Parameters', numeric: true, value: (c) => c.parameters, cell: (c) => [W.whole(c.parameters),
			is(c.deviation) && Math.abs(c.deviation) >= 0.02 ? el('small', null,
				`${c.deviation > 0 ? '+' : '\u2212'}${W.percent(Math.abs(c.deviation))}`) : null] },
		{ label: 'Loss', unit: 'nats a token', numeric: true, value: (c) => mean(c.loss),
			cell: (c) => [mean(c.loss) === null ? NONE : W.loss(mean(c.loss)),
			W.spread(c.loss) === null ? null : el('small', null, '\u00b1 ' + W.loss(W.spread(c.loss)))] },
		{ label: 'Bits a byte', numeric: true, value: (c) => mean(c.bits_per_byte),
			cell: (c) => mean(c.bits_per_byte) === null ? NONE : W.loss(mean(c.bits_per_byte)) },
		{ label: 'Above the best', unit: '95 %, p', numeric: true, value: (c) => c.diverged ? null : c.above_best
			? c.above_best.mean : c.rank === 1 ? 0 : null, cell: versus },
		{ label: 'Training', unit: 'tokens/s', numeric: true, first: -1, value: (c) => c.train_tokens_per_second,
			cell: (c) => [W.whole(c.train_tokens_per_second),
			is(c.share_of_peak) ? el('small', null, W.percent(c.share_of_peak) + ' of peak') : null] },
		{ label: 'Memory', unit: 'training', numeric: true, value: (c) => c.memory && c.memory.peak,
			cell: (c) => W.bytes(c.memory && c.memory.peak) },
		{ label: 'Step', unit: 'p50, p99', numeric: true, value: (c) => compared(c).p50_us,
			cell: (c) => [W.micros(compared(c).p50_us),
			is(compared(c).p99_us) ? el('small', null, W.micros(compared(c).p99_us)) : null] },
		{ label: 'State', unit: 'a stream', numeric: true, value: (c) => compared(c).state_bytes,
			cell: (c) => [W.bytes(compared(c).state_bytes),
			is(c.limit) && is(compared(c).position) ? el('small', null,
				c.limit ? `after ${W.whole(compared(c).position)}` : 'no limit') : null] },
		{ label: 'Model file', numeric: true, value: (c) => file(c),
			cell: (c) => W.bytes(file(c)) },
	];
	/* what is measured only on some machines */
	const ENERGY = { label: 'Energy', unit: 'J a million tokens', numeric: true, value: (c) => c.energy
		&& c.energy.joules_per_million_tokens,
		cell: (c) => W.whole(c.energy && c.energy.joules_per_million_tokens) };

	/* Columns of what was measured here at all. */
	const columns = () => COLUMNS.filter((c) => !paired() || !['Step', 'State'].includes(c.label));

	function models() {
		if (!contenders().length)
			return null;
		const energy = contenders().some((c) => c.energy), words = ordered().filter((c) => c.above_best
			&& c.above_best.words);
		return [
			p('about', 'Click a heading to sort by it, again to turn the order round',
				paired() ? '' : is(position()) ? `. Step and state are those after ${W.whole(position())} tokens`
					: '. Step and state are those at the last position each model was made for',
				seeds().length === 1 ? '. With one seed there is no interval over seeds.'
					: '. p is of a paired t-test over seeds, adjusted for all pairs of models (Holm).'),
			Tables.sortable('models' + (energy ? ' energy' : ''), 'All models', energy ? [...columns(), ENERGY]
				: columns(),
				ordered().map((c) => Object.assign({}, c,
				{ className: c.name === (doc.advice || {}).pick ? 'pick' : c.diverged ? 'out' : null })), 4),
			words.length ? el('ul', { class: 'verdicts' },
				words.map((c) => el('li', null, model(c.name), ': ', String(c.above_best.words)))) : null,
		];
	}

	return { answer, runs, models };
})();
