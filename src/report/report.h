/* A comparison, or a lab, as one HTML file that opens from disk with no network, made from the store alone; and the
 * same page served while it grows. The store keeps a lab as it keeps a comparison: with a document. */
#ifndef UR_REPORT_H
#define UR_REPORT_H

#include "store/store.h"

/* The document (docs/COMPARISON.md, docs/LAB.md) with what the store knows beside it: "id", "status" and, for every
 * contender, "curves" from the metrics of its main runs. A new reference. id 0: the newest. UR_E_INVALID: there is
 * none. */
ur_status ur_report_json(ur_store *store, int64_t id, json_t **document, ur_err *err);
/* The page, written atomically. */
ur_status ur_report_write(ur_store *store, int64_t id, const char *path, ur_err *err);

/* Serves http://127.0.0.1:port/ (0: any free one; *port is set) from a thread of its own that opens the store for
 * itself: "/" the page, "/document.json" the document, which the page asks for anew while the comparison runs. Only
 * GET and HEAD, only requests whose Host is this machine's. */
typedef struct ur_live ur_live;
ur_status ur_live_start(const char *store_path, int64_t id, int *port, ur_live **live, ur_err *err);
/* NULL is fine. */
void ur_live_stop(ur_live *live);

#endif
