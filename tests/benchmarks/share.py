"""What one of several processes stores of the log: `python -m tests.benchmarks.share K N ROWS SEED UNTIL`.

Prints the number of messages in each batch once it is stored. When nobody reads that any more, it ends.
"""

import sys
from datetime import datetime

import django


def main() -> None:
    """Stores every N-th day from the K-th on."""
    django.setup()
    from tests.benchmarks import arrival

    number, of, rows, seed = map(int, sys.argv[1:5])
    until = datetime.fromisoformat(sys.argv[5])
    # One write for each line: an unbuffered `print` makes two, and another process may come in between.
    arrivals = arrival.Arrivals(rows, seed, until)
    arrival.load(arrivals, share=(number, of), progress=lambda done: _write(f"{done}\n"))


def _write(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
