"""Trees of files that become the same bytes wherever they are packed.

    tree = archive.Tree()
    tree.add("etc/passwd", b"...")
    tree.link("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt")
    tree.tar(epoch_s=0)

Paths are relative to the tree's root, and are packed in their order. Each time
is `epoch_s`, each owner is root unless it is said otherwise.
"""

import dataclasses
import io
import os
import stat
import subprocess
import tarfile
import zlib

# Of programs that anybody may run, and of files that anybody may read.
PROGRAM = 0o755
FILE = 0o644


@dataclasses.dataclass(frozen=True)
class Entry:
    """What stands at a path: a file, a link if it has a target, or a folder
    if it has neither."""
    content: bytes | None = None
    target: str = ""
    mode: int = FILE
    owner: int = 0


class Tree:
    """Files, links and folders by their path. Folders on the way to what is
    added are there by themselves."""

    def __init__(self):
        self._entries = {}

    def add(self, path, content, mode=FILE, owner=0):
        """A file; its content is bytes, or text that is UTF-8."""
        if isinstance(content, str):
            content = content.encode()
        self._put(path, Entry(content=content, mode=mode, owner=owner))

    def copy(self, path, source, mode=FILE):
        """A file that has the content of another one."""
        with open(source, "rb") as file:
            self.add(path, file.read(), mode)

    def link(self, path, target):
        self._put(path, Entry(target=target, mode=0o777))

    def folder(self, path, mode=0o755, owner=0):
        self._put(path, Entry(mode=mode, owner=owner))

    def entries(self):
        """Pairs of path and entry, in the order of their paths."""
        return sorted(self._entries.items())

    def tar(self, epoch_s, prefix=""):
        """All of it as a tar archive, its paths behind `prefix`."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w",
                          format=tarfile.PAX_FORMAT) as tar:
            for path, entry in self.entries():
                member = tarfile.TarInfo(prefix + path)
                member.mtime = epoch_s
                member.mode = entry.mode
                member.uid = member.gid = entry.owner
                if entry.target:
                    member.type = tarfile.SYMTYPE
                    member.linkname = entry.target
                elif entry.content is None:
                    member.type = tarfile.DIRTYPE
                else:
                    member.size = len(entry.content)
                tar.addfile(member, io.BytesIO(entry.content or b""))
        return buffer.getvalue()

    def write(self, folder, epoch_s):
        """Writes it out as files below a folder that there is."""
        for path, entry in self.entries():
            place = os.path.join(folder, path)
            if entry.target:
                os.symlink(entry.target, place)
            elif entry.content is None:
                os.makedirs(place, exist_ok=True)
            else:
                with open(place, "xb") as file:
                    file.write(entry.content)
            if not entry.target:
                os.chmod(place, stat.S_IMODE(entry.mode))
        # A folder's time changes with what is put into it: the inner ones
        # first.
        for path, _ in reversed(self.entries()):
            os.utime(os.path.join(folder, path), (epoch_s, epoch_s),
                     follow_symlinks=False)
        os.utime(folder, (epoch_s, epoch_s))

    def _put(self, path, entry):
        parts = path.split("/")
        if not all(part not in ("", ".", "..") for part in parts):
            raise ValueError("%r is no relative path in its shortest form" %
                             path)
        for depth in range(1, len(parts)):
            self._entries.setdefault("/".join(parts[:depth]),
                                     Entry(mode=0o755))
        before = self._entries.get(path)
        if before is not None and (before.target or before.content is not None):
            raise ValueError("%r is added twice" % path)
        self._entries[path] = entry


def gzipped(data):
    """gzip without a name or a time."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def zstandard(data):
    """zstd by the command of that name; one thread, since several cut the data
    into other pieces. Level 19 makes hundredths less, and takes ten times as
    in half as long again."""
    return subprocess.run(["zstd", "-17", "--single-thread", "-q", "-c"],
                          input=data, stdout=subprocess.PIPE,
                          check=True).stdout
