#!/usr/bin/env bash
# Makes build/peers/venv with the Python peers, and unpacks a newer oneDNN and MKL for gemm.sh. Everything comes from
# the package index pip is set up for. A peer that cannot be had is left out, with a line that says so.
#
#     bench/peers/setup.sh [folder, build/peers if not given]
set -u
cd "$(dirname "$0")/../.." || exit 1
folder=${1:-build/peers}
venv=$folder/venv
python=$venv/bin/python

if [ ! -x "$python" ]; then
	mkdir -p "$folder"
	if ! python3 -m venv "$venv"; then
		echo "skipped all: python3 cannot make a virtual environment (Debian: python3-venv)" >&2
		exit 0
	fi
fi
for package in numpy torch onnx onnxruntime; do
	if "$python" -c "import $package" 2>/dev/null; then
		echo "$package: there already"
	elif "$python" -m pip install --quiet --disable-pip-version-check "$package"; then
		echo "$package: installed"
	else
		echo "skipped $package: pip cannot install it here" >&2
	fi
done

# Libraries alone, without what their packages would bring along: gemm.sh needs no more.
for package in mkl onednn-cpu-gomp onednn-devel-cpu-gomp; do
	if "$python" -m pip install --quiet --disable-pip-version-check --no-deps "$package"; then
		echo "$package: installed"
	else
		echo "skipped $package: pip cannot install it here" >&2
	fi
done
