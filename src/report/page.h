/* Pages as text: the parts that embed.S holds, put together around a document. Of this room only. */
#ifndef UR_PAGE_H
#define UR_PAGE_H

#include "base/status.h"

#include <jansson.h>

/* The document as JSON text that may stand in a <script>: no '<', and no line separators that old JavaScript knew as
 * line ends. malloc'd; NULL: no memory. */
char *ur_page_json(const json_t *document, size_t *bytes);

/* The page of a document of this kind (pages.def). */
typedef struct ur_page ur_page;
const ur_page *ur_page_of(const json_t *document);

/* One whole HTML file around such text; malloc'd, ends with 0. `live`: it asks its server for newer documents. */
ur_status ur_page_text(const ur_page *page, const char *json, size_t json_bytes, int live, char **text, size_t *bytes,
                       ur_err *err);

#endif
