"""Values as the EPC Tag Data Standard 2.3 packs them into bits, sections 14.4 and 14.5."""

from typing import Final

from traceability.digital_link.check_digits import SET_82
from traceability.digital_link.refusals import CodeUnreadable

_BASE_64: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_URN_40: Final = "\0ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789"
_SEVEN_BIT: Final = frozenset(SET_82 + "#")
_HIGHEST_40: Final = 64_000
# Nibbles that end the digits of 14.5.5
_PLUS, _END, _NINE = 0b1110, 0b1111, 9


def unreadable() -> CodeUnreadable:
    """Give the refusal of a string of bits that is no EPC."""
    return CodeUnreadable("This code was not written whole on its tag. Read the tag again.")


def bits_of(segment: str) -> str:
    """Undo `eh` + hexadecimal or `ex` + base 64 for addresses (Compression 1.0, section 4.2)."""
    body = segment[2:]
    if segment.startswith("eh"):
        return "".join(f"{int(char, 16):04b}" for char in body)
    return "".join(f"{_BASE_64.index(char):06b}" for char in body)


def integer_bits(digits: int) -> int:
    """Count the bits that any number of so many digits fits into (table B)."""
    return int(10**digits - 1).bit_length()


class Bits:
    """A string of `0` and `1`, read from the left."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def left(self) -> int:
        """How many bits are left."""
        return len(self._text) - self._at

    def take(self, count: int) -> str:
        """Read `count` bits; refused: `code_unreadable` when there are fewer."""
        if count > self.left:
            raise unreadable()
        self._at += count
        return self._text[self._at - count : self._at]

    def number(self, count: int) -> int:
        """Read `count` bits as an unsigned integer."""
        return int(self.take(count), 2) if count else 0

    def peek(self, count: int) -> str:
        """Look at the next bits without reading them."""
        return self._text[self._at : self._at + count]

    def must_be_empty(self) -> None:
        """Refuse anything but filling zeros in the rest."""
        if "1" in self._text[self._at :]:
            raise unreadable()

    # --- values, by their methods -----------------------------------------------------------

    def digits(self, count: int) -> str:
        """Fixed-length numeric, four bits a digit (14.5.4)."""
        text = f"{self.number(4 * count):0{count}x}"
        if not text.isdigit():
            raise unreadable()
        return text

    def integer(self, count: int) -> str:
        """Fixed-bit-length numeric string of `count` digits (14.5.2)."""
        return self._filled(self.number(integer_bits(count)), count)

    def counted(self, longest: int) -> str:
        """Variable-length numeric string without encoding indicator (14.5.13)."""
        length = self._length(longest)
        return self._filled(self.number(integer_bits(length)) if length else 0, length)

    def text(self, longest: int, length_bits: int | None = None) -> str:
        """Variable-length alphanumeric (14.5.6): what encoding, how long, then the characters."""
        encoding = self.number(3)
        length = self._length(longest, length_bits)
        match encoding:
            case 0:
                return self._filled(self.number(integer_bits(length)), length)
            case 1:
                return "".join(f"{self.number(4):X}" for _ in range(length))
            case 2:
                return "".join(f"{self.number(4):x}" for _ in range(length))
            case 3:
                return "".join(_BASE_64[self.number(6)] for _ in range(length))
            case 4:
                return self._of_seven_bits(length)
            case 5:
                return self._of_urn_40(length)
        raise unreadable()

    def delimited(self) -> str:
        """Digits up to an end mark, or to a plus mark and then any text (14.5.5)."""
        out = ""
        while True:
            nibble = self.number(4)
            if nibble <= _NINE:
                out += str(nibble)
            elif nibble == _END:
                return out
            elif nibble == _PLUS:
                return out + self.text(30)
            else:
                raise unreadable()

    def day(self) -> str:
        """YYMMDD in 16 bits (14.5.8); whether the day exists is for the identifier to say."""
        return f"{self.number(7):02d}{self.number(4):02d}{self.number(5):02d}"

    def time(self, parts: int) -> str:
        """Hour in 5 bits, then minute and second in 6 each (14.5.9 and 14.5.11)."""
        return f"{self.number(5):02d}" + "".join(f"{self.number(6):02d}" for _ in range(parts - 1))

    def letters(self) -> str:
        """Two capital letters of a country, six bits each (14.5.12)."""
        return _BASE_64[self.number(6)] + _BASE_64[self.number(6)]

    def string(self, bits: int) -> str:
        """Seven-bit characters, ended or filled up by zeros (14.4.2)."""
        chars = [self.number(7) for _ in range(bits // 7)]
        while chars and not chars[-1]:
            chars.pop()
        text = "".join(map(chr, chars))
        if not text or not set(text) <= _SEVEN_BIT:
            raise unreadable()
        return text

    def six_bit_string(self) -> str:
        """Six-bit characters up to a zero (14.4.9)."""
        out = ""
        while code := self.number(6):
            out += chr(code if code >= 0x20 else code | 0x40)  # noqa: PLR2004 -- letters
        return out

    def skip_host(self) -> None:
        """Pass over a host name (14.5.16): the one that was asked counts, not the tag's."""
        seven_bits, length = self.number(1), self.number(6)
        self.take(7 * length if seven_bits else 16 * -(-length // 3))

    def _length(self, longest: int, length_bits: int | None = None) -> int:
        length = self.number(longest.bit_length() if length_bits is None else length_bits)
        if length > longest:
            raise unreadable()
        return length

    @staticmethod
    def _filled(number: int, count: int) -> str:
        text = str(number).zfill(count) if count else ""
        if len(text) > count:
            raise unreadable()
        return text

    def _of_seven_bits(self, length: int) -> str:
        text = "".join(chr(self.number(7)) for _ in range(length))
        if not set(text) <= _SEVEN_BIT:
            raise unreadable()
        return text

    def _of_urn_40(self, length: int) -> str:
        out = ""
        for _ in range(-(-length // 3)):
            three = self.number(16) - 1
            if not 0 <= three < _HIGHEST_40:
                raise unreadable()
            indexes = (three // 1600, three // 40 % 40, three % 40)
            out += "".join(_URN_40[index] for index in indexes if index)
        if len(out) != length:
            raise unreadable()
        return out
