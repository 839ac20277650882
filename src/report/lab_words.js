'use strict';
/* How the lab's page says things: verdicts as a word, a shape and a colour, where a number is from, code within text,
 * and which colour a model has. */
const Lab = (() => {
	const W = Words, { el, svg, array, is } = W;
	const text = (x) => typeof x === 'string' ? x : '';
	const objects = (x) => array(x).filter((o) => o && typeof o === 'object' && !Array.isArray(o));

	/* what an experiment claims */
	const findings = (e) => objects(e.findings).filter((f) => text(f.claim));
	/* `x` in a text is code; a number stays with its unit */
	const UNITS = /(\d) (?=(?:%|[kMGT]?B|bytes|[mu\u00b5]?s|min|h)(?!\w))/g;
	const prose = (words) => text(words).replace(UNITS, '$1\u00a0').split('`').flatMap((part, i) => !part ? [] : i % 2
		? [el('code', null, part)] : W.breakable(part));

	/* ---- verdicts ---- */

	/* A full disc, a half one, a crossed square, a dashed ring, an empty one: told apart without colour. */
	const VERDICTS = {
		holds: ['holds', 'M8 1.5a6.5 6.5 0 1 0 .01 0z', 'M5 8.2l2.1 2.1L11.2 6'],
		condition: ['holds under a condition', 'M8 1.5a6.5 6.5 0 1 0 .01 0z', 'M8 1.5a6.5 6.5 0 0 1 0 13z'],
		fails: ['does not hold here', 'M2 2h12v12H2z', 'M5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6'],
		predicted: ['predicted', 'M8 1.5a6.5 6.5 0 1 0 .01 0z', 'M5 8.6c1-1.6 2-1.6 3-.6s2 1 3-.6'],
		missing: ['not measured', 'M8 1.5a6.5 6.5 0 1 0 .01 0z', 'M5.2 8h5.6'],
	};
	const ORDER = Object.keys(VERDICTS);
	const verdict = (f) => ORDER.includes(f.verdict) ? f.verdict : 'missing';
	const sign = (name) => svg('svg', { class: 'sign v-' + name, viewBox: '0 0 16 16', 'aria-hidden': 'true' },
		svg('path', { class: 'outside', d: VERDICTS[name][1] }), svg('path', { class: 'inside',
			d: VERDICTS[name][2] }));
	/* of an experiment that is still to be measured, "missing" is no verdict yet */
	const open = (e) => e.state === 'waiting' || e.state === 'running';
	const word = (f, e) => verdict(f) === 'missing' && open(e) ? 'to be measured' : VERDICTS[verdict(f)][0];
	const badge = (f, e) => el('span', { class: 'verdict v-' + verdict(f) }, sign(verdict(f)), el('span', null,
		word(f, e)));

	/* "5 hold, 1 does not hold here": how many findings came to what */
	const MANY = { holds: ['holds', 'hold'], condition: ['holds under a condition', 'hold under a condition'],
		fails: ['does not hold here', 'do not hold here'], predicted: ['is predicted', 'are predicted'],
		missing: ['is not measured', 'are not measured'] };
	function tally(some) {
		const list = ORDER.map((name) => [name, some.filter((f) => verdict(f) === name).length]).filter(([, n]) => n);
		return list.map(([name, n]) => `${n} ${MANY[name][n === 1 ? 0 : 1]}`);
	}

	/* ---- where a number is from ---- */

	const GUESSED = ['derived', 'predicted'];
	const guessed = (origin) => GUESSED.includes(origin);
	const origin = (name) => guessed(name) ? el('span', { class: 'badge guess' }, name) : null;

	/* ---- models ---- */

	const models = new Map();
	/* Models have their colours in the order in which the document first has them, and keep them. */
	function meet(doc) {
		for (const e of objects(doc.experiments))
			for (const chart of objects(e.charts))
				for (const line of objects(chart.lines))
					if (text(line.model) && !models.has(line.model))
						models.set(line.model, models.size);
	}
	const of = (model) => models.has(model) ? models.get(model) : -1;

	/* What a value of this unit is written as: seconds and bytes in what fits them. */
	function format(unit) {
		const formats = { s: W.seconds, B: (x) => is(x) ? W.rate(x, 'B') : W.NONE, share: (x) => W.percent(x),
			'%': (x) => is(x) ? W.short(x) + '\u00a0%' : W.NONE };
		return Object.hasOwn(formats, unit) ? formats[unit] : W.short;
	}
	const titled = (axis) => text(axis.label) + (text(axis.unit) && format(axis.unit) === W.short ? ', ' + axis.unit
		: '');

	return { text, objects, findings, prose, verdict, badge, sign, word, open, tally, guessed, origin, meet, of,
		format, titled };
})();
