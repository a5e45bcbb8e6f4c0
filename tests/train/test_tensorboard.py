#!/usr/bin/env python3
"""Writes an event file through the C ABI and reads it with TensorBoard's own reader.

    test_tensorboard.py libctorch.so FOLDER

TensorBoard comes from $CTORCH_TENSORBOARD_PYTHON, from the python that runs this, or from a virtual environment that is made in FOLDER from PyPI.
Without any of them the test is skipped (exit status 77).
"""
import ctypes, os, subprocess, sys, tempfile

LIBRARY, FOLDER = sys.argv[1], sys.argv[2]


def has_tensorboard(python):
    code = "import tensorboard.backend.event_processing.event_accumulator"
    return subprocess.run([python, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def find_python():
    made = os.path.join(FOLDER, "bin", "python")
    for python in (os.environ.get("CTORCH_TENSORBOARD_PYTHON"), made):
        if python and os.path.exists(python) and has_tensorboard(python): return python
    try:
        subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True, timeout=60, capture_output=True)
        subprocess.run([made, "-m", "pip", "install", "-q", "--disable-pip-version-check", "tensorboard"], check=True, timeout=240, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"skipped: tensorboard is not installed and could not be had from PyPI: {str(error)[:200]}")
        sys.exit(77)
    return made


def main():
    if not has_tensorboard(sys.executable):
        python = find_python()
        os.execv(python, [python] + sys.argv) # comes back here in a python that has it

    from tensorboard.backend.event_processing import event_accumulator

    lib = ctypes.CDLL(LIBRARY)
    p, s, d, i = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_double, ctypes.c_int64
    for name, result, arguments in (
        ("ct_summary_writer_new", p, [s, p]), ("ct_summary_writer_add_scalar", ctypes.c_int, [p, s, d, i]), ("ct_summary_writer_add_text", ctypes.c_int, [p, s, s, i]),
        ("ct_summary_writer_add_histogram", ctypes.c_int, [p, s, p, i]), ("ct_summary_writer_add_image", ctypes.c_int, [p, s, p, i]),
        ("ct_summary_writer_free", ctypes.c_int, [p]), ("ct_arange", p, [d, d, d, ctypes.c_int]), ("ct_full", p, [ctypes.POINTER(i), ctypes.c_int, d, ctypes.c_int]),
        ("ct_error_message", s, [])):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    f32 = 1
    with tempfile.TemporaryDirectory() as folder:
        w = lib.ct_summary_writer_new(folder.encode(), None)
        for step in range(5): lib.ct_summary_writer_add_scalar(w, b"loss/train", 1 / (step + 1), step)
        lib.ct_summary_writer_add_text(w, b"note", "größer".encode(), 3)
        lib.ct_summary_writer_add_histogram(w, b"weights", lib.ct_arange(-10, 90, 1, f32), 3)
        lib.ct_summary_writer_add_image(w, b"picture", lib.ct_full((i * 3)(3, 4, 5), 3, 0.5, f32), 3)
        status = lib.ct_summary_writer_free(w)
        assert status == 0, lib.ct_error_message()

        board = event_accumulator.EventAccumulator(folder, size_guidance={"scalars": 0, "histograms": 0, "images": 0, "tensors": 0})
        board.Reload()
        scalars = board.Scalars("loss/train")
        assert [x.step for x in scalars] == list(range(5)), scalars
        assert all(abs(x.value - 1 / (x.step + 1)) < 1e-7 for x in scalars), scalars
        assert board.Tensors("note")[0].tensor_proto.string_val[0].decode() == "größer"
        h = board.Histograms("weights")[0].histogram_value
        assert (h.min, h.max, h.num, h.sum) == (-10, 89, 100, 3950), h
        assert sum(h.bucket) == 100 and len(h.bucket) == len(h.bucket_limit), h
        below = sum(n for n, limit in zip(h.bucket, h.bucket_limit) if limit <= 0)
        assert below == 10, h
        image = board.Images("picture")[0]
        assert (image.width, image.height) == (5, 4) and image.encoded_image_string[:4] == b"\x89PNG", image
    if os.environ.get("CTORCH_TEST_COUNTS"):
        with open(os.environ["CTORCH_TEST_COUNTS"], "w") as f: f.write("1 0 0\n")
    print("TensorBoard reads scalars, text, histograms and images")


main()
