/* What bench_gemm_peers times: one product C(M, N) = A(M, K) B(K, N) by one library. B comes both ways round,
 * because libraries differ in which they like. */
#ifndef GEMM_PEER_H
#define GEMM_PEER_H

struct gemm_case {
	int M, N, K;
	const float *A;   /* (M, K) */
	const float *B;   /* (K, N) */
	const float *W;   /* (N, K): B transposed, as a layer's weights lie in a model */
	float *C;         /* (M, N) */
};

enum { GEMM_VARIANTS = 2 };

/* A library that needs preparation per shape. open returns NULL where it cannot do the shape in this variant. */
struct gemm_peer {
	const char *name;
	const char *variants[GEMM_VARIANTS];
	void *(*open)(const struct gemm_case *c, int variant);
	void (*run)(void *state);
	void (*close)(void *state);
};

/* The one symbol of a peer built as a shared object. */
typedef const struct gemm_peer *gemm_peer_fn(void);
const struct gemm_peer *gemm_peer(void);

#endif
