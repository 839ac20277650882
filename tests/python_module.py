# usage: python_module.py FOLDER-OF-MODELS (tests/python_module.sh)
import gc
import os
import struct
import subprocess
import sys
import threading
import weakref

import numpy as np

import unroll

folder = sys.argv[1]
random = np.random.default_rng(1)


def path(name):
    return os.path.join(folder, name + ".safetensors")


def raises(kind, part, function, *arguments, **options):
    try:
        function(*arguments, **options)
    except kind as why:
        assert part in str(why), (part, str(why))
        return why
    raise SystemExit("nothing raised that says %r" % part)


def same(a, b):
    assert a.shape == b.shape and a.dtype == b.dtype == np.float32 and a.tobytes() == b.tobytes(), (a, b)


def near(a, b, bound=1e-5):
    assert a.shape == b.shape and np.abs(a - b).max() <= bound * max(1, np.abs(b).max()), np.abs(a - b).max()


def fed(model, n):
    if model.inputs:
        x = random.standard_normal((n, model.inputs)).astype(np.float32)
        x[n // 2, 0] = np.nan
        return x
    return random.integers(0, model.vocabulary, n)


def streams(name):
    model = unroll.load(path(name))
    n = min(model.limit or 40, 40)
    x = fed(model, n)
    whole = model.forward(x)
    assert whole.shape == (n, model.outputs) and np.isfinite(whole).all()
    stream = model.stream()
    steps = np.stack([stream.step(row) for row in x])
    near(steps, whole)
    assert stream.position == n and stream.state_bytes > 0
    if model.limit:
        assert raises(unroll.Full, "full", stream.step, x[0]).status == 7
    stream.reset()
    near(stream.prefill(x[:7]), whole[6])
    near(stream.forward(x[7:11]), whole[7:11])
    # saved, forked: to the bit
    state, other, fork = stream.save(), model.stream(), stream.fork()
    other.restore(state)
    assert other.save() == state and other.position == 11
    one = stream.step(x[11])
    same(other.step(x[11]), one)
    same(fork.step(x[11]), one)
    damaged = bytearray(state)
    damaged[len(state) // 2] ^= 4
    before = other.save()
    assert raises(unroll.Error, "checksum", other.restore, damaged).status == 4
    raises(unroll.Error, "cut", other.restore, state[:-1])
    assert other.save() == before
    # in a group: to the bit
    few = [model.stream() for _ in range(3)]
    for i, s in enumerate(few):
        for row in x[:i]:
            s.step(row)
    forks = [s.fork() for s in few]
    out = model.group(3).step(few, x[3:6])
    for i in range(3):
        same(out[i], forks[i].step(x[3 + i]))
    raises(unroll.Error, "twice", model.group(2).step, [few[0], few[0]], x[:2])
    raises(ValueError, "3 streams", model.group(3).step, few, x[:2])
    same(model.step(x[0]), model.stream().step(x[0]))
    model.step(x[1])
    model.reset()
    same(model.step(x[0]), model.stream().step(x[0]))
    return model


def texts():
    model = streams("lstm")
    text = "abc xyz.\ncaf\u00e9 \u20ac"
    tokens = model.encode(text)
    assert tokens.dtype == np.int32 and len(tokens) == len(text) and model.decode(tokens) == text.encode()
    assert model.inputs == 0 and model.outputs == model.vocabulary and model.output_kind == "classes"
    assert model.spec == "lstm:2x24" and model.parameters > 0 and model.output_names[0] is None
    model.reset()
    near(model.forward(text), np.stack([model.step(t) for t in tokens]))
    raises(unroll.Error, "vocabulary", model.encode, "#")
    raises(unroll.Error, "not in the vocabulary", model.step, model.vocabulary)
    raises(TypeError, "whole numbers", model.forward, [0.5])
    raises(ValueError, "(n,)", model.forward, [[1]])
    raises(unroll.Error, "/nowhere", unroll.load, "/nowhere")
    raises(ValueError, "int8", unroll.load, path("lstm"), weights="int5")
    raises(unroll.Error, "constant memory", unroll.load, path("lstm"), window=5)
    return model


def numbers():
    """What C cannot hold, or is no whole number, is refused, not cut."""
    model = unroll.load(path("lstm"))
    stream = model.stream()
    for step in (model.step, stream.step):
        for x, kind in ((2**32 + 3, ValueError), (-2**31 - 1, ValueError), (3.9, TypeError), ("3", TypeError)):
            raises(kind, "a token is", step, x)
    assert stream.position == 0
    for x, kind in (([2**32 + 3], ValueError), ([2**64 + 3], ValueError), ([3.9], TypeError)):
        raises(kind, "a token is", model.decode, x)
        raises(kind, "a token is", model.generate, x)
    for most, kind in ((2**32 + 2, ValueError), (2.5, TypeError)):
        raises(kind, "most is", model.group, most)
    for option in ("context", "window"):
        raises(ValueError, option + " is out of range", unroll.load, path("long"), **{option: 2**64})
        raises(TypeError, option + " is a whole number", unroll.load, path("long"), **{option: 5.5})
    for x in (3, np.int64(3), np.uint8(3), np.array(3)):
        same(model.stream().step(x), model.stream().prefill([3]))
    assert unroll.load(path("long"), context=np.int64(99)).limit == 99


def freed():
    """A model goes with its last name, without the collector of cycles; a stream keeps its model."""
    gc.disable()
    model = unroll.load(path("lstm"))
    model.step(3)
    gone = weakref.ref(model)
    del model
    assert gone() is None
    stream = unroll.load(path("lstm")).stream()
    gone = weakref.ref(stream.model)
    want = unroll.load(path("lstm")).step(3)
    same(stream.step(3), want)
    assert gone() is not None
    del stream
    assert gone() is None
    gc.enable()


def values():
    model = streams("values")
    assert (model.inputs, model.outputs, model.vocabulary, model.output_kind) == (3, 2, 0, "values")
    assert model.input_names == ["in 0", "in 1", "in 2"] and model.output_names == [None, None]
    same(model.forward([[np.nan] * 3]), model.forward([[0, 1, 2]]))  # its means
    raises(unroll.Error, "infinite", model.step, [0, np.inf, 0])
    raises(ValueError, "(n, 3)", model.step, [1, 2])
    raises(unroll.Error, "no text", model.generate, "a")
    assert streams("hidden").output_kind == "hidden"
    assert streams("classes").output_kind == "classes"


def generates():
    """The best token each time is the tool's, also where a full stream goes on from its last half."""
    for name in ("lstm", "full"):
        model = unroll.load(path(name))
        for prompt in ("", "ab", "the cat sat on the mat"):
            ours = model.generate(prompt, n=40, temp=0)
            theirs = subprocess.run([os.environ["UNROLL"], "generate", "-m", path(name), "--prompt", prompt, "-n",
                                     "40", "--temp", "0", "--no-echo", "-q"], capture_output=True, check=True).stdout
            assert ours.encode() == theirs or ours.encode() + b"\n" == theirs, (name, prompt, ours, theirs)
    model = unroll.load(path("lstm"))
    assert model.generate("a", n=50, seed=3) == model.generate("a", n=50, seed=3) != model.generate("a", n=50, seed=4)
    assert model.generate("a", n=50, top_k=1) == model.generate("a", n=50, temp=0)
    text = model.generate("a", n=50, seed=3)
    assert model.generate("a", n=50, seed=3, stop=text[9]).index(text[9]) <= 9
    assert model.generate("a", n=50, seed=3, stop=text[9].encode()) == model.generate("a", n=50, seed=3, stop=text[9])
    assert model.generate("a", n=50, seed=3, stop=b"") == text
    logits = np.log(np.array([0.5, 0.2, 0.2, 0.1]))
    for options, allowed in (({}, 4), ({"top_k": 2}, 2), ({"top_p": 0.45}, 1), ({"top_p": 0.6}, 2),
                             ({"top_p": 0.95}, 4), ({"top_k": 3, "top_p": 0.75}, 2)):
        counts = np.bincount([unroll.draw(logits, random, temp=1, **options) for _ in range(500)], minlength=4)
        assert (counts > 0).sum() == allowed and (counts[:allowed] > 0).all(), (options, counts)
    counts = np.bincount([unroll.draw(logits, random, temp=1) for _ in range(5000)], minlength=4) / 5000
    assert np.abs(counts - np.exp(logits)).max() < 0.03, counts
    raises(ValueError, "top_p", unroll.draw, logits, random, top_p=2)


def reaches():
    model, windowed = streams("long"), unroll.load(path("long"), window=5)
    x = fed(model, 200)
    assert model.limit == 12 and windowed.limit == 0 and unroll.load(path("long"), context=99).limit == 99
    near(np.stack([windowed.step(t) for t in x]), windowed.forward(x))
    near(windowed.forward(x[:5]), model.forward(x[:5]))
    raises(unroll.Error, "window", windowed.stream().restore, model.stream().save())


def weights():
    """Kept in fewer bits, a model is smaller and says nearly the same."""
    model = unroll.load(path("lstm"))
    x, bytes_of = fed(model, 40), {}
    for kept, bound in (("float32", 0), ("bfloat16", 0.05), ("int8", 0.1)):
        other = unroll.load(path("lstm"), weights=kept)
        assert other.weights == kept
        bytes_of[kept] = other.weight_bytes
        near(other.forward(x), model.forward(x), bound)
        assert (other.forward(x) == model.forward(x)).all() == (kept == "float32")
        raises(unroll.Error, "another model", other.stream().restore, unroll.load(path("full")).stream().save())
        if kept != "float32":
            raises(unroll.Error, "another model", other.stream().restore, model.stream().save())
    assert bytes_of["int8"] < bytes_of["bfloat16"] < bytes_of["float32"] == model.weight_bytes, bytes_of


def threads(model):
    x, out = fed(model, 300), [None] * 4

    def walk(i):
        stream = model.stream()
        out[i] = np.stack([stream.step(t) for t in x])
    all_of = [threading.Thread(target=walk, args=(i,)) for i in range(len(out))]
    for t in all_of:
        t.start()
    for t in all_of:
        t.join()
    for o in out:
        same(o, out[0])


def tensors(name):
    """The float32 tensors of a safetensors file, without its package."""
    import json
    with open(path(name), "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    header.pop("__metadata__")
    return {name: np.frombuffer(data[slice(*t["data_offsets"])], np.float32).reshape(t["shape"])
            for name, t in header.items()}


def torch_agrees():
    """PyTorch's LSTM with the weights of the same file."""
    try:
        import torch
    except ImportError:
        return "no PyTorch to compare with"
    for name, inputs, width in (("lstm", 24, 24), ("values", 3, 16)):
        model, held = unroll.load(path(name)), {k: torch.tensor(v) for k, v in tensors(name).items()}
        lstm = torch.nn.LSTM(inputs, width, 2)
        lstm.load_state_dict({k.removeprefix("rnn."): v for k, v in held.items() if k.startswith("rnn.")})
        x = fed(model, 100)
        with torch.no_grad():
            if model.inputs:
                read = torch.tensor(np.nan_to_num((x - np.arange(3, dtype=np.float32)) * np.float32(0.5)))
            else:
                read = held["encoder.weight"][torch.tensor(x)]
            said = lstm(read)[0] @ held["decoder.weight"].T + held["decoder.bias"]
        near(model.forward(x), said.numpy() / 4 - 1 if model.inputs else said.numpy())
    return "PyTorch %s agrees" % torch.__version__


model = texts()
numbers()
freed()
values()
streams("full")
generates()
reaches()
weights()
threads(model)
print("python_module: unroll", unroll.version(), "with numpy %s; %s" % (np.__version__, torch_agrees()))
