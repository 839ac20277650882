# What tests in a browser share: source it, then with_browser TEST.py. UNROLL is the program, BUILD the build folder. Skipped (77)
# where there is no Chromium to drive.
with_browser() {
	cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
	for program in chromium chromedriver; do
		command -v $program > /dev/null || { echo "$1: skipped, $program is not installed"; exit 77; }
	done
	/usr/bin/python3 -c 'import selenium' 2> /dev/null || {
		echo "$1: skipped, /usr/bin/python3 has no selenium (python3-selenium)"
		exit 77
	}
	PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 "$1" "${UNROLL:?}" "${BUILD:?}/tests/put_document"
}
