'use strict';
/* What is around every page: light and dark, paper, and asking for newer documents. */
const Frame = (() => {

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

	/* ---- paper: light, with the short tables and what is to be read open, and charts as wide as the sheet ---- */

	let opened = [];
	addEventListener('beforeprint', () => {
		theme('light');
		opened = [...document.querySelectorAll('details:not([open])')].filter((d) => !d.data
			|| d.data.rows.length <= 60);
		opened.forEach((d) => {
			d.open = true;
			if (d.draw)
				d.draw();
		});
		Charts.resize(620, 300);
	});
	addEventListener('afterprint', () => {
		opened.forEach((d) => { d.open = false; });
		theme(wanted());
		Charts.resize();
	});

	/* ---- live: asks for a newer document every 2 s while there may be one ---- */

	const EVERY = 2000;
	let tag = null, doc = {}, show = null;

	function take(next) {
		doc = next && typeof next === 'object' ? next : {};
		show(doc);
	}

	async function poll() {
		const live = document.getElementById('live');
		let lost = false;
		try {
			const answer = await fetch('document.json', { headers: tag ? { 'If-None-Match': tag } : {},
				cache: 'no-store' });
			if (answer.status === 200) {
				tag = answer.headers.get('ETag');
				take(await answer.json());
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

	/* Shows the document that is in the page, and newer ones as they come: view(document). */
	function start(view) {
		show = view;
		theme(wanted());
		take(JSON.parse(document.getElementById('document').textContent));
		if (document.documentElement.dataset.mode === 'live')
			poll();
	}

	/* The page's sections in order, [id, title, label, nodes]: one that has nothing to say is not shown; those with a
	 * title are among the contents, as entry(id, title) or a plain link. */
	function sections(list, entry) {
		const { el, fill } = Words, links = [];
		fill(document.getElementById('main'), list.map(([id, title, label, some]) => {
			const nodes = (some || []).flat(Infinity).filter(Boolean);
			if (!nodes.length)
				return null;
			if (title)
				links.push(el('li', null, entry ? entry(id, title) : el('a', { href: '#' + id }, title)));
			return Pieces.box('section ' + id, 'section', { id, 'aria-label': label, tabindex: '-1' }, nodes);
		}));
		fill(document.getElementById('contents'), links);
	}

	/* Title of the window, what stands beside the brand, and the last line. */
	function names(doc_, title, kind) {
		const joined = (parts) => parts.filter(Boolean).join(' \u00b7 ');
		document.title = joined([...title, 'Unroll']);
		document.getElementById('origin').textContent = joined(['report', Words.is(doc_.id) ? `${kind} ${doc_.id}`
			: null]);
		document.getElementById('footer').textContent = joined(['Made by Unroll ' + (doc_.version || ''),
			Words.date(doc_.started), 'Charts: Chart.js, MIT licence']);
	}

	return { start, sections, names };
})();
