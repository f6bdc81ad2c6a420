"""Reading printed labels back with programs that did not print them."""

import pypdfium2
import zxingcpp
from PIL import Image

#: pypdfium2 renders, zxing-cpp reads: neither shares code with reportlab.
POINTS_PER_INCH = 72


def pages(pdf: bytes, dpi: int) -> list[Image.Image]:
    """Render every page at `dpi`."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.render(scale=dpi / POINTS_PER_INCH).to_pil().convert("L") for page in document]
    finally:
        document.close()


def page_texts(pdf: bytes) -> list[str]:
    """Read the text layer of every page."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        texts = []
        for page in document:
            text_page = page.get_textpage()
            texts.append(text_page.get_text_bounded())
            text_page.close()
            page.close()
        return texts
    finally:
        document.close()


def codes(image: Image.Image) -> list[str]:
    """Read the QR codes of an image, from the top left to the bottom right by rows."""
    found = zxingcpp.read_barcodes(
        image, formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
    )
    rough = image.height // 100 or 1
    return [
        barcode.text
        for barcode in sorted(
            found, key=lambda b: (b.position.top_left.y // rough, b.position.top_left.x)
        )
    ]
