#!/bin/bash
# Runs one file of unittest cases, named by its path from the root.
export PYTHONPATH="${PWD}${PYTHONPATH:+:${PYTHONPATH}}"
export PYTHONDONTWRITEBYTECODE=1
exec python3 -m tools.testing.junit "$@"
