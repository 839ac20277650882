'use strict';
/* What was measured, in charts and in words: learning, use of context, what a step and a sequence cost, and
 * quality against cost. */
const Measured = (() => {
	const W = Words, { el, is, array, mean, NONE } = W, { box, p } = Pieces;
	const { doc, contenders, of, model, latency, position, compared, file, paired, taken, held } = Facts;

	const predicted = () => el('span', { class: 'badge guess' }, 'predicted');

	/* ---- loss over training ---- */

	const ALONG = { tokens: [1, 'training tokens', W.short], seconds: [2, 'seconds of training', W.short],
		flops: [3, 'flops of training', W.short] };

	/* Means over seeds at the steps that all of them have. */
	function meanCurve(curves, kind, column) {
		const each = curves.map((c) => new Map(array(c[kind]).filter((x) => is(x[4])).map((x) => [x[0], x])));
		if (!each.length)
			return [];
		const average = (xs) => xs.reduce((a, b) => a + b, 0) / xs.length;
		return [...each[0].keys()].filter((step) => each.every((m) => m.has(step))).map((step) => {
			const at = each.map((m) => m.get(step));
			return { step, x: average(at.map((x) => x[column])), y: average(at.map((x) => x[4])),
				row: [0, 1, 2, 3, 4].map((k) => average(at.map((x) => x[k]))) };
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
				series.push({ name: c.name, index: i, kind,
					points: curve[state.kind].map((x) => ({ x: x[column], y: x[4], step: x[0] })),
					tip: (q) => [`${name} ${W.loss(q.y)}, seed ${curve.seed}`,
						`step ${W.whole(q.step)}, ${format(q.x)} ${title}`] });
				rows.push(...curve[state.kind].map((x) => [c.name, String(curve.seed), W.whole(x[0]), W.whole(x[1]),
					W.seconds(x[2]), W.short(x[3]), is(x[4]) ? W.fixed(x[4], 4) : NONE]));
			}
			if (middle.length > 1) {
				series.push({ name: c.name, index: i, kind: 'line', points: middle,
					tip: (q) => [`${name} ${W.loss(q.y)}, mean of ${curves.length} seeds`,
						`step ${W.whole(q.step)}, ${format(q.x)} ${title}`] });
				rows.push(...middle.map(({ row: x }) => [c.name, 'mean', W.whole(x[0]), W.whole(x[1]), W.seconds(x[2]),
					W.short(x[3]), W.fixed(x[4], 4)]));
			}
		}
		return {
			xTitle: title, yTitle: name + ', nats a token', xFormat: format, yFormat: (v) => W.short(v), series, legend,
			notes: series.some((s) => s.kind === 'thin') ? ['Thin lines are single seeds, thick lines their mean.']
				: [],
			table: { label: 'Loss over training', columns: ['Model', 'Seed', 'Step', 'Tokens', 'Time', 'Flops',
				'Loss'].map((l, i) => ({ label: l, numeric: i > 1 })), rows },
		};
	}

	/* Who has the lowest mean over a course of training: a strip for each axis. */
	function leads() {
		const list = array(doc.leads).filter((l) => array(l.stretches).length);
		if (!list.length)
			return null;
		const UNIT = { tokens: (x) => W.short(x) + ' tokens', flops: (x) => W.short(x) + ' flops',
			seconds: (x) => W.seconds(x) };
		return [el('h3', null, 'Who leads, and until when'),
			p('about', 'The lowest mean validation loss at each point of training.'),
			el('div', { class: 'strips' }, list.map((l) => {
				const unit = UNIT[l.axis] || W.short, first = l.stretches[0],
					last = l.stretches[l.stretches.length - 1];
				return el('div', { class: 'strip' }, el('h4', null,
					'Over ' + (l.axis === 'seconds' ? 'time' : String(l.axis))),
					el('div', { class: 'bar', 'aria-hidden': 'true' }, l.stretches.map((s) => {
						const part = el('span', { class: `m${of(s.name) % 8}` },
							el('span', null, W.cut(String(s.name), 16)));
						part.style.flexGrow = String(Math.max(0.001, (s.to - s.from) / (last.to - first.from || 1)));
						return part;
					})),
					el('ol', null, l.stretches.map((s, i) => el('li', null, model(s.name), i + 1 < l.stretches.length
						? ` until ${unit(s.to)}` : ` to the end, ${unit(s.to)}`))));
			}))];
	}

	const EQUAL = { tokens: ['tokens', W.short], flops: ['flops', W.short], seconds: ['time', W.seconds] };

	function equal() {
		const list = array(doc.equal).filter((e) => array(e.entries).length);
		if (!list.length)
			return null;
		return [el('h3', null, 'At equal cost'),
			p('about', 'The same runs, read where each had spent as much. A model marked \u201ctied\u201d cannot be ' +
				'told from the leader.'),
			el('div', { class: 'three' }, list.map((e) => {
				const [what, unit] = EQUAL[e.axis] || [String(e.axis), W.short], tied = array(e.tied);
				const rows = [...e.entries].sort((a, b) => Tables.compare(mean(a.loss), mean(b.loss), 1));
				return el('div', null, el('h4', null, `Equal ${what}`),
					p('about', is(e.low) && e.high > 1.02 * e.low ? `${unit(e.low)} to ${unit(e.high)}` : unit(e.at),
						e.axis === 'seconds' ? '' : ' ' + what, e.when ? `, ${e.when}` : '',
						e.of ? `; ${e.of} loss` : ''),
					Tables.plain(`Loss at equal ${what}`, [{ label: 'Model' }, { label: 'Loss', numeric: true }],
						rows.map((r) => ({
						className: r.name === e.leader ? 'pick' : null,
						cells: [model(r.name, r.name === e.leader ? el('span', { class: 'badge best' }, 'leads')
							: tied.includes(r.name) ? el('span', { class: 'badge fine' }, 'tied') : null),
							W.plusMinus(r.loss)] }))));
			}))];
	}

	function training() {
		if (!contenders().some((c) => array(c.curves).length))
			return [leads(), equal()];
		const both = contenders().some((c) => array(c.curves).some((k) => array(k.train_loss).length));
		return [Charts.figure('loss', { title: 'Loss over training', tall: true, xlog: true, ylog: true,
			start: { along: 'tokens', kind: 'val_loss' },
			text: 'The same curves over what each model had read, had computed, or how long it had taken: the ' +
				'question decides who is ahead.',
			choices: [{ name: 'along', label: 'Along', options: [['tokens', 'tokens'], ['seconds', 'time'],
				['flops', 'flops']] },
				...both ? [{ name: 'kind', label: 'Loss', options: [['val_loss', 'validation'],
					['train_loss', 'training']] }] : []] }, lossView),
		leads(), equal()];
	}

	/* ---- context ---- */

	function contextView() {
		const series = [], rows = [], legend = [];
		for (const c of contenders()) {
			const list = array(c.by_position).filter((b) => is(b.loss)), i = of(c.name);
			if (!list.length)
				continue;
			const middle = (b) => Math.sqrt(b.from * b.to), edge = (k) =>
				list.filter((b) => is(b[k])).map((b) => ({ x: middle(b), y: b[k] }));
			legend.push({ name: c.name, index: i, more: c.limit ? `ends at ${W.whole(c.limit)}` : 'no limit' });
			series.push({ name: c.name, index: i, kind: 'band', points: edge('low') },
				{ name: c.name, index: i, kind: 'band', points: edge('high'), fill: '-1' });
			series.push({ name: c.name, index: i, kind: 'line',
				points: list.map((b) => ({ x: middle(b), y: b.loss, b })),
				tip: (q) => [`loss ${W.loss(q.b.loss)}` + (is(q.b.low) ? ` (${W.loss(q.b.low)} to ${W.loss(q.b.high)})`
					: ''), `positions ${W.whole(q.b.from)} to ${W.whole(q.b.to)}`] });
			rows.push(...list.map((b) => [c.name, W.whole(b.from), W.whole(b.to), W.loss(b.loss), W.loss(b.low),
				W.loss(b.high), W.whole(b.n)]));
		}
		return { xTitle: 'position in a fresh window', xBase: 2, xFormat: W.whole, yTitle: 'loss, nats a token', series,
			legend,
			notes: ['Shaded: 95 % interval over windows. A curve that still falls is a model that still uses what it ' +
				'read that far back.'],
			table: { label: 'Loss by position', columns: ['Model', 'From', 'To', 'Loss', 'Low', 'High',
				'Windows'].map((l, i) => ({ label: l, numeric: i > 0 })), rows } };
	}

	function context() {
		if (!contenders().some((c) => array(c.by_position).length))
			return null;
		return [Charts.figure('context', { title: 'Loss by position', xlog: true, tall: true,
			text: 'How well each token is predicted, by how many came before it. The first has nothing to go by.' },
				contextView)];
	}

	/* ---- cost of a step ---- */

	const HOLLOW = 'Hollow points lie past the model\u2019s own context: measured on the same layers built ' +
		'for that length, untrained.';

	function stepView(field) {
		return () => {
			const series = [], rows = [], legend = [], time = field === 'p50_us';
			for (const c of contenders()) {
				const list = latency(c).filter((s) => is(s[field])), i = of(c.name);
				if (!list.length)
					continue;
				legend.push({ name: c.name, index: i, more: W.growth(time ? c.step_fit : c.state_fit, 'position') });
				series.push({ name: c.name, index: i, kind: 'line',
					points: list.map((s) => ({ x: s.position, y: time ? s.p50_us * 1e-6 : s.state_bytes,
					hollow: s.stretched, s })),
					tip: (q) => [time ? `p50 ${W.micros(q.s.p50_us)}, p99 ${W.micros(q.s.p99_us)}`
						: W.bytes(q.s.state_bytes),
					`position ${W.whole(q.s.position)}${q.s.stretched ? ', stretched' : ''}`] });
				if (time)
					series.push({ name: c.name, index: i, kind: 'upper',
						points: list.filter((s) => is(s.p99_us)).map((s) => ({ x: s.position, y: s.p99_us * 1e-6, s })),
						tip: (q) => [`p99 ${W.micros(q.s.p99_us)}`, `position ${W.whole(q.s.position)}`] });
				rows.push(...list.map((s) => [c.name, W.whole(s.position), ...time
					? [W.micros(s.p50_us), W.micros(s.p99_us), W.whole(s.samples)]
					: [W.whole(s.state_bytes), W.bytes(s.state_bytes)],
					s.stretched ? 'stretched' : '']));
			}
			const columns = time ? ['Model', 'Position', 'p50', 'p99', 'Samples', '']
				: ['Model', 'Position', 'Bytes', '', ''];
			return { xTitle: 'position', xBase: 2, xFormat: W.whole, yBase: time ? 10 : 2, yTitle: time
				? 'time of a step' : 'state of a stream', yFormat: time ? W.seconds : W.bytes, series, legend,
				notes: [time ? 'Solid: half of the steps took no longer (p50). Dotted: 99 of 100 (p99).' : null,
					series.some((s) => s.points.some((q) => q.hollow)) ? HOLLOW : null].filter(Boolean),
				table: { label: time ? 'Step latency by position' : 'State by position',
					columns: columns.map((l, i) => ({ label: l, numeric: i > 0 && i < columns.length - 1 })), rows } };
		};
	}

	function stepping() {
		const list = contenders().flatMap(latency);
		if (!list.length)
			return null;
		return [box('stepping', 'div', { class: 'pair' }, [
			list.some((s) => is(s.p50_us)) ? Charts.figure('step', { title: 'Time of one step', xlog: true, ylog: true,
				text: 'One token in, one prediction out, as in a live stream.' }, stepView('p50_us')) : null,
			list.some((s) => is(s.state_bytes)) ? Charts.figure('state',
				{ title: 'State of one stream', xlog: true, ylog: true,
				text: 'What must be kept between steps. Recurrent models keep the same amount for ever.' },
					stepView('state_bytes')) : null,
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
			series.push({ name: c.name, index: i, kind: 'line',
				points: list.map((f) => ({ x: f.T, y: f.seconds, hollow: f.stretched, f })),
				tip: (q) => [`${W.seconds(q.f.seconds)}` + (is(q.f.low)
					? ` (${W.seconds(q.f.low)} to ${W.seconds(q.f.high)})` : ''),
					`${W.whole(q.f.T)} tokens, ${W.short(q.f.T / q.f.seconds)} tokens a second`] });
			rows.push(...list.map((f) => [c.name, W.whole(f.T), W.seconds(f.seconds), W.seconds(f.low),
				W.seconds(f.high), W.whole(f.repeats), f.stretched ? 'stretched' : '']));
		}
		const fit = contenders().map((c) => c.prefill_fit).find((f) => f && is(f.from));
		return { xTitle: 'T, tokens of the sequence', xBase: 2, xFormat: W.whole, yTitle: 'time to read it',
			yFormat: W.seconds, series, legend,
			notes: [fit ? `Exponents are fitted between T = ${W.whole(fit.from)} and ${W.whole(fit.to)}, ` +
				'with 95 % intervals.' : null,
			series.some((s) => s.points.some((q) => q.hollow)) ? HOLLOW : null].filter(Boolean),
			table: { label: 'Prefill time by length', columns: ['Model', 'T', 'Time', 'Fastest', 'Slowest', 'Repeats',
				''].map((l, i) => ({ label: l, numeric: i > 0 && i < 6 })), rows } };
	}

	function crossings(what) {
		const list = array(doc.crossovers).filter((x) => x && x.what === what);
		if (!list.length)
			return null;
		const where = what === 'prefill' ? 'T' : 'position';
		return el('ul', { class: 'crossings' }, list.map((x) => {
			const other = x.first === x.a ? x.b : x.a;
			if (x.kind === 'at')
				return el('li', null, model(x.first), ` is cheaper up to ${where} \u2248 ${W.whole(x.at)}`, is(x.low)
					&& is(x.high) ? ` (between ${W.whole(x.low)} and ${W.whole(x.high)})` : '', ', ', model(other),
					' beyond.');
			if (x.kind === 'often')
				return el('li', null, model(x.a), ' and ', model(x.b),
					' change places more than once: too close to call.');
			return el('li', null, model(x.first), ' is cheaper than ', model(other),
				` at every ${what === 'prefill' ? 'length' : 'position'} measured.`);
		}));
	}

	function lengths() {
		const list = array(doc.by_length).filter((l) => is(l.T) && array(l.entries).length);
		if (!list.length)
			return null;
		const names = [...new Set(list.flatMap((l) => l.entries.map((e) => e.name)))];
		return [el('h3', null, 'Had every sequence been longer ', predicted()),
			p('about', 'Not measured: the loss each model would have reached in the time the fastest took, its ' +
				'training curve read where the measured growth of prefill time leads. ',
				'It says how cost alone would shift the order; it says nothing of what longer context would teach.'),
			Tables.plain('Predicted loss by sequence length', [{ label: 'Model' },
				...list.map((l) => ({ label: 'T = ' + W.whole(l.T), numeric: true }))],
				names.map((name) => [model(name), ...list.map((l) => {
					const e = l.entries.find((x) => x.name === name);
					return !e || !is(e.loss) ? NONE : el('span',
						{ class: 'guess' + (l.winner === name ? ' wins' : '') }, '\u2248 ' + W.loss(e.loss),
						l.winner === name ? el('span', { class: 'badge best' }, 'leads') : null,
						el('small', null, is(e.tokens) ? W.short(e.tokens) + ' tokens' : ''));
				})]), 'lengths')];
	}

	function sequences() {
		return [contenders().some((c) => array(c.prefill).length)
			? Charts.figure('prefill', { title: 'Time to read a sequence', xlog: true, ylog: true, tall: true,
			text: 'All T tokens at once, as when a prompt is read.' }, prefillView) : null, crossings('prefill'),
				lengths()];
	}

	/* ---- quality against cost ---- */

	const COSTS = {
		latency: ['time of a step', W.seconds, (c) => is(compared(c).p50_us) ? compared(c).p50_us * 1e-6 : null],
		sentence: ['time of a sentence', W.seconds, (c) => is(taken(c)) ? taken(c) * 1e-6 : null],
		source: ['memory of a sentence', W.bytes, held],
		memory: ['memory of training', W.bytes, (c) => c.memory && c.memory.peak],
		state: ['state of a stream', W.bytes, (c) => compared(c).state_bytes],
		file: ['model file', W.bytes, (c) => file(c)],
	};

	function tradeView(standard) {
		return (state) => {
			const [title, format, cost] = COSTS[state.cost || standard];
			const list = contenders().filter((c) => !c.diverged && mean(c.loss) !== null && is(cost(c)));
			const points = list.map((c) => ({ c, x: cost(c), y: mean(c.loss), low: c.loss.low, high: c.loss.high }));
			const front = points.filter((q) => !points.some((r) => r !== q && r.x <= q.x && r.y <= q.y
				&& (r.x < q.x || r.y < q.y))).sort((a, b) => a.x - b.x);
			return { xTitle: title, xBase: format === W.bytes ? 2 : 10, yTitle: 'loss, nats a token', xFormat: format,
				yFormat: W.short,
				series: [{ name: 'frontier', index: -1, kind: 'frontier', points: front, stepped: 'before' },
					...points.map((q) => ({ name: q.c.name, index: of(q.c.name), kind: 'point', points: [q],
						tip: () => ['loss ' + W.plusMinus(q.c.loss), `${title} ${format(q.x)}`] }))],
				/* points are named where they stand; many may lack the room */
				legend: list.length > 6 ? list.map((c) => ({ name: c.name, index: of(c.name), more: '' })) : [],
				notes: [front.length ? 'Lower and further left is better. On the frontier: ' +
					W.list(front.map((q) => W.cut(String(q.c.name), 30))) +
					(front.length < points.length ? '; every other is beaten in both.' : '.') : null,
					(state.cost || standard) === 'latency' || state.cost === 'state'
						? is(position()) ? `After ${W.whole(position())} tokens.`
							: 'Each at the last position it was made for.' : null].filter(Boolean),
				table: { label: 'Quality against ' + title, columns: ['Model', title, 'Loss',
					'On the frontier'].map((l, i) => ({ label: l, numeric: i === 1 || i === 2 })),
					rows: points.map((q) => [q.c.name, format(q.x), W.plusMinus(q.c.loss), front.includes(q) ? 'yes'
						: 'no']) } };
		};
	}

	function trades() {
		const known = contenders().filter((c) => !c.diverged && mean(c.loss) !== null);
		const has = (k) => known.filter((c) => is(COSTS[k][2](c))).length > 1;
		const time = paired() ? 'sentence' : 'latency';
		if (!has(time) && !has('memory'))
			return null;
		return [box('trades', 'div', { class: 'pair' }, [
			has(time) ? Charts.figure(time + '-trade', { title: 'Loss against latency',
				text: paired() ? 'What a better model costs in time for every sentence.'
					: 'What a better prediction costs in time at every step.' }, tradeView(time)) : null,
			has('memory') ? Charts.figure('memory-trade', { title: 'Loss against memory',
				text: 'What it costs in bytes.', start: { cost: 'memory' },
				choices: [{ name: 'cost', label: 'Bytes of', options: [['memory', 'training'], ['state', 'state'],
					['source', 'a sentence'],
					['file', 'file']].filter(([k]) => has(k)) }] }, tradeView('memory')) : null,
		])];
	}

	return { training, context, stepping, sequences, trades };
})();
