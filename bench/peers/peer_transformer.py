"""Training nanoGPT's model in PyTorch: pre-norm GPT-2 blocks without bias, GELU, learned positions, head tied to the
embedding, no dropout; AdamW as nanoGPT sets it (betas 0.9 and 0.99, decay 0.1 on matrices only)."""
import math

import peer


def main():
    p = peer.parser(__doc__)
    p.add_argument("--vocab", type=int, default=65)
    p.add_argument("--layers", type=int, default=4)
    p.add_argument("--heads", type=int, default=4)
    p.add_argument("--width", type=int, default=128)
    p.add_argument("--context", type=int, default=64)
    p.add_argument("--batch", type=int, default=12)
    p.add_argument("--clip", type=float, default=0, help="largest gradient norm; nanoGPT's is 1, 0 is none")
    p.add_argument("--compile", action="store_true", help="torch.compile")
    p.add_argument("--attention", choices=("auto", "fused", "plain"), default="auto")
    p.add_argument("--optimiser", choices=("auto", "fused", "foreach", "plain"), default="auto")
    args = p.parse_args()
    peer.settle(args)
    torch = peer.import_torch(args)
    from torch import nn
    from torch.nn import functional as F
    base = peer.baseline()
    V, H, B, T = args.vocab, args.width, args.batch, args.context
    new = not torch.__version__.startswith("1.")
    attention = args.attention if args.attention != "auto" else ("fused" if new else "plain")

    class Norm(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(H))

        def forward(self, x):
            return F.layer_norm(x, (H,), self.weight, None, 1e-5)

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.c_attn = nn.Linear(H, 3 * H, bias=False)
            self.c_proj = nn.Linear(H, H, bias=False)
            self.register_buffer("future", torch.ones(T, T, dtype=torch.bool).triu(1))

        def forward(self, x):
            b, t, _ = x.shape
            q, k, v = (a.view(b, t, args.heads, -1).transpose(1, 2) for a in self.c_attn(x).split(H, 2))
            if attention == "fused":
                y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            else:
                s = q @ k.transpose(-2, -1) * (1 / math.sqrt(k.size(-1)))
                y = s.masked_fill(self.future[:t, :t], -math.inf).softmax(-1) @ v
            return self.c_proj(y.transpose(1, 2).reshape(b, t, H))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.ln_1, self.attn, self.ln_2 = Norm(), Attention(), Norm()
            self.c_fc = nn.Linear(H, 4 * H, bias=False)
            self.c_proj = nn.Linear(4 * H, H, bias=False)

        def forward(self, x):
            x = x + self.attn(self.ln_1(x))
            return x + self.c_proj(F.gelu(self.c_fc(self.ln_2(x))))

    class Gpt(nn.Module):
        def __init__(self):
            super().__init__()
            self.wte, self.wpe = nn.Embedding(V, H), nn.Embedding(T, H)
            self.h = nn.ModuleList(Block() for _ in range(args.layers))
            self.ln_f = Norm()
            self.lm_head = nn.Linear(H, V, bias=False)
            self.lm_head.weight = self.wte.weight
            for name, w in self.named_parameters():
                if w.dim() > 1:
                    std = 0.02 / math.sqrt(2 * args.layers) if name.endswith("c_proj.weight") else 0.02
                    nn.init.normal_(w, std=std)

        def forward(self, x, target):
            y = self.wte(x) + self.wpe(torch.arange(x.shape[1]))
            for block in self.h:
                y = block(y)
            return F.cross_entropy(self.lm_head(self.ln_f(y)).view(-1, V), target.reshape(-1))

    model = Gpt()
    weights = list(model.parameters())
    how = args.optimiser if args.optimiser != "auto" else ("fused" if new else "foreach")
    adamw = torch.optim.AdamW([{"params": [w for w in weights if w.dim() > 1], "weight_decay": 0.1},
                               {"params": [w for w in weights if w.dim() < 2], "weight_decay": 0.0}],
                              lr=1e-3, betas=(0.9, 0.99), **({} if how == "plain" else {how: True}))
    loss_of = torch.compile(model) if args.compile else model
    data = torch.randint(0, V, (1 << 18,))
    now = {"loss": None}

    def step():
        at = torch.randint(0, len(data) - T - 1, (B,)).tolist()
        x = torch.stack([data[i:i + T] for i in at])
        target = torch.stack([data[i + 1:i + T + 1] for i in at])
        loss = loss_of(x, target)
        adamw.zero_grad(set_to_none=True)
        loss.backward()
        if args.clip:
            nn.utils.clip_grad_norm_(weights, args.clip)
        adamw.step()
        now["loss"] = loss.item()

    def run():
        for _ in range(args.steps):
            step()

    def facts():
        return {"bench": "transformer", "peer": "torch " + torch.__version__ + (" compiled" if args.compile else ""),
                "steps": args.steps, "loss": now["loss"], "parameters": sum(w.numel() for w in weights),
                "attention": attention, "optimiser": how, "clip": args.clip, "vocab": V, "layers": args.layers,
                "heads": args.heads, "width": H, "context": T, "batch": B}

    peer.measure(args, base, "tokens_per_second", run, args.steps * B * T, facts)


if __name__ == "__main__":
    main()
