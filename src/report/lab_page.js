'use strict';
/* The page of a lab: the first screen, then a section for every experiment, in the document's order. */
(() => {
	const { el } = Words, { text, objects, findings, prose, verdict, sign, meet } = Lab;

	function repeat(doc) {
		return text(doc.command) ? [el('h2', null, 'Repeat it'), Pieces.command('The command', doc.command),
			Pieces.known('On what', [['Machine', Pieces.machine(doc.machine)],
				['Size', text(doc.size)], ['Seed', Words.is(doc.seed) ? String(doc.seed) : ''],
				['Took', Words.is(doc.seconds) ? Words.seconds(doc.seconds) : ''], ['Started', Words.date(doc.started)],
				['Unroll', [text(doc.version), Words.is(doc.id) ? 'lab ' + doc.id
					: null].filter(Boolean).join(', ')]])] : null;
	}

	Frame.start((doc) => {
		const experiments = objects(doc.experiments).filter((e) => text(e.name));
		meet(doc);
		LabQuiz.begin(doc);
		Frame.sections([['front', null, 'Summary', LabFront.front(doc)],
			...experiments.map((e) => [e.name, text(e.title) || e.name, text(e.title), LabSection.section(e, doc)]),
			['repeat', 'Repeat it', 'Repeat it', repeat(doc)]], (id, title) => {
			const e = experiments.find((x) => x.name === id);
			return el('a', { href: '#' + id }, prose(title), e ? el('span', { class: 'signs' },
				findings(e).map((f) => sign(verdict(f)))) : null);
		});
		LabQuiz.score();
		Frame.names(doc, ['Lab', (doc.machine || {}).processor], 'lab');
	});
})();
