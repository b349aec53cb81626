#!/bin/bash
# Runs the driver's Go tests; each is a case of the report.
export PYTHONPATH="${PWD}" PYTHONDONTWRITEBYTECODE=1
exec python3 tests/testing/mock_upstream/go_test.py tests/bench/load
