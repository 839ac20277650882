'use strict';
/* The report: what is said of a comparison's document, section by section. A field may be missing or null anywhere; a
 * section that has nothing to say is not shown. */
(() => {
	const W = Words, { el, fill, keep, is, named, mean, NONE } = W;
	const array = (x) => Array.isArray(x) ? x : [];
	let doc = {}, index = new Map();

	const of = (name) => index.has(name) ? index.get(name) : -1;
	const model = (name, ...more) => named(name, of(name), ...more);
	const contenders = () => array(doc.contenders).filter((c) => c && typeof c === 'object');
	const box = (key, tag, attributes, nodes) => {
		const node = keep(key, () => el(tag, attributes));
		fill(node, nodes);
		return node;
	};
	const p = (className, ...children) => el('p', className ? { class: className } : null, ...children);
	const predicted = () => el('span', { class: 'badge guess' }, 'predicted');
	const trained = (c) => array(c.runs).map((r) => r.loss).filter(is);
	const oneSeed = () => array((doc.setting || {}).seeds).length === 1;
	/* latency by position; "steps" may also be the number of a run's steps */
	const latency = (c) => array(c.latency || c.steps).filter((s) => s && is(s.position));
	const best = () => contenders().find((c) => c.rank === 1);
	const ordered = () => [...contenders()].sort((a, b) => Tables.compare(a.rank, b.rank, 1));

	/* ---- the answer ---- */

	/* "Use gru (...). In quality ..." without its first sentence, which is the heading */
	function paragraphs(text, pick) {
		let t = String(text || '').trim();
		if (pick && t.startsWith('Use ' + pick))
			t = t.slice(t.indexOf('. ') > 0 ? t.indexOf('. ') + 2 : 0);
		return t.split(/\n\s*\n/).map((s) => s.trim()).filter(Boolean);
	}

	function prose(text) {
		const lines = text.split('\n'), items = lines.filter((l) => l.startsWith('- ')), words = lines.filter((l) => !l.startsWith('- '));
		return [words.length ? p('', words.join(' ')) : null,
			items.length ? el('ul', null, items.map((l) => el('li', null, l.slice(2)))) : null];
	}

	function figures(c) {
		const step = latency(c).filter((s) => !s.stretched), at = step[step.length - 1];
		const memory = c.memory || {};
		return [
			['Loss', W.plusMinus(c.loss), 'nats a token' + (c.loss && c.loss.n > 1 ? `, ${c.loss.n} seeds, 95 %` : '')],
			['Bits a byte', mean(c.bits_per_byte) === null ? NONE : W.fixed(mean(c.bits_per_byte), 3), 'of the held-out text'],
			['One step', at ? W.micros(at.p50_us) : NONE, at ? `p99 ${W.micros(at.p99_us)}, position ${W.whole(at.position)}` : ''],
			['State', at ? W.bytes(at.state_bytes) : NONE, at ? (c.limit ? `at position ${W.whole(at.position)}` : 'a stream, at any position') : ''],
			['Training', is(c.train_tokens_per_second) ? W.short(c.train_tokens_per_second) : NONE, 'tokens a second'],
			['Memory', W.bytes(memory.peak), 'while training, at its peak'],
		].filter((f) => f[1] !== NONE);
	}

	/* Loss of every model on one line each: a dot a seed, the mean, its interval. */
	function dots() {
		const rows = ordered().filter((c) => mean(c.loss) !== null || trained(c).length || c.diverged);
		const all = rows.flatMap((c) => [...trained(c), mean(c.loss), c.loss && c.loss.low, c.loss && c.loss.high]).filter(is);
		if (rows.length < 1 || !all.length)
			return null;
		const least = Math.min(...all), most = Math.max(...all), room = (most - least || 1) * 0.06;
		const at = (x) => `${100 * (x - least + room) / (most - least + 2 * room || 1)}%`;
		const put = (className, x, to) => {
			const node = el('span', { class: className });
			node.style.left = at(x);
			if (is(to))
				node.style.width = `calc(${at(to)} - ${at(x)})`;
			return node;
		};
		return el('figure', { class: 'dots' },
			el('figcaption', null, el('h3', null, 'Loss, lower is better'), p('about', 'A dot for each seed; the bar is the 95 % interval of the mean.')),
			rows.map((c) => el('div', { class: `row m${of(c.name) % 8}` }, model(c.name),
				el('div', { class: 'track', 'aria-hidden': 'true' },
					c.loss && is(c.loss.low) && is(c.loss.high) ? put('range', c.loss.low, c.loss.high) : null,
					trained(c).map((x) => put('seed', x)), mean(c.loss) === null ? null : put('mean', mean(c.loss))),
				el('span', { class: 'value' }, c.diverged ? el('span', { class: 'badge bad' }, 'diverged') :
					mean(c.loss) !== null ? W.loss(mean(c.loss)) : trained(c).length ? W.loss(trained(c)[0]) : NONE))));
	}

	function progress() {
		const s = doc.stage || {}, share = is(s.share) ? Math.max(0, Math.min(1, s.share)) : null;
		const cut = doc.status === 'killed';
		const what = [s.what, s.name, is(s.seed) ? 'seed ' + s.seed : null].filter(Boolean).map(String).join(', ');
		const bar = el('progress', { max: '1', value: share === null ? null : String(share), 'aria-label': 'Progress of the comparison' });
		return el('div', { class: 'progress' + (cut ? ' cut' : '') },
			p('stage', el('b', null, cut ? 'Interrupted' : share === null ? 'Running' : W.percent(share)), ' ',
				cut ? 'The comparison was cut off. The same command goes on where it stopped.' : what,
				!cut && is(s.eta) ? el('span', { class: 'eta' }, `about ${W.seconds(s.eta)} left`) : null),
			bar);
	}

	function answer() {
		const a = doc.advice || {}, pick = contenders().find((c) => c.name === a.pick), running = doc.state === 'running';
		const text = paragraphs(a.text, a.pick), sure = text.findIndex((t) => t.startsWith('How sure'));
		const lead = a.pick ? text[0] : null, rest = text.filter((t, i) => i !== sure && !(lead && i === 0));
		const out = contenders().filter((c) => c.diverged);
		const head = a.pick ? ['Use ', el('em', null, String(a.pick))] :
			running ? [doc.status === 'killed' ? 'An unfinished comparison' : `Comparing ${W.many(contenders().length, 'model')}`] :
			out.length && out.length === contenders().length ? ['None can be recommended'] : ['A comparison without a recommendation'];
		const data = doc.data || {};
		return [
			p('eyebrow', [data.name || data.path, doc.budget && doc.budget.text].filter(Boolean).join(' \u00b7 ')),
			el('h1', null, head),
			running ? progress() : null,
			box('answer', 'div', { class: 'answer' }, [
				el('div', { class: 'words' },
					pick ? p('spec', el('code', null, String(pick.spec || '')), is(pick.parameters) ? ` ${W.whole(pick.parameters)} parameters` : '') : null,
					lead ? p('lead', lead) : running ? p('lead', 'Figures appear as they are measured; the recommendation comes last.') : null,
					rest.map(prose),
					sure >= 0 ? p('sure', el('b', null, 'How sure. '), text[sure].replace(/^How sure:?\s*/, '')) : null,
					out.map((c) => p('sure', el('b', null, `${W.cut(String(c.name), 40)} diverged. `), c.why ? String(c.why) : 'Its loss was no number any more.'))),
				dots(),
			]),
			pick ? el('dl', { class: 'figures' }, figures(pick).map(([label, value, note]) =>
				el('div', null, el('dt', null, label), el('dd', null, el('b', null, value), note ? el('small', null, note) : null)))) : null,
			array(a.needs).length ? [el('h3', { class: 'needs' }, 'If you need something else most'),
				Tables.plain('Which model under which need', [{ label: 'Need' }, { label: 'Use' }, { label: 'Because' }, { label: 'How sure' }],
					a.needs.map((n) => [String(n.need || ''), n.name ? model(n.name) : NONE, String(n.why || ''), String(n.sure || '')]), 'needs')] : null,
		];
	}

	/* ---- where the runs are ---- */

	function runs() {
		const rows = contenders().filter((c) => array(c.runs).length);
		if (doc.state !== 'running' || !rows.length)
			return null;
		return [Tables.plain('Runs', [{ label: 'Model' }, ...array((doc.setting || {}).seeds).map((s) => ({ label: 'seed ' + s }))],
			rows.map((c) => [model(c.name), ...array(c.runs).map((r) => el('div', { class: 'run ' + r.state },
				el('progress', { max: '1', value: String(is(r.steps) && r.steps > 0 ? Math.min(1, (r.step || 0) / r.steps) : 0), 'aria-label': `Run of seed ${r.seed}` }),
				el('small', null, r.state === 'done' && is(r.loss) ? 'loss ' + W.loss(r.loss) : r.state === 'running' && is(r.steps) ?
					`${W.whole(r.step)} of ${W.whole(r.steps)} steps` : String(r.state || ''))))]), 'runs')];
	}

	/* ---- all models ---- */

	const at = (c) => latency(c).filter((s) => !s.stretched).slice(-1)[0] || {};
	const VERDICTS = { worse: 'bad', tie: 'fine', unsure: 'open' };

	function versus(c) {
		const v = c.above_best;
		if (c.diverged || (!v && c.rank !== 1))
			return NONE;
		if (!v)
			return el('span', { class: 'badge best' }, 'best');
		const chance = is(v.p_holm) ? v.p_holm : v.p;
		return el('span', { class: 'versus' },
			el('span', null, is(v.mean) ? '+' + W.loss(v.mean) : NONE, ' ', v.verdict ? el('span', { class: 'badge ' + (VERDICTS[v.verdict] || '') }, String(v.verdict)) : null),
			el('small', null, [is(v.low) && is(v.high) ? `${W.loss(v.low)} to ${W.loss(v.high)}` : null, is(chance) ? `p ${W.chance(chance).startsWith('<') ? '' : '= '}${W.chance(chance)}` : null].filter(Boolean).join(', ')));
	}

	const COLUMNS = [
		{ label: 'Model', value: (c) => String(c.name), cell: (c) => el('span', { class: 'who' }, model(c.name), el('code', null, String(c.spec || '')),
			c.diverged ? el('small', null, el('span', { class: 'badge bad' }, 'diverged'), ' ', c.why ? String(c.why) : '') : null) },
		{ label: 'Parameters', numeric: true, value: (c) => c.parameters, cell: (c) => [W.whole(c.parameters),
			is(c.deviation) && Math.abs(c.deviation) >= 0.02 ? el('small', null, `${c.deviation > 0 ? '+' : '\u2212'}${W.percent(Math.abs(c.deviation))}`) : null] },
		{ label: 'Loss', unit: 'nats a token', numeric: true, value: (c) => mean(c.loss), cell: (c) => [mean(c.loss) === null ? NONE : W.loss(mean(c.loss)),
			W.spread(c.loss) === null ? null : el('small', null, '\u00b1 ' + W.loss(W.spread(c.loss)))] },
		{ label: 'Bits a byte', numeric: true, value: (c) => mean(c.bits_per_byte), cell: (c) => mean(c.bits_per_byte) === null ? NONE : W.loss(mean(c.bits_per_byte)) },
		{ label: 'Above the best', unit: '95 %, p', numeric: true, value: (c) => c.diverged ? null : c.above_best ? c.above_best.mean : c.rank === 1 ? 0 : null, cell: versus },
		{ label: 'Training', unit: 'tokens/s', numeric: true, first: -1, value: (c) => c.train_tokens_per_second, cell: (c) => [W.whole(c.train_tokens_per_second),
			is(c.share_of_peak) ? el('small', null, W.percent(c.share_of_peak) + ' of peak') : null] },
		{ label: 'Memory', unit: 'training', numeric: true, value: (c) => c.memory && c.memory.peak, cell: (c) => W.bytes(c.memory && c.memory.peak) },
		{ label: 'Step', unit: 'p50, p99', numeric: true, value: (c) => at(c).p50_us, cell: (c) => [W.micros(at(c).p50_us),
			is(at(c).p99_us) ? el('small', null, W.micros(at(c).p99_us)) : null] },
		{ label: 'State', unit: 'a stream', numeric: true, value: (c) => at(c).state_bytes, cell: (c) => [W.bytes(at(c).state_bytes),
			is(c.limit) && is(at(c).position) ? el('small', null, c.limit ? `at ${W.whole(at(c).position)}` : 'no limit') : null] },
		{ label: 'Model file', numeric: true, value: (c) => is(c.file_bytes) ? c.file_bytes : c.weight_bytes,
			cell: (c) => W.bytes(is(c.file_bytes) ? c.file_bytes : c.weight_bytes) },
	];
	/* what is measured only on some machines */
	const ENERGY = { label: 'Energy', unit: 'J a million tokens', numeric: true, value: (c) => c.energy && c.energy.joules_per_million_tokens,
		cell: (c) => W.whole(c.energy && c.energy.joules_per_million_tokens) };

	function models() {
		if (!contenders().length)
			return null;
		const energy = contenders().some((c) => c.energy), words = ordered().filter((c) => c.above_best && c.above_best.words);
		return [
			p('about', 'Click a heading to sort by it, again to turn the order round. Step and state are those at the last position of the model\u2019s ',
				'context that was measured', oneSeed() ? '. With one seed there is no interval over seeds.' : '. p is of a paired t-test over seeds, adjusted for the number of models compared (Holm).'),
			Tables.sortable('models' + (energy ? ' energy' : ''), 'All models', energy ? [...COLUMNS, ENERGY] : COLUMNS, ordered().map((c) => Object.assign({}, c,
				{ className: c.name === (doc.advice || {}).pick ? 'pick' : c.diverged ? 'out' : null })), 4),
			words.length ? el('ul', { class: 'verdicts' }, words.map((c) => el('li', null, model(c.name), ' ', String(c.above_best.words)))) : null,
		];
	}

	/* ---- loss over training ---- */

	const ALONG = { tokens: [1, 'training tokens', W.short], seconds: [2, 'seconds of training', W.short], flops: [3, 'flops of training', W.short] };

	/* Means over seeds at the steps that all of them have. */
	function meanCurve(curves, kind, column) {
		const each = curves.map((c) => new Map(array(c[kind]).filter((x) => is(x[4])).map((x) => [x[0], x])));
		if (!each.length)
			return [];
		const average = (xs) => xs.reduce((a, b) => a + b, 0) / xs.length;
		return [...each[0].keys()].filter((step) => each.every((m) => m.has(step))).map((step) => {
			const at = each.map((m) => m.get(step));
			return { step, x: average(at.map((x) => x[column])), y: average(at.map((x) => x[4])), row: [0, 1, 2, 3, 4].map((k) => average(at.map((x) => x[k]))) };
		});
	}

	function lossView(state) {
		const [column, title, format] = ALONG[state.along], series = [], rows = [], legend = [];
		const name = state.kind === 'train_loss' ? 'training loss' : 'validation loss';
		for (const c of contenders()) {
			const curves = array(c.curves).filter((k) => array(k[state.kind]).length), i = of(c.name);
			if (!curves.length)
				continue;
			legend.push({ name: c.name, index: i, more: c.diverged ? 'diverged' : '' });
			const middle = curves.length > 1 ? meanCurve(curves, state.kind, column) : [];
			for (const curve of curves) {
				const kind = middle.length > 1 ? 'thin' : 'line';
				series.push({ name: c.name, index: i, kind, points: curve[state.kind].map((x) => ({ x: x[column], y: x[4], step: x[0] })),
					tip: (q) => [`${name} ${W.loss(q.y)}, seed ${curve.seed}`, `step ${W.whole(q.step)}, ${format(q.x)} ${title}`] });
				rows.push(...curve[state.kind].map((x) => [c.name, String(curve.seed), W.whole(x[0]), W.whole(x[1]), W.seconds(x[2]), W.short(x[3]), is(x[4]) ? W.fixed(x[4], 4) : NONE]));
			}
			if (middle.length > 1) {
				series.push({ name: c.name, index: i, kind: 'line', points: middle,
					tip: (q) => [`${name} ${W.loss(q.y)}, mean of ${curves.length} seeds`, `step ${W.whole(q.step)}, ${format(q.x)} ${title}`] });
				rows.push(...middle.map(({ row: x }) => [c.name, 'mean', W.whole(x[0]), W.whole(x[1]), W.seconds(x[2]), W.short(x[3]), W.fixed(x[4], 4)]));
			}
		}
		return {
			xTitle: title, yTitle: name + ', nats a token', xFormat: format, yFormat: (v) => W.short(v), series, legend,
			notes: series.some((s) => s.kind === 'thin') ? ['Thin lines are single seeds, thick lines their mean.'] : [],
			table: { label: 'Loss over training', columns: ['Model', 'Seed', 'Step', 'Tokens', 'Time', 'Flops', 'Loss'].map((l, i) => ({ label: l, numeric: i > 1 })), rows },
		};
	}

	/* Who has the lowest mean over a course of training: a strip for each axis. */
	function leads() {
		const list = array(doc.leads).filter((l) => array(l.stretches).length);
		if (!list.length)
			return null;
		const UNIT = { tokens: (x) => W.short(x) + ' tokens', flops: (x) => W.short(x) + ' flops', seconds: (x) => W.seconds(x) };
		return [el('h3', null, 'Who leads, and until when'),
			p('about', 'The lowest mean validation loss at each point of training.'),
			el('div', { class: 'strips' }, list.map((l) => {
				const unit = UNIT[l.axis] || W.short, first = l.stretches[0], last = l.stretches[l.stretches.length - 1];
				return el('div', { class: 'strip' }, el('h4', null, 'Over ' + (l.axis === 'seconds' ? 'time' : String(l.axis))),
					el('div', { class: 'bar', 'aria-hidden': 'true' }, l.stretches.map((s) => {
						const part = el('span', { class: `m${of(s.name) % 8}` }, el('span', null, W.cut(String(s.name), 16)));
						part.style.flexGrow = String(Math.max(0.001, (s.to - s.from) / (last.to - first.from || 1)));
						return part;
					})),
					el('ol', null, l.stretches.map((s, i) => el('li', null, model(s.name), i + 1 < l.stretches.length ? ` until ${unit(s.to)}` : ` to the end, ${unit(s.to)}`))));
			}))];
	}

	const EQUAL = { tokens: ['tokens', W.short], flops: ['flops', W.short], seconds: ['time', W.seconds] };

	function equal() {
		const list = array(doc.equal).filter((e) => array(e.entries).length);
		if (!list.length)
			return null;
		return [el('h3', null, 'At equal cost'),
			p('about', 'The same runs, read where each had spent as much. A model marked \u201ctied\u201d cannot be told from the leader.'),
			el('div', { class: 'three' }, list.map((e) => {
				const [what, unit] = EQUAL[e.axis] || [String(e.axis), W.short], tied = array(e.tied);
				const rows = [...e.entries].sort((a, b) => Tables.compare(mean(a.loss), mean(b.loss), 1));
				return el('div', null, el('h4', null, `Equal ${what}`), p('about', `${unit(e.at)}${e.axis === 'seconds' ? '' : ' ' + what}`, e.when ? `, ${e.when}` : ''),
					Tables.plain(`Loss at equal ${what}`, [{ label: 'Model' }, { label: 'Loss', numeric: true }], rows.map((r) => ({
						className: r.name === e.leader ? 'pick' : null,
						cells: [model(r.name, r.name === e.leader ? el('span', { class: 'badge best' }, 'leads') : tied.includes(r.name) ? el('span', { class: 'badge fine' }, 'tied') : null),
							W.plusMinus(r.loss)] }))));
			}))];
	}

	function training() {
		if (!contenders().some((c) => array(c.curves).length))
			return [leads(), equal()];
		const both = contenders().some((c) => array(c.curves).some((k) => array(k.train_loss).length));
		return [Charts.figure('loss', { title: 'Loss over training', tall: true, xlog: true, ylog: true, start: { along: 'tokens', kind: 'val_loss' },
			text: 'The same curves over what each model had read, had computed, or how long it had taken: the question decides who is ahead.',
			choices: [{ name: 'along', label: 'Along', options: [['tokens', 'tokens'], ['seconds', 'time'], ['flops', 'flops']] },
				...both ? [{ name: 'kind', label: 'Loss', options: [['val_loss', 'validation'], ['train_loss', 'training']] }] : []] }, lossView),
		leads(), equal()];
	}

	/* ---- context ---- */

	function contextView() {
		const series = [], rows = [], legend = [];
		for (const c of contenders()) {
			const list = array(c.by_position).filter((b) => is(b.loss)), i = of(c.name);
			if (!list.length)
				continue;
			const middle = (b) => Math.sqrt(b.from * b.to), edge = (k) => list.filter((b) => is(b[k])).map((b) => ({ x: middle(b), y: b[k] }));
			legend.push({ name: c.name, index: i, more: c.limit ? `ends at ${W.whole(c.limit)}` : 'no limit' });
			series.push({ name: c.name, index: i, kind: 'band', points: edge('low') }, { name: c.name, index: i, kind: 'band', points: edge('high'), fill: '-1' });
			series.push({ name: c.name, index: i, kind: 'line', points: list.map((b) => ({ x: middle(b), y: b.loss, b })),
				tip: (q) => [`loss ${W.loss(q.b.loss)}` + (is(q.b.low) ? ` (${W.loss(q.b.low)} to ${W.loss(q.b.high)})` : ''), `positions ${W.whole(q.b.from)} to ${W.whole(q.b.to)}`] });
			rows.push(...list.map((b) => [c.name, W.whole(b.from), W.whole(b.to), W.loss(b.loss), W.loss(b.low), W.loss(b.high), W.whole(b.n)]));
		}
		return { xTitle: 'position in a fresh window', yTitle: 'loss, nats a token', series, legend,
			notes: ['Shaded: 95 % interval over windows. A curve that still falls is a model that still uses what it read that far back.'],
			table: { label: 'Loss by position', columns: ['Model', 'From', 'To', 'Loss', 'Low', 'High', 'Windows'].map((l, i) => ({ label: l, numeric: i > 0 })), rows } };
	}

	function context() {
		if (!contenders().some((c) => array(c.by_position).length))
			return null;
		return [Charts.figure('context', { title: 'Loss by position', xlog: true, tall: true,
			text: 'How well each token is predicted, by how many came before it. The first has nothing to go by.' }, contextView)];
	}

	/* ---- cost of a step ---- */

	const HOLLOW = 'Hollow points lie past the model\u2019s own context: measured on the same layers built for that length, untrained.';

	function stepView(field) {
		return () => {
			const series = [], rows = [], legend = [], time = field === 'p50_us';
			for (const c of contenders()) {
				const list = latency(c).filter((s) => is(s[field])), i = of(c.name);
				if (!list.length)
					continue;
				legend.push({ name: c.name, index: i, more: W.growth(time ? c.step_fit : c.state_fit, 'position') });
				series.push({ name: c.name, index: i, kind: 'line', points: list.map((s) => ({ x: s.position, y: time ? s.p50_us * 1e-6 : s.state_bytes, hollow: s.stretched, s })),
					tip: (q) => [time ? `p50 ${W.micros(q.s.p50_us)}, p99 ${W.micros(q.s.p99_us)}` : W.bytes(q.s.state_bytes), `position ${W.whole(q.s.position)}${q.s.stretched ? ', stretched' : ''}`] });
				if (time)
					series.push({ name: c.name, index: i, kind: 'upper', points: list.filter((s) => is(s.p99_us)).map((s) => ({ x: s.position, y: s.p99_us * 1e-6, s })),
						tip: (q) => [`p99 ${W.micros(q.s.p99_us)}`, `position ${W.whole(q.s.position)}`] });
				rows.push(...list.map((s) => [c.name, W.whole(s.position), ...time ? [W.micros(s.p50_us), W.micros(s.p99_us), W.whole(s.samples)] : [W.whole(s.state_bytes), W.bytes(s.state_bytes)],
					s.stretched ? 'stretched' : '']));
			}
			const columns = time ? ['Model', 'Position', 'p50', 'p99', 'Samples', ''] : ['Model', 'Position', 'Bytes', '', ''];
			return { xTitle: 'position', yTitle: time ? 'time of a step' : 'state of a stream', yFormat: time ? W.seconds : W.bytes, series, legend,
				notes: [time ? 'Solid: half of the steps took no longer (p50). Dotted: 99 of 100 (p99).' : null, series.some((s) => s.points.some((q) => q.hollow)) ? HOLLOW : null].filter(Boolean),
				table: { label: time ? 'Step latency by position' : 'State by position', columns: columns.map((l, i) => ({ label: l, numeric: i > 0 && i < columns.length - 1 })), rows } };
		};
	}

	function stepping() {
		const list = contenders().flatMap(latency);
		if (!list.length)
			return null;
		return [box('stepping', 'div', { class: 'pair' }, [
			list.some((s) => is(s.p50_us)) ? Charts.figure('step', { title: 'Time of one step', xlog: true, ylog: true,
				text: 'One token in, one prediction out, as in a live stream.' }, stepView('p50_us')) : null,
			list.some((s) => is(s.state_bytes)) ? Charts.figure('state', { title: 'State of one stream', xlog: true, ylog: true,
				text: 'What must be kept between steps. Recurrent models keep the same amount for ever.' }, stepView('state_bytes')) : null,
		]), crossings('step')];
	}

	/* ---- cost of a sequence ---- */

	function prefillView() {
		const series = [], rows = [], legend = [];
		for (const c of contenders()) {
			const list = array(c.prefill).filter((f) => is(f.T) && is(f.seconds)), i = of(c.name);
			if (!list.length)
				continue;
			legend.push({ name: c.name, index: i, more: W.growth(c.prefill_fit, 'T') });
			series.push({ name: c.name, index: i, kind: 'line', points: list.map((f) => ({ x: f.T, y: f.seconds, hollow: f.stretched, f })),
				tip: (q) => [`${W.seconds(q.f.seconds)}` + (is(q.f.low) ? ` (${W.seconds(q.f.low)} to ${W.seconds(q.f.high)})` : ''), `${W.whole(q.f.T)} tokens, ${W.short(q.f.T / q.f.seconds)} tokens a second`] });
			rows.push(...list.map((f) => [c.name, W.whole(f.T), W.seconds(f.seconds), W.seconds(f.low), W.seconds(f.high), W.whole(f.repeats), f.stretched ? 'stretched' : '']));
		}
		const fit = contenders().map((c) => c.prefill_fit).find((f) => f && is(f.from));
		return { xTitle: 'T, tokens of the sequence', yTitle: 'time to read it', yFormat: W.seconds, series, legend,
			notes: [fit ? `Exponents are fitted between T = ${W.whole(fit.from)} and ${W.whole(fit.to)}, with 95 % intervals.` : null, series.some((s) => s.points.some((q) => q.hollow)) ? HOLLOW : null].filter(Boolean),
			table: { label: 'Prefill time by length', columns: ['Model', 'T', 'Time', 'Fastest', 'Slowest', 'Repeats', ''].map((l, i) => ({ label: l, numeric: i > 0 && i < 6 })), rows } };
	}

	function crossings(what) {
		const list = array(doc.crossovers).filter((x) => x && x.what === what);
		if (!list.length)
			return null;
		const where = what === 'prefill' ? 'T' : 'position';
		return el('ul', { class: 'crossings' }, list.map((x) => {
			const other = x.first === x.a ? x.b : x.a;
			if (x.kind === 'at')
				return el('li', null, model(x.first), ` is cheaper up to ${where} \u2248 ${W.whole(x.at)}`, is(x.low) && is(x.high) ? ` (between ${W.whole(x.low)} and ${W.whole(x.high)})` : '', ', ', model(other), ' beyond.');
			if (x.kind === 'often')
				return el('li', null, model(x.a), ' and ', model(x.b), ' change places more than once: too close to call.');
			return el('li', null, model(x.first), ' is cheaper than ', model(other), ` at every ${what === 'prefill' ? 'length' : 'position'} measured.`);
		}));
	}

	function lengths() {
		const list = array(doc.by_length).filter((l) => is(l.T) && array(l.entries).length);
		if (!list.length)
			return null;
		const names = [...new Set(list.flatMap((l) => l.entries.map((e) => e.name)))];
		return [el('h3', null, 'Had every sequence been longer ', predicted()),
			p('about', 'Not measured: the loss each model would have reached in the time the fastest took, its training curve read where the measured growth of prefill time leads. ',
				'It says how cost alone would shift the order; it says nothing of what longer context would teach.'),
			Tables.plain('Predicted loss by sequence length', [{ label: 'Model' }, ...list.map((l) => ({ label: 'T = ' + W.whole(l.T), numeric: true }))],
				names.map((name) => [model(name), ...list.map((l) => {
					const e = l.entries.find((x) => x.name === name);
					return !e || !is(e.loss) ? NONE : el('span', { class: 'guess' + (l.winner === name ? ' wins' : '') }, '\u2248 ' + W.loss(e.loss), l.winner === name ? el('span', { class: 'badge best' }, 'leads') : null,
						el('small', null, is(e.tokens) ? W.short(e.tokens) + ' tokens' : ''));
				})]), 'lengths')];
	}

	function sequences() {
		return [contenders().some((c) => array(c.prefill).length) ? Charts.figure('prefill', { title: 'Time to read a sequence', xlog: true, ylog: true, tall: true,
			text: 'All T tokens at once, as when a prompt is read.' }, prefillView) : null, crossings('prefill'), lengths()];
	}

	/* ---- quality against cost ---- */

	const COSTS = {
		latency: ['time of a step', W.seconds, (c) => is(at(c).p50_us) ? at(c).p50_us * 1e-6 : null],
		memory: ['memory of training', W.bytes, (c) => c.memory && c.memory.peak],
		state: ['state of a stream', W.bytes, (c) => at(c).state_bytes],
		file: ['model file', W.bytes, (c) => is(c.file_bytes) ? c.file_bytes : c.weight_bytes],
	};

	function tradeView(standard) {
		return (state) => {
			const [title, format, cost] = COSTS[state.cost || standard];
			const list = contenders().filter((c) => !c.diverged && mean(c.loss) !== null && is(cost(c)));
			const points = list.map((c) => ({ c, x: cost(c), y: mean(c.loss), low: c.loss.low, high: c.loss.high }));
			const front = points.filter((q) => !points.some((r) => r !== q && r.x <= q.x && r.y <= q.y && (r.x < q.x || r.y < q.y))).sort((a, b) => a.x - b.x);
			return { xTitle: title, yTitle: 'loss, nats a token', xFormat: format, yFormat: W.short,
				series: [{ name: 'frontier', index: -1, kind: 'frontier', points: front, stepped: 'before' },
					...points.map((q) => ({ name: q.c.name, index: of(q.c.name), kind: 'point', points: [q], tip: () => ['loss ' + W.plusMinus(q.c.loss), `${title} ${format(q.x)}`] }))],
				legend: list.map((c) => ({ name: c.name, index: of(c.name), more: '' })),
				notes: [front.length ? `Lower and further left is better. On the frontier: ${W.list(front.map((q) => W.cut(String(q.c.name), 30)))}; every other is beaten in both.` : null].filter(Boolean),
				table: { label: 'Quality against ' + title, columns: ['Model', title, 'Loss', 'On the frontier'].map((l, i) => ({ label: l, numeric: i === 1 || i === 2 })),
					rows: points.map((q) => [q.c.name, format(q.x), W.plusMinus(q.c.loss), front.includes(q) ? 'yes' : 'no']) } };
		};
	}

	function trades() {
		const known = contenders().filter((c) => !c.diverged && mean(c.loss) !== null);
		const has = (k) => known.filter((c) => is(COSTS[k][2](c))).length > 1;
		if (!has('latency') && !has('memory'))
			return null;
		return [box('trades', 'div', { class: 'pair' }, [
			has('latency') ? Charts.figure('latency-trade', { title: 'Loss against latency', text: 'What a better prediction costs in time at every step.' }, tradeView('latency')) : null,
			has('memory') ? Charts.figure('memory-trade', { title: 'Loss against memory', text: 'What it costs in bytes.', start: { cost: 'memory' },
				choices: [{ name: 'cost', label: 'Bytes of', options: [['memory', 'training'], ['state', 'state'], ['file', 'file']].filter(([k]) => has(k)) }] }, tradeView('memory')) : null,
		])];
	}

	/* ---- how sure ---- */

	function seeds() {
		const o = doc.order || {}, seed = array((doc.setting || {}).seeds), list = array(o.by_seed);
		if (!list.length)
			return null;
		return [el('h3', null, 'The order under each seed'),
			p('about', list.length === 1 ? 'There is one seed: another might order them otherwise.' : o.same ? 'All seeds order the models alike.' : 'The seeds do not agree on the whole order.'),
			Tables.plain('Order by seed', [{ label: 'Seed' }, ...list[0].map((x, i) => ({ label: i + 1 + '.' }))], list.map((names, i) => [String(is(seed[i]) ? seed[i] : i + 1), ...array(names).map((n) => model(n))]))];
	}

	function tuning() {
		const list = contenders().filter((c) => array(c.tuning).some((t) => array(t.trials).length));
		if (!list.length)
			return null;
		const OPEN = { above: 'The highest value tried did best: a higher one might do better still.', below: 'The lowest value tried did best: a lower one might do better still.' };
		const values = (c) => array(c.tuning).map((t) => [
			el('div', { class: 'trials' }, el('b', null, t.parameter === 'lr' ? 'learning rate' : String(t.parameter)), array(t.trials).map((r) => el('span', { class: r.chosen ? 'trial chosen' : 'trial' },
				el('span', null, W.short(r.value)), el('small', null, is(r.loss) ? W.loss(r.loss) : 'diverged')))),
			OPEN[t.open] ? p('about', OPEN[t.open]) : null]);
		return [el('h3', null, 'What was tuned'),
			p('about', 'Short runs before the comparison, each with its loss on the validation text; the chosen value is framed. Every model had the same number of trials.'),
			Tables.plain('Tuning trials', [{ label: 'Model' }, { label: 'Trials: value and loss' }], list.map((c) => [model(c.name), el('div', null, values(c))]), 'tuning')];
	}

	/* ---- samples, repeating, how it was measured ---- */

	function samples() {
		const list = ordered().filter((c) => typeof c.sample === 'string' && c.sample);
		if (!list.length)
			return null;
		const prompt = (doc.setting || {}).prompt;
		return [p('about', prompt ? ['Each went on from the same prompt, ', el('code', null, String(prompt)), ', with the weights it was scored with. ' ] : 'What each model wrote. ', 'They are for the eye; the loss is the measure.'),
			el('div', { class: 'samples' }, list.map((c) => el('figure', null, el('figcaption', null, model(c.name), mean(c.loss) === null ? null : el('small', null, 'loss ' + W.loss(mean(c.loss)))),
				el('pre', { tabindex: '0', role: 'region', 'aria-label': 'Text by ' + W.cut(String(c.name), 40) }, c.sample))))];
	}

	function command(label, text) {
		const button = el('button', { type: 'button', class: 'plain copy' }, 'Copy');
		const node = keep('command ' + label, () => el('div', { class: 'command' }));
		button.addEventListener('click', () => copy(text, button, node.querySelector('pre')));
		if (node.text !== text) {
			node.text = text;
			fill(node, [el('h3', null, label), el('div', { class: 'line' }, el('pre', { tabindex: '0', role: 'region', 'aria-label': label }, text), button)]);
		}
		return node;
	}

	async function copy(text, button, source) {
		let done = false;
		try {
			await navigator.clipboard.writeText(text);
			done = true;
		} catch (e) {
			/* a page from disk may have no clipboard: what is selected is copied the old way */
			const range = document.createRange();
			range.selectNodeContents(source);
			getSelection().removeAllRanges();
			getSelection().addRange(range);
			done = document.execCommand('copy');
		}
		button.textContent = done ? 'Copied' : 'Press Ctrl-C';
		setTimeout(() => { button.textContent = 'Copy'; }, 2000);
	}

	function facts() {
		const d = doc.data || {}, m = doc.machine || {}, s = doc.setting || {}, b = doc.budget || {};
		const rows = [
			['Text', [d.path || d.name, d.vocabulary ? `${d.vocabulary} vocabulary${is(d.vocabulary_size) ? ' of ' + W.whole(d.vocabulary_size) : ''}` : null, d.note].filter(Boolean).join('; ')],
			['Fingerprint', d.fingerprint],
			['Tokens', [[d.train_tokens, 'to train on'], [d.val_tokens, 'to validate on'], [d.test_tokens, 'to test on'], [d.scored_tokens, 'scored']].filter((x) => is(x[0])).map((x) => `${W.whole(x[0])} ${x[1]}`).join(', ')],
			['Machine', [m.processor, is(m.threads) ? W.many(m.threads, 'thread') : null, m.kernels ? m.kernels + ' kernels' : null, is(m.peak_flops) ? W.short(m.peak_flops) + 'flop/s at its peak' : null,
				is(m.bandwidth) ? W.short(m.bandwidth) + 'B/s from memory' : null, is(m.memory) ? W.bytes(m.memory) : null].filter(Boolean).join(', ')],
			['Budget', [b.text, is(b.total) ? `${W.seconds(b.total)} for everything` : null].filter(Boolean).join('; ')],
			['Recipe', [is(s.target_parameters) ? `${W.whole(s.target_parameters)} parameters aimed at` : null, is(s.window) ? `windows of ${W.whole(s.window)}` : null, is(s.step_tokens) ? `${W.whole(s.step_tokens)} tokens a step` : null,
				s.schedule, array(s.seeds).length ? `seeds ${W.list(s.seeds.map(String))}` : null].filter(Boolean).join(', ')],
			['Took', is(doc.seconds) ? W.seconds(doc.seconds) : ''],
			['Started', W.date(doc.started)],
			['Unroll', [doc.version, is(doc.id) ? 'comparison ' + doc.id : null].filter(Boolean).join(', ')],
		].filter((r) => r[1]);
		return rows.length ? [el('h3', null, 'On what'), el('dl', { class: 'facts' }, rows.map(([k, v]) => el('div', null, el('dt', null, k), el('dd', null, String(v)))))] : null;
	}

	function repeat() {
		return [doc.command ? command('The command', String(doc.command)) : null,
			doc.again ? [command('The same losses on any machine', String(doc.again)), p('about', 'It fixes what this machine had decided: sizes, rates and tokens. Losses repeat; times are those of the machine.')] : null,
			facts()];
	}

	const METHOD = [
		['Loss', 'is the mean negative logarithm of the probability given to each next token of held-out text, in nats: 0 would be certainty, and e to the loss is how many equally likely tokens the model hesitates between. Bits a byte is the same, divided by the bytes of the text, so that vocabularies can be compared.'],
		['Fair', 'means equal parameters as far as whole layers allow, the same text in the same order, the same tokens a step, and the same number of tuning trials for each model before any of the runs that count.'],
		['\u00b1', 'is half of a 95 % interval of the mean over seeds (Student\u2019s t). It covers the luck of starting weights and order, not another text. With few seeds it is wide, as it should be.'],
		['p', 'is from a paired t-test: each seed gives one difference between two models. Where several models are compared with the best, p is raised by Holm\u2019s method. A tie means that the difference is small or may be chance, and \u201cunsure\u201d that more seeds could decide.'],
		['Step', 'is one token through a live stream, timed alone, again and again at each position: p50 is the median, p99 what one in a hundred exceeds. State is what the stream must keep, counted in bytes.'],
		['Reading a sequence', 'is one pass over T tokens at once on all threads. The exponent is the slope on logarithmic axes: 1 doubles the time when T doubles, 2 makes it four times as long.'],
		['Memory', 'is the peak of the process while training, as the system reports it.'],
		['Predicted', 'marks what was worked out and not measured. Everything else on this page was measured in the runs it names.'],
	];

	function method() {
		return [el('dl', { class: 'method' }, METHOD.map(([k, v]) => el('div', null, el('dt', null, k), el('dd', null, v))))];
	}

	/* ---- the page ---- */

	const SECTIONS = [
		['answer', null, answer], ['runs', 'Runs so far', runs], ['models', 'All models', models], ['training', 'Learning', training], ['context', 'Use of context', context],
		['stepping', 'One step at a time', stepping], ['sequences', 'Whole sequences', sequences], ['trades', 'Quality against cost', trades],
		['sure', 'How firm this is', () => [seeds(), tuning()]], ['samples', 'What they write', samples], ['repeat', 'Repeat it', repeat], ['method', 'How it was measured', method],
	];

	function show(next) {
		doc = next && typeof next === 'object' ? next : {};
		index = new Map(contenders().map((c, i) => [c.name, i]));
		const main = document.getElementById('main'), links = [];
		fill(main, SECTIONS.map(([id, title, view]) => {
			const nodes = (view() || []).flat(Infinity).filter(Boolean);
			if (!nodes.length)
				return null;
			if (title)
				links.push(el('li', null, el('a', { href: '#' + id }, title)));
			return box('section ' + id, 'section', { id, 'aria-label': title || 'The answer', tabindex: '-1' }, [title ? el('h2', null, title) : null, ...nodes]);
		}));
		fill(document.getElementById('contents'), links);
		const data = doc.data || {}, name = data.name || data.path || '';
		document.title = [doc.advice && doc.advice.pick ? `Use ${doc.advice.pick}` : 'Comparison', name, 'Unroll'].filter(Boolean).join(' \u00b7 ');
		document.getElementById('origin').textContent = ['report', is(doc.id) ? 'comparison ' + doc.id : null].filter(Boolean).join(' \u00b7 ');
		document.getElementById('footer').textContent = ['Made by Unroll ' + (doc.version || ''), W.date(doc.started), 'Charts: Chart.js, MIT licence'].filter(Boolean).join(' \u00b7 ');
	}

	/* ---- light and dark ---- */

	const button = document.getElementById('theme'), dark = matchMedia('(prefers-color-scheme: dark)');
	function remembered() {
		try {
			return localStorage.getItem('unroll-theme');
		} catch (e) {
			return null; /* a page from disk may have no storage */
		}
	}
	function theme(name) {
		document.documentElement.dataset.theme = name;
		button.setAttribute('aria-pressed', String(name === 'dark'));
		Charts.redraw();
	}
	const wanted = () => remembered() || (dark.matches ? 'dark' : 'light');
	button.addEventListener('click', () => {
		const name = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
		try {
			localStorage.setItem('unroll-theme', name);
		} catch (e) { /* then it holds for this visit */ }
		theme(name);
	});
	dark.addEventListener('change', () => theme(wanted()));

	/* ---- paper: light, with the short tables open and charts as wide as the sheet ---- */

	let opened = [];
	addEventListener('beforeprint', () => {
		theme('light');
		opened = [...document.querySelectorAll('details:not([open])')].filter((d) => d.data && d.data.rows.length <= 60);
		opened.forEach((d) => { d.open = true; d.draw(); });
		Charts.resize(620, 300);
	});
	addEventListener('afterprint', () => {
		opened.forEach((d) => { d.open = false; });
		theme(wanted());
		Charts.resize();
	});

	/* ---- live: asks for a newer document every 2 s while there may be one ---- */

	const EVERY = 2000;
	let tag = null;

	async function poll() {
		const live = document.getElementById('live');
		let lost = false;
		try {
			const answer = await fetch('document.json', { headers: tag ? { 'If-None-Match': tag } : {}, cache: 'no-store' });
			if (answer.status === 200) {
				tag = answer.headers.get('ETag');
				show(await answer.json());
			}
			lost = answer.status !== 200 && answer.status !== 304;
		} catch (e) {
			lost = true;
		}
		live.hidden = false;
		live.className = lost ? 'lost' : doc.state === 'running' ? 'on' : 'done';
		const words = lost ? 'Connection lost; trying again' : doc.state === 'running' ? (doc.status === 'killed' ? 'Interrupted' : 'Live') : 'Finished';
		if (live.textContent !== words)
			live.textContent = words;
		if (lost || doc.state === 'running')
			setTimeout(poll, EVERY);
	}

	theme(wanted());
	show(JSON.parse(document.getElementById('document').textContent));
	if (document.documentElement.dataset.mode === 'live')
		poll();
})();
