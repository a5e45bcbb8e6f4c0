#!/usr/bin/env python3
"""make_data.py MNIST-FOLDER FOLDER [N]: a data set of N = 256 training images (plain IDX) and as many test images (gzip) in FOLDER/data/mnist, cut from
the bundled digits, and its first seven as FOLDER/seven.png."""
import gzip, os, struct, sys, zlib

source, target = sys.argv[1], sys.argv[2]
os.makedirs(os.path.join(target, "data/mnist"), exist_ok=True)
n = int(sys.argv[3]) if len(sys.argv) > 3 else 256


def cut(name, n, compress):
    data = gzip.open(os.path.join(source, name + ".gz")).read()
    dims = struct.unpack_from(f">{data[3]}I", data, 4)
    start, size = 4 + 4 * len(dims), 1
    for d in dims[1:]: size *= d
    data = data[:4] + struct.pack(f">{len(dims)}I", n, *dims[1:]) + data[start:start + n * size]
    with (gzip.open if compress else open)(os.path.join(target, "data/mnist", name + (".gz" if compress else "")), "wb") as f: f.write(data)
    return data[start:]


def png(path, width, height, gray):
    def chunk(kind, body): return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = b"".join(b"\0" + gray[y * width:(y + 1) * width] for y in range(height))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) +
                chunk(b"IEND", b""))


for part in ("train", "t10k"):
    compress = part == "t10k"
    images, labels = cut(part + "-images-idx3-ubyte", n, compress), cut(part + "-labels-idx1-ubyte", n, compress)
seven = labels.index(7)
png(os.path.join(target, "seven.png"), 28, 28, images[seven * 784:(seven + 1) * 784])
