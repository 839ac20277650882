#!/usr/bin/env python3
"""Writes the golden files beside it: what PyTorch gives for the same inputs, in float64.

Inputs are drawn in float64, rounded to float32 and to what nine digits hold, so both sides start from the same
numbers. One file for each mixer, named as the mixer is, blocks.json for what surrounds one, and transformer.json for
whole layers. Run it again after changing it: `python3 tests/golden/make_golden.py`; the same version of PyTorch gives
the same files.

An array is a flat list in row-major order. A mixer's file is a list of cases:
    name, B, T, in, out, options {name: value}, len [B] or null
    x (T, B, in), dy (T, B, out), y, dx
    layers, first to last, each reading the y of the one before:
        params {name: values}, grads {name: values}
        state, state_end (B, values), dstate_end, dstate (B, values), or absent where no gradient passes through it
A mixer that reads an encoder's outputs has, beside these,
    M, S, mlen [B], memory (S, B, M), dmemory, weights (T, B, S)
Names of parameters and the order within a state are the mixer's own.
"""
import json
import math
import os

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(1)
rng = torch.Generator().manual_seed(20240607)


def draw(*shape, size=1.0):
    x = (torch.rand(*shape, generator=rng, dtype=torch.float64) * 2 - 1) * size
    return x.float().double()


def flat(x):
    return [float("%.9g" % v) for v in x.detach().reshape(-1).tolist()]


def leaf(x):
    return x.clone().requires_grad_(True)


def recurrent(kind, name, layers, lengths, inputs, hidden, T, B, options=None, nonlinearity=None):
    args = {"nonlinearity": nonlinearity} if nonlinearity else {}
    net = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind](inputs, hidden, layers, **args).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(draw(*p.shape, size=1.2 / math.sqrt(hidden)))
    x = draw(T, B, inputs)
    dy = draw(T, B, hidden)
    if lengths:
        for b, n in enumerate(lengths):
            x[n:, b] = 0
            dy[n:, b] = 0
    x = leaf(x)
    h0, dh = leaf(draw(layers, B, hidden, size=0.8)), draw(layers, B, hidden)
    c0, dc = leaf(draw(layers, B, hidden, size=0.8)), draw(layers, B, hidden)
    start = (h0, c0) if kind == "lstm" else h0
    given = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False) if lengths else x
    y, end = net(given, start)
    if lengths:
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, total_length=T)
    ends = end if kind == "lstm" else (end,)
    loss = (y * dy).sum() + (ends[0] * dh).sum() + ((ends[1] * dc).sum() if kind == "lstm" else 0)
    loss.backward()

    def state(h, c, layer):
        return flat(torch.cat([h[layer], c[layer]], dim=1) if kind == "lstm" else h[layer])

    return {
        "name": name, "B": B, "T": T, "in": inputs, "out": hidden, "options": options or {}, "len": lengths,
        "x": flat(x), "dy": flat(dy), "y": flat(y), "dx": flat(x.grad),
        "layers": [{
            "params": {n: flat(getattr(net, "%s_l%d" % (n, i))) for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")},
            "grads": {n: flat(getattr(net, "%s_l%d" % (n, i)).grad)
                      for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")},
            "state": state(h0, c0, i), "dstate": state(h0.grad, c0.grad if kind == "lstm" else None, i),
            "state_end": state(ends[0], ends[-1], i), "dstate_end": state(dh, dc, i),
        } for i in range(layers)],
    }


def rotate(x, base):
    """Hugging Face's LLaMA: x cos + rotate_half(x) sin, over (B, heads, T, E)."""
    T, E = x.shape[-2:]
    rate = base ** (-torch.arange(0, E, 2, dtype=torch.float64) / E)
    angle = torch.outer(torch.arange(T, dtype=torch.float64), rate)
    cos, sin = torch.cat([angle, angle], -1).cos(), torch.cat([angle, angle], -1).sin()
    half = torch.cat([-x[..., E // 2:], x[..., :E // 2]], -1)
    return x * cos + half * sin


def attention(name, width, T, B, heads=4, kv_heads=0, window=0, rope=0, base=10000.0, bias=1, lengths=None):
    E, kv = width // heads, kv_heads or heads
    rows = (heads + 2 * kv) * E
    p = {"qkv_weight": leaf(draw(rows, width, size=1.7 / math.sqrt(width))), "qkv_bias": leaf(draw(rows, size=0.5)),
         "o_weight": leaf(draw(width, heads * E, size=1.7 / math.sqrt(width))), "o_bias": leaf(draw(width, size=0.5))}
    x, dy = draw(T, B, width), draw(T, B, width)
    if lengths:
        for b, n in enumerate(lengths):
            x[n:, b] = 0
            dy[n:, b] = 0
    x = leaf(x)
    qkv = x @ p["qkv_weight"].T + (p["qkv_bias"] if bias else 0)
    q, k, v = (t.reshape(T, B, -1, E).permute(1, 2, 0, 3) for t in qkv.split([heads * E, kv * E, kv * E], -1))
    if rope:
        q, k = rotate(q, base), rotate(k, base)
    k, v = (t.repeat_interleave(heads // kv, 1) for t in (k, v))
    t, s = torch.arange(T)[:, None], torch.arange(T)[None, :]
    seen = (s <= t) & (t - s < (window or T))
    scores = (q @ k.transpose(-1, -2) / math.sqrt(E)).masked_fill(~seen, -math.inf)
    o = (scores.softmax(-1) @ v).permute(2, 0, 1, 3).reshape(T, B, heads * E)
    y = o @ p["o_weight"].T + (p["o_bias"] if bias else 0)
    if lengths:
        y = y * (torch.arange(T)[:, None, None] < torch.tensor(lengths)[None, :, None])
    (y * dy).sum().backward()
    used = [n for n in p if bias or "bias" not in n]
    options = {"heads": heads, "kv_heads": kv_heads, "window": window, "rope": rope, "rope_base": base, "bias": bias}
    return {
        "name": name, "B": B, "T": T, "in": width, "out": width, "options": options, "len": lengths,
        "x": flat(x), "dy": flat(dy), "y": flat(y), "dx": flat(x.grad),
        "layers": [{"params": {n: flat(p[n]) for n in used}, "grads": {n: flat(p[n].grad) for n in used}}],
    }


def attending(kind, cell, name, lengths, sources, inputs, hidden, M, T, B, S):
    """Decoder layers that look at an encoder's outputs at each step, from their papers' equations and PyTorch's cells."""
    late = kind == "luong"
    fed = hidden if late else M
    net = {"rnn": torch.nn.RNNCell, "gru": torch.nn.GRUCell, "lstm": torch.nn.LSTMCell}[cell](inputs + fed, hidden).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(draw(*p.shape, size=1.2 / math.sqrt(hidden)))

    def matrix(rows, cols):
        return leaf(draw(rows, cols, size=1.7 / math.sqrt(cols)))

    own = {"attn_weight": matrix(hidden, M), "out_weight": matrix(hidden, M + hidden)} if late else {
        "query_weight": matrix(hidden, hidden), "memory_weight": matrix(hidden, M), "score_weight": leaf(draw(hidden)),
        "out_weight": matrix(hidden, hidden + M + inputs), "out_bias": leaf(draw(hidden, size=0.5))}
    x, dy, memory = draw(T, B, inputs), draw(T, B, hidden), draw(S, B, M)
    steps, rows = torch.tensor(lengths or [T] * B), torch.tensor(sources or [S] * B)
    x[torch.arange(T)[:, None] >= steps] = 0
    dy[torch.arange(T)[:, None] >= steps] = 0
    beyond = torch.arange(S)[:, None] >= rows
    memory[beyond] = 0
    x, memory = leaf(x), leaf(memory)
    start = [leaf(draw(B, hidden, size=0.8)) for _ in range(1 + (cell == "lstm") + late)]
    dend = [draw(B, hidden) for _ in start]

    s, c, f = start[0], start[1] if cell == "lstm" else None, start[-1]
    y, weights = [], []

    def context(scores):
        alpha = scores.masked_fill(beyond, -math.inf).softmax(0)
        return alpha, (alpha[:, :, None] * memory).sum(0)

    def advance(given):
        h = net(given, (s, c) if cell == "lstm" else s)
        return h if cell == "lstm" else (h, None)

    for t in range(T):
        if late:
            s1, c1 = advance(torch.cat([x[t], f], 1))
            alpha, seen = context((s1 * (memory @ own["attn_weight"].T)).sum(2))
            out = torch.tanh(torch.cat([seen, s1], 1) @ own["out_weight"].T)
        else:
            hidden_rows = torch.tanh(s @ own["query_weight"].T + memory @ own["memory_weight"].T)
            alpha, seen = context(hidden_rows @ own["score_weight"])
            s1, c1 = advance(torch.cat([x[t], seen], 1))
            out = torch.tanh(torch.cat([s1, seen, x[t]], 1) @ own["out_weight"].T + own["out_bias"])
        on = (t < steps)[:, None]
        s, c = torch.where(on, s1, s), torch.where(on, c1, c) if cell == "lstm" else None
        f = torch.where(on, out, f) if late else f
        y.append(out * on)
        weights.append((alpha * on.T).T)
    end = [s] + ([c] if cell == "lstm" else []) + ([f] if late else [])
    y = torch.stack(y)
    ((y * dy).sum() + sum((e * d).sum() for e, d in zip(end, dend))).backward()
    params = {**dict(net.named_parameters()), **own}
    return {
        "name": name, "B": B, "T": T, "in": inputs, "out": hidden, "options": {"cell": cell}, "len": lengths,
        "M": M, "S": S, "mlen": sources, "memory": flat(memory), "dmemory": flat(memory.grad),
        "weights": flat(torch.stack(weights)), "x": flat(x), "dy": flat(dy), "y": flat(y), "dx": flat(x.grad),
        "layers": [{
            "params": {n: flat(p) for n, p in params.items()}, "grads": {n: flat(p.grad) for n, p in params.items()},
            "state": flat(torch.cat(start, 1)), "dstate": flat(torch.cat([p.grad for p in start], 1)),
            "state_end": flat(torch.cat(end, 1)), "dstate_end": flat(torch.cat(dend, 1)),
        }],
    }


def transformer(kind, norm_first, D, heads, F, T, B, lengths, S=0, sources=None):
    """A layer of the 2017 transformer, as PyTorch has it; parameters by PyTorch's names. y is 0 beyond each length."""
    make = {"encoder_layer": torch.nn.TransformerEncoderLayer, "decoder_layer": torch.nn.TransformerDecoderLayer}[kind]
    net = make(D, heads, F, dropout=0, activation="relu", norm_first=norm_first).double()
    with torch.no_grad():
        for n, p in net.named_parameters():
            p.copy_(draw(*p.shape, size=1.7 / math.sqrt(p.shape[1])) if p.dim() > 1 else
                    draw(*p.shape, size=0.5) + (1 if "norm" in n and "weight" in n else 0))
    beyond = (torch.arange(T)[:, None] >= torch.tensor(lengths)[None, :])
    x, dy = (draw(T, B, D).masked_fill(beyond[:, :, None], 0) for _ in range(2))
    x = leaf(x)
    case = {"kind": kind, "norm_first": int(norm_first), "T": T, "B": B, "D": D, "heads": heads, "F": F, "len": lengths}
    if kind == "encoder_layer":
        y = net(x, src_key_padding_mask=beyond.T)
    else:
        memory_beyond = (torch.arange(S)[:, None] >= torch.tensor(sources)[None, :])
        memory = leaf(draw(S, B, D).masked_fill(memory_beyond[:, :, None], 0))
        later = torch.arange(T)[:, None] < torch.arange(T)[None, :]
        y = net(x, memory, tgt_mask=later, tgt_key_padding_mask=beyond.T, memory_key_padding_mask=memory_beyond.T)
    (y * dy).sum().backward()
    case.update({"x": flat(x), "dy": flat(dy), "y": flat(y.masked_fill(beyond[:, :, None], 0)), "dx": flat(x.grad)})
    if kind == "decoder_layer":
        case.update({"S": S, "mlen": sources, "memory": flat(memory), "dmemory": flat(memory.grad)})
    params = dict(net.named_parameters())
    return {**case, "params": {n: flat(p) for n, p in params.items()}, "grads": {n: flat(p.grad) for n, p in params.items()}}


def norm(kind, rows, D):
    x, dy, g = leaf(draw(rows, D, size=2) + 0.7), draw(rows, D), leaf(draw(D) + 1)
    x = leaf(x.detach().float().double())
    b = leaf(draw(D))
    if kind == "layernorm":
        y = torch.nn.functional.layer_norm(x, (D,), g, b, 1e-5)
    else:
        y = x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-5) * g
    (y * dy).sum().backward()
    case = {"kind": kind, "rows": rows, "D": D, "eps": 1e-5, "x": flat(x), "gain": flat(g), "dy": flat(dy), "y": flat(y),
            "dx": flat(x.grad), "dgain": flat(g.grad)}
    return {**case, "bias": flat(b), "dbias": flat(b.grad)} if kind == "layernorm" else case


def gelu(n):
    x, dy = leaf(draw(n, size=5)), draw(n)
    y = 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
    y.backward(dy)
    return {"kind": "gelu", "x": flat(x), "dy": flat(dy), "y": flat(y), "dx": flat(x.grad)}


def swiglu(n):
    gate, up, dy = leaf(draw(n, size=5)), leaf(draw(n)), draw(n)
    y = torch.nn.functional.silu(gate) * up
    y.backward(dy)
    return {"kind": "swiglu", "gate": flat(gate), "up": flat(up), "dy": flat(dy), "y": flat(y), "dgate": flat(gate.grad),
            "dup": flat(up.grad)}


def cross_entropy(rows, V):
    x = leaf(draw(rows, V, size=4))
    targets = torch.randint(0, V, (rows,), generator=rng)
    losses = torch.nn.functional.cross_entropy(x, targets, reduction="none")
    losses.mean().backward()
    return {"kind": "cross_entropy", "rows": rows, "V": V, "x": flat(x), "targets": targets.tolist(), "losses": flat(losses),
            "dx_of_mean": flat(x.grad)}


def optimiser(kind, n, steps, clip=None):
    """Clipping is over the one array, as clip_grad_norm_ does it."""
    w = torch.nn.Parameter(draw(n))
    args = {"adamw": {"lr": 0.02, "betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": 0.1},
            "sgd": {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01}}[kind]
    make = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[kind]([w], **args)
    case = {"kind": kind, "n": n, "clip": clip or 0, "w": flat(w), "grads": [], "norms": [], "after": [],
            **{k: list(v) if isinstance(v, tuple) else v for k, v in args.items()}}
    for step in range(steps):
        w.grad = draw(n, size=1.5 / (1 + step))
        case["grads"].append(flat(w.grad))
        case["norms"].append(float("%.9g" % w.grad.norm()))
        if clip:
            torch.nn.utils.clip_grad_norm_([w], clip)
        make.step()
        case["after"].append(flat(w))
    return case


def write(name, cases):
    with open(os.path.join(HERE, name + ".json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")


ragged = [4, 6, 1]
write("rnn", [
    recurrent("rnn", "tanh", 1, None, 5, 7, 6, 3),
    recurrent("rnn", "relu", 1, None, 5, 7, 6, 3, {"nonlinearity": "relu"}, "relu"),
    recurrent("rnn", "tanh, two layers, padded", 2, ragged, 5, 7, 6, 3),
])
for cell in ("gru", "lstm"):
    write(cell, [
        recurrent(cell, "one layer", 1, None, 5, 7, 6, 3),
        recurrent(cell, "padded", 1, ragged, 5, 7, 6, 3),
        recurrent(cell, "two layers", 2, None, 5, 7, 6, 3),
        recurrent(cell, "two layers, padded", 2, ragged, 4, 9, 6, 3),
    ])
write("attention", [
    attention("plain", 8, 6, 3),
    attention("grouped", 12, 6, 2, heads=6, kv_heads=2),
    attention("one head of keys", 8, 6, 2, heads=4, kv_heads=1),
    attention("window", 8, 7, 2, heads=2, window=3),
    attention("rope", 8, 7, 2, heads=2, rope=1),
    attention("rope, other base, grouped, window", 12, 7, 2, heads=2, kv_heads=1, window=4, rope=1, base=100.0),
    attention("no bias", 8, 6, 2, bias=0),
    attention("padded", 8, 6, 3, rope=1, lengths=ragged),
])
write("blocks", [
    norm("layernorm", 3, 11), norm("rmsnorm", 3, 11), gelu(19), swiglu(19), cross_entropy(4, 13),
    optimiser("adamw", 13, 5), optimiser("adamw", 13, 3, clip=0.7), optimiser("sgd", 13, 5), optimiser("sgd", 13, 3, clip=0.7),
])
for kind in ("luong", "bahdanau"):
    write(kind, [attending(kind, cell, cell + note, steps, sources, 4, 5, 6, 5, 3, 4)
                 for cell in ("rnn", "gru", "lstm")
                 for note, steps, sources in (("", None, None), (", padded", [3, 5, 1], [4, 2, 1]))])
rng.manual_seed(20240608)   # whatever is drawn above
write("transformer", [
    transformer(kind, first, 8, 2, 12, 5, 3, [3, 5, 1], *more)
    for kind, more in (("encoder_layer", ()), ("decoder_layer", (6, [6, 2, 4]))) for first in (False, True)
])
