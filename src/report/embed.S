/* The page's parts as bytes of the program: NAME, ending at NAME_end. Each file's path comes from CMakeLists.txt, which
 * also assembles this anew when one of them changes. */
#define EMBED(name, path) \
	.section .rodata.name, "a", %progbits; \
	.global name; .type name, %object; name: ; \
	.incbin path; \
	.global name##_end; name##_end: ; \
	.size name, . - name

EMBED(ur_page_html, PAGE_HTML)
EMBED(ur_page_css, PAGE_CSS)
EMBED(ur_page_chart_library, CHART_JS)
EMBED(ur_page_words_js, WORDS_JS)
EMBED(ur_page_tables_js, TABLES_JS)
EMBED(ur_page_charts_js, CHARTS_JS)
EMBED(ur_page_facts_js, FACTS_JS)
EMBED(ur_page_answer_js, ANSWER_JS)
EMBED(ur_page_measured_js, MEASURED_JS)
EMBED(ur_page_translated_js, TRANSLATED_JS)
EMBED(ur_page_evidence_js, EVIDENCE_JS)
EMBED(ur_page_page_js, PAGE_JS)

	.section .note.GNU-stack, "", %progbits
