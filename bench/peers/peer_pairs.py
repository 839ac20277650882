"""Training a model of pairs in PyTorch, fed with targets: `bahdanau` is an encoder of GRUs both ways and a decoder of
additive attention that steps over the target, as the usual tutorials have it but with what no step waits for (the
keys, the output, the head) done for all steps at once; `transformer` is nn.TransformerEncoder and nn.TransformerDecoder
(norms behind the sums, ReLU, sinusoidal positions). No dropout and no padding: all sequences are equally long."""
import math

import peer


def main():
    p = peer.parser(__doc__)
    p.add_argument("--model", choices=("bahdanau", "transformer"), default="bahdanau")
    p.add_argument("--vocab", type=int, default=6000, help="of either side")
    p.add_argument("--width", type=int, default=256)
    p.add_argument("--layers", type=int, default=3, help="of the transformer's encoder and of its decoder")
    p.add_argument("--heads", type=int, default=8)
    p.add_argument("--ffn", type=int, default=512)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--source", type=int, default=16, help="tokens of a source")
    p.add_argument("--target", type=int, default=16, help="tokens of a target")
    p.add_argument("--clip", type=float, default=1, help="largest gradient norm; 0 is none")
    p.add_argument("--cell", choices=("cell", "gru"), default="cell", help="nn.GRUCell, or nn.GRU over one step")
    p.add_argument("--scores", choices=("linear", "matmul"), default="linear", help="how v . tanh(...) is worked out")
    p.add_argument("--optimiser", choices=("auto", "fused", "foreach", "plain"), default="auto")
    p.add_argument("--compile", action="store_true", help="torch.compile")
    args = p.parse_args()
    peer.settle(args)
    torch = peer.import_torch(args)
    from torch import nn
    from torch.nn import functional as F
    base = peer.baseline()
    V, H, B, S, T = args.vocab, args.width, args.batch, args.source, args.target
    new = not torch.__version__.startswith("1.")

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(V, H)
            self.gru = nn.GRU(H, H, bidirectional=True)
            self.bridge = nn.Linear(2 * H, H)

        def forward(self, x):
            y, last = self.gru(self.embedding(x))
            return y, torch.tanh(self.bridge(torch.cat((last[0], last[1]), 1)))

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(V, H)
            self.query = nn.Linear(H, H, bias=False)
            self.key = nn.Linear(2 * H, H, bias=False)
            self.score = nn.Linear(H, 1, bias=False)
            self.cell = nn.GRUCell(3 * H, H) if args.cell == "cell" else nn.GRU(3 * H, H)
            self.out = nn.Linear(4 * H, H)
            self.head = nn.Linear(H, V)

        def scores(self, hidden):
            if args.scores == "linear":
                return self.score(hidden).squeeze(2)
            return hidden @ self.score.weight[0]

        def forward(self, x, memory, s):
            x = self.embedding(x)
            memory = memory.transpose(0, 1).contiguous()  # (B, S, 2 H)
            keys = self.key(memory)
            states, contexts = [], []
            for xt in x:
                hidden = torch.tanh(keys + self.query(s).unsqueeze(1))
                alpha = F.softmax(self.scores(hidden), 1)
                c = torch.bmm(alpha.unsqueeze(1), memory).squeeze(1)
                z = torch.cat((xt, c), 1)
                s = self.cell(z, s) if args.cell == "cell" else self.cell(z.unsqueeze(0), s.unsqueeze(0))[0][0]
                states.append(s)
                contexts.append(c)
            return self.head(torch.tanh(self.out(torch.cat((torch.stack(states), torch.stack(contexts), x), 2))))

    class Bahdanau(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = Encoder(), Decoder()

        def forward(self, source, x):
            return self.decoder(x, *self.encoder(source))

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            shape = {"d_model": H, "nhead": args.heads, "dim_feedforward": args.ffn, "dropout": 0.0}
            self.source, self.target = nn.Embedding(V, H), nn.Embedding(V, H)
            self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(**shape), args.layers,
                                                 enable_nested_tensor=False)
            self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(**shape), args.layers)
            self.head = nn.Linear(H, V)
            most = max(S, T)
            angle = torch.arange(most).unsqueeze(1) / 10000 ** (torch.arange(0, H, 2) / H)
            self.register_buffer("waves", torch.stack((angle.sin(), angle.cos()), 2).view(most, 1, H))
            self.register_buffer("future", nn.Transformer.generate_square_subsequent_mask(T))
            for w in self.parameters():
                if w.dim() > 1:
                    nn.init.xavier_uniform_(w)

        def embed(self, table, x):
            return table(x) * math.sqrt(H) + self.waves[:len(x)]

        def forward(self, source, x):
            memory = self.encoder(self.embed(self.source, source))
            causal = {"tgt_is_causal": True} if new else {}
            return self.head(self.decoder(self.embed(self.target, x), memory, tgt_mask=self.future, **causal))

    model = Bahdanau() if args.model == "bahdanau" else Transformer()
    weights = list(model.parameters())
    how = args.optimiser if args.optimiser != "auto" else ("fused" if new else "foreach")
    adamw = torch.optim.AdamW(weights, lr=1e-3, betas=(0.9, 0.99), weight_decay=0.0,
                              **({} if how == "plain" else {how: True}))
    run_model = torch.compile(model) if args.compile else model
    batches = [tuple(torch.randint(0, V, (n, B)) for n in (S, T, T)) for _ in range(16)]
    now = {"step": 0, "first_loss": None, "loss": None}

    def step():
        source, x, target = batches[now["step"] % len(batches)]
        loss = F.cross_entropy(run_model(source, x).view(-1, V), target.view(-1))
        adamw.zero_grad(set_to_none=True)
        loss.backward()
        if args.clip:
            nn.utils.clip_grad_norm_(weights, args.clip)
        adamw.step()
        now["loss"] = loss.item()
        now["step"] += 1
        if now["first_loss"] is None:
            now["first_loss"] = now["loss"]

    def run():
        for _ in range(args.steps):
            step()

    def facts():
        return {"bench": "pairs", "model": args.model, "steps": args.steps, "loss": now["loss"],
                "peer": "torch " + torch.__version__ + (" compiled" if args.compile else ""),
                "first_loss": now["first_loss"], "parameters": sum(w.numel() for w in weights), "optimiser": how,
                "clip": args.clip, "vocab": V, "width": H, "batch": B, "source": S, "target": T,
                **({"way": "nn.GRUCell" if args.cell == "cell" else "nn.GRU"} if args.model == "bahdanau" else {})}

    peer.measure(args, base, "tokens_per_second", run, args.steps * B * T, facts)


if __name__ == "__main__":
    main()
