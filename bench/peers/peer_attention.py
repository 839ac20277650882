"""One forward pass of causal attention, softmax(Q K^T / sqrt(d) + mask) V, with Q, K and V given, batch 1.

--engine torch: F.scaled_dot_product_attention, products and a softmax in blocks of queries, or the whole T x T matrix.
--engine onnx: ONNX Runtime's fused operators. Every way is held to NumPy at a smaller T before it is timed.
"""
import math

import peer

ORT_WAYS = ("attention23", "multihead", "groupquery")


def reference(np, q, k, v):
    """Float64 attention; q, k, v: (heads, T, d)."""
    q, k, v = (a.astype(np.float64) for a in (q, k, v))
    s = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
    s[:, np.triu(np.ones(s.shape[1:], bool), 1)] = -np.inf
    p = np.exp(s - s.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True) @ v


def torch_ways(torch, block):
    """Functions of q, k, v: (1, heads, T, d)."""
    def whole(q, k, v):
        T = q.shape[2]
        s = q @ k.transpose(-2, -1)
        s.mul_(1 / math.sqrt(q.shape[-1])).masked_fill_(torch.ones(T, T, dtype=torch.bool).triu_(1), -math.inf)
        return s.softmax(-1) @ v

    def blocks(q, k, v):
        T, scale = q.shape[2], 1 / math.sqrt(q.shape[-1])
        out = torch.empty_like(q)
        future = torch.ones(block, block, dtype=torch.bool).triu_(1)
        for at in range(0, T, block):
            end = min(at + block, T)
            s = (q[:, :, at:end] * scale) @ k[:, :, :end].transpose(-2, -1)
            s[:, :, :, at:].masked_fill_(future[:end - at, :end - at], -math.inf)
            out[:, :, at:end] = s.softmax(-1) @ v[:, :, :end]
        return out

    ways = {"whole": whole, "blocks": blocks}
    if hasattr(torch.nn.functional, "scaled_dot_product_attention"):
        ways["sdpa"] = lambda q, k, v: torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    return ways


def run_torch(args):
    torch = peer.import_torch(args)
    import numpy as np
    ways = torch_ways(torch, args.block)
    way = args.way or ("sdpa" if "sdpa" in ways else "blocks")
    d = args.width // args.heads
    with torch.no_grad():
        q, k, v = (torch.randn(1, args.heads, args.check, d) for _ in range(3))
        error = np.abs(ways[way](q, k, v)[0].numpy() - reference(np, q[0].numpy(), k[0].numpy(), v[0].numpy())).max()
        assert error < 1e-4, f"{way} differs from NumPy by {error}"
        q, k, v = (torch.randn(1, args.heads, args.steps_long, d) for _ in range(3))
        base = peer.baseline()
        peer.measure(args, base, "seconds", lambda: ways[way](q, k, v), 1, lambda: {
            "bench": "attention", "peer": "torch " + torch.__version__, "way": way, "T": args.steps_long,
            "heads": args.heads, "width": args.width, "error_at": args.check, "error": float(error)})


def onnx_session(args, ort, way, T):
    """A session of one fused operator and the function that turns (heads, T, d) arrays into its inputs."""
    from onnx import TensorProto, helper
    import numpy as np
    d, kind = args.width // args.heads, TensorProto.FLOAT
    flat = way != "attention23"
    shape = [1, T, args.width] if flat else [1, args.heads, T, d]
    inputs = [helper.make_tensor_value_info(n, kind, shape) for n in "qkv"]
    constants = []
    if way == "attention23":
        node = helper.make_node("Attention", list("qkv"), ["y"], is_causal=1)
    elif way == "multihead":
        node = helper.make_node("MultiHeadAttention", list("qkv"), ["y"], domain="com.microsoft", num_heads=args.heads,
                                unidirectional=1)
    else:
        constants = [helper.make_tensor("last", TensorProto.INT32, [1], [T - 1]),
                     helper.make_tensor("total", TensorProto.INT32, [], [T])]
        node = helper.make_node("GroupQueryAttention", ["q", "k", "v", "", "", "last", "total"],
                                ["y", "present_k", "present_v"], domain="com.microsoft", num_heads=args.heads,
                                kv_num_heads=args.heads)
    graph = helper.make_graph([node], "attention", inputs, [helper.make_tensor_value_info("y", kind, shape)], constants)
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 23),
                                                                   helper.make_opsetid("com.microsoft", 1)])
    options = ort.SessionOptions()
    options.intra_op_num_threads = args.threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def feed(q, k, v):
        if flat:
            q, k, v = (np.ascontiguousarray(a.transpose(1, 0, 2)).reshape(1, T, -1) for a in (q, k, v))
        else:
            q, k, v = (a[None] for a in (q, k, v))
        return {"q": q, "k": k, "v": v}

    def heads_of(y):
        return y[0].reshape(T, args.heads, d).transpose(1, 0, 2) if flat else y[0]

    return session, feed, heads_of


def run_onnx(args):
    import numpy as np
    import onnxruntime as ort
    d, rng, base = args.width // args.heads, np.random.default_rng(1), peer.baseline()
    way = args.way or "groupquery"
    q, k, v = (rng.standard_normal((args.heads, args.check, d), np.float32) for _ in range(3))
    session, feed, heads_of = onnx_session(args, ort, way, args.check)
    error = np.abs(heads_of(session.run(["y"], feed(q, k, v))[0]) - reference(np, q, k, v)).max()
    assert error < 1e-4, f"{way} differs from NumPy by {error}"
    q, k, v = (rng.standard_normal((args.heads, args.steps_long, d), np.float32) for _ in range(3))
    session, feed, heads_of = onnx_session(args, ort, way, args.steps_long)
    given = feed(q, k, v)
    base = peer.baseline()
    peer.measure(args, base, "seconds", lambda: session.run(["y"], given), 1, lambda: {
        "bench": "attention", "peer": "onnxruntime " + ort.__version__, "way": way, "T": args.steps_long,
        "heads": args.heads, "width": args.width, "error_at": args.check, "error": float(error)})


def main():
    p = peer.parser(__doc__)
    p.add_argument("--engine", choices=("torch", "onnx"), default="torch")
    p.add_argument("--way", choices=("sdpa", "blocks", "whole") + ORT_WAYS, help="default: the engine's fastest")
    p.add_argument("--length", dest="steps_long", type=int, default=8192, help="T")
    p.add_argument("--heads", type=int, default=4)
    p.add_argument("--width", type=int, default=256)
    p.add_argument("--block", type=int, default=256, help="queries in a block, for --way blocks")
    p.add_argument("--check", type=int, default=512, help="the T at which the result is held to NumPy")
    args = p.parse_args()
    peer.settle(args)
    (run_onnx if args.engine == "onnx" else run_torch)(args)


if __name__ == "__main__":
    main()
