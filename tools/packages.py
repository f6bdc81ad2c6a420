"""Make `.venv` and put locked packages into it; done already, it takes a blink.

    python3 tools/packages.py run          what the running program needs
    python3 tools/packages.py run dev      and what tests, linters and benches need
    python3 tools/packages.py run node     and Node, where the machine has none that is new enough
    python3 tools/packages.py lock         what `make lock` needs

Standard library only: it runs before anything is installed. Each group is one lock file; a stamp
in `.venv` holds that file's hash, so a changed lock is installed again and an unchanged one is not.
pip is left as the machine configures it: no address is named here or in the lock files.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 18
LOCKS = {
    "run": "requirements.txt",
    "dev": "requirements-dev.txt",
    "node": "requirements-node.txt",
    "lock": "requirements-lock.txt",
}


def main(groups: list[str]) -> None:
    """Bring `.venv` to hold every group named; exit with a sentence when it cannot be done."""
    unknown = [group for group in groups if group not in LOCKS]
    if unknown or not groups:
        sys.exit(f"usage: python3 tools/packages.py [{'|'.join(LOCKS)}] …")
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        sys.exit(
            f"This needs Python {wanted} or later; {sys.executable} is {sys.version.split()[0]}. "
            "Name another one with `make PYTHON=/path/to/python3 …`."
        )
    if "node" in groups and machine_has_node():
        groups = [group for group in groups if group != "node"]
    if all(installed(group) for group in groups):
        return
    make_venv()
    with (VENV / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at once: the second waits, then finds it done
        for group in groups:
            if not installed(group):
                install(group)


def make_venv() -> None:
    """Create the environment where there is none, or where its Python or pip has gone."""
    if PYTHON.exists() and runs([str(PYTHON), "-m", "pip", "--version"]):
        return
    say("making .venv")
    try:
        import ensurepip  # noqa: F401  (Debian packs it apart from Python)
    except ImportError:
        subprocess.run([str(ROOT / "tools" / "system.sh"), "venv"], check=False)
    try:
        venv.EnvBuilder(clear=VENV.exists() and not VENV.is_symlink(), with_pip=True).create(VENV)
    except subprocess.CalledProcessError:
        sys.exit(
            f"{sys.executable} cannot make a virtual environment: its ensurepip is missing. "
            "On Debian: apt-get install python3-venv"
        )


def install(group: str) -> None:
    """Install one lock file with every hash checked, then stamp it."""
    say(f"installing {LOCKS[group]}")
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes"]
    command += ["--disable-pip-version-check", "--no-input", "-r", LOCKS[group]]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit(f"pip could not install {LOCKS[group]}; its own words stand above.")
    stamp(group).write_text(fingerprint(group), encoding="ascii")


def installed(group: str) -> bool:
    """Say whether the stamp of this group was made from the lock file as it is now."""
    held = stamp(group)
    return (
        PYTHON.exists() and held.exists() and held.read_text(encoding="ascii") == fingerprint(group)
    )


def stamp(group: str) -> Path:
    """Name the stamp file of a group."""
    return VENV / f"installed-{group}"


def fingerprint(group: str) -> str:
    """SHA-256 of the lock file in hex."""
    return hashlib.sha256((ROOT / LOCKS[group]).read_bytes()).hexdigest()


def machine_has_node() -> bool:
    """Say whether a `node` new enough stands on the PATH outside `.venv`, with npm beside it."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None or Path(node).is_relative_to(VENV):
        return False
    asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    major = asked.stdout.strip().removeprefix("v").split(".")[0]
    return asked.returncode == 0 and major.isdigit() and int(major) >= OLDEST_NODE


def runs(command: list[str]) -> bool:
    """Say whether a command ends well, without showing what it prints."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def say(line: str) -> None:
    """Tell progress beside the output: `make accounts` prints JSON there."""
    print(f"set-up: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
