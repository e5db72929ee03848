"""Runs .tflite files in TensorFlow Lite Micro and compares with what hwnas computes.

Integer files: no output may differ from our executor's. Float files with a .json beside them:
within 1e-4 of the largest output.
"""

import sys
import tempfile

import numpy as np
from tflite_micro import runtime

import tflite_files

ARENA_BYTES = 1 << 20


def run_micro(interpreter, inputs) -> np.ndarray:
    outputs = []
    for value in inputs:
        interpreter.set_input(value[None], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0)[0])
    return np.stack(outputs)


def judge(arguments, file) -> bool:
    interpreter = runtime.Interpreter.from_file(str(file), arena_size=ARENA_BYTES)
    detail = interpreter.get_input_details(0)
    if detail["dtype"] == np.float32:
        inputs, expected = tflite_files.float_expectations(file)
        gap = tflite_files.float_gap(run_micro(interpreter, inputs), expected)
        accepted = gap <= tflite_files.TOLERANCE
        print(f"{'ok  ' if accepted else 'FAIL'} {file.name:36} {gap:.1e}")
        return accepted
    inputs = tflite_files.integer_inputs(arguments, file, detail["shape"], detail["dtype"])
    theirs = run_micro(interpreter, inputs).reshape(len(inputs), -1)
    ours = tflite_files.run_ours(arguments.run_quantized, file, inputs, theirs.dtype)
    different = np.count_nonzero(theirs != ours)
    print(
        f"{'ok  ' if different == 0 else 'FAIL'} {file.name:36} {len(inputs)} inputs, "
        f"{different} of {ours.size} outputs differ"
    )
    return different == 0


def main() -> int:
    arguments = tflite_files.parse_arguments(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        files = tflite_files.files_of(arguments, folder)
        verdicts = [judge(arguments, file) for file in files]
    return 0 if verdicts and all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
