'use strict';
/* The document on the page, and what the sections ask of it. A field may be missing or null anywhere. */
const Facts = (() => {
	const { el, is, array, named, mean } = Words;
	/* the one document; a newer one replaces its fields */
	const doc = {};
	let index = new Map(), translations = new Map();

	function set(next) {
		Object.keys(doc).forEach((key) => delete doc[key]);
		Object.assign(doc, next && typeof next === 'object' ? next : {});
		index = new Map(contenders().map((c, i) => [c.name, i]));
		translations = new Map(array((doc.pairs || {}).models).filter((m) => m && typeof m === 'object')
			.map((m) => [m.name, m]));
	}

	const contenders = () => array(doc.contenders).filter((c) => c && typeof c === 'object');
	const ordered = () => [...contenders()].sort((a, b) => Tables.compare(a.rank, b.rank, 1));
	const of = (name) => index.has(name) ? index.get(name) : -1;
	const model = (name, ...more) => named(name, of(name), ...more);
	const seeds = () => array((doc.setting || {}).seeds);
	/* losses of the runs that have one */
	const trained = (c) => array(c.runs).map((r) => r.loss).filter(is);
	/* a single step, by position */
	const latency = (c) => array(c.steps).filter((s) => s && is(s.position));
	/* the one models are compared by: where all were timed as they are, or else the last that this one was made for */
	const position = () => (doc.setting || {}).position;
	const compared = (c) => latency(c).find((s) => s.position === position())
		|| latency(c).filter((s) => !s.stretched).slice(-1)[0] || {};
	/* of pairs: a model's translations; the median time of a sentence, and the bytes that it takes */
	const paired = () => !!doc.pairs && typeof doc.pairs === 'object';
	const translated = (c) => translations.get(c.name) || {};
	const taken = (c) => (translated(c).sentence || {}).p50_us;
	const held = (c) => {
		const s = translated(c).sentence || {};
		return is(s.remembered_bytes) && is(s.state_bytes) ? s.remembered_bytes + s.state_bytes : null;
	};
	const file = (c) => is(c.file_bytes) ? c.file_bytes : c.weight_bytes;

	/* ---- pieces of a page ---- */

	/* a spec, which may break behind its commas */
	const spec = (text) => el('code', null, String(text
		|| '').split(/(?<=,)/).flatMap((part) => [part, el('wbr')]).slice(0, -1));

	return { doc, set, contenders, ordered, of, model, seeds, trained, latency, position, compared, file, paired,
		translated, taken, held,
		spec };
})();
