#!/bin/sh
# Runs a Criterion program so that automake's TAP driver can count its tests:
# TAP on standard output, one test at a time, and none for ever.
exec "$@" --tap=- --quiet --jobs 1 --timeout "${PL_TEST_TIMEOUT:-300}"
