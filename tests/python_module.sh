#!/bin/bash
# python/unroll.py over the shared library: what it gives beside itself, the tool and, where it is there, PyTorch.
# Exits 77 (skipped), saying why, where there is no Python with numpy.
# environment: BUILD, the build folder; UNROLL, the tool; UNROLL_PYTHON, a Python to use
. "${0%/*}/python_with.bash"
nm "$build/libunroll-run.a" 2> /dev/null | grep -qE '__(asan|tsan|ubsan|sanitizer)_' &&
	skip "a library with sanitizers does not load into Python"
python_with python 60 --system-site-packages numpy

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
make() { "$build/tests/model_maker" "$folder/$1.safetensors" "${@:2}" || exit 1; }
make lstm lstm:2x24
make values lstm:2x16 values 3 2
make hidden gru:1x8 hidden 2 8
make full transformer:1x16,heads=2,context=12
make long attention:1x16,heads=2,block=llama,context=12
make classes attention:1x16,heads=2,block=llama,window=8 classes 3 4
UNROLL_LIBRARY=$build/libunroll-run.so PYTHONPATH=python UNROLL=$UNROLL PYTHONDONTWRITEBYTECODE=1 \
	"$python" tests/python_module.py "$folder"
