#!/bin/sh
# Breaks the engine on purpose, one patch at a time, and shows that the test
# named in the patch fails within a minute. Arguments: names of patches,
# all without. Exits 1 if a mutant survives or a patch no longer fits.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
package=channelq/internal/engine
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GOWORK=off
survived=0

# copy puts the package, alone in its module, into a fresh folder.
copy() {
	rm -rf "$work/module"
	mkdir -p "$work/module/$package"
	cp "$root/go.mod" "$root/go.sum" "$work/module/"
	cp "$root/$package"/*.go "$work/module/$package/"
}

# clean builds the tests of the engine as it is, once for each choice of flags.
clean() {
	binary=$work/clean$(echo "$1" | tr -c 'a-z\n' _)
	[ -x "$binary" ] && return
	copy
	# shellcheck disable=SC2086 # flags may be none or several
	(cd "$work/module/$package" && go test -c $1 -o "$binary" .)
}

[ $# -gt 0 ] || set -- "$here"/*.patch
for patch in "$@"; do
	name=$(basename "$patch" .patch)
	patch=$here/$name.patch
	test=$(sed -n 's/^Test: //p' "$patch")
	flags=$(sed -n 's/^Flags: //p' "$patch")
	clean "$flags" || exit 1
	copy
	cd "$work/module/$package" || exit 1
	# shellcheck disable=SC2086 # flags may be none or several
	if ! "$binary" -test.run "^$test\$" -test.v -test.timeout 60s >"$work/out" 2>&1 || ! grep -q "^--- PASS: $test " "$work/out"; then
		echo "FAIL $name: $test is not there or fails on the engine as it is"
		survived=1
	elif ! patch -s -p1 <"$patch" >"$work/out" 2>&1; then
		echo "FAIL $name: the patch does not fit"
		survived=1
	elif ! go test -c $flags -o "$work/mutant" . >"$work/out" 2>&1; then
		echo "FAIL $name: does not build"
		survived=1
	elif "$work/mutant" -test.run "^$test\$" -test.count 3 -test.timeout 15s >"$work/out" 2>&1; then
		echo "FAIL $name: survives $test"
		survived=1
	else
		echo "ok   $name: caught by $test"
	fi
done
exit $survived
