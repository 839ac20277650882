"""One step at batch 1 on one thread in ONNX Runtime or PyTorch: the layers that bench/bench_step.c steps.

For each line on standard input a round of --steps steps of everything, answered with a line of JSON,
{"NAME": [nanoseconds, ...]}, as bench_step --serve does. ONNX Runtime is called with buffers bound once
(run_with_iobinding); what such a call costs by itself is shown by a model of one Identity of 256 values.
"""
import argparse
import json
import os
import sys
import tempfile
import time

H, LAYERS, POSITION, WARM = 256, 2, 255, 3


def onnx_runs(kinds):
    """Name -> a function that takes one step."""
    import numpy
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper

    random = numpy.random.default_rng(1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    folder = tempfile.mkdtemp()

    def save(name, nodes, inputs, outputs, weights):
        def info(names):
            return [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in names.items()]
        tensors = [helper.make_tensor(n, TensorProto.FLOAT, w.shape, w.ravel()) for n, w in weights.items()]
        graph = helper.make_graph(nodes, name, info(inputs), info(outputs), tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        path = os.path.join(folder, name + ".onnx")
        onnx.save(model, path)
        return path

    def bound(path):
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        binding = session.io_binding()
        kept = []
        for value in session.get_inputs():
            data = onnxruntime.OrtValue.ortvalue_from_numpy(
                random.uniform(-0.5, 0.5, value.shape).astype(numpy.float32))
            kept.append(data)
            binding.bind_ortvalue_input(value.name, data)
        for value in session.get_outputs():
            data = onnxruntime.OrtValue.ortvalue_from_numpy(numpy.zeros(value.shape, numpy.float32))
            kept.append(data)
            binding.bind_ortvalue_output(value.name, data)
        return lambda: (session.run_with_iobinding(binding), kept)

    def recurrent(op, gates, cell):
        nodes, inputs, outputs, weights, x = [], {"x": [1, 1, H]}, {}, {}, "x"
        for l in range(LAYERS):
            shape = [1, 1, H]
            inputs[f"h{l}"] = shape
            outputs[f"ho{l}"] = shape
            names = [x, f"w{l}", f"r{l}", f"b{l}", "", f"h{l}"]
            outs = [f"y{l}", f"ho{l}"]
            if cell:
                inputs[f"c{l}"] = outputs[f"co{l}"] = shape
                names.append(f"c{l}")
                outs.append(f"co{l}")
            extra = {"linear_before_reset": 1} if op == "GRU" else {}
            nodes.append(helper.make_node(op, names, outs, hidden_size=H, **extra))
            nodes.append(helper.make_node("Reshape", [f"y{l}", "shape"], [f"x{l}"]))
            x = f"x{l}"
            for name, columns in ((f"w{l}", H), (f"r{l}", H)):
                weights[name] = random.uniform(-1 / 16, 1 / 16, (1, gates * H, columns)).astype(numpy.float32)
            weights[f"b{l}"] = random.uniform(-1 / 16, 1 / 16, (1, 2 * gates * H)).astype(numpy.float32)
        nodes.insert(0, helper.make_node("Constant", [], ["shape"],
                                         value=helper.make_tensor("s", TensorProto.INT64, [3], [1, 1, H])))
        outputs[x] = [1, 1, H]
        return save(op, nodes, inputs, outputs, weights)

    runs = {}
    for name, op, gates, cell in (("lstm", "LSTM", 4, 1), ("gru", "GRU", 3, 0), ("rnn", "RNN", 1, 0)):
        path = recurrent(op, gates, cell)
        runs[f"{name} 2x256 f32"] = bound(path)
        if op == "LSTM" and "int8" in kinds:
            try:
                from onnxruntime.quantization import QuantType, quantize_dynamic
                small = path.replace(".onnx", ".int8.onnx")
                quantize_dynamic(path, small, weight_type=QuantType.QInt8, per_channel=True)
                operators = {n.op_type for n in onnx.load(small).graph.node}
                if "DynamicQuantizeLSTM" in operators:
                    runs[f"{name} 2x256 int8"] = bound(small)
            except Exception as why:  # a version without it
                print(f"no int8 in ONNX Runtime: {why}", file=sys.stderr)
    nothing = helper.make_node("Identity", ["x"], ["y"])
    runs["a call"] = bound(save("identity", [nothing], {"x": [1, H]}, {"y": [1, H]}, {}))
    return runs, "onnxruntime " + onnxruntime.__version__


def torch_runs(kinds):
    import torch
    torch.set_num_threads(1)
    torch.manual_seed(1)
    torch.set_flush_denormal(True)
    functional = torch.nn.functional
    runs = {}

    def recurrent(kind, dtype, make=lambda m: m):
        layer = make(kind(H, H, LAYERS).eval().to(dtype))
        x, h = torch.rand(1, 1, H, dtype=dtype) - 0.5, torch.zeros(LAYERS, 1, H, dtype=dtype)
        state = (h, h.clone()) if kind is torch.nn.LSTM else h

        def run():
            with torch.inference_mode():
                layer(x, state)
        return run

    for name, kind in (("lstm", torch.nn.LSTM), ("gru", torch.nn.GRU), ("rnn", torch.nn.RNN)):
        runs[f"{name} 2x256 f32"] = recurrent(kind, torch.float32)
        if "bf16" in kinds:
            runs[f"{name} 2x256 bf16"] = recurrent(kind, torch.bfloat16)
    if "int8" in kinds:
        try:
            from torch.ao.quantization import quantize_dynamic
            runs["lstm 2x256 int8"] = recurrent(torch.nn.LSTM, torch.float32,
                                                lambda m: quantize_dynamic(torch.nn.Sequential(m), {torch.nn.LSTM})[0])
            runs["lstm 2x256 int8"]()
        except Exception as why:  # a version without it
            runs.pop("lstm 2x256 int8", None)
            print(f"no int8 in PyTorch: {why}", file=sys.stderr)

    def transformer(dtype, layers=6, heads=4, context=512, V=256):
        class Block(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.norm1, self.norm2 = torch.nn.LayerNorm(H), torch.nn.LayerNorm(H)
                self.qkv, self.o = torch.nn.Linear(H, 3 * H), torch.nn.Linear(H, H)
                self.up, self.down = torch.nn.Linear(H, 4 * H), torch.nn.Linear(4 * H, H)
                self.register_buffer("keys", torch.rand(1, heads, context, H // heads))
                self.register_buffer("values", torch.rand(1, heads, context, H // heads))

            def forward(self, x):
                q, k, v = self.qkv(self.norm1(x)).view(3, 1, heads, 1, H // heads)
                self.keys[:, :, POSITION:POSITION + 1] = k
                self.values[:, :, POSITION:POSITION + 1] = v
                seen = functional.scaled_dot_product_attention(
                    q, self.keys[:, :, :POSITION + 1], self.values[:, :, :POSITION + 1])
                x = x + self.o(seen.reshape(1, H))
                return x + self.down(functional.gelu(self.up(self.norm2(x)), approximate="tanh"))

        model = torch.nn.Sequential(torch.nn.Embedding(V, H), *[Block() for _ in range(layers)], torch.nn.LayerNorm(H),
                                    torch.nn.Linear(H, V, bias=False)).eval().to(dtype)
        token = torch.tensor([7])

        def run():
            with torch.inference_mode():
                model(token)
        return run

    runs["gpt2 6x256 f32"] = transformer(torch.float32)
    if "bf16" in kinds:
        runs["gpt2 6x256 bf16"] = transformer(torch.bfloat16)
    return runs, "torch " + torch.__version__


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("peer", choices=("onnxruntime", "torch"))
    p.add_argument("--steps", type=int, default=50)
    p.add_argument("--kinds", default="f32,bf16,int8")
    args = p.parse_args()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    runs, version = (onnx_runs if args.peer == "onnxruntime" else torch_runs)(args.kinds.split(","))
    print(json.dumps({"peer": version}), flush=True)
    for _ in sys.stdin:
        times = {}
        for name, run in runs.items():
            taken = []
            for i in range(-WARM, args.steps):
                begin = time.perf_counter_ns()
                run()
                if i >= 0:
                    taken.append(time.perf_counter_ns() - begin)
            times[name] = taken
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
