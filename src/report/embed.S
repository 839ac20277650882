/* The parts of pages (parts.def) as bytes of the program: ur_page_NAME, ending at ur_page_NAME_end. The files' folder
 * comes from CMakeLists.txt, which also assembles this anew when one of them changes. */
#define PART(name, file) EMBED(ur_page_##name, file)
#define EMBED(name, file) \
	.section .rodata.name, "a", %progbits; \
	.global name; .type name, %object; name: ; \
	.incbin file; \
	.global name##_end; name##_end: ; \
	.size name, . - name

#include "report/parts.def"

	.section .note.GNU-stack, "", %progbits
