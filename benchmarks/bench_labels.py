"""Sheets of labels against the bare writer of their codes.

Ours makes a whole PDF of labels with words, serials and codes; the other side only has
zxing-cpp encode the same addresses as QR codes at the same level and throws them away. Both are
measured in CPU time of one thread, since that is what a worker has.
"""

import time
from collections.abc import Callable
from datetime import date
from io import BytesIO

from benchmarks.harness import Figure, Pair, Size, paired
from traceability.digital_link import ItemCode, build_uri
from traceability.labels.drawing import qr_modules
from traceability.labels.layouts import LAYOUTS
from traceability.labels.sheet import Label, PdfSheet, code_for, labels_for_serials
from traceability.labels.zpl import ZplSheet

NAME = "labels"
HOST = "https://shanhuo.jincheng.example"
LABELS = {"small": 2_000, "full": 10_000}
SHOWN = ("a4-3x8", "a4-4x12", "roll-60x40")
ASK_PER_SECOND = 800
ASK_RATIO = 0.3
"""What 800 a second is of the 2,600 codes a second that the bare writer makes here."""

HONEY = Label(
    ItemCode("09520010100015", "QS20261103A"),
    "沁水刺槐成熟蜜",
    "500克/瓶",
    "山西省晋城市沁水县土沃乡",
    "沁水",
    "示例蜜源蜂业合作社",
    date(2026, 11, 3),
    date(2028, 11, 2),
    demo=True,
)


def run(size: Size) -> list[Figure]:
    """Make the same labels on several layouts, in turn with their bare codes."""
    labels = labels_for_serials(HONEY, [f"QS20261103A{n:06d}" for n in range(LABELS[size])])
    figures: list[Figure] = []
    for key in SHOWN:
        pair = _pair(key, labels)
        figures += [
            Figure.versus(
                f"labels: {key} against bare QR codes",
                pair,
                "labels/s of CPU",
                ask=ASK_RATIO,
                note=f"{len(labels):,} labels in one file; the other side only encodes",
            ),
            Figure.at_most(
                f"labels: {key}, CPU per label",
                1000 / pair.ours,
                "ms",
                ask=1000 / ASK_PER_SECOND,
                note=f"asked: {ASK_PER_SECOND} labels a second per core",
            ),
        ]
    figures.append(_zpl(labels))
    return figures


def _zpl(labels: list[Label]) -> Figure:
    def write() -> None:
        ZplSheet(BytesIO(), LAYOUTS["zpl-60x40"], host_base=HOST).add(labels)

    write()
    note = "the printer draws the codes"
    return Figure.told("labels: zpl-60x40", _rate(write, len(labels)), "labels/s of CPU", note=note)


def _pair(key: str, labels: list[Label]) -> Pair:
    layout = LAYOUTS[key]
    addresses = [build_uri(HOST, label.code) for label in labels]
    level = code_for(layout, addresses[0]).level

    def ours() -> None:
        out = BytesIO()
        sheet = PdfSheet(out, layout, host_base=HOST, title=HONEY.product_name)
        sheet.add(labels)
        sheet.finish()

    def bare() -> None:
        for address in addresses:
            qr_modules(address, level)

    return paired(lambda: _rate(ours, len(labels)), lambda: _rate(bare, len(labels)), rounds=3)


def _rate(act: Callable[[], None], count: int) -> float:
    begun = time.process_time()
    act()
    return count / (time.process_time() - begun)
