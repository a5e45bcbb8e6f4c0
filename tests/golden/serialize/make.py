#!/usr/bin/env python3
"""Golden files for tests/serialize/test_safetensors.c. Needs torch and safetensors; the test itself does not.

make.py          writes python.safetensors with Python's safetensors
make.py check    reads ctorch_plain.safetensors and ctorch_tree.safetensors, which libctorch wrote, with Python's safetensors

The libctorch files are written by `CTORCH_GOLDEN=write test_safetensors`.
"""
import json
import os
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

HERE = os.path.dirname(os.path.abspath(__file__))
TENSORS = {
    "layer.0.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3) * 0.5,
    "scalar": torch.tensor(3.25, dtype=torch.float64),
    "half": torch.tensor([1, -2, 0.5], dtype=torch.float16),
    "brain": torch.tensor([1.5, -3], dtype=torch.bfloat16),
    "i8": torch.tensor([-128, 127], dtype=torch.int8),
    "u8": torch.tensor([0, 1, 254, 255], dtype=torch.uint8),
    "i16": torch.tensor([[-300]], dtype=torch.int16),
    "empty": torch.zeros(2, 0, dtype=torch.int32),
    "i32": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
    "i64": torch.tensor([-(2**63), 2**63 - 1], dtype=torch.int64),
    "größe": torch.tensor([True, False, True]),
}


def same(got, want):
    assert sorted(got) == sorted(want), (sorted(got), sorted(want))
    for name, t in want.items():
        assert got[name].dtype == t.dtype and got[name].shape == t.shape and torch.equal(got[name], t), name


def path(name):
    return os.path.join(HERE, name)


if sys.argv[1:] == ["check"]:
    same(load_file(path("ctorch_plain.safetensors")), TENSORS)
    with safe_open(path("ctorch_plain.safetensors"), "pt") as f:
        assert f.metadata() == {"format": "pt", "zweck": "größer"}, f.metadata()
    tree = {"model." + k: v for k, v in TENSORS.items()}
    tree["tensor~11"] = torch.tensor([1.0, 2.0, 3.0])  # the path "model.scalar" was taken
    same(load_file(path("ctorch_tree.safetensors")), tree)
    with safe_open(path("ctorch_tree.safetensors"), "pt") as f:
        text = json.loads(f.metadata()["ctorch"])
    assert text["version"] == 1 and text["tree"]["step"] == 9007199254740993 and text["tree"]["lr"] == 0.1
    assert text["tree"]["model"]["scalar"] == ["tensor", "model.scalar"] and text["tree"]["model.scalar"] == ["tensor", "tensor~11"]
    print("both files are as they should be")
else:
    save_file(TENSORS, path("python.safetensors"), metadata={"format": "pt"})
