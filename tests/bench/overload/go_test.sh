#!/bin/bash
# Runs the Go tests of the arrivals; each is a case of the report.
export PYTHONPATH="${PWD}" PYTHONDONTWRITEBYTECODE=1
exec python3 tests/testing/mock_upstream/go_test.py tests/bench/overload
