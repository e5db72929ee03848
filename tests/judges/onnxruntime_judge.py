"""onnxruntime_judge.py EXPORT_ZOO: runs what EXPORT_ZOO exports in ONNX Runtime.

Fails unless every network's outputs equal the reference's, alone and as one batch.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime

TOLERANCE = 1e-4  # of the largest output


def largest_gap(model: pathlib.Path) -> float:
    """Largest difference from the reference as a share of the largest output."""
    expected = json.loads(model.with_suffix(".json").read_text())
    inputs = np.array(expected["inputs"], np.float32).reshape(-1, *expected["input_shape"])
    outputs = np.array(expected["outputs"], np.float32)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    batch = session.run(["logits"], {"input": inputs})[0]
    alone = np.concatenate([session.run(["logits"], {"input": x[None]})[0] for x in inputs])
    gaps = [np.abs(got.reshape(outputs.shape) - outputs).max() for got in (batch, alone)]
    return float(max(gaps) / np.abs(outputs).max())


def main() -> int:
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], folder], check=True)
        models = sorted(pathlib.Path(folder).glob("*.onnx"))
        for model in models:
            gap = largest_gap(model)
            accepted = gap <= TOLERANCE
            failures += not accepted
            print(f"{'ok  ' if accepted else 'FAIL'} {model.stem:24} {gap:.1e}")
    return 1 if failures or not models else 0


if __name__ == "__main__":
    sys.exit(main())
