#!/usr/bin/env python3
"""The workloads of bench_workloads in PyTorch; compare_pytorch.py runs the two in turn.

    torch_reference.py [--only NAME] [--threads N] [--seconds S] [--tuned | --compile]     NAME  median ms  10th percentile ms  steps  peak MiB
    torch_reference.py --dump FOLDER [--only NAME]                                          FOLDER/NAME.safetensors for bench_workloads --check

A step is zero_grad, forward, loss, backward, optimizer step, unless the name ends in _infer; the options are those of bench/models.c.
--tuned: channels_last for images and fused optimizers. --compile: torch.compile. --dump stores one step without dropout: param.*, buffer.*,
input, target, and in f32 and f64 (names with 64) loss and grad.*, or output. Needs torch, numpy and safetensors.
"""
import argparse, copy, os, statistics, time

import torch
from torch import nn
from torch.nn import functional as F


# ---- Models ----

def mnist_mlp(): return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def mnist_cnn():
    return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten(),
                         nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))


def fashion_cnn():
    def block(c_in, c_out): return [nn.Conv2d(c_in, c_out, 3, padding=1), nn.BatchNorm2d(c_out), nn.ReLU()]
    pool = [nn.MaxPool2d(2), nn.Dropout(0.25)]
    return nn.Sequential(*block(1, 32), *block(32, 32), *pool, *block(32, 64), *block(64, 64), *pool, *block(64, 128), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(128 * 9, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 10))


class Lstm(nn.Module):
    def __init__(self, both):
        super().__init__()
        self.emb = nn.Embedding(20000, 128, padding_idx=0)
        self.rnn = nn.LSTM(128, 128, batch_first=True, bidirectional=both)
        self.fc = nn.Linear(256 if both else 128, 2)

    def forward(self, ids): return self.fc(self.rnn(self.emb(ids))[0][:, -1])


def conv(c_in, c_out, kernel, stride): return nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False)


class Block(nn.Module):
    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(c_in, c_out, 3, stride), nn.BatchNorm2d(c_out)
        self.conv2, self.bn2 = conv(c_out, c_out, 3, 1), nn.BatchNorm2d(c_out)
        if c_in != c_out: self.downsample = nn.Sequential(conv(c_in, c_out, 1, stride), nn.BatchNorm2d(c_out))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


class ResNet18(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 64, 7, 2), nn.BatchNorm2d(64)
        for i, (c_in, c_out) in enumerate([(64, 64), (64, 128), (128, 256), (256, 512)], 1):
            self.add_module(f"layer{i}", nn.Sequential(Block(c_in, c_out, 1 if i == 1 else 2), Block(c_out, c_out, 1)))
        self.fc = nn.Linear(512, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for i in range(1, 5): x = self.get_submodule(f"layer{i}")(x)
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Bert(nn.Module):
    def __init__(self, d=384):
        super().__init__()
        self.word, self.pos, self.typ = nn.Embedding(30522, d), nn.Embedding(512, d), nn.Embedding(2, d)
        self.ln, self.drop = nn.LayerNorm(d, eps=1e-12), nn.Dropout(0.1)
        layer = nn.TransformerEncoderLayer(d, 12, 1536, 0.1, "gelu", layer_norm_eps=1e-12, batch_first=True)
        self.enc = nn.TransformerEncoder(layer, 6, enable_nested_tensor=False)
        self.pool, self.cls = nn.Linear(d, d), nn.Linear(d, 2)

    def forward(self, ids):
        x = self.word(ids) + self.pos(torch.arange(ids.shape[1])) + self.typ(torch.zeros_like(ids))
        return self.cls(torch.tanh(self.pool(self.enc(self.drop(self.ln(x)))[:, 0])))


# ---- Workloads: model, input sizes, vocabulary of an input of numbers of words, classes (None: the target is real), optimizer (None: inference) ----

def sgd(p, **o): return torch.optim.SGD(p, 1e-3, **o)
def sgd_momentum(p, **o): return torch.optim.SGD(p, 1e-3, momentum=0.9, weight_decay=5e-4, **o)
def adam(p, **o): return torch.optim.Adam(p, 1e-3, **o)
def adamw(p, **o): return torch.optim.AdamW(p, 1e-4, weight_decay=1e-2, **o)


WORKLOADS = {
    "boston_linear_b32": (lambda: nn.Linear(13, 1), (32, 13), None, None, sgd),
    "boston_linear_b404": (lambda: nn.Linear(13, 1), (404, 13), None, None, sgd),
    "mnist_mlp_b64": (mnist_mlp, (64, 1, 28, 28), None, 10, adam),
    "mnist_cnn_b64": (mnist_cnn, (64, 1, 28, 28), None, 10, adam),
    "mnist_cnn_b1_infer": (mnist_cnn, (1, 1, 28, 28), None, None, None),
    "mnist_cnn_b1000_infer": (mnist_cnn, (1000, 1, 28, 28), None, None, None),
    "fashion_cnn_b128": (fashion_cnn, (128, 1, 28, 28), None, 10, adamw),
    "fakenews_lstm_b32_t256": (lambda: Lstm(False), (32, 256), 20000, 2, adam),
    "fakenews_bilstm_b32_t256": (lambda: Lstm(True), (32, 256), 20000, 2, adam),
    "resnet18_b32_64px": (lambda: ResNet18(10), (32, 3, 64, 64), None, 10, sgd_momentum),
    "resnet18_b8_224px": (lambda: ResNet18(10), (8, 3, 224, 224), None, 10, sgd_momentum),
    "resnet18_b1_224px_infer": (lambda: ResNet18(1000), (1, 3, 224, 224), None, None, None),
    "bert_minilm_b16_t128": (Bert, (16, 128), 30522, 2, adamw),
    "bert_minilm_b1_t32_infer": (Bert, (1, 32), 30522, None, None),
}


def make(name):
    """model, input, target, loss function, optimizer's maker"""
    model, sizes, vocabulary, classes, optim = WORKLOADS[name]
    torch.manual_seed(0)
    m = model()
    x = torch.randint(1, vocabulary, sizes) if vocabulary else torch.rand(sizes)
    target = None if not optim else torch.randint(classes, sizes[:1]) if classes else torch.rand(sizes[0], 1)
    return m, x, target, F.cross_entropy if classes else F.mse_loss, optim


# ---- Measuring ----

def memory_mib(field):
    with open("/proc/self/status") as f: return next(int(line.split()[1]) / 1024 for line in f if line.startswith(field + ":"))


def measure(name, a):
    m, x, target, loss, optim = make(name)
    if a.tuned and x.dim() == 4: m, x = m.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    forward, opt = torch.compile(m) if a.compile else m, optim and optim(m.parameters(), **({"fused": True} if a.tuned else {}))

    def train():
        opt.zero_grad()
        loss(forward(x), target).backward()
        opt.step()

    @torch.inference_mode()
    def infer(): forward(x)

    m.train(bool(optim))
    step = train if optim else infer
    with open("/proc/self/clear_refs", "w") as f: f.write("5")  # resets the high-water mark
    resident, ms = memory_mib("VmRSS"), []
    for _ in range(3): step()
    end = time.perf_counter() + a.seconds
    while len(ms) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        ms.append(1e3 * (time.perf_counter() - start))
    print(name, *("%.4f" % v for v in (statistics.median(ms), sorted(ms)[len(ms) // 10])), len(ms), "%.1f" % (memory_mib("VmHWM") - resident),
          sep="\t", flush=True)


def dump(name, folder):
    from safetensors.torch import save_file
    m, x, target, loss, optim = make(name)
    for k in m.modules():
        if isinstance(k, nn.Dropout): k.p = 0.0
        if isinstance(k, nn.MultiheadAttention): k.dropout = 0.0
    out = {f"param.{k}": v for k, v in m.named_parameters()} | {f"buffer.{k}": v for k, v in m.named_buffers()} | {"input": x}
    if optim: out["target"] = target
    out = {k: v.detach().clone() for k, v in out.items()}
    for suffix, dtype in (("", torch.float32), ("64", torch.float64)):
        def cast(t): return t.to(dtype) if t.is_floating_point() else t
        w = copy.deepcopy(m).to(dtype).train(bool(optim))
        if optim:
            l = loss(w(cast(x)), cast(target))
            l.backward()
            out |= {f"grad{suffix}.{k}": p.grad for k, p in w.named_parameters()} | {f"loss{suffix}": l.detach()}
        else:
            with torch.no_grad(): out[f"output{suffix}"] = w(cast(x))
    os.makedirs(folder, exist_ok=True)
    save_file({k: v.contiguous() for k, v in out.items()}, os.path.join(folder, name + ".safetensors"))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", choices=WORKLOADS), p.add_argument("--threads", type=int), p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--tuned", action="store_true"), p.add_argument("--compile", action="store_true"), p.add_argument("--dump", metavar="FOLDER")
    a = p.parse_args()
    if a.threads: torch.set_num_threads(a.threads)
    for name in [a.only] if a.only else WORKLOADS:
        if a.dump: dump(name, a.dump)
        else: measure(name, a)


if __name__ == "__main__": main()
