"""Unroll and its peers taking turns at the same work: A B C A B C ..., so that whatever else the machine does meets all
of them alike. Writes every run's figures, their median, and the ratio of ours to each peer's, as JSON and as a table.

A peer is a program that stays up and does one repeat when it is sent a line (peer.py, --serve), as is Unroll's
bench_pairs. Unroll's other benchmarks are started anew each turn, and their last line of JSON is read.
"""
import argparse
import contextlib
import datetime
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import time

HERE = os.path.relpath(os.path.dirname(os.path.abspath(__file__)))
QUIET = 0.05  # the largest share of the processors that other programs may take
SMALL = {"layers": 4, "heads": 4, "width": 128, "context": 64, "batch": 12}
LARGE = {"layers": 6, "heads": 8, "width": 256, "context": 256, "batch": 16}
LEAST = 5  # rounds, however long they take
PAIRS = {"batch": 64, "source": 16, "target": 16, "vocab": 6000}  # about Multi30k's


def say(text):
    print(time.strftime("%H:%M:%S ") + text, flush=True)


def busy_and_total():
    """Ticks all processors were busy (or taken by another machine) since they started, and all ticks."""
    with open("/proc/stat", encoding="ascii") as f:
        user, nice, system, idle, wait, irq, soft, steal = map(int, f.readline().split()[1:9])
    busy = user + nice + system + irq + soft + steal
    return busy, busy + idle + wait


def own_ticks(pids):
    """Ticks of this program, of those it waited for, and of these processes."""
    t = os.times()
    ticks = (t.user + t.system + t.children_user + t.children_system) * os.sysconf("SC_CLK_TCK")
    for pid in pids:
        with open("/proc/%d/stat" % pid, encoding="ascii") as f:
            ticks += sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))
    return ticks


class Served:
    """A peer that answers a line on its input with one measurement."""

    def __init__(self, name, command):
        self.name, self.command, self.values, self.summary = name, command, [], None
        self.process = subprocess.Popen(command + ["--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        if not self.read().get("ready"):
            raise RuntimeError("not ready")

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("it stopped, exit status %s" % self.process.wait())
        return json.loads(line)

    def turn(self, unit):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.values.append(self.read()[unit])
        time.sleep(0.03)  # its idle threads may spin a little

    def finish(self):
        self.process.stdin.close()
        self.summary = self.read()
        self.process.wait()
        return self.summary

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Started:
    """Unroll's benchmark: one process for each measurement."""

    def __init__(self, name, command, threads, parse):
        self.name, self.command, self.threads, self.parse = name, command, threads, parse
        self.values, self.summary = [], {}
        self.peak, self.shares = 0, []
        self.measure()

    def measure(self):
        begin = time.monotonic()
        process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        with process.stdout:
            text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError("exit status %d" % process.returncode)
        taken = time.monotonic() - begin
        self.shares.append((usage.ru_utime + usage.ru_stime) / (taken * self.threads))
        self.peak = max(self.peak, usage.ru_maxrss * 1024)
        return self.parse(text)

    def turn(self, unit):
        self.summary = self.measure()
        self.values.append(self.summary[unit])

    def finish(self):
        return {**self.summary, "cpu_share": round(statistics.median(self.shares), 3),
                "peak_rss": self.summary.get("peak_rss", self.peak)}

    def stop(self):
        pass


def last_json(text):
    return json.loads(text.strip().splitlines()[-1])


def attention_table(threads):
    """Reads bench_attention's line for the core at this number of threads."""
    def parse(text):
        found = re.findall(r"^core T=\d+.*?width=\d+\s+(\d+)\s+([\d.]+)", text, re.M)
        ms = [float(ms) for n, ms in found if int(n) == threads]
        if not ms:
            raise RuntimeError("no line for the core at %d threads" % threads)
        return {"seconds": ms[0] / 1000}
    return parse


def take_turns(title, unit, contenders, rounds, budget):
    """contenders: (name, command, what starts it). Returns the workload with the figures of each and ours over its."""
    say(title)
    live = []
    for name, command, start in contenders:
        try:
            live.append(start(name, command))
        except (OSError, RuntimeError, ValueError, KeyError) as problem:
            say("  skipped %s: %s" % (name, problem))
    pids = [c.process.pid for c in live if isinstance(c, Served)]
    begin, done, before, mine = time.monotonic(), 0, busy_and_total(), own_ticks(pids)
    while live and done < rounds and (done < LEAST or time.monotonic() - begin < budget):
        for i in range(len(live)):
            live[(i + done) % len(live)].turn(unit)
        done += 1
    after = busy_and_total()
    others = max(0, after[0] - before[0] - own_ticks(pids) + mine) / max(1, after[1] - before[1])
    rows = []
    for c in live:
        summary = c.finish()
        c.stop()
        rows.append({**summary, "peer": c.name if c.name == "unroll" else summary["peer"], "label": c.name, unit:
                     statistics.median(c.values), "all": c.values, "rounds": done,
                     "best": (min if unit == "seconds" else max)(c.values), "command": shlex.join(c.command)})
    ours = next((r for r in rows if r["label"] == "unroll"), None)
    for r in rows:
        if ours and r is not ours:
            ratio = (lambda a, b: b / a) if unit == "seconds" else (lambda a, b: a / b)
            r["ours_over_this"] = ratio(ours[unit], r[unit])
            # of two that took turns in the same round: what else the machine did meets both
            r["ours_over_this_by_round"] = statistics.median(map(ratio, ours["all"], r["all"]))
        say("  %-28s median %10.4g  best %10.4g  %s  peak %5.0f MiB  processor share %.2f%s" % (
            r["peer"] + (" " + r["way"] if "way" in r else ""), r[unit], r["best"], unit, r["peak_rss"] / 2**20,
            r["cpu_share"],
            "  Unroll is %.2f times as fast" % r["ours_over_this"] if "ours_over_this" in r else ""))
    say("  other programs had %.0f %% of the processors%s" % (
        100 * others, ": disturbed, not to be quoted" if others > QUIET else ""))
    return {"workload": title, "unit": unit, "others": round(others, 3), "disturbed": others > QUIET, "runs": rows}


def groups(args, threads):
    """(title, unit, contenders, rounds) for each workload."""
    pythons = [(label, python) for label, python in (("pip", args.python), ("debian", args.debian)) if python]

    def peers(script, *options, torch=True):
        for label, python in pythons if torch else pythons[:1]:
            yield ("%s:%s" % (label, script), [python, os.path.join(HERE, script), "--threads", str(threads),
                                               *map(str, options)], Served)

    def ours(spec, batch, seq_len, steps):
        command = [os.path.join(args.build, "bench/bench_train"), "--arch", spec, "--batch", str(batch), "--seq-len",
                   str(seq_len), "--vocab", "65", "--threads", str(threads), "--steps", str(steps), "--repeat", "1"]
        if not os.path.exists(command[0]):
            command[0] = os.path.join(args.build, "bench_train")
        return ("unroll", command, lambda name, c: Started(name, c, threads, last_json))

    yield ("LSTM 2x256, batch 32, T 128", "tokens_per_second",
           [ours("lstm:2x256", 32, 128, 3), *peers("peer_lstm.py", "--steps", 2)], 15)
    for name, s, steps in (("small", SMALL, 12), ("large", LARGE, 1)):
        options = [x for key, value in s.items() for x in ("--" + key, value)]
        spec = "transformer:%dx%d,heads=%d,context=%d" % (s["layers"], s["width"], s["heads"], s["context"])
        yield ("transformer %s: %d layers, %d heads, width %d, context %d, batch %d" % (name, *s.values()),
               "tokens_per_second", [ours(spec, s["batch"], s["context"], steps),
                                     *peers("peer_transformer.py", "--steps", steps, *options)], 15)
    shape = [str(x) for key, value in PAIRS.items() for x in ("--" + key, value)]
    pairs = (("bahdanau", "1x256,attention=bahdanau,encoder=bi", "gru", (("--cell", "cell"), ("--cell", "gru"))),
             ("transformer", "3x256,heads=8,ffn=512", "transformer", ((),)))
    for model, rest, arch, ways in pairs:
        command = [os.path.join(args.build, "bench/bench_pairs"), "--spec", "seq2seq:%s:%s" % (arch, rest), "--threads",
                   str(threads), "--steps", "1", *shape]
        if args.compiled:
            ways += (("--compile",),)
        theirs = [peer for way in ways for peer in peers("peer_pairs.py", "--model", model, "--steps", 1, *shape, *way)]
        yield ("pairs, seq2seq:%s:%s, %s" % (arch, rest, ", ".join("%s %s" % kv for kv in PAIRS.items())),
               "tokens_per_second", [("unroll", command, Served), *theirs], 31)
    # it reports the faster of two passes; a peer's first two, which touch its memory for the first time, are not timed
    core = [os.path.join(args.build, "bench/bench_attention"), "--steps", "8192", "--heads", "4", "--width", "256",
            "--threads", str(threads), "--repeats", "2"]
    yield ("causal attention forward, T 8,192, 4 heads, width 256", "seconds",
           [("unroll", core, lambda name, c: Started(name, c, threads, attention_table(threads))),
            *peers("peer_attention.py", "--engine", "torch"),
            *peers("peer_attention.py", "--engine", "torch", "--way", "blocks", torch=False),
            *peers("peer_attention.py", "--engine", "onnx", torch=False)], 9)


def gemm(args, path):
    """Runs gemm.sh and returns its rows."""
    lines = path + ".gemm"
    if os.path.exists(lines):
        os.remove(lines)
    status = subprocess.run([os.path.join(HERE, "gemm.sh"), "--seconds", str(args.gemm_seconds), "--json", lines],
                            env={**os.environ, "BUILD": args.build, "PEERS": args.peers,
                                 "THREADS": args.threads.replace(",", " ")}, check=False).returncode
    if status or not os.path.exists(lines):
        say("  skipped products: gemm.sh ended with status %d" % status)
        return []
    with open(lines, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    os.remove(lines)
    return rows


def commit():
    with contextlib.suppress(OSError):
        return subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True,
                              check=False).stdout.strip()
    return "unknown"


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        return next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "unknown")


def table(workloads):
    """Lines: what was done, medians and how Unroll compares, by the medians and by the median of the rounds' ratios."""
    wide = max((len(r["peer"] + r.get("way", "")) for w in workloads for r in w["runs"]), default=0) + 2
    for w in workloads:
        yield "%s, %d rounds%s" % (w["workload"], max((r["rounds"] for r in w["runs"]), default=0),
                                   "; disturbed: other programs had %.0f %% of the processors" % (100 * w["others"])
                                   if w["disturbed"] else "")
        yield "  %-*s %12s %12s %12s %16s %10s" % (wide, "", w["unit"][:6], "best", "a CPU second", "Unroll is faster",
                                                  "by round")
        for r in w["runs"]:
            cpu = r.get("per_cpu_second", r.get("cpu_seconds"))
            yield "  %-*s %12.5g %12.5g %12s %16s %10s" % (
                wide, r["peer"] + (" " + r["way"] if "way" in r else ""), r[w["unit"]], r["best"],
                "%.5g" % cpu if cpu else "", *("%.2f x" % r[k] if k in r else "" for k in (
                    "ours_over_this", "ours_over_this_by_round")))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default="build", help="where Unroll was built")
    p.add_argument("--peers", help="what setup.sh made; BUILD/peers")
    p.add_argument("--python", help="a Python with PyTorch and ONNX Runtime; PEERS/venv/bin/python")
    p.add_argument("--debian", default="/usr/bin/python3", help="a second Python with another PyTorch; '' for none")
    p.add_argument("--threads", default="1,2")
    p.add_argument("--only", default="lstm,transformer,attention,pairs,gemm")
    p.add_argument("--budget", type=float, default=40, help="seconds of turns for a workload; %d rounds at least" % LEAST)
    p.add_argument("--gemm-seconds", type=int, default=4, help="seconds for one shape")
    p.add_argument("--compiled", action="store_true", help="pairs: with torch.compile as well")
    p.add_argument("--out", default="bench/results/peers.json")
    p.add_argument("--table", help="a file for a table of the medians")
    args = p.parse_args()
    args.peers = args.peers or os.path.join(args.build, "peers")
    args.python = args.python or os.path.join(args.peers, "venv/bin/python")
    wanted, results, products, begin = args.only.split(","), [], [], time.monotonic()
    load = os.getloadavg()

    for python in ("python", "debian"):
        path = getattr(args, python)
        if path and subprocess.run([path, "-c", "import torch"], capture_output=True, check=False).returncode:
            say("skipped %s: it has no PyTorch; see setup.sh" % path)
            setattr(args, python, "")
    for threads in map(int, args.threads.split(",")):
        for title, unit, contenders, rounds in groups(args, threads):
            if any(word in title.lower().split(",")[0] for word in wanted):
                title = "%s, %d thread%s" % (title, threads, "s" if threads > 1 else "")
                results.append({"threads": threads, **take_turns(title, unit, contenders, rounds, args.budget)})
    if "gemm" in wanted:
        say("products")
        products = gemm(args, args.out)
    lines = list(table(results))
    print("\n".join(lines), flush=True)
    when = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    if args.table:
        with open(args.table, "w", encoding="utf-8") as f:
            print("# %s\n# %s, %d processors, load %.1f before and %.1f after, %s, commit %s" % (
                shlex.join(sys.argv), processor(), len(os.sched_getaffinity(0)), load[0], os.getloadavg()[0], when,
                commit()), *lines, sep="\n", file=f)
    with open(args.out + ".part", "w", encoding="utf-8") as f:
        json.dump({"when": when, "processor": processor(), "processors": len(os.sched_getaffinity(0)),
                   "load_before": load, "load_after": os.getloadavg(),
                   "seconds": round(time.monotonic() - begin), "command": shlex.join(sys.argv),
                   "workloads": results, "products": products}, f, indent=1)
        f.write("\n")
    os.replace(args.out + ".part", args.out)
    say("%s written after %d s" % (args.out, time.monotonic() - begin))


if __name__ == "__main__":
    main()
