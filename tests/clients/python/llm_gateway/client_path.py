"""Puts the Python client on the path, with what it imports.

    from tests.clients.python.llm_gateway import client_path

Import it before llm_gateway.

`CLIENT_PATH` is the same for a child's PYTHONPATH.
"""

import os
import sys

from tests.sdk import sdks

_FOLDERS = [
    os.path.abspath("clients/python/src"),
    os.path.abspath("clients/python/stubs"),
    sdks.python_client_packages(),
]
CLIENT_PATH = os.pathsep.join(_FOLDERS)

sys.path[:0] = _FOLDERS
