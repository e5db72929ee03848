"""onnxruntime_top1.py MODEL.onnx IMAGES.idx.gz LABELS.idx.gz: top-1 accuracy in ONNX Runtime.

Reads IDX files (gzip or plain) of byte images, divides by 255 and prints the share of images whose
largest logit is the label, as the last line: a number of 0..1.
"""

import gzip
import pathlib
import sys

import numpy as np
import onnxruntime

BATCH = 500


def read_idx(path: str) -> np.ndarray:
    """Array of an IDX file of unsigned bytes: 0, 0, 8, rank, extents (big endian), values."""
    data = pathlib.Path(path).read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if data[:3] != b"\0\0\x08":
        sys.exit(f"{path}: not an IDX file of bytes")
    rank = data[3]
    shape = np.frombuffer(data, ">u4", rank, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def main() -> int:
    if len(sys.argv) != 4:
        sys.exit(__doc__.splitlines()[0])
    model, images_path, labels_path = sys.argv[1:]
    images, labels = read_idx(images_path), read_idx(labels_path)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape[1:]
    correct = 0
    for begin in range(0, len(labels), BATCH):
        batch = images[begin : begin + BATCH].astype(np.float32) / 255
        logits = session.run(["logits"], {"input": batch.reshape(-1, *shape)})[0]
        correct += int((logits.argmax(axis=1) == labels[begin : begin + BATCH]).sum())
    print(f"{len(labels)} images")
    print(f"{correct / len(labels):.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
