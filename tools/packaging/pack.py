"""Packs a folder for a language's registry, so that the same files are the same
bytes:

    python3 -m tools.packaging.pack ARCHIVE FOLDER [--prefix=P] [--first=F]

ARCHIVE ends in .zip, .jar or .tgz. Each entry's name is the prefix and the
file's path within the folder; in a zip or a jar the file F comes first, as a
jar's manifest has to.
"""

import argparse
import os
import sys
import zipfile

from tools.packaging import archive

# The earliest time that a zip can tell, in both ways of telling it.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_EPOCH_S = 315532800
_UNIX = 3
_REGULAR_FILE = 0o100000


def tree_of(folder):
    """The files below a folder; who may run one may run it still."""
    tree = archive.Tree()
    for directory, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(directory, name)
            runs = os.stat(path).st_mode & 0o111
            tree.copy(os.path.relpath(path, folder), path,
                      archive.PROGRAM if runs else archive.FILE)
    return tree


def write_zip(out, tree, prefix="", first=None):
    files = [(path, entry) for path, entry in tree.entries()
             if entry.content is not None]
    files.sort(key=lambda file: (file[0] != first, file[0]))
    if first is not None and files[0][0] != first:
        raise FileNotFoundError("%s is to come first and is not there" % first)
    with zipfile.ZipFile(out, "w") as packed:
        for path, entry in files:
            info = zipfile.ZipInfo(prefix + path, _ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = _UNIX
            info.external_attr = (_REGULAR_FILE | entry.mode) << 16
            packed.writestr(info, entry.content)


def main(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("archive")
    parser.add_argument("folder")
    parser.add_argument("--prefix", default="")
    parser.add_argument("--first")
    flags = parser.parse_args(argv)
    tree = tree_of(flags.folder)
    if flags.archive.endswith((".zip", ".jar")):
        write_zip(flags.archive, tree, flags.prefix, flags.first)
    elif flags.archive.endswith(".tgz"):
        with open(flags.archive, "wb") as out:
            out.write(archive.gzipped(tree.tar(_EPOCH_S, flags.prefix)))
    else:
        parser.error("%s is neither a .zip, a .jar nor a .tgz" % flags.archive)


if __name__ == "__main__":
    main(sys.argv[1:])
