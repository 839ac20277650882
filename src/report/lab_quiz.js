'use strict';
/* The quiz: an answer is checked at once, the first one counts, and the score stands in the header for as long as the
 * page's tab is open. A click answers; by keyboard the arrows choose, and Enter or the button answers. */
const LabQuiz = (() => {
	const { el, fill, keep } = Words, { text, objects, prose } = Lab;
	const PLACE = 'unroll-quiz';
	const LETTERS = 'ABCDEFGHIJ';

	/* ---- what was answered: {question's key: the choice} ---- */

	let answers = {}, questions = [], lab = '';
	try {
		const kept = JSON.parse(sessionStorage.getItem(PLACE));
		if (kept && typeof kept === 'object')
			answers = kept;
	} catch (e) { /* a page from disk may have no storage: then they hold until it is left */ }
	function keepAnswers() {
		try {
			sessionStorage.setItem(PLACE, JSON.stringify(answers));
		} catch (e) { /* as above */ }
	}
	const given = (key) => Object.hasOwn(answers, key) ? answers[key] : null;

	/* ---- the score ---- */

	function score() {
		const line = document.getElementById('score'), done = questions.filter((q) => given(q.key) !== null);
		const right = done.filter((q) => given(q.key) === q.answer).length, left = questions.length - done.length;
		line.hidden = !questions.length;
		const next = questions.find((q) => given(q.key) === null);
		fill(line, [
			done.length ? el('b', null, `${right} of ${done.length} right`) : null,
			next ? el('button', { type: 'button', class: 'next', onclick: () => go() },
				done.length ? `${left} to go` : `Quiz: ${Words.many(left, 'question')}`) : null,
			done.length ? el('button', { type: 'button', class: 'plain', onclick: forget }, 'Start over') : null]);
	}

	/* To the first question that is open. */
	function go() {
		const next = questions.find((q) => given(q.key) === null);
		if (next) {
			next.node.scrollIntoView({ block: 'center' });
			next.node.querySelector('input').focus({ preventScroll: true });
		}
	}
	function forget() {
		answers = {};
		keepAnswers();
		questions.forEach((q) => q.node.draw(q));
		score();
	}

	/* ---- a question ---- */

	function make(key, question, choices) {
		const said = el('p', { class: 'because', role: 'status' });
		const check = el('button', { type: 'submit', class: 'plain', hidden: true }, 'Check');
		const inputs = choices.map((c, i) => el('input', { type: 'radio', name: 'q', value: String(i) }));
		const labels = choices.map((c, i) => el('label', null, inputs[i], el('span', { class: 'letter',
			'aria-hidden': 'true' }, LETTERS[i]), el('span', { class: 'choice-text' }, prose(c)),
		el('span', { class: 'mark' })));
		const node = el('form', { class: 'question' }, el('fieldset', null, el('legend', null, prose(question)),
			labels),
			check, said);
		const chosen = () => inputs.findIndex((input) => input.checked);

		function answer() {
			if (given(key) !== null || chosen() < 0)
				return;
			answers[key] = chosen();
			keepAnswers();
			node.draw(node.asked);
			score();
		}
		node.addEventListener('submit', (event) => {
			event.preventDefault();
			answer();
		});
		node.addEventListener('change', () => { check.hidden = given(key) !== null || chosen() < 0; });
		/* arrows in a group of radio buttons make clicks too, which have no count */
		inputs.forEach((input) => input.addEventListener('click', (event) => {
			if (event.detail > 0)
				answer();
		}));
		node.draw = (asked) => {
			const choice = given(key), right = choice === asked.answer;
			node.asked = asked;
			node.classList.toggle('answered', choice !== null);
			inputs.forEach((input, i) => {
				input.disabled = choice !== null && i !== choice;
				if (choice !== null || check.hidden)
					input.checked = i === choice;
			});
			labels.forEach((label, i) => {
				const name = choice === null ? '' : i === asked.answer ? 'right' : i === choice ? 'wrong' : 'other';
				label.className = name;
				label.querySelector('.mark').textContent = name === 'right' ? 'right' : name === 'wrong'
					? 'your answer' : '';
			});
			if (choice !== null)
				check.hidden = true;
			const words = choice === null ? [] : [el('b', null, right ? 'Right. ' : 'Not so. '), prose(asked.because)];
			fill(said, words.flat().filter(Boolean).map((n) => typeof n === 'string' ? document.createTextNode(n) : n));
		};
		return node;
	}

	/* Before the sections are made anew: which lab this is. */
	function begin(doc) {
		lab = String(doc.started || '');
		questions = [];
	}

	/* The questions of an experiment, as nodes. */
	function of(e) {
		return objects(e.questions).filter((q) => text(q.question) && Array.isArray(q.choices) && q.choices.length > 1
			&& Number.isInteger(q.answer) && q.answer >= 0 && q.answer < q.choices.length).map((q) => {
			const key = JSON.stringify([lab, e.name, q.question, q.choices]);
			const node = keep('question ' + key, () => make(key, q.question, q.choices.map(String)));
			const asked = { key, node, answer: q.answer, because: text(q.because) };
			questions.push(asked);
			node.draw(asked);
			return node;
		});
	}

	return { begin, of, score };
})();
