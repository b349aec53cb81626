"""Builds PKG-LLM-GATEWAY-001, the prompt router as a package of its own.

    python3 clients/python/prompt_router/make_package.py FOLDER

writes into the folder

  PKG-LLM-GATEWAY-001.tar.gz: `manifest.json`, which has the SHA-256 of every
    other entry, and HOT/, whose kernel goes on the path. Unpacked into a folder
    of its own it takes no other package's place.
  llm_gateway_prompt_router-VERSION-py3-none-any.whl: the module `prompt_router`
    alone, for who has the distribution llm-gateway.

The same sources make the same bytes.
"""

import base64
import gzip
import hashlib
import io
import json
import pathlib
import sys
import tarfile
import zipfile

PACKAGE_ID = "PKG-LLM-GATEWAY-001"
VERSION = "1.0.0"

_HERE = pathlib.Path(__file__).parent
_SOURCES = _HERE.parent / "src" / "llm_gateway"
_PARTS = "HOT/kernel/llm_gateway_parts"
_LICENSE = _HERE.parent / "LICENSE"
_DIST_INFO = f"llm_gateway_prompt_router-{VERSION}.dist-info"
_METADATA = f"""\
Metadata-Version: 2.1
Name: llm-gateway-prompt-router
Version: {VERSION}
Summary: The old name of LLMGateway: from prompt_router import PromptRouter
License: Apache-2.0
Requires-Python: >=3.10
Requires-Dist: llm-gateway
"""
_WHEEL = """\
Wheel-Version: 1.0
Generator: llm-gateway
Root-Is-Purelib: true
Tag: py3-none-any
"""


def assets():
    """All that the archive has beside its manifest: {path: bytes}."""
    found = {
        str(path.relative_to(_HERE)): path.read_bytes()
        for path in (_HERE / "HOT").rglob("*.py")
    }
    for path in [_SOURCES / "gateway.py", *(_SOURCES / "router").glob("*.py")]:
        found[f"{_PARTS}/{path.relative_to(_SOURCES)}"] = path.read_bytes()
    return dict(sorted(found.items()))


def manifest(files):
    """The manifest's members, for these assets."""
    return {
        "package_id": PACKAGE_ID,
        "version": VERSION,
        "schema_version": "1.2",
        "title": "LLM Gateway",
        "description": (
            "LLM Gateway (renamed from PromptRouter). Deterministic "
            "send-log-count pipe for all LLM calls."
        ),
        "spec_id": "SPEC-GATE-001",
        "framework_id": "FMWK-000",
        "plane_id": "hot",
        "layer": 3,
        "supersedes": "PKG-PROMPT-ROUTER-001",
        "dependencies": ["PKG-KERNEL-001", "PKG-TOKEN-BUDGETER-001"],
        "assets": [
            {
                "path": path,
                "sha256": hashlib.sha256(data).hexdigest(),
                "classification": (
                    "test" if path.startswith("HOT/tests/") else "kernel"
                ),
            }
            for path, data in files.items()
        ],
    }


def write_archive(path):
    files = assets()
    text = json.dumps(manifest(files), indent=2) + "\n"
    with (
        open(path, "wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for name, data in {"manifest.json": text.encode(), **files}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def write_wheel(folder):
    files = {
        "prompt_router.py": (
            _HERE / "HOT/kernel/prompt_router.py"
        ).read_bytes(),
        f"{_DIST_INFO}/METADATA": _METADATA.encode(),
        f"{_DIST_INFO}/WHEEL": _WHEEL.encode(),
        f"{_DIST_INFO}/LICENSE": _LICENSE.read_bytes(),
    }
    record = f"{_DIST_INFO}/RECORD"
    files[record] = (
        "".join(
            f"{name},sha256={_urlsafe_sha256(data)},{len(data)}\n"
            for name, data in files.items()
        )
        + f"{record},,\n"
    ).encode()
    name = f"llm_gateway_prompt_router-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(folder / name, "w") as wheel:
        for path, data in files.items():
            # The epoch of ZIP.
            wheel.writestr(zipfile.ZipInfo(path), data)


def _urlsafe_sha256(data):
    digest = hashlib.sha256(data).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    folder = pathlib.Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    write_archive(folder / f"{PACKAGE_ID}.tar.gz")
    write_wheel(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
