'use strict';
/* The section of one experiment: what it asks, the explanation, its findings, charts and tables, how it was measured,
 * and its questions. */
const LabSection = (() => {
	const W = Words, { el, array, is } = W, { p, details, command, box } = Pieces;
	const { text, findings, prose, verdict, badge } = Lab;

	function finding(e, f) {
		const before = [['Prediction', f.prediction], ['Rule', f.rule]].filter(([, words]) => text(words));
		return el('article', { class: 'finding v-' + verdict(f), id: `${e.name}-${text(f.name)}` },
			badge(f, e), el('h3', null, prose(f.claim)),
			text(f.condition) ? p('condition', el('b', null, 'When: '), prose(f.condition)) : null,
			text(f.words) ? p('', prose(f.words)) : null,
			before.length ? details(`${e.name} ${text(f.name)}`, 'before', 'Decided before measuring',
				[el('dl', null, before.map(([k, words]) => el('div', null, el('dt', null, k), el('dd', null,
					prose(words)))))])
				: null);
	}

	const STATES = {
		waiting: ['Waiting. ', 'This experiment has not begun. What it claims, and what decides, stands already.'],
		running: ['Running. ', 'This experiment is being measured now. What is known appears as it is found.'],
		'waiting killed': ['Not measured yet. ', 'The lab was interrupted before it came to this.'],
		'running killed': ['Interrupted. ', 'What had been measured stands here; the same command goes on from it.'],
	};

	function state(e, doc) {
		const words = STATES[e.state + (doc.status === 'killed' ? ' killed' : '')];
		if (e.state === 'missing')
			return p('notice', el('b', null, 'Not measured on this machine. '), text(e.why) ? prose(W.sentence(e.why))
				: null);
		return words ? p('notice calm', el('b', null, words[0]), words[1]) : null;
	}

	function how(e) {
		const lines = array(e.how).filter((words) => text(words));
		return lines.length || text(e.command) ? details('how ' + e.name, 'how', 'How it was measured', [
			lines.map((words) => p('', prose(words))),
			is(e.seconds) && e.seconds > 0 ? p('about', `Measuring took ${W.seconds(e.seconds)}.`) : null,
			text(e.command) ? command('This experiment alone', e.command, 'command ' + e.name) : null]) : null;
	}

	function section(e, doc) {
		const stated = findings(e), questions = LabQuiz.of(e), tables = LabFigures.tables(e);
		return [
			p('eyebrow', text(e.claims) ? `Claim${e.claims.includes(',') ? 's' : ''} ${e.claims} of the lesson`
				: 'From the experiments above'),
			el('h2', null, prose(e.title)),
			p('lead', prose(e.question)),
			array(e.lesson).filter((words) => text(words)).map((words) => p('', prose(words))),
			state(e, doc),
			stated.length ? box('findings ' + e.name, 'div', { class: 'findings' }, stated.map((f) => finding(e, f)))
				: null,
			LabFigures.charts(e),
			tables,
			how(e),
			questions.length ? [el('h3', null, 'Check yourself'), box('quiz ' + e.name, 'div', { class: 'quiz' },
				questions)]
				: null,
		];
	}

	return { section };
})();
