"""What Debian's copyright files say, in the words of SPDX.

    licences.declared(package.copyright())      "LGPL-2.1-or-later"

A machine-readable file (DEP 5) has a paragraph `Files: *`, whose licence is
that of the whole as far as others do not say otherwise. What SPDX has no name
for, and files that are prose, are `None`: their text speaks for itself.
"""

import re

# Debian's short names that are others in SPDX, in lower case.
_NAMES = {
    "0bsd": "0BSD",
    "apache-2.0": "Apache-2.0",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd-3-google": "BSD-3-Clause",
    "bsd-3-clause~google": "BSD-3-Clause",
    "cc0-1.0": "CC0-1.0",
    "expat": "MIT",
    "gpl-2": "GPL-2.0-only",
    "gpl-2+": "GPL-2.0-or-later",
    "gpl-3": "GPL-3.0-only",
    "gpl-3+": "GPL-3.0-or-later",
    "isc": "ISC",
    "lgpl-2+": "LGPL-2.0-or-later",
    "lgpl-2.1": "LGPL-2.1-only",
    "lgpl-2.1+": "LGPL-2.1-or-later",
    "lgpl-3": "LGPL-3.0-only",
    "lgpl-3+": "LGPL-3.0-or-later",
    "mit": "MIT",
    "mpl-2.0": "MPL-2.0",
    "postgresql": "PostgreSQL",
    "x11": "X11",
    "zlib": "Zlib",
}
_FORMAT = re.compile(r"^Format:\s*\S*copyright-format/1", re.MULTILINE)
_FIELD = re.compile(r"^([A-Za-z-]+):[ \t]*(.*)$", re.MULTILINE)


def declared(text):
    """The SPDX expression of the whole, or None."""
    if not _FORMAT.search(text):
        return None
    for paragraph in re.split(r"\n[ \t]*\n", text):
        fields = dict(_FIELD.findall(paragraph))
        if fields.get("Files", "").split() == ["*"]:
            return _expression(fields.get("License", ""))
    return None


def _expression(short):
    """`Expat or CC0-1.0` in SPDX's words."""
    words = []
    for part in re.split(r"\s+(or|and)\s+", short.strip()):
        if part in ("or", "and"):
            words.append(part.upper())
        elif part.lower() in _NAMES:
            words.append(_NAMES[part.lower()])
        else:
            return None
    return " ".join(words)
