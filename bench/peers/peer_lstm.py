"""Training a character LSTM in PyTorch: embedding, stacked LSTM, head; Adam; state carried from batch to batch."""
import peer


def main():
    p = peer.parser(__doc__)
    p.add_argument("--vocab", type=int, default=65)
    p.add_argument("--width", type=int, default=256, help="of embedding and hidden state")
    p.add_argument("--layers", type=int, default=2)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--seq-len", type=int, default=128)
    p.add_argument("--text", help="file whose bytes are the tokens; else random tokens")
    p.add_argument("--optimiser", choices=("auto", "fused", "foreach", "plain"), default="auto")
    args = p.parse_args()
    peer.settle(args)
    torch = peer.import_torch(args)
    base = peer.baseline()
    V, H, B, T = args.vocab, args.width, args.batch, args.seq_len

    if args.text:
        with open(args.text, "rb") as f:
            text = torch.tensor(list(f.read(1 << 22)))
        data = torch.unique(text, return_inverse=True)[1] % V
    else:
        data = torch.randint(0, V, (1 << 18,))
    columns = data[:len(data) // B * B].view(B, -1).t().contiguous()  # (time, B)

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.Embedding(V, H)
            self.lstm = torch.nn.LSTM(H, H, args.layers)
            self.head = torch.nn.Linear(H, V)

        def forward(self, x, state):
            y, state = self.lstm(self.embedding(x), state)
            return self.head(y), state

    model = Model()
    new = not torch.__version__.startswith("1.")
    how = args.optimiser if args.optimiser != "auto" else ("fused" if new else "foreach")
    extra = {} if how == "plain" else {how: True}
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, **extra)
    now = {"at": 0, "state": (torch.zeros(args.layers, B, H), torch.zeros(args.layers, B, H)), "loss": None}

    def step():
        at = now["at"] if now["at"] + T + 1 <= len(columns) else 0
        now["at"] = at + T
        logits, state = model(columns[at:at + T], now["state"])
        now["state"] = tuple(s.detach() for s in state)
        loss = torch.nn.functional.cross_entropy(logits.view(-1, V), columns[at + 1:at + T + 1].reshape(-1))
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        now["loss"] = loss.item()

    def run():
        for _ in range(args.steps):
            step()

    def facts():
        return {"bench": "lstm", "peer": "torch " + torch.__version__, "steps": args.steps, "loss": now["loss"],
                "parameters": sum(w.numel() for w in model.parameters()), "optimiser": how,
                "cpu_capability": getattr(torch.backends.cpu, "get_cpu_capability", lambda: "unknown")()
                if hasattr(torch.backends, "cpu") else "unknown",
                "vocab": V, "width": H, "layers": args.layers, "batch": B, "seq_len": T}

    peer.measure(args, base, "tokens_per_second", run, args.steps * B * T, facts)


if __name__ == "__main__":
    main()
