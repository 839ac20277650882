'use strict';
/* The first screen: what this is, on which machine, the lesson's closing table, and all verdicts. */
const LabFront = (() => {
	const W = Words, { el, array, is } = W, { p, progress, machine } = Pieces;
	const { text, objects, findings, prose, badge, tally, guessed, origin, open } = Lab;

	/* A cell says what was found and links to where. Narrow screens show columns as labels, which data-label has. */
	function cell(doc, c, label) {
		const there = objects(doc.experiments).some((e) => e.name === c.experiment);
		const className = !text(c.origin) ? 'unknown' : guessed(c.origin) ? 'guess' : null;
		return el('td', { 'data-label': label, class: className },
			el('span', { class: [...text(c.text)].length <= 16 && text(c.note) ? 'what figure' : 'what' },
				there ? el('a', { href: '#' + c.experiment }, prose(c.text)) : prose(c.text), ' ', origin(c.origin)),
			text(c.note) ? el('small', null, prose(c.note)) : null);
	}

	function summary(doc) {
		const s = doc.summary || {}, columns = array(s.columns).map(text), rows = objects(s.rows);
		if (!rows.length)
			return null;
		return [el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Summary' },
			el('table', { class: 'summary' }, el('caption', { class: 'hidden' }, 'Summary'),
				el('thead', null, el('tr', null, columns.map((c) => el('th', { scope: 'col' }, prose(c))))),
				el('tbody', null, rows.map((r) => el('tr', null, el('th', { scope: 'row' }, prose(r.name)),
					objects(r.cells).map((c, i) => cell(doc, c, columns[i + 1] || ''))))))),
			text(s.words) ? p('about', prose(s.words)) : null];
	}

	function verdicts(doc) {
		const list = objects(doc.experiments).filter((e) => findings(e).length);
		return list.length ? [el('h2', { class: 'minor' }, 'All verdicts'),
			el('ul', { class: 'all' }, list.map((e) => el('li', null,
				el('a', { href: '#' + e.name }, prose(e.title)),
				el('ul', null, findings(e).map((f) => el('li', null, badge(f, e),
					el('span', { class: 'claim' }, prose(f.claim))))))))] : null;
	}

	function lead(doc) {
		const found = objects(doc.experiments).flatMap((e) => findings(e)
			.filter((f) => !(open(e) && Lab.verdict(f) === 'missing')));
		return p('lead',
			'Each claim of the lesson, stated with the rule that decides it before anything was measured, then ',
			'measured on this machine. ', found.length ? `Of ${W.many(found.length, 'claim')}, ${W.list(
				tally(found))}.` : 'Verdicts appear as they are found.');
	}

	const SIZES = { quick: 'A quick lab', full: 'A full lab' };

	function front(doc) {
		const stage = doc.stage || {}, at = objects(doc.experiments).find((e) => e.name === stage.experiment);
		const m = machine(Object.assign({}, doc.machine, { memory_free: null }));
		return [
			p('eyebrow', [SIZES[doc.size] || 'The lab', W.date(doc.started), is(doc.seconds) && doc.state !== 'running'
				? `took ${W.seconds(doc.seconds)}` : null].filter(Boolean).join(' \u00b7 ')),
			el('h1', null, 'Why transformers replaced RNNs, and when they should not'),
			lead(doc),
			m ? p('machine', el('span', { class: 'sure' }, 'This machine: '), m) : null,
			doc.state === 'running' ? progress(doc, [at ? text(at.title) : '',
				text(stage.what)].filter(Boolean).join(': '),
				'lab') : null,
			summary(doc),
			verdicts(doc),
		];
	}

	return { front };
})();
