"""Prints the program of one language from docs/clients.md, for the test of
that page: page_program.py PAGE LANGUAGE.

A program stands in a fence of its language; other fences have other tags.
"""

import re
import sys


def program(page, language):
    found = re.findall(r"^```%s\n(.*?)^```$" % re.escape(language), page,
                       re.DOTALL | re.MULTILINE)
    if len(found) != 1:
        raise ValueError("%d programs are fenced as %s" % (
            len(found), language))
    return found[0]


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.write(program(file.read(), sys.argv[2]))
