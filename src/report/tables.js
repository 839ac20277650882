'use strict';
/* Tables: one that sorts by any column, plain ones, and the numbers under a chart. Every table has a scroll area of its
 * own, which the keyboard can reach. */
const Tables = (() => {
	const { el, fill, keep, is } = Words;

	const scroll = (table, label) => el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label },
		table);

	/* columns: [{label, numeric, note}], rows: arrays of text or nodes. The first cell of a row is its heading. */
	function plain(label, columns, rows, className) {
		const head = columns.map((c) => el('th', { scope: 'col', class: c.numeric ? 'number' : null }, c.label));
		const body = rows.map((row) => el('tr', { class: row.className || null }, (row.cells || row).map((cell, i) =>
			el(i === 0 ? 'th' : 'td', { scope: i === 0 ? 'row' : null, class: columns[i].numeric ? 'number' : null },
				cell))));
		return scroll(el('table', { class: className || null }, el('caption', { class: 'hidden' }, label),
			el('thead', null, el('tr', null, head)), el('tbody', null, body)), label);
	}

	/* Missing values come last in either direction; equal ones keep their order. */
	function compare(a, b, direction) {
		const none = (x) => x === null || x === undefined || x === '' || (typeof x === 'number' && !is(x));
		if (none(a) || none(b))
			return none(a) - none(b);
		return direction * (typeof a === 'string' || typeof b === 'string' ? String(a).localeCompare(String(b), 'en')
			: a - b);
	}

	/* columns: [{label, unit, numeric, value(item): what it sorts by, cell(item), first: 1 or -1}]. Sorted by column
	 * `standard`, null: as the items come. The order chosen by the reader outlives an update of the items. */
	function sortable(key, label, columns, items, standard) {
		const box = keep('table ' + key, () => {
			const state = { by: standard, direction: standard === null ? 1 : columns[standard].first || 1 };
			const body = el('tbody');
			const heads = columns.map((c, i) => el('th', { scope: 'col', class: c.numeric ? 'number' : null },
				el('button', { type: 'button', onclick: () => choose(i) },
					el('span', null, c.label), el('span', { class: 'arrow', 'aria-hidden': 'true' }),
					c.unit ? el('small', null, c.unit) : null)));
			const node = scroll(el('table', { class: 'sortable' }, el('caption', { class: 'hidden' }, label),
				el('thead', null, el('tr', null, heads)), body), label);

			function choose(i) {
				state.direction = state.by === i ? -state.direction : columns[i].first || 1;
				state.by = i;
				node.show(node.items);
			}
			node.show = (list) => {
				node.items = list;
				heads.forEach((th, i) => {
					if (i === state.by)
						th.setAttribute('aria-sort', state.direction > 0 ? 'ascending' : 'descending');
					else
						th.removeAttribute('aria-sort');
				});
				const value = state.by === null ? () => null : columns[state.by].value;
				const sorted = [...list].sort((a, b) => compare(value(a), value(b), state.direction));
				fill(body, sorted.map((item) => el('tr', { class: item.className || null }, columns.map((c, i) =>
					el(i === 0 ? 'th' : 'td', { scope: i === 0 ? 'row' : null, class: c.numeric ? 'number' : null },
						c.cell(item))))));
			};
			return node;
		});
		box.show(items);
		return box;
	}

	/* The numbers under a chart, made when they are opened: a curve has hundreds. */
	function numbers(key, data) {
		const node = keep('numbers ' + key, () => {
			const inside = el('div', { class: 'numbers' });
			const count = el('span', { class: 'count' });
			const details = el('details', { 'data-key': key }, el('summary', null, 'The numbers ', count), inside);
			details.draw = () => {
				count.textContent = Words.many(details.data.rows.length, 'row');
				if (!details.open)
					return;
				const before = inside.firstChild ? inside.firstChild.scrollTop : 0;
				fill(inside, [plain(details.data.label, details.data.columns, details.data.rows, 'small')]);
				inside.firstChild.scrollTop = before;
			};
			details.addEventListener('toggle', details.draw);
			return details;
		});
		node.data = data;
		node.draw();
		return node;
	}

	return { plain, sortable, numbers, compare };
})();
