#!/bin/bash
# The lab's page in a browser: opened from disk in several widths, light and dark, its quiz answered, and live.
. "$(dirname "$0")/with_browser.bash"
with_browser lab_browser.py
