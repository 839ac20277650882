"""What every peer benchmark shares: its command line, a fair environment, timing, and one JSON line of results.

A benchmark runs `--repeat` times by itself, or with `--serve` once for each line on its standard input, answering each
with a JSON line, so that run.py can let several programs take turns. The last line has the median and all values.
"""
import argparse
import glob
import json
import os
import platform
import statistics
import sys
import time

# Variables that slow a peer down where a system sets them.
HARMFUL = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "MKL_DEBUG_CPU_TYPE", "GOMP_CPU_AFFINITY", "KMP_AFFINITY")
# Large buffers come from a heap that is kept, not from pages the kernel clears anew at every step.
KEPT_HEAP = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "17179869184",
             "MALLOC_TOP_PAD_": "67108864", "MALLOC_ARENA_MAX": "1"}


def parser(about):
    p = argparse.ArgumentParser(description=about)
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--steps", type=int, default=2, help="steps in one repeat")
    p.add_argument("--repeat", type=int, default=7)
    p.add_argument("--serve", action="store_true", help="one repeat for each line of standard input")
    p.add_argument("--mkldnn", choices=("auto", "on", "off"), default="auto", help="oneDNN inside PyTorch")
    p.add_argument("--heap", choices=("kept", "plain"), default="kept", help="how malloc treats large blocks")
    p.add_argument("--bind", choices=("auto", "on", "off"), default="auto", help="bind OpenMP threads to processors")
    p.add_argument("--blas", default="auto", help="folder of the libblas.so.3 for a PyTorch that links to one")
    return p


def is_debian_torch():
    """Whether this Python's PyTorch is Debian's, whose products come from the system's libblas.so.3."""
    import importlib.util
    found = importlib.util.find_spec("torch")
    return bool(found and found.origin and found.origin.startswith("/usr/lib/python3/"))


def settle(args):
    """Sets the environment the libraries read when they load; starts this program again where it has to change."""
    want = dict(os.environ)
    for name in HARMFUL + ("ATEN_CPU_CAPABILITY", "OMP_PROC_BIND", "OMP_PLACES"):
        want.pop(name, None)
    threads = str(args.threads)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS"):
        want[name] = threads
    debian = is_debian_torch()
    if args.bind == "on" or (args.bind == "auto" and debian and args.threads > 1):
        want["OMP_PROC_BIND"], want["OMP_PLACES"] = "close", "cores"
    if args.heap == "kept":
        want.update(KEPT_HEAP)
    if debian:
        # BLIS shares PyTorch's OpenMP threads; OpenBLAS's own threads would fight them for the processors
        folders = glob.glob("/usr/lib/*/blis-openmp") if args.blas == "auto" else [args.blas]
        if folders:
            want["LD_LIBRARY_PATH"] = folders[0]
    if want != dict(os.environ):
        os.execve(sys.executable, [sys.executable] + sys.argv, want)


def import_torch(args):
    """PyTorch with the threads and the oneDNN setting asked for; fills in what `auto` means for this version."""
    import torch
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    if args.mkldnn == "auto":
        # 1.13's oneDNN has no LSTM and is slower than BLIS; from 2.x on the fused LSTM runs both ways
        args.mkldnn = "off" if torch.__version__.startswith("1.") else "on"
    torch.backends.mkldnn.set_flags(args.mkldnn == "on")
    torch.manual_seed(1)
    return torch


def memory(field):
    """Bytes of VmHWM (peak resident) or VmRSS (resident now)."""
    with open("/proc/self/status", encoding="ascii") as f:
        for line in f:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise KeyError(field)


def baseline():
    """Resident bytes now; the peak starts from here, so that importing libraries does not count as a peak."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as f:
            f.write("5")
    except OSError:
        pass  # then the peak counts the import too
    return memory("VmRSS")


def measure(args, base, unit, run, units, facts):
    """Times run(), which does `units` units of work, again and again, and prints the results.

    unit: "tokens_per_second" (higher is better) or "seconds" (units is 1, lower is better). facts(): what else to
    report, asked for at the end.
    """
    run()
    run()
    values, shares, cpus = [], [], []

    def once():
        cpu, begin = time.process_time(), time.perf_counter()
        run()
        taken = time.perf_counter() - begin
        cpu = time.process_time() - cpu
        cpus.append(cpu if unit == "seconds" else units / cpu)
        shares.append(cpu / (taken * args.threads))
        values.append(taken if unit == "seconds" else units / taken)

    if args.serve:
        print(json.dumps({"ready": True}), flush=True)
        for _ in sys.stdin:
            once()
            print(json.dumps({unit: values[-1]}), flush=True)
    else:
        for _ in range(args.repeat):
            once()
    result = {
        unit: statistics.median(values) if values else None,
        "best": (min(values) if unit == "seconds" else max(values)) if values else None,
        "all": values,
        # by processor time, and the share of it this program got: far below 1, others were using the processors
        "per_cpu_second" if unit != "seconds" else "cpu_seconds": statistics.median(cpus) if cpus else None,
        "cpu_share": round(statistics.median(shares), 3) if shares else None,
        "peak_rss": memory("VmHWM"),
        "baseline_rss": base,
        "peak_rss_above_baseline": memory("VmHWM") - base,
        "threads": args.threads,
        "python": platform.python_version(),
        "settings": {"heap": args.heap, **({} if args.mkldnn == "auto" else {"mkldnn": args.mkldnn}),
                     **{name: os.environ[name] for name in ("OMP_PROC_BIND", "LD_LIBRARY_PATH") if name in os.environ}},
    }
    result.update(facts())
    print(json.dumps(result), flush=True)
