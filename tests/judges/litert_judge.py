"""Runs .tflite files in LiteRT and compares with what hwnas computes.

Integer files: no output of the reference kernels may differ from our executor's, and none of
XNNPACK's by more than --xnnpack-units in the last place: it rounds once, so that a layer may
differ by one unit, which the layers behind it carry on. Float files with a .json beside them: both
within 1e-4 of the largest output.
"""

import sys
import tempfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import tflite_files

RESOLVERS = {"reference": OpResolverType.BUILTIN_REF, "XNNPACK": OpResolverType.BUILTIN}


def run_litert(file, inputs, resolver) -> np.ndarray:
    interpreter = Interpreter(str(file), experimental_op_resolver_type=resolver, num_threads=1)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]
    outputs = []
    for value in inputs:
        interpreter.set_tensor(source, value[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(target)[0])
    return np.stack(outputs)


def is_taken(file, resolver) -> bool:
    """Whether the kernels are all there: the reference has no 4-bit depthwise convolution."""
    try:
        Interpreter(str(file), experimental_op_resolver_type=resolver)
        return True
    except ValueError as refusal:
        if "Didn't find op for builtin opcode" in str(refusal):
            return False
        raise


def judge_integers(arguments, file, detail, output_dtype) -> bool:
    inputs = tflite_files.integer_inputs(arguments, file, detail["shape"], detail["dtype"])
    ours = tflite_files.run_ours(arguments.run_quantized, file, inputs, output_dtype)
    accepted = True
    for name, resolver in RESOLVERS.items():
        if not is_taken(file, resolver):
            print(f"-    {file.name:36} {name:9} lacks a kernel")
            continue
        theirs = run_litert(file, inputs, resolver).reshape(len(inputs), -1)
        gaps = np.abs(theirs.astype(int) - ours)
        limit = 0 if name == "reference" else arguments.xnnpack_units
        accepted &= bool(gaps.max() <= limit)
        print(
            f"{'ok  ' if gaps.max() <= limit else 'FAIL'} {file.name:36} {name:9} {len(inputs)} "
            f"inputs, {np.count_nonzero(gaps)} of {gaps.size} outputs differ, by {gaps.max()}"
        )
    return accepted


def judge_floats(file) -> bool:
    inputs, expected = tflite_files.float_expectations(file)
    accepted = True
    for name, resolver in RESOLVERS.items():
        gap = tflite_files.float_gap(run_litert(file, inputs, resolver), expected)
        accepted &= gap <= tflite_files.TOLERANCE
        print(
            f"{'ok  ' if gap <= tflite_files.TOLERANCE else 'FAIL'} {file.name:36} {name:9} {gap:.1e}"
        )
    return accepted


def main() -> int:
    arguments = tflite_files.parse_arguments(__doc__)
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        files = tflite_files.files_of(arguments, folder)
        for file in files:
            interpreter = Interpreter(str(file))
            detail = interpreter.get_input_details()[0]
            if detail["dtype"] == np.float32:
                failures += not judge_floats(file)
            else:
                output_dtype = interpreter.get_output_details()[0]["dtype"]
                failures += not judge_integers(arguments, file, detail, output_dtype)
    return 1 if failures or not files else 0


if __name__ == "__main__":
    sys.exit(main())
