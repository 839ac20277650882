#!/bin/bash
# Python's safetensors opens what we write, and we open what it writes. Exits 77 (skipped), saying why, where there is
# no Python with safetensors and numpy and none can be made.
# environment: BUILD, the build folder, with tests/test_format in it; UNROLL_PYTHON, a Python to use
. "${0%/*}/python_with.bash"
program=$build/tests/test_format
[ -x "$program" ] || skip "$program is not built"
python_with python 60 --system-site-packages numpy safetensors

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
"$program" write "$folder" || exit 1

"$python" - "$folder" "$program" <<'PYTHON'
import json, os, struct, subprocess, sys
import numpy as np
import safetensors
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

folder, program = sys.argv[1:]

def path(name):
    return os.path.join(folder, name)

# -- ours, read by Python --
floats = np.array([0, 1, -2, 3.5, 1e-30, -1e30] + list(range(6, 24)), np.float32)
data = bytes([1, 0, 255, 3, 4, 5]) + bytes(18)
expected = {
    "odd": np.frombuffer(data[:7], np.uint8),
    "vector": floats[:5],
    "matrix": floats[:16].reshape(4, 4),
    "scalar": floats[3].reshape(()),
    "nothing": np.zeros((2, 0, 3), np.int64),
    "nothing too": np.zeros((0,), np.float32),
    "gewöhnlich/重み 🙂": np.frombuffer(data[:6], np.int16),
    "quote\" back\\ tab\t": np.frombuffer(data[:2], np.bool_).reshape(1, 2),
    "": np.frombuffer(floats.tobytes()[:24], np.float64),
    "deep": np.frombuffer(data[:12], np.int8).reshape(1, 2, 1, 1, 3, 1, 1, 2),
}
texts = {
    "spec": "lstm:2x256",
    "vocabulary": "{\"a\": \"\\\"\"}\nsecond line\r\n\ttabbed",
    "": "",
    "été": "☀ / \x01 \x7f",
}
loaded = load_file(path("all.safetensors"))
assert set(loaded) == set(expected), set(loaded) ^ set(expected)
for name, value in expected.items():
    assert loaded[name].dtype == value.dtype, (name, loaded[name].dtype)
    assert loaded[name].shape == value.shape, (name, loaded[name].shape)
    assert loaded[name].tobytes() == value.tobytes(), name
with safe_open(path("all.safetensors"), framework="np") as f:
    assert f.metadata() == texts, f.metadata()
    assert sorted(f.keys()) == sorted(expected)
    assert np.array_equal(f.get_slice("matrix")[1:3], floats[4:12].reshape(2, 4))
with safe_open(path("more.safetensors"), framework="np") as f:
    assert f.metadata() is None
    assert np.array_equal(f.get_tensor("transposed"), floats[:6].reshape(2, 3).T)
    assert f.get_slice("brain").get_dtype() == "BF16"
with safe_open(path("none.safetensors"), framework="np") as f:
    assert list(f.keys()) == [] and f.metadata() is None
for name in ("all", "more", "none"):
    with open(path(name + ".safetensors"), "rb") as f:
        length = struct.unpack("<Q", f.read(8))[0]
        assert (8 + length) % 64 == 0
        json.loads(f.read(length))

# -- Python's, read by ours --
def weighted(values):
    values = np.asarray(values).reshape(-1).astype(np.float64)
    return "%.6g" % np.dot(values, np.arange(1, len(values) + 1))

def lines(name):
    out = subprocess.run([program, "check", path(name)], capture_output=True, text=True, check=True)
    return out.stdout.splitlines()

rng = np.random.default_rng(1)
arrays = {
    "f16": rng.standard_normal((3, 4)).astype(np.float16),
    "f32": rng.standard_normal((5,)).astype(np.float32),
    "f64": rng.standard_normal((2, 1, 2)),
    "scalar": np.array(2.5, np.float32),
    "empty": np.zeros((0, 7), np.float32),
    "name with ü": np.arange(6, dtype=np.float32).reshape(2, 3),
}
types = {"float16": "F16", "float32": "F32", "float64": "F64"}
save_file(arrays, path("python.safetensors"), {"key": "value", "ключ": "значение"})
got = lines("python.safetensors")
for name, a in arrays.items():
    shape = "".join(" %d" % n for n in a.shape)
    wanted = "%s %s%s = %s" % (name, types[str(a.dtype)], shape, weighted(a))
    assert wanted in got, (wanted, got)
assert "key: value" in got and "ключ: значение" in got, got
kinds = "int8 uint8 int16 uint16 int32 uint32 int64 uint64 bool".split()
whole = {t: np.arange(5).astype(t) for t in kinds}
save_file(whole, path("whole.safetensors"))
got = [line.split()[:3] for line in lines("whole.safetensors")]
names = {"bool": "BOOL"}
for t in whole:
    code = names.get(t) or t.replace("uint", "U").replace("int", "I")
    assert [t, code, "5"] in got, (t, got)
# what another reader's rules forbid, ours must too
with open(path("python.safetensors"), "rb") as f:
    good = f.read()
for wrong in (good[:-1], good + b"\0", good[:20]):
    with open(path("wrong.safetensors"), "wb") as f:
        f.write(wrong)
    assert subprocess.run([program, "check", path("wrong.safetensors")], capture_output=True).returncode == 1
    try:
        load_file(path("wrong.safetensors"))
        raise SystemExit("Python opened a broken file")
    except safetensors.SafetensorError:
        pass
print("python_formats: safetensors", safetensors.__version__, "and ours read each other's files")
PYTHON
