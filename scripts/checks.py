"""What the check_*.py scripts share."""
import os, sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))


def read_reasons(path):
    """{name: reason} of a file of lines "name: reason" and comments."""
    lines = [line.strip() for line in open(path) if line.strip() and not line.startswith("#")]
    return dict((line.split(": ", 1) + [""])[:2] for line in lines)


def finish(complaints, checks, failed, summary):
    """Prints the complaints or the summary, leaves the number of checks where scripts/test.sh looks for it, and exits."""
    print("\n".join(complaints) if complaints else summary)
    path = os.environ.get("CTORCH_TEST_COUNTS")
    if path:
        with open(path, "w") as f: f.write(f"{checks - failed} {failed} 0\n")
    sys.exit(1 if failed else 0)
