"""Small JPEG and Netpbm files, and what PIL decodes the JPEG ones to: ../../fuzz/corpus_jpeg, ../../fuzz/corpus_ppm and jpeg.safetensors. Needs numpy, PIL, safetensors."""
import io
import os

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

here = os.path.dirname(os.path.abspath(__file__))
jpeg, ppm = (os.path.join(here, "..", "..", "fuzz", "corpus_" + name) for name in ("jpeg", "ppm"))
y, x = np.mgrid[0:13, 0:19]
rgb = np.stack([x * 13 % 256, y * 19 % 256, (x * y * 3 + 40) % 256], 2).astype(np.uint8)
picture = Image.fromarray(rgb)
exif = Image.Exif()
exif[0x0112] = 6  # turned by 90 degrees: readers that obey it swap height and width
files = {
    "gray": (picture.convert("L"), {}),
    "rgb420": (picture, {}),
    "rgb444": (picture, {"subsampling": 0, "quality": 95}),
    "progressive": (picture, {"progressive": True}),
    "restart": (picture, {"restart_marker_blocks": 1}),
    "cmyk": (picture.convert("CMYK"), {"quality": 90}),
    "exif": (picture, {"exif": exif}),
}
pixels = {}
for name, (image, options) in files.items():
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    with open(os.path.join(jpeg, name + ".jpg"), "wb") as f:
        f.write(buffer.getvalue())
    back = Image.open(buffer)
    back = back if back.mode in ("L", "RGB") else back.convert("RGB")
    array = np.array(back)
    pixels[name] = array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1))
save_file(pixels, os.path.join(here, "jpeg.safetensors"))

texts = {
    "p1.pbm": b"P1\n# a comment\n4 2\n0 1 1 0\n1010",
    "p2.pgm": b"P2 3 2 15\n0 1 2\n13 14 15\n",
    "p3.ppm": b"P3\n2 1\n255\n255 0 10  20 30 40\n",
    "p4.pbm": b"P4\n10 2\n\xa5\x40\x0f\x80",
    "p5.pgm": b"P5\n3 2\n255\n\x00\x01\x02\xfd\xfe\xff",
    "p5_16.pgm": b"P5 2 1 1000 \x03\xe8\x01\xf4",
    "p6.ppm": b"P6 #c\n2 2\n255\n" + bytes(range(12)),
}
for name, data in texts.items():
    with open(os.path.join(ppm, name), "wb") as f:
        f.write(data)
