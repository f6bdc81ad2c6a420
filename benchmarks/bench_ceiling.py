"""The roof over the page figures: server and load generator with nothing between them."""

from benchmarks.harness import Figure, Size
from benchmarks.serving import load, serve

NAME = "ceiling"


def run(size: Size) -> list[Figure]:
    """Put load on a constant answer, in the server and settings of the page benches."""
    with serve("benchmarks.bare:app", ready="/") as server:
        load(server.url + "/", seconds=1)
        seen = load(server.url + "/", seconds=3 if size == "small" else 30)
        memory = server.memory()
    note = f"by {seen.generator}; p50 {seen.p50_ms:.2f} ms, p99 {seen.p99_ms:.2f} ms"
    return [
        Figure.told("ceiling: constant answer", seen.per_second, "requests/s", note=note),
        Figure.told("ceiling: memory of the bare server", memory, "MB"),
    ]
