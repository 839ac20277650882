'use strict';
/* Charts: a figure with its legend, its switches (linear or logarithmic, what stands on an axis) and its
 * numbers beneath, drawn by Chart.js. A figure is made once; an update gives it new series and leaves the
 * reader's choices alone. */
const Charts = (() => {
	const { el, fill, keep, is, short, mark, glyph, cut } = Words;
	const figures = [];

	const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
	const faded = (colour, share) => colour + Math.round(255 * share).toString(16).padStart(2, '0');

	/* ---- what Chart.js lacks ---- */

	function interval(chart, set, point, p) {
		const c = chart.ctx, y = chart.scales.y, cap = set.named ? 0 : 4;
		if (!is(p.low) || !is(p.high) || (chart.options.scales.y.type === 'logarithmic' && p.low <= 0))
			return;
		const low = y.getPixelForValue(p.low), high = y.getPixelForValue(p.high);
		c.strokeStyle = set.borderColor;
		c.lineWidth = 1.5;
		c.setLineDash([]);
		c.beginPath();
		c.moveTo(point.x, low);
		c.lineTo(point.x, high);
		for (const end of [low, high]) {
			c.moveTo(point.x - cap, end);
			c.lineTo(point.x + cap, end);
		}
		c.stroke();
	}

	/* Vertical intervals of points, and their names where there is room. */
	const annotate = {
		id: 'annotate',
		afterDatasetsDraw(chart) {
			const c = chart.ctx, area = chart.chartArea, placed = [];
			c.save();
			c.font = `12.5px ${Chart.defaults.font.family}`;
			chart.data.datasets.forEach((set, k) => {
				if (!set.named || !chart.isDatasetVisible(k))
					return;
				chart.getDatasetMeta(k).data.forEach((point) =>
					placed.push({ left: point.x - 8, right: point.x + 8, top: point.y - 8, bottom: point.y + 8 }));
			});
			chart.data.datasets.forEach((set, k) => {
				if (!(set.named || set.whiskers) || !chart.isDatasetVisible(k))
					return;
				chart.getDatasetMeta(k).data.forEach((point, i) => {
					interval(chart, set, point, set.data[i]);
					if (!set.named)
						return;
					const text = cut(set.label), wide = c.measureText(text).width;
					const spots = [[10, 4], [-10 - wide, 4], [-wide / 2, -14], [-wide / 2, 22], [10, -12], [10, 20],
						[-10 - wide, -12],
						[-10 - wide, 20]];
					for (const [dx, dy] of spots) {
						const r = { left: point.x + dx, right: point.x + dx + wide, top: point.y + dy - 12,
							bottom: point.y + dy + 3 };
						if (r.left < area.left || r.right > area.right || r.top < area.top || r.bottom > area.bottom ||
							placed.some((o) => r.left < o.right && r.right > o.left && r.top < o.bottom
								&& r.bottom > o.top))
							continue;
						c.lineWidth = 4;
						c.lineJoin = 'round';
						c.strokeStyle = ink('--ground');
						c.strokeText(text, r.left, point.y + dy);
						c.fillStyle = ink('--ink');
						c.fillText(text, r.left, point.y + dy);
						placed.push(r);
						break;
					}
				});
			});
			c.restore();
		},
	};

	/* Where an axis has its marks. Candidates come in order of how round they are, and each is taken where it leaves
	 * room for the numbers of those before it. */
	function place(axis, candidates, at) {
		const horizontal = axis.isHorizontal(), length = horizontal ? axis.width : axis.height, room = horizontal ? 58
			: 26;
		const share = (v) => (at(v) - at(axis.min)) / (at(axis.max) - at(axis.min) || 1) * length, taken = [];
		for (const v of candidates)
			if (v >= axis.min * (1 - 1e-9) && v <= axis.max * (1 + 1e-9)
				&& taken.every((t) => Math.abs(share(t) - share(v)) >= room))
				taken.push(v);
		axis.ticks = taken.sort((a, b) => a - b).map((value) => ({ value }));
	}

	function logTicks(axis, base) {
		const candidates = [];
		if (base === 2) {
			const from = Math.floor(Math.log2(axis.min)), to = Math.ceil(Math.log2(axis.max));
			for (const step of [10, 4, 2, 1])
				for (let e = Math.ceil(from / step) * step; e <= to; e += step)
					candidates.push(2 ** e);
		} else {
			const from = Math.floor(Math.log10(axis.min)), to = Math.ceil(Math.log10(axis.max));
			for (const digits of [[1], [2, 5], [3], [1.5, 4, 7], [1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2.5]])
				for (let e = from; e <= to; e++)
					candidates.push(...digits.map((d) => Number((d * 10 ** e).toPrecision(3))));
		}
		place(axis, candidates, Math.log);
	}

	/* Bytes go by 1024, so steps of round decimal numbers would read 95.4 MiB. */
	function byteTicks(axis) {
		const unit = 1024 ** Math.max(0, Math.floor(Math.log(Math.max(1, axis.max)) / Math.log(1024)));
		const raw = (axis.max - axis.min) / 5 / unit, ten = 10 ** Math.floor(Math.log10(raw));
		const step = [1, 2, 5, 10].find((s) => s * ten >= raw) * ten * unit, candidates = [];
		for (let v = Math.ceil(axis.min / step) * step; v <= axis.max; v += step)
			candidates.push(v);
		place(axis, candidates, (v) => v);
	}

	/* ---- a chart's parts from its series ---- */

	/* Series: {name, index (of its model's mark), look (what is otherwise than the mark has it), points: [{x, y,
	 * hollow, low, high}], whiskers: whether a line's intervals are drawn, kind: 'line' | 'thin' | 'upper' | 'band' |
	 * 'point' | 'frontier', tip(point)}. Only lines and points have their rows in the table. */
	function dataset(series, drawn, state) {
		const m = Object.assign(series.index >= 0 ? mark(series.index) : { colour: ink('--muted'), shape: 'circle',
			dash: [3, 3] }, series.look);
		const open = ink('--surface');
		const set = {
			label: series.name, data: drawn, showLine: series.kind !== 'point', borderColor: m.colour,
				backgroundColor: m.colour,
			pointStyle: m.shape, borderDash: m.dash, borderWidth: 2, pointRadius: 4, pointHoverRadius: 6,
				pointBorderColor: m.colour,
			pointBorderWidth: 1.5, tip: series.tip, kind: series.kind, whiskers: series.whiskers, tension: 0,
				spanGaps: true,
				hidden: state.off.has(series.name),
			pointBackgroundColor: drawn.map((p) => p.hollow || m.hollow ? open : m.colour),
				aux: !['line', 'point'].includes(series.kind),
		};
		if (series.kind === 'thin')
			Object.assign(set, { borderWidth: 1, borderDash: [], borderColor: faded(m.colour, 0.45), pointRadius: 0,
				pointHitRadius: 0,
				pointHoverRadius: 0 });
		else if (series.kind === 'upper')
			Object.assign(set, { borderWidth: 1, borderDash: [2, 3], borderColor: faded(m.colour, 0.8), pointRadius: 0,
				pointHitRadius: 4 });
		else if (series.kind === 'band')
			Object.assign(set, { borderWidth: 0, pointRadius: 0, pointHitRadius: 0, pointHoverRadius: 0,
				backgroundColor: faded(m.colour, 0.13), fill: series.fill || false });
		else if (series.kind === 'frontier')
			Object.assign(set, { borderWidth: 1.25, borderDash: [4, 4], borderColor: ink('--muted'), pointRadius: 0,
				pointHitRadius: 0,
				pointHoverRadius: 0, stepped: series.stepped || false });
		else if (series.kind === 'point')
			Object.assign(set, { pointRadius: 7, pointHoverRadius: 9, named: true });
		else if (drawn.length > 30)
			Object.assign(set, { pointRadius: drawn.map((p, i) => i % Math.ceil(drawn.length / 12) === 0 ? 3.5 : 0),
				pointHitRadius: 6 });
		return set;
	}

	/* `values`: what is drawn along it; a logarithmic axis of Chart.js would reach from one power
	 * of ten to the next. */
	function axis(title, format, log, base, values, end) {
		const least = Math.min(...values), most = Math.max(...values), room = log && most > least
			? (most / least) ** 0.03 : 1.1;
		const ticks = log ? (a) => logTicks(a, base) : format === Words.bytes ? byteTicks : undefined;
		return {
			type: log ? 'logarithmic' : 'linear', grace: log ? undefined : '3%',
			/* room below 0 would say that there are such values */
			min: log && values.length ? least / room : least >= 0 && least < 0.05 * (most - least) ? 0 : undefined,
			max: log && values.length ? most * room : end,
			suggestedMin: log || !values.length ? undefined : least, suggestedMax: log || !values.length ? undefined
				: most,
			title: { display: true, text: title, color: ink('--muted'), font: { size: 13 } },
			grid: { color: ink('--line'), drawTicks: false, borderColor: ink('--edge') },
			ticks: { color: ink('--muted'), padding: 7, maxRotation: 0, autoSkip: !ticks, autoSkipPadding: 14,
				callback: (v) => format(v) },
			afterBuildTicks: ticks,
		};
	}

	function options(view, state, points) {
		return {
			animation: false, responsive: true, maintainAspectRatio: false, parsing: false, normalized: true,
			layout: { padding: { top: 8, right: 14 } },
			interaction: { mode: 'nearest', intersect: false, axis: 'xy' },
			scales: { x: axis(view.xTitle, view.xFormat || short, state.xlog, view.xBase, points.map((p) => p.x)),
				y: axis(view.yTitle, view.yFormat || short, state.ylog, view.yBase,
					points.flatMap((p) => [p.y, p.low, p.high]).filter((y) => is(y) && !(state.ylog && y <= 0)),
					view.yMost) },
			plugins: {
				legend: { display: false }, filler: { propagate: false, drawTime: 'beforeDatasetsDraw' },
				tooltip: {
					usePointStyle: true, boxPadding: 4, padding: 10, cornerRadius: 4, titleColor: ink('--surface'),
						bodyColor: ink('--surface'),
					backgroundColor: ink('--ink'), displayColors: true, filter: (item, i) => i === 0,
					callbacks: {
						title: (items) => items.length ? cut(items[0].dataset.label, 40) : '',
						label: (item) => item.dataset.tip ? item.dataset.tip(item.raw) :
							[`${view.yTitle}: ${(view.yFormat || short)(item.raw.y)}`,
								`${view.xTitle}: ${(view.xFormat || short)(item.raw.x)}`],
					},
				},
			},
		};
	}

	/* Points that an axis can show: a logarithm has no place for 0. */
	const fits = (state) => (p) => is(p.x) && is(p.y) && !(state.xlog && p.x <= 0) && !(state.ylog && p.y <= 0);

	/* ---- a figure ---- */

	function group(label, list, get, set) {
		const buttons = list.map(([value, text]) => el('button',
			{ type: 'button', 'data-value': String(value), onclick: () => set(value) },
			text));
		const node = el('div', { class: 'choice', role: 'group', 'aria-label': label }, el('span', null, label),
			buttons);
		node.show = () => buttons.forEach((b, i) => b.setAttribute('aria-pressed', String(get() === list[i][0])));
		return node;
	}

	function make(key, spec) {
		const state = Object.assign({ xlog: !!spec.xlog, ylog: !!spec.ylog, off: new Set() }, spec.start || {});
		const canvas = el('canvas', { role: 'img' });
		const legend = el('div', { class: 'legend' }), notes = el('div', { class: 'notes' });
		const redraw = () => node.draw();
		const switches = (spec.choices || []).map((c) => group(c.label, c.options, () => state[c.name], (v) => {
			state[c.name] = v;
			redraw();
		}));
		const scales = [['xlog', 'x axis'], ['ylog', 'y axis']].map(([name, label]) =>
			group(label, [[false, 'linear'], [true, 'log']], () => state[name], (v) => { state[name] = v; redraw(); }));
		const title = el('h3', { id: 'figure-' + key }, spec.title);
		const text = el('p', { class: 'about' }, spec.text);
		const plot = el('div', { class: 'plot' + (spec.tall ? ' tall' : '') }, canvas);
		const table = el('div');
		const node = el('figure', { class: 'chart', 'data-key': key, 'aria-labelledby': 'figure-' + key },
			el('figcaption', null, title, text), el('div', { class: 'switches' }, switches, scales), legend, plot,
				notes, table);
		let chart = null;

		node.draw = () => {
			const view = node.build(state);
			const every = view.series.flatMap((s) => s.points), fit = every.filter(fits(state));
			const lost = view.series.filter((s) => s.kind === 'line'
				|| s.kind === 'point').flatMap((s) => s.points).filter((p) =>
				is(p.x) && is(p.y) && !fits(state)(p)).length;
			const sets = view.series.map((s) => dataset(s, s.points.filter(fits(state)), state));
			[...switches, ...scales].forEach((g) => g.show());
			canvas.setAttribute('aria-label',
				`${spec.label || spec.title}: ${view.yTitle} over ${view.xTitle}. The numbers are in the table below.`);
			plot.classList.toggle('empty', fit.length === 0);
			fill(legend, view.legend.map((l) => el('button', { type: 'button', class: 'entry', 'data-name': l.name,
				'aria-pressed': String(!state.off.has(l.name)), title: 'Show or hide ' + cut(l.name, 40),
					onclick: () => toggle(l.name) },
				glyph(l.index, l.look), el('span', { class: 'name' }, Words.breakable(l.name)),
				l.more ? el('small', null, l.more) : null)));
			fill(notes, [...(view.notes || []), lost
				? `${Words.many(lost, 'point')} at 0 ${lost === 1 ? 'has' : 'have'} no place on a ` +
				'logarithmic axis; the table has ' + (lost === 1 ? 'it.' : 'them.')
					: null].filter(Boolean).map((n) => el('p', null, n)));
			fill(table, [Tables.numbers(key, view.table)]);
			if (!chart) {
				chart = new Chart(canvas, { type: 'scatter', data: { datasets: sets },
					options: options(view, state, fit), plugins: [annotate] });
			} else {
				chart.data.datasets = sets;
				chart.options = options(view, state, fit);
				chart.update('none');
			}
		};
		function toggle(name) {
			if (!state.off.delete(name))
				state.off.add(name);
			redraw();
			const again = [...legend.children].find((b) => b.dataset.name === name);
			if (again)
				again.focus();
		}
		node.resize = (width, height) => chart && chart.resize(width, height);
		figures.push(node);
		return node;
	}

	/* The figure of this key, a word. spec: {title, text, label (the title as plain text, where it has nodes), choices,
	 * start, xlog, ylog, tall}, read once; build(state): the view,
	 * {xTitle, yTitle, xFormat, yFormat, yMost (where its axis ends, if not by itself), series, legend: [{name, index,
	 * look, more}], notes,
	 * table: {label, columns, rows}}. */
	function figure(key, spec, build) {
		const node = keep('chart ' + key, () => make(key, spec));
		node.build = build;
		/* drawn once it is in the page: Chart.js takes its size from there */
		(node.isConnected ? node.draw : () => requestAnimationFrame(node.draw))();
		return node;
	}

	const redraw = () => figures.forEach((f) => f.isConnected && f.draw());
	const resize = (width, height) => figures.forEach((f) => f.isConnected && f.resize(width, height));

	Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
	Chart.defaults.font.size = 12.5;

	return { figure, redraw, resize };
})();
