"""The peer of bench/train_throughput: the reference candidate trained by Debian's python3-torch.

Usage: train_throughput.py THREADS BATCH {default|channels_last} SECONDS
Prints one line: parameters, milliseconds of a training step (the median).
"""

import sys
import time

import torch
from torch import nn
from torch.nn import functional


def conv_block(inputs, outputs, kernel, stride, groups, activation=True):
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    if activation:
        layers.append(nn.ReLU6(inplace=True))
    return nn.Sequential(*layers)


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        hidden = 3 * inputs
        self.body = nn.Sequential(
            conv_block(inputs, hidden, 1, 1, 1),
            conv_block(hidden, hidden, 3, stride, hidden),
            conv_block(hidden, outputs, 1, 1, 1, activation=False),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


def reference_candidate():
    return nn.Sequential(
        conv_block(1, 16, 3, 2, 1),
        InvertedResidual(16, 16, 1),
        InvertedResidual(16, 24, 2),
        InvertedResidual(24, 24, 1),
        InvertedResidual(24, 40, 2),
        InvertedResidual(40, 40, 1),
        conv_block(40, 96, 1, 1, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(96, 10),
    )


def main():
    threads, batch, layout, seconds = sys.argv[1:5]
    torch.set_num_threads(int(threads))
    model = reference_candidate()
    images = torch.rand(int(batch), 1, 28, 28)
    labels = torch.randint(0, 10, (int(batch),))
    if layout == "channels_last":
        model = model.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4
    )

    def step():
        optimizer.zero_grad()
        functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    for _ in range(10):
        step()
    times = []
    end = time.perf_counter() + float(seconds)
    while time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    parameters = sum(p.numel() for p in model.parameters())
    print(parameters, 1e3 * sorted(times)[len(times) // 2])


main()
