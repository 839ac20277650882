'use strict';
/* Pieces that pages are made of: boxes that outlive an update, paragraphs, commands to copy, progress, what a machine
 * is. */
const Pieces = (() => {
	const W = Words, { el, fill, keep, is } = W;

	/* The node of this key, made once, with these nodes in it. */
	const box = (key, tag, attributes, nodes) => {
		const node = keep(key, () => el(tag, attributes));
		fill(node, nodes);
		return node;
	};
	const p = (className, ...children) => el('p', className ? { class: className } : null, ...children);

	/* What may be opened, and stays so when the page is updated. */
	const details = (key, className, summary, nodes) => box('details ' + key, 'details', { class: className },
		[el('summary', null, summary), box('details in ' + key, 'div', { class: 'inside' }, nodes)]);

	function command(label, text, key = label) {
		const button = el('button', { type: 'button', class: 'plain copy' }, 'Copy');
		const node = keep('command ' + key, () => el('div', { class: 'command' }));
		button.addEventListener('click', () => copy(text, button, node.querySelector('pre')));
		if (node.text !== text) {
			node.text = text;
			fill(node, [el('h3', null, label), el('div', { class: 'line' },
				el('pre', { tabindex: '0', role: 'region', 'aria-label': label }, text), button)]);
		}
		return node;
	}

	async function copy(text, button, source) {
		let done = false;
		try {
			await navigator.clipboard.writeText(text);
			done = true;
		} catch (e) {
			/* a page from disk may have no clipboard: what is selected is copied the old way */
			const range = document.createRange();
			range.selectNodeContents(source);
			getSelection().removeAllRanges();
			getSelection().addRange(range);
			done = document.execCommand('copy');
		}
		button.textContent = done ? 'Copied' : 'Press Ctrl-C';
		setTimeout(() => { button.textContent = 'Copy'; }, 2000);
	}

	/* [[value, its words], ...] as a list; what is missing is left out */
	const said = (list) => list.filter(([value]) => value).map(([value, words]) => words(value)).join(', ');

	const machine = (m) => said([[(m || {}).processor, String], [(m || {}).threads, (n) => W.many(n, 'thread')],
		[(m || {}).kernels, (k) => k + ' kernels'],
		[(m || {}).peak_flops, (x) => W.rate(x, 'flop/s') + ' at its peak'],
		[(m || {}).bandwidth, (x) => W.rate(x, 'B/s') + ' from memory'],
		[(m || {}).memory_free, (x) => W.bytes(x) + ' of memory free']]);

	/* [[name, text], ...] under a heading; rows without a text are left out */
	function known(heading, rows) {
		const have = rows.filter((r) => r[1]);
		return have.length ? [el('h3', null, heading), el('dl', { class: 'facts' },
			have.map(([k, v]) => el('div', null, el('dt', null, k), el('dd', null, String(v)))))] : null;
	}

	/* How far it has come: a document's stage, in these words; of "what" if it was cut off. */
	function progress(doc, words, what) {
		const s = doc.stage || {}, share = is(s.share) ? Math.max(0, Math.min(1, s.share)) : null;
		const cut = doc.status === 'killed';
		const bar = el('progress', { max: '1', value: share === null ? null : String(share),
			'aria-label': `Progress of the ${what}` });
		return el('div', { class: 'progress' + (cut ? ' cut' : '') },
			p('stage', el('b', null, cut ? 'Interrupted' : share === null ? 'Running' : W.percent(share)), ' ',
				cut ? `The ${what} was cut off. The same command goes on where it stopped.` : words,
				!cut && is(s.eta) ? el('span', { class: 'eta' }, `about ${W.seconds(s.eta)} left`) : null),
			bar);
	}

	return { box, p, details, command, said, machine, known, progress };
})();
