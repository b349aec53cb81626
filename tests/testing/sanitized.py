"""Whether the programs of this run are built with a sanitizer.

Memory is the sanitizer's own then - what is freed is kept for a while, and
LeakSanitizer looks for leaks - and everything takes ten times as long.
"""

import os

SANITIZED = any(name in os.environ for name in
                ("ASAN_OPTIONS", "TSAN_OPTIONS"))
