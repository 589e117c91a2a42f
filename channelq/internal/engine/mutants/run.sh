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

[ $# -gt 0 ] || set -- "$here"/*.patch
for patch in "$@"; do
	name=$(basename "$patch" .patch)
	patch=$here/$name.patch
	test=$(sed -n 's/^Test: //p' "$patch")
	flags=$(sed -n 's/^Flags: //p' "$patch")
	copy
	cd "$work/module/$package" || exit 1
	# shellcheck disable=SC2086 # flags may be none or several
	if ! go test $flags -run "^$test\$" -count 1 -timeout 60s . >"$work/out" 2>&1; then
		echo "FAIL $name: $test fails on the engine as it is"
		survived=1
	elif ! patch -s -p1 <"$patch" >"$work/out" 2>&1; then
		echo "FAIL $name: the patch does not fit"
		survived=1
	elif ! go test $flags -run XXX . >"$work/out" 2>&1; then
		echo "FAIL $name: does not build"
		survived=1
	elif go test $flags -run "^$test\$" -count 3 -timeout 15s . >"$work/out" 2>&1; then
		echo "FAIL $name: survives $test"
		survived=1
	else
		echo "ok   $name: caught by $test"
	fi
done
exit $survived
