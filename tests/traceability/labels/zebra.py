"""A small ZPL printer for tests: reads formats command by command and prints them on dots."""

import re
from dataclasses import dataclass, field

import zxingcpp
from PIL import Image

HEX = "0123456789ABCDEF"


@dataclass
class Format:
    """One label: its commands in order, and the picture they print."""

    commands: list[tuple[str, str]] = field(default_factory=list)

    def said(self, name: str) -> list[str]:
        """Give what stands behind each command of a name."""
        return [said for command, said in self.commands if command == name]

    def print(self) -> Image.Image:
        """Print the label; every command must be known."""
        size = int(self.said("PW")[0]), int(self.said("LL")[0])
        paper = Image.new("L", size, 255)
        at, code, module = (0, 0), "", 2
        for command, said in self.commands:
            match command:
                case "FO":
                    left, top = said.split(",")
                    at = (int(left), int(top))
                case "GFA":
                    paper.paste(0, at, graphic(said))
                case "BY":
                    module = int(said)
                case "BQN" | "BXN" | "BCN" | "A0N":
                    code = f"{command},{said}"
                case "FD":
                    draw(paper, at, code, said, module)
                case "XA" | "XZ" | "FS" | "CI" | "PW" | "LL" | "LH" | "FH":
                    pass
                case other:
                    raise AssertionError(f"no such command: {other}")
        return paper


def formats(zpl: bytes) -> list[Format]:
    """Read a file: formats from ^XA to ^XZ and nothing between."""
    text = zpl.decode("ascii")
    found = re.findall(r"\^XA(.*?)\^XZ\n", text, re.DOTALL)
    assert "".join(f"^XA{one}^XZ\n" for one in found) == text
    return [Format([read(part) for part in one.split("^")[1:]]) for one in found]


def read(part: str) -> tuple[str, str]:
    """Part a command from what it says."""
    for name in ("GFA", "BQN", "BXN", "BCN", "A0N"):
        if part.startswith(name):
            return name, part[len(name) :].lstrip(",")
    return part[:2], part[2:]


def graphic(said: str) -> Image.Image:
    """Unpack a graphic field (ZPL II guide, alternative data compression) into a mask."""
    total, _, row_bytes, packed = said.split(",", 3)
    digits, row, previous, times = [], "", "", 0
    wide = int(row_bytes) * 2
    for char in packed:
        if char == ":":
            assert not row
            digits.append(previous)
        elif char == ",":
            row = row.ljust(wide, "0")
        elif "G" <= char <= "Y":
            times += ord(char) - ord("G") + 1
        elif "g" <= char <= "z":
            times += (ord(char) - ord("g") + 1) * 20
        else:
            assert char in HEX, char
            row, times = row + char * max(1, times), 0
        if len(row) >= wide:
            assert len(row) == wide
            digits.append(row)
            row, previous = "", row
    assert not row
    raw = bytes.fromhex("".join(digits))
    assert len(raw) == int(total)
    return Image.frombytes("1", (int(row_bytes) * 8, len(raw) // int(row_bytes)), raw).convert("L")


def draw(paper: Image.Image, at: tuple[int, int], code: str, said: str, module: int) -> None:
    """Draw what the printer itself draws: codes; serials only leave their room grey."""
    data = re.sub(r"_([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), said)
    kind, *given = code.split(",")
    if kind == "BQN":
        assert given[0] == "2"  # model 2
        level, rest = data[0], data[1:]
        assert rest.startswith("A,")
        made = zxingcpp.create_barcode(rest[2:], zxingcpp.BarcodeFormat.QRCode, ec_level=level)
        stamp(paper, at, made, int(given[1]))
    elif kind == "BXN":
        assert given[1] == "200"  # ECC 200
        stamp(
            paper,
            at,
            zxingcpp.create_barcode(data, zxingcpp.BarcodeFormat.DataMatrix, force_square=True),
            int(given[0]),
        )
    elif kind == "BCN":
        assert given[1:] == ["N", "N", "N", "D"]
        made = zxingcpp.create_barcode(data, zxingcpp.BarcodeFormat.Code128, gs1=True)
        stamp(paper, at, made, module, height=int(given[0]))
    else:
        assert kind == "A0N"
        width = round(int(given[1]) * 0.6 * len(data))
        box = (at[0], at[1], at[0] + width, at[1] + int(given[0]))
        assert box[2] <= paper.width
        paper.paste(200, box)


def stamp(
    paper: Image.Image,
    at: tuple[int, int],
    made: zxingcpp.Barcode,
    module: int,
    height: int | None = None,
) -> None:
    """Put a code onto the paper, each module so many dots."""
    small = Image.fromarray(made.to_image(scale=1, add_quiet_zones=False))
    size = (small.width * module, height or small.height * module)
    assert at[0] + size[0] <= paper.width
    assert at[1] + size[1] <= paper.height
    paper.paste(small.resize(size, Image.Resampling.NEAREST), at)
