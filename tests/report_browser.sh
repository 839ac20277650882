#!/bin/bash
# The report in a browser: opened from disk in several widths, light and dark, used by mouse and keyboard, and live.
# UNROLL is the program, BUILD the build folder. Skipped (77) where there is no Chromium to drive.
cd "$(dirname "$0")" || exit 1
for program in chromium chromedriver; do
	command -v $program > /dev/null || { echo "report_browser: skipped, $program is not installed"; exit 77; }
done
/usr/bin/python3 -c 'import selenium' 2> /dev/null || {
	echo "report_browser: skipped, /usr/bin/python3 has no selenium (python3-selenium)"
	exit 77
}
exec /usr/bin/python3 report_browser.py "${UNROLL:?}" "${BUILD:?}/tests/put_document"
