#!/bin/bash
# Lets Bazel start go_test.py, whose imports begin at the root.
export PYTHONPATH="${PWD}" PYTHONDONTWRITEBYTECODE=1
exec python3 tests/testing/mock_upstream/go_test.py "$@"
