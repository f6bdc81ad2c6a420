"""A bounded load generator in plain Python, for machines without `wrk`; run by `serving.load`.

    python -m benchmarks.client http://127.0.0.1:PORT/path SECONDS CONNECTIONS

Prints JSON: answers per second and latency in milliseconds. One process, one thread, connections
kept alive, the next request sent when the last answer is whole. It takes a whole core at its
limit (see the figure "ceiling"); a server that comes near it shows the client's limit, not its own.
"""

import asyncio
import json
import statistics
import sys
import time
from urllib.parse import urlsplit

LENGTH = b"content-length:"


async def keep_asking(host: str, port: int, request: bytes, until: float) -> list[float]:
    """Ask over one connection until the time is up; give each answer's latency in milliseconds.

    Raises ValueError for an answer that is not 200 or has no Content-Length, and
    IncompleteReadError for a connection that was closed.
    """
    reader, writer = await asyncio.open_connection(host, port)
    latencies = []
    while (begun := time.perf_counter()) < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        first, *headers = head.lower().split(b"\r\n")
        if first.split()[1] != b"200":
            raise ValueError(first.decode())
        length = [header for header in headers if header.startswith(LENGTH)]
        if not length:
            raise ValueError("an answer without Content-Length")
        await reader.readexactly(int(length[0].removeprefix(LENGTH)))
        latencies.append((time.perf_counter() - begun) * 1000)
    writer.close()
    return latencies


async def ask(url: str, seconds: float, connections: int) -> dict[str, float]:
    """Ask over that many connections at once, and sum up."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: text/html,*/*;q=0.8\r\n\r\n"
    request = head.encode("ascii")
    begun = time.perf_counter()
    each = await asyncio.gather(
        *(keep_asking(host, port, request, begun + seconds) for _ in range(connections))
    )
    spent = time.perf_counter() - begun
    every = sorted(latency for one in each for latency in one)
    return {
        "per_second": len(every) / spent,
        "p50_ms": statistics.median(every),
        "p99_ms": every[int(len(every) * 0.99)],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))))
