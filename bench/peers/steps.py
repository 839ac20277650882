"""bench_step and its peers in turns, a round each: p50 and p99 of a step, beside the floor and beside the peers."""
import argparse
import json
import platform
import subprocess
import sys

KINDS = ("f32", "bf16", "int8")


class Server:
    """A program that answers each line with a round's times."""

    def __init__(self, command, greets):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.name = json.loads(self.process.stdout.readline())["peer"] if greets else "unroll"
        self.times = {}

    def round(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        for name, taken in json.loads(self.process.stdout.readline()).items():
            self.times.setdefault(name, []).extend(taken)

    def part(self, name, share):
        taken = sorted(self.times.get(name, ()))
        return taken[int(share * (len(taken) - 1))] / 1e3 if taken else None

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def shown(x, digits=2):
    return "-" if x is None else f"{x:.{digits}f}"


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--program", required=True, help="bench_step")
    p.add_argument("--python", required=True, help="a Python with the peers")
    p.add_argument("--script", required=True, help="peer_steps.py")
    p.add_argument("--rounds", type=int, default=60)
    p.add_argument("--steps", type=int, default=40)
    p.add_argument("--peers", default="onnxruntime,torch")
    args = p.parse_args()
    steps = ["--steps", str(args.steps)]
    servers = [Server([args.program, "--serve"] + steps, False)]
    for peer in filter(None, args.peers.split(",")):
        try:
            servers.append(Server([args.python, args.script, peer] + steps, True))
        except (json.JSONDecodeError, OSError):
            print(f"skipped {peer}: it does not run here", file=sys.stderr)
    for i in range(args.rounds):
        for server in servers:
            server.round()
    for server in servers:
        server.end()

    us = servers[0]
    cpu = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "?")
    print(f"One step, microseconds, one thread. {cpu}, {platform.system()} {platform.release()}.")
    print(f"{args.rounds} rounds of {args.steps} steps of each, in turns: " + ", ".join(s.name for s in servers) + ".")
    print("floor: a bare loop that reads the same bytes of packed weights (and keys and values), in the same turns.\n")
    head = ["step", "p50", "p99", "floor p50", "floor p99", "p50/floor", "p99/floor"]
    for s in servers[1:]:
        head += [s.name.split("+")[0] + " p50", "p99"]
    rows = [head]
    for name in us.times:
        if name.endswith(" floor"):
            continue
        f50, f99 = us.part(name + " floor", 0.5), us.part(name + " floor", 0.99)
        p50, p99 = us.part(name, 0.5), us.part(name, 0.99)
        row = [name] + [shown(x) for x in (p50, p99, f50, f99, p50 / f50, p99 / f99)]
        for s in servers[1:]:
            row += [shown(s.part(name, 0.5)), shown(s.part(name, 0.99))]
        rows.append(row)
    width = [max(len(r[i]) for r in rows) for i in range(len(head))]
    for r in rows:
        print("  ".join(r[i].ljust(width[i]) if i == 0 else r[i].rjust(width[i]) for i in range(len(r))).rstrip())
    print()
    for kind in KINDS:
        p50 = us.part(f"64 lstm 2x256 {kind}", 0.5)
        if p50:
            print(f"64 streams of lstm 2x256 together, {kind}: {64e6 / p50:,.0f} stream-steps a second")
    for s in servers[1:]:
        if "a call" in s.times:
            print(f"A call of {s.name} that does nothing (one Identity): {shown(s.part('a call', 0.5))}, in its figures.")


if __name__ == "__main__":
    main()
