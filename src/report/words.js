'use strict';
/* Numbers as words, models as marks, and elements. Text from the document is untrusted: it reaches the page only as the
 * text of a node, never as markup. */
const Words = (() => {

	/* ---- elements ---- */

	/* el('p', {class: 'note'}, 'text', node, ...): null children are left out. */
	function el(tag, attributes, ...children) {
		const node = document.createElement(tag);
		for (const [name, value] of Object.entries(attributes || {})) {
			if (name.startsWith('on'))
				node.addEventListener(name.slice(2), value);
			else if (value === true)
				node.setAttribute(name, '');
			else if (value !== null && value !== undefined && value !== false)
				node.setAttribute(name, value);
		}
		node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false && c !== ''));
		return node;
	}

	function svg(tag, attributes, ...children) {
		const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
		for (const [name, value] of Object.entries(attributes || {}))
			node.setAttribute(name, value);
		node.append(...children);
		return node;
	}

	/* Makes `parent` hold `nodes`, and leaves alone what is there already: the same node, or one that is equal. So
	 * focus, selection and scrolling outlive an update. */
	function fill(parent, nodes) {
		const wanted = nodes.flat(Infinity).filter((n) => n !== null && n !== undefined && n !== false);
		for (let i = 0; i < wanted.length; i++) {
			const want = wanted[i], have = parent.childNodes[i];
			if (have === want || (have && !kept.has(have) && !kept.has(want) && have.isEqualNode(want)
				&& !holdsKept(want)))
				continue;
			if (have && !kept.has(have) && !wanted.includes(have))
				parent.replaceChild(want, have);
			else
				parent.insertBefore(want, have || null);
		}
		while (parent.childNodes.length > wanted.length)
			parent.lastChild.remove();
	}
	const kept = new WeakSet(), made = new Map();

	function holdsKept(node) {
		for (const child of node.childNodes)
			if (kept.has(child) || holdsKept(child))
				return true;
		return false;
	}

	/* The node of this key, made once and the same ever after. */
	function keep(key, make) {
		if (!made.has(key)) {
			const node = make();
			kept.add(node);
			made.set(key, node);
		}
		return made.get(key);
	}

	/* ---- numbers ---- */

	const array = (x) => Array.isArray(x) ? x : [];
	const is = (x) => typeof x === 'number' && Number.isFinite(x);
	const NONE = '\u2013';

	const fixed = (x, digits) => x.toFixed(digits).replace('-', '\u2212');
	const whole = (x) => is(x) ? Math.round(x).toLocaleString('en-US').replace('-', '\u2212') : NONE;
	/* Three digits, never in exponent form within what occurs here. */
	function short(x) {
		if (!is(x))
			return NONE;
		const size = Math.abs(x);
		if (size === 0)
			return '0';
		if (size >= 1e15 || size < 1e-4)
			return x.toExponential(1).replace('-', '\u2212');
		for (const [unit, name] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e4, 'k']])
			if (size >= unit)
				return strip(fixed(x / (unit === 1e4 ? 1e3 : unit), places(size / (unit === 1e4 ? 1e3 : unit)))) + name;
		return size >= 1000 ? whole(x) : strip(fixed(x, size >= 100 ? 0 : places(size)));
	}
	const places = (size) => size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : size >= 0.1 ? 3 : size >= 0.01
		? 4 : 5;
	const strip = (text) => text.includes('.') ? text.replace(/\.?0+$/, '') : text;

	const loss = (x) => is(x) ? fixed(x, 3) : NONE;
	function bytes(x) {
		if (!is(x))
			return NONE;
		const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
		let unit = 0;
		for (; Math.abs(x) >= 1023.5 && unit < 4; unit++)
			x /= 1024;
		return (unit === 0 || Math.abs(x) >= 99.5 ? whole(x) : fixed(x, 1).replace(/\.0$/,
			'')) + '\u00a0' + units[unit];
	}
	function seconds(x) {
		if (!is(x))
			return NONE;
		if (x === 0)
			return '0\u00a0s';
		if (x < 0.9995e-3)
			return short(x * 1e6) + '\u00a0\u00b5s';
		if (x < 0.9995)
			return short(x * 1e3) + '\u00a0ms';
		if (x < 119.5)
			return short(Number(x.toPrecision(3))) + '\u00a0s';
		if (x < 7170)
			return Math.floor((x + 0.5) / 60) + '\u00a0min' + (x < 595
				? '\u00a0' + Math.floor((x + 0.5) % 60) + '\u00a0s' : '');
		return Math.floor((x + 30) / 3600) + '\u00a0h\u00a0' + Math.floor((x + 30) % 3600 / 60) + '\u00a0min';
	}
	const micros = (x) => is(x) ? seconds(x * 1e-6) : NONE;
	const percent = (x, digits = 0) => is(x) ? fixed(100 * x, digits) + '\u00a0%' : NONE;
	const chance = (p) => !is(p) ? NONE : p < 0.0001 ? '<\u00a00.0001' : p >= 0.0995 ? fixed(p, 2)
		: strip(p.toPrecision(2));

	const mean = (interval) => interval && is(interval.mean) ? interval.mean : null;
	/* half the width of an interval; null where there is one seed only */
	const spread = (interval) => interval && is(interval.low) && is(interval.high) ? (interval.high - interval.low) / 2
		: null;
	function plusMinus(interval, of = loss) {
		if (mean(interval) === null)
			return NONE;
		return of(interval.mean) + (spread(interval) === null ? '' : ' \u00b1 ' + of(spread(interval)));
	}
	/* 462 Gflop/s */
	const rate = (x, unit) => short(x).replace(/([kMGT]?)$/, '\u00a0$1') + unit;
	/* "grows like T^1.87 (1.79 to 1.95)", the exponent raised; nothing for no fit */
	function growth(fit, of) {
		if (!fit || !is(fit.exponent))
			return '';
		const range = is(fit.low) && is(fit.high) && fit.high > fit.low
			? ` (${fixed(fit.low, 2)} to ${fixed(fit.high, 2)})` : '';
		return Math.abs(fit.exponent) < 0.05 ? 'constant' : [`grows like ${of}`,
			el('sup', null, fixed(fit.exponent, 2)), range];
	}
	const date = (unix) => is(unix) ? new Date(unix * 1000).toLocaleString('en-GB',
		{ dateStyle: 'long', timeStyle: 'short' }) : '';
	const list = (names) => names.length < 2 ? names.join('')
		: names.slice(0, -1).join(', ') + ' and ' + names[names.length - 1];
	const many = (n, one, more) => whole(n) + ' ' + (n === 1 ? one : more || one + 's');
	/* words of a document as a sentence of the page */
	const sentence = (words) => words.slice(0, 1).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? '' : '.');
	/* specs are long words, which may break behind a comma */
	const breakable = (text) => String(text).split(/(?<=,)(?=[a-z])/).flatMap((part, i) => i ? [el('wbr'), part]
		: [part]);
	/* names may be long: what a chart has room for */
	const cut = (text, most = 22) => [...text].length > most ? [...text].slice(0, most - 1).join('') + '\u2026' : text;

	/* ---- models' marks: colour (Okabe and Ito's, told apart by colour-blind eyes), shape and dashes ---- */

	const COLOURS = {
		light: ['#0072b2', '#d55e00', '#00845f', '#b6558f', '#a97400', '#2a8fc4', '#6b6b6b', '#7a4fbf'],
		dark: ['#56b4e9', '#f28e4b', '#2cc89b', '#e59ac8', '#e9b53a', '#9fd3f2', '#b9b9b9', '#b79af0'],
	};
	const SHAPES = ['circle', 'triangle', 'rect', 'rectRot', 'star', 'crossRot', 'cross', 'dash'];
	const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3], [4, 2], [12, 4], [2, 2, 6, 2], [1, 4]];
	const PATHS = {
		circle: 'M8 4.2a3.8 3.8 0 1 0 .01 0z', triangle: 'M8 3.6 12.4 11.6H3.6z', rect: 'M4.5 4.5h7v7h-7z',
		rectRot: 'M8 3 13 8 8 13 3 8z', star: 'M8 3v10M3 8h10M4.5 4.5l7 7M11.5 4.5l-7 7',
			crossRot: 'M4 4l8 8M12 4l-8 8',
		cross: 'M8 3v10M3 8h10', dash: 'M3 8h10',
	};
	const mark = (index) => ({
		colour: COLOURS[document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light'][index % 8],
		shape: SHAPES[(index + Math.floor(index / 8)) % 8],
		dash: DASHES[(index + Math.floor(index / 8)) % 8],
	});
	/* A model's mark as it is drawn in charts, for tables and legends; coloured by the style sheet (.m0 to .m7).
	 * `look`: what is otherwise than the mark has it. */
	function glyph(index, look) {
		const m = Object.assign(mark(index), look);
		return svg('svg', { class: `glyph m${index % 8}`, viewBox: '0 0 28 16', 'aria-hidden': 'true' },
			svg('path', { class: 'line', d: 'M0 8h28', 'stroke-dasharray': m.dash.join(' ') }),
			svg('path', { class: m.hollow ? 'shape hollow' : 'shape', d: PATHS[m.shape],
				transform: 'translate(6 0)' }));
	}
	const named = (name, index, ...more) => el('span', { class: 'model' }, index >= 0 ? glyph(index) : null,
		el('span', { class: 'name' }, String(name)), ...more);

	return { el, svg, fill, keep, array, is, NONE, fixed, whole, short, loss, bytes, seconds, micros, percent, chance,
		mean,
		spread,
		plusMinus, rate, growth, date, list, many, sentence, breakable, cut, mark, glyph, named };
})();
