"""`python -m hub.bench [ROW …]`: the rows as tables, on the embedded default and on the servers that are set.

`python -m hub.bench clean` drops the data that is kept for the next run.
"""

from __future__ import annotations

import sys
from importlib import import_module

from hub.bench import product

ROWS = ("ingest", "live", "routing", "inbox", "start", "page", "widget", "mail", "surveys")


def main(asked: list[str]) -> int:
    if asked == ["clean"]:
        for backend in reversed(product.backends()):
            backend.clean()
        return 0
    unknown = set(asked) - set(ROWS)
    if unknown:
        print(f"There is no row {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}.", file=sys.stderr)
        return 2
    missed = 0
    for row in asked or ROWS:
        for backend in product.backends():
            table = import_module(f"hub.bench.{row}").run(backend)
            table.show()
            missed += table.failed
    print(
        f"\n{missed} figure(s) missed what they have to reach." if missed else "\nAll figures reach what they have to."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
