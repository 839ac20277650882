#!/usr/bin/env python3
"""Writes whole models of pairs as PyTorch has them, for test_golden_pairs.c: pairs_NAME.safetensors is a model file of
this program's with PyTorch's weights, pairs_NAME.golden.safetensors what PyTorch gives for them in float64:

    source (S, B), source_len (B), ids, targets (T, B), len (B)     a ragged batch, -1 where a target is none
    logits (T, B, V), losses (T, B)                                 0 beyond the lengths
    weights (T, B, S)                                               where the top layer looked, if it looks
    grad.NAME                                                       of the sum of losses, labels smoothed as it says

Run it again after changing it: `python3 tests/golden/make_models.py`.
"""
import json
import math
import os
import struct

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
rng = torch.Generator().manual_seed(20241122)
D, V, SV, LAYERS = 8, 11, 9, 2
SOURCE_LEN, LEN = [5, 2, 4], [3, 4, 1]
S, T, B = max(SOURCE_LEN), max(LEN), len(LEN)


def fill(net):
    """Weights that single precision holds."""
    for p in net.parameters():
        spread = 1.7 / math.sqrt(p.shape[1]) if p.dim() > 1 else 0.5
        x = (torch.rand(p.shape, generator=rng) * 2 - 1) * spread + (1 if is_gain(net, p) else 0)
        p.data = x.float().double()
    return net


def is_gain(net, p):
    return any(isinstance(m, nn.LayerNorm) and m.weight is p for m in net.modules())


def batch():
    source, ids = torch.zeros(S, B, dtype=torch.long), torch.zeros(T, B, dtype=torch.long)
    targets = torch.full((T, B), -1)
    for b in range(B):
        source[:SOURCE_LEN[b], b] = torch.randint(0, SV - 1, (SOURCE_LEN[b],), generator=rng)
        source[SOURCE_LEN[b] - 1, b] = SV - 1
        targets[:LEN[b], b] = torch.randint(0, V - 1, (LEN[b],), generator=rng)
        targets[LEN[b] - 1, b] = V - 1
        ids[0, b] = V - 1
        ids[1:LEN[b], b] = targets[:LEN[b] - 1, b]
    return source, ids, targets


def beyond(lengths, most):
    return torch.arange(most)[:, None] >= torch.tensor(lengths)


def side(name, net):
    """A side's tensors under the names of PyTorch's modules."""
    return {"%s.%s" % (name, n): p for n, p in net.named_parameters()}


class Encoder(nn.Module):
    def __init__(self, cell, both, layers):
        super().__init__()
        self.embedding = nn.Embedding(SV, D)
        self.rnn = getattr(nn, cell.upper())(D, D, layers, bidirectional=both)

    def forward(self, source):
        """Outputs (S, B, .), and each vector's last of all layers and directions (layers, directions, B, D)."""
        packed = pack_padded_sequence(self.embedding(source), SOURCE_LEN, enforce_sorted=False)
        memory, last = self.rnn(packed)
        memory, _ = pad_packed_sequence(memory, total_length=S)
        last = last if isinstance(last, tuple) else (last,)
        return memory, [v.reshape(self.rnn.num_layers, -1, B, D) for v in last]


class Bridge(nn.Module):
    """h = tanh(W [h ; h'] + b), c = W [c ; c'] + b"""
    def __init__(self, vectors):
        super().__init__()
        self.h = nn.Linear(2 * D, D)
        if vectors > 1:
            self.c = nn.Linear(2 * D, D)

    def forward(self, last):
        both = [torch.cat([v[0], v[1]], 1) for v in last]
        return [torch.tanh(self.h(both[0]))] + [self.c(v) for v in both[1:]]


class Luong(nn.Module):
    def __init__(self, M):
        super().__init__()
        self.attn, self.out = nn.Linear(M, D, bias=False), nn.Linear(M + D, D, bias=False)

    def first(self):
        return torch.zeros(B, D)

    def forward(self, x, fed, state, memory, advance, off):
        state = advance(torch.cat([x, fed], 1), state)
        alpha = (state[0] * self.attn(memory)).sum(2).masked_fill(off, -math.inf).softmax(0)
        y = torch.tanh(self.out(torch.cat([(alpha[:, :, None] * memory).sum(0), state[0]], 1)))
        return y, y, state, alpha


class Bahdanau(nn.Module):
    def __init__(self, M):
        super().__init__()
        self.query, self.memory = nn.Linear(D, D, bias=False), nn.Linear(M, D, bias=False)
        self.score, self.out = nn.Linear(D, 1, bias=False), nn.Linear(D + M + D, D)

    def first(self):
        return None

    def forward(self, x, fed, state, memory, advance, off):
        e = self.score(torch.tanh(self.query(state[0]) + self.memory(memory)))[:, :, 0]
        alpha = e.masked_fill(off, -math.inf).softmax(0)
        seen = (alpha[:, :, None] * memory).sum(0)
        state = advance(torch.cat([x, seen], 1), state)
        return torch.tanh(self.out(torch.cat([state[0], seen, x], 1))), None, state, alpha


class Recurrent(nn.Module):
    """Encoder and decoder of one cell; the decoder goes step by step."""
    def __init__(self, cell, layers=LAYERS, both=False, attend=None, summary=False):
        super().__init__()
        vectors, M = 1 + (cell == "lstm"), D * (1 + both)
        self.encoder = Encoder(cell, both, layers)
        self.bridges = nn.ModuleList(Bridge(vectors) for _ in range(layers)) if both else None
        self.embedding, self.fc_out = nn.Embedding(V, D), nn.Linear(D, V)
        self.attend = attend(M) if attend else None
        self.summary = summary
        widths = [D * (1 + summary)] + [D] * (layers - 1)
        if attend:
            widths[-1] += D if attend is Luong else M
        self.cells = nn.ModuleList(getattr(nn, cell.upper() + "Cell")(w, D) for w in widths)

    def forward(self, source, ids):
        memory, last = self.encoder(source)
        layers = len(self.cells)
        state = [self.bridges[i]([v[i] for v in last]) if self.bridges else [v[i, 0] for v in last]
                 for i in range(layers)]
        summary, fed = state[-1][0], self.attend.first() if self.attend else None
        x, weights = self.embedding(ids), []
        x = torch.cat([x, summary.expand(T, B, D)], 2) if self.summary else x
        y = []
        for t in range(T):
            h = x[t]
            for i, cell in enumerate(self.cells):
                def advance(given, s, cell=cell):
                    return list(cell(given, tuple(s))) if len(s) > 1 else [cell(given, s[0])]
                if self.attend and i == layers - 1:
                    h, fed, state[i], alpha = self.attend(h, fed, state[i], memory, advance, beyond(SOURCE_LEN, S))
                    weights.append(alpha.T)
                else:
                    state[i] = advance(h, state[i])
                    h = state[i][0]
            y.append(h)
        return self.fc_out(torch.stack(y)), torch.stack(weights) if weights else None

    def stored(self):
        out = {"encoder." + n: p for n, p in self.encoder.named_parameters()}
        for i, bridge in enumerate(self.bridges or []):
            for n, p in bridge.named_parameters():
                out["encoder.layers.%d.bridge.%s" % (i, n.replace(".", "_"))] = p
        for i, cell in enumerate(self.cells):
            out.update({"decoder.rnn.%s_l%d" % (n, i): p for n, p in cell.named_parameters()})
        if self.attend:
            at = "decoder.rnn.%s_l" + str(len(self.cells) - 1)
            for n, p in self.attend.named_parameters():
                out[at % n.replace(".", "_")] = (p, 0) if n == "score.weight" else p
        return {**out, **side("decoder.embedding", self.embedding), **side("decoder.fc_out", self.fc_out)}


class Transformer(nn.Module):
    """nn.TransformerEncoder and nn.TransformerDecoder, sinusoidal positions or learned ones."""
    CONTEXT = 6

    def __init__(self, heads, first, learned):
        super().__init__()
        args = {"dim_feedforward": 4 * D, "dropout": 0, "norm_first": first}
        self.source, self.target, self.fc_out = nn.Embedding(SV, D), nn.Embedding(V, D), nn.Linear(D, V)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(D, heads, **args), LAYERS,
                                             nn.LayerNorm(D) if first else None, enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(D, heads, **args), LAYERS,
                                             nn.LayerNorm(D) if first else None)
        self.positions = nn.ModuleList(nn.Embedding(self.CONTEXT, D) for _ in range(2)) if learned else None

    def embed(self, table, side, ids):
        if self.positions:
            return table(ids) + self.positions[side].weight[:len(ids), None]
        angle = torch.arange(len(ids))[:, None] / 10000 ** (torch.arange(0, D, 2) / D)
        waves = torch.stack([angle.sin(), angle.cos()], 2).reshape(len(ids), 1, D)
        return table(ids) * math.sqrt(D) + waves

    def forward(self, source, ids):
        off = beyond(SOURCE_LEN, S).T
        memory = self.encoder(self.embed(self.source, 0, source), src_key_padding_mask=off)
        ahead = torch.ones(T, T, dtype=torch.bool).triu(1)
        weights = []
        top = self.decoder.layers[-1].multihead_attn
        attend = top.forward
        top.forward = lambda *a, **k: keep(attend(*a, **{**k, "need_weights": True}), weights)
        y = self.decoder(self.embed(self.target, 1, ids), memory, tgt_mask=ahead, memory_key_padding_mask=off)
        return self.fc_out(y), weights[0].permute(1, 0, 2)

    def stored(self):
        out = {**side("encoder.embedding", self.source), **side("decoder.embedding", self.target),
               **side("decoder.fc_out", self.fc_out)}
        for i, name in enumerate(("encoder", "decoder")):
            if self.positions:
                out[name + ".position.weight"] = self.positions[i].weight
            for n, p in side(name, getattr(self, name)).items():
                if name == "decoder": # its second norm stands behind the source
                    n = n.replace(".norm2.", ".norm_cross.").replace(".norm3.", ".norm2.")
                if ".multihead_attn.in_proj_" in n:
                    at = n.replace("in_proj_", "%s_proj_")
                    out.update({at % which: (p, slice(j * D, (j + 1) * D)) for j, which in enumerate("qkv")})
                else:
                    out[n] = p
        return out


def keep(result, where):
    where.append(result[1])
    return result


def values(p, grad=False):
    """Of a parameter, or of what an index takes of it."""
    p, index = p if isinstance(p, tuple) else (p, ...)
    return (p.grad if grad else p)[index]


def write(name, meta, tensors):
    header, at, data = {"__metadata__": meta}, 0, b""
    for n, x in tensors.items():
        kind = "F32" if x.is_floating_point() else "I32"
        one = x.detach().to(torch.float32 if kind == "F32" else torch.int32).contiguous().numpy().tobytes()
        header[n] = {"dtype": kind, "shape": list(x.shape), "data_offsets": [at, at + len(one)]}
        at, data = at + len(one), data + one
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 64)
    with open(os.path.join(HERE, name + ".safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def model(name, spec, net, smoothing=0.0):
    fill(net)
    source, ids, targets = batch()
    logits, weights = net(source, ids)
    losses = nn.functional.cross_entropy(logits.reshape(-1, V), targets.reshape(-1), reduction="none", ignore_index=-1)
    nn.functional.cross_entropy(logits.reshape(-1, V), targets.reshape(-1), reduction="sum", ignore_index=-1,
                                label_smoothing=smoothing).backward()
    stored = net.stored()
    on = ~beyond(LEN, T)
    golden = {"source": source, "ids": ids, "targets": targets, "source_len": torch.tensor(SOURCE_LEN),
              "len": torch.tensor(LEN), "logits": logits * on[:, :, None], "losses": losses.reshape(T, B)}
    if weights is not None:
        golden["weights"] = weights * on[:, :, None]
    write("pairs_" + name, {"format": "pt", "unroll.spec": spec, "unroll.outputs": str(V), "unroll.sources": str(SV)},
          {n: values(p) for n, p in stored.items()})
    write("pairs_%s.golden" % name, {"smoothing": "%g" % smoothing},
          {**golden, **{"grad." + n: values(p, True) for n, p in stored.items()}})


size = "%dx%d" % (LAYERS, D)
model("lstm", "seq2seq:lstm:" + size, Recurrent("lstm"), smoothing=0.1)
model("summary", "seq2seq:lstm:%s,encoder=bi,summary=each" % size, Recurrent("lstm", both=True, summary=True))
model("bahdanau", "seq2seq:gru:%s,encoder=bi,attention=bahdanau" % size, Recurrent("gru", both=True, attend=Bahdanau))
model("luong", "seq2seq:lstm:%s,attention=luong" % size, Recurrent("lstm", attend=Luong))
model("luong_bi", "seq2seq:rnn:1x%d,encoder=bi,attention=luong,summary=each" % D,
      Recurrent("rnn", layers=1, both=True, attend=Luong, summary=True))
model("post", "seq2seq:transformer:%s,heads=2,context=%d" % (size, Transformer.CONTEXT), Transformer(2, False, False),
      smoothing=0.1)
model("pre", "seq2seq:transformer:%s,heads=4,norm=pre,positions=learned,context=%d" % (size, Transformer.CONTEXT),
      Transformer(4, True, True))
