"""Runs sequence models that Unroll trained: whole sequences, or one step at a time in constant memory.

    import unroll
    model = unroll.load("model.safetensors")
    stream = model.stream()
    out = stream.step(3)                      # a token, or a row of values: (outputs,) float32
    out = model.forward(x)                    # (n,) tokens or (n, inputs) values: (n, outputs), of every step
    print(model.generate("The ", n=200, temp=0.8))

A thin layer over libunroll-run, found by the environment's UNROLL_LIBRARY, else beside this file or in the folders
above it, else where the system keeps libraries. What fails raises unroll.Error with the library's own words. Threads
may share a model, all but Model.step and Model.reset: these feed the one stream that a model has of its own, and a
stream or a group is used by one thread at a time.
"""
import collections
import ctypes
import ctypes.util
import operator
import os
import pathlib

import numpy as np

__all__ = ["load", "version", "Model", "Stream", "Group", "Error", "Full"]

_SONAME = "libunroll-run.so.0.1"
_WEIGHTS = {None: 0, "float32": 1, "bfloat16": 2, "int8": 3}
_KEPT = {number: name for name, number in _WEIGHTS.items()}
_SAYS = ("classes", "values", "hidden")
_FULL = 7


class Error(Exception):
    """What the library refused or could not do; `status` is unroll.h's number for the kind."""

    def __init__(self, text, status=1):
        super().__init__(text)
        self.status = status


class Full(Error):
    """The stream has taken all the steps it can hold (Model.limit)."""


class _Err(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("text", ctypes.c_char * 508)]


class _Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("weights", ctypes.c_int), ("context", ctypes.c_int64),
                ("window", ctypes.c_int64)]


def _candidates():
    if os.environ.get("UNROLL_LIBRARY"):
        yield os.environ["UNROLL_LIBRARY"]
        return
    here = pathlib.Path(__file__).resolve().parent
    for folder in [here, *here.parents][:4]:  # lib/python3.x/dist-packages, or a checkout's python/ beside its build/
        for name in (folder, folder / "lib", folder / "build"):
            if (name / _SONAME).exists():
                yield str(name / _SONAME)
    yield ctypes.util.find_library("unroll-run") or _SONAME


def _declare(lib):
    p, n, i, size = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int, ctypes.c_size_t
    err, out = ctypes.POINTER(_Err), ctypes.POINTER(p)
    for name, result, *arguments in (
            ("version", ctypes.c_char_p), ("open_with", i, ctypes.c_char_p, ctypes.POINTER(_Options), out, err),
            ("close", None, p), ("spec", ctypes.c_char_p, p), ("parameters", n, p),
            ("weights_kept", i, p), ("weight_bytes", size, p), ("inputs", i, p), ("outputs", i, p),
            ("output_kind", i, p), ("vocabulary", i, p), ("limit", n, p), ("input_name", ctypes.c_char_p, p, i),
            ("output_name", ctypes.c_char_p, p, i), ("stream_size", size, p), ("stream_open", i, p, p, out, err),
            ("stream_close", None, p), ("stream_reset", None, p), ("position", n, p), ("stream_state", size, p),
            ("step", i, p, i, out, err), ("step_values", i, p, p, out, err), ("prefill", i, p, p, n, out, err),
            ("prefill_values", i, p, p, n, out, err), ("forward", i, p, p, n, p, err),
            ("forward_values", i, p, p, n, p, err), ("stream_copy", i, p, p, err), ("stream_save_size", size, p),
            ("stream_save", i, p, p, size, ctypes.POINTER(size), err), ("stream_restore", i, p, p, size, err),
            ("group_open", i, p, i, p, out, err), ("group_close", None, p), ("group_step", i, p, i, p, p, out, err),
            ("group_step_values", i, p, i, p, p, out, err), ("encode", n, p, ctypes.c_char_p, size, p, size, err),
            ("decode", size, p, i, out)):
        function = getattr(lib, "unroll_" + name)
        function.restype = result
        function.argtypes = arguments
    return lib


def _library():
    tried = []
    for path in _candidates():
        try:
            return _declare(ctypes.CDLL(path))
        except OSError as why:
            tried.append(str(why))
    raise ImportError("no libunroll-run: set UNROLL_LIBRARY to its path (%s)" % "; ".join(tried))


_lib = _library()


def _call(name, *arguments):
    err = _Err()
    status = getattr(_lib, "unroll_" + name)(*arguments, ctypes.byref(err))
    if status:
        raise (Full if status == _FULL else Error)(err.text.decode(errors="replace"), status)


def _whole(x, what, least=-1 << 31, most=(1 << 31) - 1):
    """x, a whole number that C can be given: ctypes cuts what is too large, and int() what is no whole number."""
    try:
        x = operator.index(x)
    except TypeError:
        raise TypeError("%s is a whole number, not %r" % (what, x)) from None
    if not least <= x <= most:
        raise ValueError("%s is out of range: %d" % (what, x))
    return x


def _floats(address, count):
    """A copy of floats that the library owns."""
    return np.frombuffer(ctypes.string_at(address, 4 * count), np.float32)


def version():
    """The library's version."""
    return _lib.unroll_version().decode()


def load(path, weights=None, context=0, window=0):
    """Opens a model file. weights: None (as stored), "float32", "bfloat16" or "int8"; context and window: of attention,
    the steps a stream can hold, or those that each step sees, in bounded memory and without an end."""
    return Model(path, weights, context, window)


class Model:
    """A model, opened; immutable, and shared by threads, but for the stream that `step` feeds and `reset` ends."""

    def __init__(self, path, weights=None, context=0, window=0):
        if weights not in _WEIGHTS:
            raise ValueError("weights are None, float32, bfloat16 or int8, not %r" % (weights,))
        options = _Options(ctypes.sizeof(_Options), _WEIGHTS[weights],
                           *(_whole(x, what, -1 << 63, (1 << 63) - 1) for x, what in
                             ((context, "context"), (window, "window"))))
        self._at = ctypes.c_void_p()
        _call("open_with", os.fsencode(path), ctypes.byref(options), ctypes.byref(self._at))
        self.spec = _lib.unroll_spec(self._at).decode()
        self.parameters = _lib.unroll_parameters(self._at)
        self.weights = _KEPT[_lib.unroll_weights_kept(self._at)]
        self.weight_bytes = _lib.unroll_weight_bytes(self._at)  # that a step reads
        self.inputs = _lib.unroll_inputs(self._at)          # values that a step reads; 0: a token
        self.outputs = _lib.unroll_outputs(self._at)
        self.output_kind = _SAYS[_lib.unroll_output_kind(self._at)]
        self.vocabulary = _lib.unroll_vocabulary(self._at)  # tokens; 0: it reads values
        self.limit = _lib.unroll_limit(self._at)            # steps a stream can take; 0: any number
        self.stream_size = _lib.unroll_stream_size(self._at)
        self.input_names = self._names(_lib.unroll_input_name, self.inputs)
        self.output_names = self._names(_lib.unroll_output_name, self.outputs)
        self._own = None

    def _names(self, name, count):
        names = [name(self._at, i) for i in range(count)]
        return [text.decode(errors="replace") if text is not None else None for text in names]

    def __del__(self):
        if getattr(self, "_at", None) and _lib:
            self._own = None
            _lib.unroll_close(self._at)

    def __repr__(self):
        return "<unroll.Model %s>" % self.spec

    def stream(self):
        """A new stream, at the start of a sequence."""
        return Stream(self)

    def group(self, most):
        """For stepping up to `most` streams at once, which reads the weights once for all."""
        return Group(self, most)

    def step(self, x):
        """Feeds the model's own stream one token or row of values; see Stream.step, and reset. For one thread."""
        if self._own is None:
            self._own = _Handle(self)
        return self._own.step(self, x)

    def reset(self):
        """Back to the start, for step. For one thread."""
        self._own = None

    def forward(self, x):
        """All outputs (n, outputs) of a sequence of its own: a text, tokens (n,) or values (n, inputs)."""
        return self.stream().forward(x)

    def encode(self, text):
        """The tokens of a text (str or bytes), int32."""
        data = text.encode() if isinstance(text, str) else bytes(text)
        err = _Err()
        tokens = np.empty(max(len(data), 1), np.int32)
        n = _lib.unroll_encode(self._at, data, len(data), tokens.ctypes.data, len(tokens), ctypes.byref(err))
        if n > len(tokens):
            tokens = np.empty(n, np.int32)
            n = _lib.unroll_encode(self._at, data, len(data), tokens.ctypes.data, len(tokens), ctypes.byref(err))
        if n < 0:
            raise Error(err.text.decode(errors="replace"), err.status)
        return tokens[:n]

    def decode(self, tokens):
        """The bytes of some tokens' texts, joined."""
        text, parts = ctypes.c_void_p(), []
        for token in np.asarray(tokens).reshape(-1):
            n = _lib.unroll_decode(self._at, _whole(token, "a token"), ctypes.byref(text))
            parts.append(ctypes.string_at(text, n))
        return b"".join(parts)

    def tokens(self, prompt="", n=400, temp=0.8, top_k=0, top_p=1.0, seed=None):
        """Yields n tokens drawn after a prompt, with the options of `unroll generate`; a full stream goes on from the
        last half of what it held. The draws are numpy's: the same seed draws the same here, not what the tool draws."""
        if self.inputs:
            raise Error("%s reads values: it writes no text" % self.spec)
        random, stream = np.random.default_rng(seed), self.stream()
        held = self._first(prompt)
        if self.limit and len(held) > self.limit:
            held = held[-max(self.limit // 2, 1):]
        out = stream.prefill(held)
        held = collections.deque(held if self.limit else (), max(self.limit // 2, 1))  # what it goes on from
        for i in range(n):
            token = draw(out, random, temp, top_k, top_p)
            yield token
            if i + 1 == n:
                return
            if self.limit and stream.position == self.limit:
                stream.reset()
                if self.limit > 1:
                    stream.prefill(list(held))
            if self.limit:
                held.append(token)
            out = stream.step(token)

    def _first(self, prompt):
        """A prompt's tokens; without one a new line, where the model has it."""
        if not isinstance(prompt, (str, bytes)):
            prompt = [_whole(token, "a token") for token in np.asarray(prompt).reshape(-1)]
        tokens = self.encode(prompt) if isinstance(prompt, (str, bytes)) else np.array(prompt, np.int32)
        if len(tokens):
            return tokens
        try:
            tokens = self.encode("\n")
        except Error:
            tokens = []
        return tokens if len(tokens) == 1 and self.decode(tokens) == b"\n" else np.zeros(1, np.int32)

    def generate(self, prompt="", n=400, temp=0.8, top_k=0, top_p=1.0, seed=None, stop=None):
        """The text of `tokens`, without the prompt; with `stop` (str or bytes), up to the first time that it has been
        written."""
        text, stop = b"", stop.encode() if isinstance(stop, str) else bytes(stop or b"")
        for token in self.tokens(prompt, n, temp, top_k, top_p, seed):
            text += self.decode([token])
            if stop and stop in text:
                break
        return text.decode(errors="replace")


def draw(logits, random, temp=0.8, top_k=0, top_p=1.0):
    """One token: of the top_k best (0: all), and of these the best that together have probability top_p; temp 0: the
    best. random: a numpy Generator."""
    if not 0 <= top_p <= 1 or top_k < 0 or temp < 0:
        raise ValueError("temp and top_k are 0 or more, top_p is from 0 to 1")
    if temp == 0 or top_k == 1:
        return int(np.argmax(logits))
    x = np.asarray(logits, np.float64) / temp
    p = np.exp(x - x.max())
    order = np.argsort(-p, kind="stable")
    if top_k:
        p[order[top_k:]] = 0
    p /= p.sum()
    if 0 < top_p < 1:
        before = np.cumsum(p[order]) - p[order]
        p[order[before >= top_p]] = 0
        p /= p.sum()
    return int(random.choice(len(p), p=p))


def _fed(model, x):
    """x as the library reads it, and the ending of the calls that do."""
    if not model.inputs:
        x = model.encode(x) if isinstance(x, (str, bytes)) else np.asarray(x)
        if x.dtype.kind not in "iu" and x.size:
            raise TypeError("%s reads tokens, whole numbers" % model.spec)
        if x.ndim != 1:
            raise ValueError("tokens have the shape (n,), not %s" % (x.shape,))
        if x.size:
            for end in (x.min(), x.max()):
                _whole(end, "a token")
        return np.ascontiguousarray(x, np.int32), ""
    x = np.ascontiguousarray(x, np.float32)
    if x.ndim != 2 or x.shape[1] != model.inputs:
        raise ValueError("values have the shape (n, %d), not %s" % (model.inputs, x.shape))
    return x, "_values"


class _Handle:
    """The library's stream alone: the one that a model has of its own must not keep the model alive."""

    def __init__(self, model):
        self._at = ctypes.c_void_p()
        self._out = ctypes.c_void_p()
        _call("stream_open", model._at, None, ctypes.byref(self._at))

    def __del__(self):
        if getattr(self, "_at", None) and _lib:
            _lib.unroll_stream_close(self._at)

    def step(self, model, x):
        if model.inputs:
            x, _ = _fed(model, np.reshape(x, (1, -1)))
            _call("step_values", self._at, x.ctypes.data, ctypes.byref(self._out))
        else:
            _call("step", self._at, _whole(x, "a token"), ctypes.byref(self._out))
        return _floats(self._out.value, model.outputs)


class Stream:
    """One live sequence. Its memory does not grow with the steps it takes. For one thread at a time."""

    def __init__(self, model):
        self._handle = _Handle(model)  # goes before the model does
        self.model = model
        self._at = self._handle._at
        self._out = ctypes.c_void_p()

    @property
    def position(self):
        """Steps taken since the start."""
        return _lib.unroll_position(self._at)

    @property
    def state_bytes(self):
        """Bytes of its state that matter now."""
        return _lib.unroll_stream_state(self._at)

    def step(self, x):
        """Feeds one token, or one row of `inputs` values (NaN: missing); what the model gives then, (outputs,)."""
        return self._handle.step(self.model, x)

    def prefill(self, x):
        """Feeds a text, tokens (n,) or values (n, inputs) at once; the outputs after the last, (outputs,)."""
        x, ending = _fed(self.model, x)
        _call("prefill" + ending, self._at, x.ctypes.data, len(x), ctypes.byref(self._out))
        return _floats(self._out.value, self.model.outputs)

    def forward(self, x):
        """The same with the outputs of every step, (n, outputs)."""
        x, ending = _fed(self.model, x)
        out = np.empty((len(x), self.model.outputs), np.float32)
        _call("forward" + ending, self._at, x.ctypes.data, len(x), out.ctypes.data)
        return out

    def reset(self):
        """Back to the start of a sequence."""
        _lib.unroll_stream_reset(self._at)

    def fork(self):
        """A new stream with the same past."""
        other = Stream(self.model)
        _call("stream_copy", other._at, self._at)
        return other

    def save(self):
        """The state as bytes: restored into a stream of the same model and options, in any process, it goes on bit for
        bit, if with the same kernels (another processor may round another way)."""
        room = ctypes.create_string_buffer(_lib.unroll_stream_save_size(self._at))
        _call("stream_save", self._at, room, len(room), None)
        return room.raw

    def restore(self, state):
        """Takes a saved state; one that is damaged or of another model raises, and changes nothing."""
        state = bytes(state)
        _call("stream_restore", self._at, state, len(state))


class Group:
    """Steps many streams of one model at once; each one's result is, to the bit, what it would be alone. For one thread
    at a time, as its streams are."""

    def __init__(self, model, most):
        self.model = model
        self._at = ctypes.c_void_p()
        self._out = ctypes.c_void_p()
        _call("group_open", model._at, _whole(most, "most"), None, ctypes.byref(self._at))

    def __del__(self):
        if getattr(self, "_at", None) and _lib:
            _lib.unroll_group_close(self._at)

    def step(self, streams, x):
        """Feeds x[i], a token or a row of values, to streams[i], all different: (n, outputs)."""
        streams = list(streams)
        if not streams:
            return np.empty((0, self.model.outputs), np.float32)
        x, ending = _fed(streams[0].model, x)
        if len(x) != len(streams):
            raise ValueError("%d streams, but %d to feed them" % (len(streams), len(x)))
        at = (ctypes.c_void_p * len(streams))(*[stream._at.value for stream in streams])
        _call("group_step" + ending, self._at, len(streams), at, x.ctypes.data, ctypes.byref(self._out))
        return _floats(self._out.value, len(streams) * self.model.outputs).reshape(len(streams), -1)
