'use strict';
/* The page: its sections in order, light and dark, paper, and asking for newer documents. A section that has nothing to
 * say of a document is not shown. */
(() => {
	const W = Words, { el, fill, is } = W, { doc, box } = Facts;

	/* ---- the page ---- */

	const SECTIONS = [
		['answer', null, Answer.answer],
		['runs', 'Runs so far', Answer.runs],
		['models', 'All models', Answer.models],
		['training', 'Learning', Measured.training],
		['context', 'Use of context', Measured.context],
		['translations', 'Translations', Translated.quality],
		['lengths', 'Long sources', Translated.lengths],
		['stepping', 'One step at a time', Measured.stepping],
		['sequences', 'Whole sequences', Measured.sequences],
		['trades', 'Quality against cost', Measured.trades],
		['sure', 'How firm this is', () => [Evidence.order(), Evidence.tuning()]],
		['shown', 'Sentence by sentence', Translated.shown],
		['samples', 'What they write', Evidence.samples],
		['repeat', 'Repeat it', Evidence.repeat],
		['method', 'How it was measured', Evidence.method],
	];

	function show(next) {
		Facts.set(next);
		const main = document.getElementById('main'), links = [];
		fill(main, SECTIONS.map(([id, title, view]) => {
			const nodes = (view() || []).flat(Infinity).filter(Boolean);
			if (!nodes.length)
				return null;
			if (title)
				links.push(el('li', null, el('a', { href: '#' + id }, title)));
			return box('section ' + id, 'section', { id, 'aria-label': title || 'The answer', tabindex: '-1' },
				[title ? el('h2', null, title) : null, ...nodes]);
		}));
		fill(document.getElementById('contents'), links);
		const data = doc.data || {}, name = data.name || data.path || '';
		document.title = [doc.advice && doc.advice.pick ? `Use ${doc.advice.pick}` : 'Comparison', name,
			'Unroll'].filter(Boolean).join(' \u00b7 ');
		document.getElementById('origin').textContent = ['report', is(doc.id) ? 'comparison ' + doc.id
			: null].filter(Boolean).join(' \u00b7 ');
		document.getElementById('footer').textContent = ['Made by Unroll ' + (doc.version || ''), W.date(doc.started),
			'Charts: Chart.js, MIT licence'].filter(Boolean).join(' \u00b7 ');
	}

	/* ---- light and dark ---- */

	const button = document.getElementById('theme'), dark = matchMedia('(prefers-color-scheme: dark)');
	function remembered() {
		try {
			return localStorage.getItem('unroll-theme');
		} catch (e) {
			return null; /* a page from disk may have no storage */
		}
	}
	function theme(name) {
		document.documentElement.dataset.theme = name;
		button.setAttribute('aria-pressed', String(name === 'dark'));
		Charts.redraw();
	}
	const wanted = () => remembered() || (dark.matches ? 'dark' : 'light');
	button.addEventListener('click', () => {
		const name = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
		try {
			localStorage.setItem('unroll-theme', name);
		} catch (e) { /* then it holds for this visit */ }
		theme(name);
	});
	dark.addEventListener('change', () => theme(wanted()));

	/* ---- paper: light, with the short tables open and charts as wide as the sheet ---- */

	let opened = [];
	addEventListener('beforeprint', () => {
		theme('light');
		opened = [...document.querySelectorAll('details:not([open])')].filter((d) => d.data
			&& d.data.rows.length <= 60);
		opened.forEach((d) => { d.open = true; d.draw(); });
		Charts.resize(620, 300);
	});
	addEventListener('afterprint', () => {
		opened.forEach((d) => { d.open = false; });
		theme(wanted());
		Charts.resize();
	});

	/* ---- live: asks for a newer document every 2 s while there may be one ---- */

	const EVERY = 2000;
	let tag = null;

	async function poll() {
		const live = document.getElementById('live');
		let lost = false;
		try {
			const answer = await fetch('document.json', { headers: tag ? { 'If-None-Match': tag } : {},
				cache: 'no-store' });
			if (answer.status === 200) {
				tag = answer.headers.get('ETag');
				show(await answer.json());
			}
			lost = answer.status !== 200 && answer.status !== 304;
		} catch (e) {
			lost = true;
		}
		live.hidden = false;
		live.className = lost ? 'lost' : doc.state === 'running' ? 'on' : 'done';
		const words = lost ? 'Connection lost; trying again' : doc.state === 'running'
			? (doc.status === 'killed' ? 'Interrupted' : 'Live') : 'Finished';
		if (live.textContent !== words)
			live.textContent = words;
		if (lost || doc.state === 'running')
			setTimeout(poll, EVERY);
	}

	theme(wanted());
	show(JSON.parse(document.getElementById('document').textContent));
	if (document.documentElement.dataset.mode === 'live')
		poll();
})();
