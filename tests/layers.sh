#!/bin/bash
# Holds src/ to its layers: src/LAYERS says which room (folder) may include which. Fails, naming file and line, on
#   - an include of a room that LAYERS does not allow, or of a file by a path that hides its room;
#   - a room that LAYERS lacks, a room of LAYERS that is not there, or one that may include a room listed after it;
#   - two files of one name;
#   - a call outside src/cli that prints to the screen or ends the process.
# usage: layers.sh [root of the source tree]
cd "${1:-.}" || exit 1
[ -f src/LAYERS ] || { echo "layers: no src/LAYERS in $PWD"; exit 1; }
bad=0

rooms=$(awk '/^[ \t]*(#|$)/ { next } { sub(/:.*/, ""); print $1 }' src/LAYERS)

for room in $rooms; do
	[ -d "src/$room" ] || { echo "src/LAYERS: room '$room' is not there"; bad=1; }
done
for folder in src/*/; do
	room=$(basename "$folder")
	grep -qxF -- "$room" <<< "$rooms" || { echo "src/$room: a room that src/LAYERS lacks"; bad=1; }
done

# LAYERS itself: no line twice, and only rooms of earlier lines
awk '/^[ \t]*(#|$)/ { next }
	{
		room = $1; sub(/:$/, "", room)
		if (room in seen) { print "src/LAYERS:" FNR ": room \"" room "\" twice"; bad = 1 }
		for (i = 2; i <= NF; i++)
			if (!($i in seen)) {
				print "src/LAYERS:" FNR ": \"" room "\" may include \"" $i "\", which no earlier line has"
				bad = 1
			}
		seen[room] = 1
	}
	END { exit bad }' src/LAYERS || bad=1

mapfile -t files < <(find src -type f -name '*.[ch]' | LC_ALL=C sort)
mapfile -t all < <(find src -type f \( -name '*.[ch]' -o -name '*.def' -o -name '*.inc' \) | LC_ALL=C sort)

twice=$(printf '%s\n' "${files[@]##*/}" | LC_ALL=C sort | uniq -d)
for name in $twice; do
	echo "file name '$name' is not unique:" $(printf '%s\n' "${files[@]}" | grep -F -- "/$name")
	bad=1
done

public=$(ls include 2> /dev/null | tr '\n' ' ')
[ "${#all[@]}" -eq 0 ] || awk -v public="$public" '
	# line 1 on: LAYERS, then sources
	FILENAME == "src/LAYERS" {
		if ($0 ~ /^[ \t]*(#|$)/) next
		room = $1; sub(/:$/, "", room)
		known[room] = 1; may[room, room] = 1
		for (i = 2; i <= NF; i++) may[room, $i] = 1
		next
	}
	function say(text) { print FILENAME ":" FNR ": " text; bad = 1 }
	# the line without comments and without what is inside quotes; `inside` carries over /* */
	function strip(line,    out, c, two, quote) {
		out = ""
		while (line != "") {
			two = substr(line, 1, 2); c = substr(line, 1, 1)
			if (inside) {
				if (two == "*/") { inside = 0; line = substr(line, 3) } else line = substr(line, 2)
			} else if (quote != "") {
				if (c == "\\") line = substr(line, 3)
				else { if (c == quote) { quote = ""; out = out c }; line = substr(line, 2) }
			} else if (two == "/*") { inside = 1; line = substr(line, 3) }
			else if (two == "//") break
			else { if (c == "\"" || c == "\047") quote = c; out = out c; line = substr(line, 2) }
		}
		return out
	}
	BEGIN { ends = "exit|_exit|_Exit|quick_exit|abort|assert"; prints = "printf|vprintf|puts|putchar|perror" }
	FNR == 1 { inside = 0; n = split(public, list, " "); split("", free); for (i = 1; i <= n; i++) free[list[i]] = 1
		split(FILENAME, part, "/"); home = part[2]; top = part[3] == "" }
	top { home = "" }
	{ commented = inside; code = strip($0) }
	!commented && match($0, /^[ \t]*#[ \t]*include[ \t]*"[^"]*"/) {
		name = substr($0, RSTART, RLENGTH); sub(/^[^"]*"/, "", name); sub(/"$/, "", name)
		if (name in free) next
		if (name ~ /(^|\/)\.\.?\//) { say("include \"" name "\": write it from src/ on, \"room/file\""); next }
		if (name !~ /\//) { say("include \"" name "\": write its room, \"room/" name "\""); next }
		room = name; sub(/\/.*/, "", room)
		if (!(room in known)) say("include \"" name "\": there is no room \"" room "\"")
		else if (!((home, room) in may))
			say("include \"" name "\": room \"" home "\" may not include room \"" room "\"")
		next
	}
	!commented && /^[ \t]*#[ \t]*include[ \t]*[^ \t<"]/ {
		say("an include that is no plain file name: " $0)
		next
	}
	home != "cli" {
		if (match(code, "(^|[^A-Za-z0-9_.>])(" ends "|" prints ")[ \t]*\\(") ||
		    match(code, "(^|[^A-Za-z0-9_.>])(fprintf|vfprintf|dprintf)[ \t]*\\([ \t]*(stdout|stderr|1|2)[ \t]*,") ||
		    match(code, "(^|[^A-Za-z0-9_.>])(fputs|fputc|putc|fwrite)[ \t]*\\(.*,[ \t]*(stdout|stderr)[ \t]*\\)")) {
			call = substr(code, RSTART, RLENGTH); sub(/^[^A-Za-z_]*/, "", call); sub(/[ \t]*\(.*/, "", call)
			say(call "() outside src/cli: the library returns a status and text (ur_fail)")
		}
	}
	END { exit bad }' src/LAYERS "${all[@]}" || bad=1

[ $bad -eq 0 ] && echo "layers: ${#files[@]} files in $(wc -w <<< "$rooms") rooms keep to src/LAYERS"
exit $bad
