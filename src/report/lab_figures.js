'use strict';
/* An experiment's charts and tables, drawn from what the document has. */
const LabFigures = (() => {
	const W = Words, { el, array, is, NONE } = W, { p } = Pieces;
	const { text, objects, prose, guessed, of, format, titled } = Lab;

	/* ---- charts ---- */

	/* Colours of lines that belong to no model: those last in line, where no model of the chart has them. */
	const REST = [6, 7, 5, 4, 3, 2, 1, 0];
	const DASH = [7, 4], SHAPES = ['circle', 'triangle', 'rect', 'rectRot'];

	/* A line's mark: the colour of its model; dashed where it is predicted; hollow, and then of another shape, where
	 * the model has several lines. */
	function marks(lines) {
		const used = new Set(lines.map((l) => of(l.model) % 8)), rest = REST.filter((i) => !used.has(i)),
			seen = new Map();
		let free = 0;
		return lines.map((line) => {
			const own = of(line.model), index = own >= 0 ? own : rest.length ? rest[free++ % rest.length]
				: REST[free++ % 8];
			const key = `${own >= 0 ? own : line.name} ${guessed(line.origin)}`, nth = seen.get(key) || 0;
			seen.set(key, nth + 1);
			const look = { dash: guessed(line.origin) ? DASH : [], hollow: guessed(line.origin) || nth % 2 === 1 };
			if (nth > 1 || own < 0)
				look.shape = SHAPES[(own < 0 ? free - 1 : nth) % SHAPES.length];
			return { index, look };
		});
	}

	/* [[x, y, low, high], ...] in order of x */
	const points = (line) => array(line.points).map((q) => ({ x: array(q)[0], y: array(q)[1], low: array(q)[2],
		high: array(q)[3] })).filter((q) => is(q.x) && is(q.y)).sort((a, b) => a.x - b.x);
	const spans = (q) => is(q.low) && is(q.high) && q.high > q.low;
	const between = (low, high) => ` (${low} to ${high})`;
	const twos = (xs) => xs.length > 2 && xs.every((x) => x >= 1 && Number.isInteger(Math.log2(x)));

	function view(chart) {
		const x = chart.x || {}, y = chart.y || {}, lines = objects(chart.lines), mark = marks(lines);
		const xFormat = format(x.unit), yFormat = format(y.unit), series = [], rows = [], legend = [],
			names = new Set();
		lines.forEach((line, i) => {
			const at = points(line), many = at.length > 30 && at.some(spans);
			let name = text(line.name) || text(line.model) || 'line ' + (i + 1);
			while (names.has(name))
				name += ' ';
			names.add(name);
			if (many) {
				series.push({ name, kind: 'band', index: mark[i].index, points: at.map((q) => ({ x: q.x,
					y: is(q.low) ? q.low : q.y })) });
				series.push({ name, kind: 'band', fill: '-1', index: mark[i].index, points: at.map((q) => ({ x: q.x,
					y: is(q.high) ? q.high : q.y })) });
			}
			series.push({ name, kind: 'line', index: mark[i].index, look: mark[i].look, points: at, whiskers: !many,
				tip: (q) => [`${text(y.label)}: ${yFormat(q.y)}`
					+ (spans(q) ? between(yFormat(q.low), yFormat(q.high)) : ''),
					`${text(x.label)}: ${xFormat(q.x)}`, ...guessed(line.origin) ? [line.origin] : []] });
			/* a name may say it already */
			const more = guessed(line.origin) && !name.includes(line.origin) ? line.origin : '';
			legend.push({ name, index: mark[i].index, look: mark[i].look, more });
			rows.push(...at.map((q) => [name, xFormat(q.x), yFormat(q.y), is(q.low) ? yFormat(q.low) : NONE, is(q.high)
				? yFormat(q.high) : NONE, text(line.origin)]));
		});
		const intervals = series.filter((s) => s.points.some(spans)), whiskers = intervals.some((s) => s.whiskers);
		const every = series.flatMap((s) => s.points.flatMap((q) => [q.y, q.low, q.high])).filter(is);
		const bands = intervals.some((s) => !s.whiskers);
		/* a share has no more than all */
		return { xTitle: titled(x), yTitle: titled(y), xFormat, yFormat, series, legend,
			yMost: y.unit === 'share' && every.every((v) => v <= 1) && every.some((v) => v > 0.8) ? 1 : undefined,
			xBase: twos(series.flatMap((s) => s.points.map((q) => q.x))) ? 2 : 10,
			notes: [[whiskers || bands
				? `${whiskers && bands ? 'Whiskers and bands' : bands ? 'Bands' : 'Whiskers'} are 95 % `
				+ 'intervals.' : '', lines.some((l) => guessed(l.origin))
				? 'Dashed lines were not measured.' : ''].filter(Boolean).join(' ')].filter(Boolean),
			table: { label: text(chart.title), columns: [{ label: 'Line' }, { label: titled(x), numeric: true },
				{ label: titled(y), numeric: true }, { label: 'Low', numeric: true }, { label: 'High', numeric: true },
				{ label: 'From' }], rows } };
	}

	function charts(e) {
		const list = objects(e.charts).filter((c) => objects(c.lines).some((l) => points(l).length));
		const figures = list.map((c) => Charts.figure(`${e.name} ${text(c.title)}`.replace(/\W+/g, '-'), {
			title: prose(c.title), text: prose(c.about), label: text(c.title), xlog: !!(c.x || {}).log,
			ylog: !!(c.y || {}).log }, () => view(c)));
		return figures.length > 1 ? Pieces.box('charts ' + e.name, 'div', { class: 'pair' }, figures) : figures;
	}

	/* ---- tables ---- */

	/* "4,096" sorts as the number it is */
	const named = (words) => /^[\d,]+(\.\d+)?$/.test(words) ? Number(words.replace(/,/g, '')) : words;

	/* A column of short numbers stands on its right, one of words on its left. */
	const numeric = (rows, i) => rows.every((r) => !r.cells[i] || text(r.cells[i].text).length < 24)
		&& rows.some((r) => r.cells[i] && is(r.cells[i].value));

	/* Where all numbers of a column are from, if they were not measured: it stands in the heading then. */
	function common(rows, i) {
		const some = rows.map((r) => r.cells[i]).filter((c) => c && text(c.text));
		const first = some.length ? some[0].origin : null;
		return guessed(first) && some.every((c) => c.origin === first) ? first : null;
	}

	/* Where one number is from stands below it, so that numbers stay in line. */
	const said = (c, quietly) => [el('span', { class: guessed(c.origin) ? 'guess' : null }, prose(c.text)),
		guessed(c.origin) && !quietly ? el('small', null, c.origin) : null];

	function table(e, t) {
		const rows = objects(t.rows).map((r) => ({ name: text(r.name), cells: objects(r.cells) }));
		const columns = array(t.columns).map(text), cell = (r, i) => r.cells[i - 1] || {};
		if (!rows.length)
			return null;
		const from = columns.map((label, i) => i === 0 ? null : common(rows, i - 1));
		const some = columns.map((label, i) => i === 0 ? { label: prose(label), value: (r) => named(r.name),
			cell: (r) => el('span', { class: 'row' }, prose(r.name)) } : { label: prose(label),
			unit: from[i], numeric: numeric(rows, i - 1),
			value: (r) => is(cell(r, i).value) ? cell(r, i).value : text(cell(r, i).text),
			cell: (r) => text(cell(r, i).text) ? said(cell(r, i), from[i]) : NONE });
		return [el('h3', null, prose(t.title)), text(t.about) ? p('about', prose(t.about)) : null,
			Tables.sortable([e.name, t.title, ...columns, ...from].join('|'), text(t.title), some, rows, null)];
	}

	const tables = (e) => objects(e.tables).map((t) => table(e, t));

	return { charts, tables };
})();
