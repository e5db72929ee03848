"""Compares what bench/arena computes for .tflite files with what TensorFlow Lite Micro allocates.

tflm_arena_judge.py BENCH_ARENA FILE.tflite…

The interpreter of the PyPI package is a later version on a 64-bit host: heads must be equal, and
tails differ by what the interpreter itself takes more.
"""

import os
import re
import subprocess
import sys
import tempfile

from tflite_micro import runtime

ARENA_BYTES = 1 << 24


def allocated(path: str) -> dict:
    """Head and tail as the interpreter prints them, past Python, to file descriptors 1 and 2."""
    with tempfile.TemporaryFile() as log:
        kept = [os.dup(1), os.dup(2)]
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            runtime.Interpreter.from_file(path, arena_size=ARENA_BYTES).print_allocations()
        finally:
            os.dup2(kept[0], 1)
            os.dup2(kept[1], 2)
        log.seek(0)
        text = log.read().decode()
    return {part: int(count) for part, count in re.findall(r"(head|tail) (\d+) bytes", text)}


def computed(bench: str, path: str) -> dict:
    lines = subprocess.run([bench, path], check=True, capture_output=True, text=True).stdout
    for line in lines.splitlines():
        _, build, head, tail, _ = line.rsplit(" ", 4)
        if build == "x86_64_reference":
            return {"head": int(head), "tail": int(tail)}
    raise SystemExit(f"{bench} printed nothing for {path}")


def main() -> int:
    bench, files = sys.argv[1], sys.argv[2:]
    different = 0
    for path in files:
        theirs, ours = allocated(path), computed(bench, path)
        different += theirs["head"] != ours["head"]
        print(f"{path}: head {ours['head']} for {theirs['head']}, tail {ours['tail']} for {theirs['tail']}")
    print(f"{different} of {len(files)} heads differ")
    return 0 if files and different == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
