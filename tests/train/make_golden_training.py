#!/usr/bin/env python3
"""Writes golden_training.inc: what PyTorch gives for the MNIST CNN, for test_training.c.

    python3 tests/train/make_golden_training.py       # needs torch 2.13 and numpy; about two minutes

Per seed: a 64-bit FNV-1a hash of the bytes of each initial parameter, and the losses of 20 steps on the first 20 batches of 64 bundled
digits in file order, without dropout, in f32 and f64, for SGD(0.01) and Adam(1e-3).
"""
import gzip, os
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "..", "examples", "data", "mnist")
STEPS, BATCH, SEEDS = 20, 64, (1, 2, 3)


def idx(name, offset):
    with gzip.open(os.path.join(DATA, name)) as f: return np.frombuffer(f.read(), np.uint8, offset=offset)


def net(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10))


def fnv(t):
    h = 0xcbf29ce484222325
    for b in t.detach().numpy().tobytes(): h = ((h ^ b) * 0x100000001b3) & (2**64 - 1)
    return h


def losses(seed, dtype, optim, images, labels):
    m = net(seed).to(dtype); o = optim(m.parameters()); out = []
    for i in range(STEPS):
        s = slice(i * BATCH, (i + 1) * BATCH)
        x = ((torch.from_numpy(images[s].copy()).to(dtype) / 255 - 0.1307) / 0.3081)
        loss = F.cross_entropy(m(x), torch.from_numpy(labels[s].astype(np.int64)))
        o.zero_grad(); loss.backward(); o.step(); out.append(loss.item())
    return out


def main():
    images = idx("train-images-idx3-ubyte.gz", 16)[:STEPS * BATCH * 784].reshape(-1, 1, 28, 28)
    labels = idx("train-labels-idx1-ubyte.gz", 8)[:STEPS * BATCH]
    optims = (("sgd", lambda p: torch.optim.SGD(p, lr=0.01)), ("adam", lambda p: torch.optim.Adam(p, lr=1e-3)))
    with open(os.path.join(HERE, "golden_training.inc"), "w") as f:
        f.write(f"/* Made by make_golden_training.py with PyTorch {torch.__version__}. */\n")
        f.write("static const struct { unsigned seed; uint64_t hash[8]; } golden_init[] = {\n")
        for s in SEEDS: f.write("    {%d, {%s}},\n" % (s, ", ".join("0x%016xu" % fnv(p) for p in net(s).parameters())))
        f.write("};\nstatic const struct { unsigned seed; ct_dtype dtype; bool adam; double loss[20]; } golden_losses[] = {\n")
        for s in SEEDS:
            for dtype, d in ((torch.float32, "CT_F32"), (torch.float64, "CT_F64")):
                for name, o in optims:
                    l = losses(s, dtype, o, images, labels)
                    f.write("    {%d, %s, %s, {%s}},\n" % (s, d, "true" if name == "adam" else "false", ", ".join("%.17g" % v for v in l)))
        f.write("};\n")


if __name__ == "__main__":
    main()
