/* oneDNN for bench_gemm_peers, built as a shared object once per oneDNN at hand (2.x and 3.x differ in their C API).
 * Weights are given with format "any", so that the library packs them as it likes, once, in open. */
#include "gemm_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <oneapi/dnnl/dnnl.h>

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t desc;       /* a handle */
typedef const_dnnl_memory_desc_t desc_ref;
#define REF(d) (d)
#else
typedef dnnl_memory_desc_t desc;       /* a struct */
typedef const dnnl_memory_desc_t *desc_ref;
#define REF(d) (&(d))
#endif

enum { MATMUL, INNER_PRODUCT };

struct state {
	dnnl_engine_t engine;
	dnnl_stream_t stream;
	dnnl_primitive_t product;
	dnnl_memory_t a, w, c;
};

static int make_desc(desc *d, dnnl_dim_t rows, dnnl_dim_t cols, dnnl_format_tag_t tag)
{
	dnnl_dims_t dims = { rows, cols };
#if DNNL_VERSION_MAJOR >= 3
	return dnnl_memory_desc_create_with_tag(d, 2, dims, dnnl_f32, tag) == dnnl_success;
#else
	return dnnl_memory_desc_init_by_tag(d, 2, dims, dnnl_f32, tag) == dnnl_success;
#endif
}

static int make_product(dnnl_primitive_desc_t *out, dnnl_engine_t engine, int variant, desc_ref a, desc_ref w,
                        desc_ref c)
{
#if DNNL_VERSION_MAJOR >= 3
	dnnl_status_t s = variant == MATMUL ?
		dnnl_matmul_primitive_desc_create(out, engine, a, w, NULL, c, NULL) :
		dnnl_inner_product_forward_primitive_desc_create(out, engine, dnnl_forward_inference, a, w, NULL, c, NULL);
	return s == dnnl_success;
#else
	dnnl_matmul_desc_t mm;
	dnnl_inner_product_desc_t ip;
	dnnl_status_t s = variant == MATMUL ? dnnl_matmul_desc_init(&mm, a, w, NULL, c) :
		dnnl_inner_product_forward_desc_init(&ip, dnnl_forward_inference, a, w, NULL, c);
	if (s != dnnl_success)
		return 0;
	return dnnl_primitive_desc_create(out, variant == MATMUL ? (const void *)&mm : (const void *)&ip, NULL, engine,
	                                  NULL) == dnnl_success;
#endif
}

static int pack(struct state *s, desc_ref from, const float *data, desc_ref to)
{
	dnnl_memory_t plain = NULL;
	dnnl_primitive_desc_t pd = NULL;
	dnnl_primitive_t reorder = NULL;
	int done = 0;

	if (dnnl_memory_create(&plain, from, s->engine, (void *)(size_t)data) == dnnl_success &&
	    dnnl_reorder_primitive_desc_create(&pd, from, s->engine, to, s->engine, NULL) == dnnl_success &&
	    dnnl_primitive_create(&reorder, pd) == dnnl_success) {
		dnnl_exec_arg_t args[] = { { DNNL_ARG_FROM, plain }, { DNNL_ARG_TO, s->w } };
		done = dnnl_primitive_execute(reorder, s->stream, 2, args) == dnnl_success &&
		       dnnl_stream_wait(s->stream) == dnnl_success;
	}
	dnnl_primitive_destroy(reorder);
	dnnl_primitive_desc_destroy(pd);
	dnnl_memory_destroy(plain);
	return done;
}

static void close_state(void *state)
{
	struct state *s = state;
	dnnl_memory_destroy(s->a);
	dnnl_memory_destroy(s->w);
	dnnl_memory_destroy(s->c);
	dnnl_primitive_destroy(s->product);
	dnnl_stream_destroy(s->stream);
	dnnl_engine_destroy(s->engine);
	free(s);
}

static void *open_state(const struct gemm_case *c, int variant)
{
	struct state *s = calloc(1, sizeof *s);
	int matmul = variant == MATMUL, done = 0;
	dnnl_dim_t wr = matmul ? c->K : c->N, wc = matmul ? c->N : c->K;
	desc a, any, plain, y;
	dnnl_primitive_desc_t pd = NULL;

	if (!s)
		return NULL;
	if (dnnl_engine_create(&s->engine, dnnl_cpu, 0) == dnnl_success &&
	    dnnl_stream_create(&s->stream, s->engine, dnnl_stream_default_flags) == dnnl_success &&
	    make_desc(&a, c->M, c->K, dnnl_ab) && make_desc(&any, wr, wc, dnnl_format_tag_any) &&
	    make_desc(&plain, wr, wc, dnnl_ab) && make_desc(&y, c->M, c->N, dnnl_ab) &&
	    make_product(&pd, s->engine, variant, REF(a), REF(any), REF(y)) &&
	    dnnl_primitive_create(&s->product, pd) == dnnl_success) {
		desc_ref packed = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
		done = dnnl_memory_create(&s->a, REF(a), s->engine, (void *)(size_t)c->A) == dnnl_success &&
		       dnnl_memory_create(&s->c, REF(y), s->engine, c->C) == dnnl_success &&
		       dnnl_memory_create(&s->w, packed, s->engine, DNNL_MEMORY_ALLOCATE) == dnnl_success &&
		       pack(s, REF(plain), matmul ? c->B : c->W, packed);
	}
	dnnl_primitive_desc_destroy(pd);
	if (done)
		return s;
	close_state(s);
	return NULL;
}

static void run_state(void *state)
{
	struct state *s = state;
	dnnl_exec_arg_t args[] = { { DNNL_ARG_SRC, s->a }, { DNNL_ARG_WEIGHTS, s->w }, { DNNL_ARG_DST, s->c } };
	dnnl_primitive_execute(s->product, s->stream, 3, args);
	dnnl_stream_wait(s->stream);
}

const struct gemm_peer *gemm_peer(void)
{
	static char name[32];
	static const struct gemm_peer peer = {
		.name = name, .variants = { "matmul", "inner product" },
		.open = open_state, .run = run_state, .close = close_state,
	};
	const dnnl_version_t *v = dnnl_version();
	snprintf(name, sizeof name, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
	return &peer;
}
