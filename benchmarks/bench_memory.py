"""Memory of the whole embedded system: server, worker, database and payments' double.

Proportional set size of everything that `python -m app run` starts, once it has answered each page,
and once more after hundreds of requests.
"""

from benchmarks.harness import Figure, Size
from benchmarks.installation import pages_of, seeded, served
from benchmarks.serving import answer

NAME = "memory"
ASK = 250.0
REQUESTS = {"small": 500, "full": 5000}


def run(size: Size) -> list[Figure]:
    """Ask for pages and weigh the process tree."""
    where = seeded(size)
    pages = pages_of(where)
    paths = ("/", pages.product, pages.category, pages.scan, "/search?q=honey", "/outlets")
    with served(where) as server:
        for path in paths:
            if answer(server.url + path) is None:
                raise RuntimeError(f"{path} does not answer 200")
        warm = server.memory()
        for n in range(REQUESTS[size]):
            answer(server.url + paths[n % len(paths)])
        used = server.memory()
    return [
        Figure.told("memory: whole system, each page asked for once", warm, "MB"),
        Figure.at_most(
            f"memory: whole system after {REQUESTS[size]} requests", used, "MB", ask=ASK
        ),
    ]
