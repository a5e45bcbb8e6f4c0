#!/usr/bin/env python3
"""Checks that the shared library, stripped, is below LIMIT bytes (docs/design/kernels.md says where they are):

    check_size.py LIBCTORCH.SO
"""
import os, shutil, subprocess, sys, tempfile
from checks import finish

LIMIT = 4_000_000


def main():
    if not shutil.which("strip"):
        print("skipped: there is no strip")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "stripped")
        subprocess.run(["strip", "-o", copy, sys.argv[1]], check=True)
        size = os.path.getsize(copy)
    complaints = [f"size: {sys.argv[1]} has {size:,} bytes stripped, not below {LIMIT:,}"] if size >= LIMIT else []
    finish(complaints, 1, len(complaints), f"size: {size:,} bytes stripped, of {LIMIT:,}")


if __name__ == "__main__":
    main()
