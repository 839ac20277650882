#!/bin/bash
# The report in a browser: opened from disk in several widths, light and dark, used by mouse and keyboard, and live.
. "$(dirname "$0")/with_browser.bash"
with_browser report_browser.py
