'use strict';
/* The page of a comparison: its sections in order. */
(() => {
	const { el } = Words, { doc } = Facts;

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

	/* A section without anything to say has no heading either. */
	function headed(title, nodes) {
		const some = (nodes || []).flat(Infinity).filter(Boolean);
		return title && some.length ? [el('h2', null, title), ...some] : some;
	}

	Frame.start((next) => {
		Facts.set(next);
		Frame.sections(SECTIONS.map(([id, title, view]) => [id, title, title || 'The answer', headed(title, view())]));
		const data = doc.data || {};
		Frame.names(doc, [doc.advice && doc.advice.pick ? `Use ${doc.advice.pick}` : 'Comparison',
			data.name || data.path || ''], 'comparison');
	});
})();
