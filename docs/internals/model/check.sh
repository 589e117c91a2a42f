#!/usr/bin/env bash
# Verifies host.pml and order.pml exhaustively, then breaks them on purpose, once for each fault,
# and requires that the model notices. README.md beside this file says what for.
# It needs spin and gcc, installs nothing, and exits with 1 when anything is off.
# bash docs/internals/model/check.sh [FAULT...]: only these faults, without the rest.
set -uo pipefail
cd "$(dirname "$0")" || exit 1

for tool in spin gcc; do
	command -v $tool >/dev/null || { echo "$tool is missing: apt-get install spin gcc (or brew install spin)"; exit 1; }
done
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# Each configuration is small enough to be searched to its end; together they
# have every kind of service, every way to ask for the stop and every behaviour.
declare -A config=(
	[services]="-DCALLERS=1"
	[pair]="-DCALLERS=1 -DN=2 -DDEADLINE=1"
	[callers]="-DCALLERS=2 -DN=2 -DLATEST=3 -DFEW"
	[loops]="-DCALLERS=1 -DFEW -DK0=LOOP -DK1=WLOOP -DK2=PLAIN"
	[drain]="-DCALLERS=1 -DFEW -DDRAIN=2 -DSTART=NEVER -DK0=PLAIN -DK1=LOOP -DK2=WLOOP"
	[restart]="-DCALLERS=1 -DFEW -DSTART=NEVER -DDEADLINE=NEVER -DK0=FRESH -DK1=PLAIN -DK2=LOOP"
	[twice]="-DCALLERS=1 -DFEW -DSTART=NEVER -DDEADLINE=NEVER -DLIMIT=2 -DN=2 -DK0=FRESH -DK1=PLAIN -DK2=PLAIN"
	[hurry]="-DCALLERS=1 -DFEW -DSTART=NEVER -DN=2 -DK0=FRESH -DK1=PLAIN -DK2=PLAIN"
	[ends]="-DCALLERS=1 -DFEW -DSTART=NEVER -DDEADLINE=NEVER -DN=2 -DK0=WLOOP -DK1=PLAIN -DK2=PLAIN"
	[order]="-DPLACES=4"
	[places]="-DPLACES=2"
)

# model CONFIG: the file that a configuration is of.
model() {
	case $1 in order | places) echo order.pml ;; *) echo host.pml ;; esac
}

# A fault and the configuration that has to notice it.
faults=(
	"NO_RESERVED_SHARE services"
	"NO_QUARTER_FOR_THE_NEXT services"
	"A_CUT_START_IS_A_FAILURE pair"
	"A_CUT_START_HIDES_FAILURES pair"
	"FORWARD_ORDER services"
	"START_GOES_ON pair"
	"LATE_START_LEFT_RUNNING pair"
	"ABANDONED_COUNTS_AS_STARTED pair"
	"LATE_STOP_OVERWRITES pair"
	"RETURN_NOT_AWAITED pair"
	"GRACE_BEYOND_BUDGET pair"
	"GRACE_SET_ONCE pair"
	"ROLLBACK_ON_THE_OLD_BUDGET pair"
	"STOP_WAITS_FOR_EVER callers"
	"LAST_CAUSE_WINS callers"
	"EVERY_REQUEST_STOPS callers"
	"REQUEST_BEFORE_FAILURE loops"
	"DEAF_BACKOFF loops"
	"NO_RESTART_LIMIT loops"
	"UP_OVERWRITES_STATE hurry"
	"READY_AND_DEAD_FAILS_START loops"
	"RESTART_KEEPS_OLD restart"
	"STOP_IGNORES_SUPERVISOR restart"
	"STOP_AGAIN_AFTER_RENEWAL restart"
	"START_AFTER_TURN restart"
	"RESTART_BESIDE_ABANDONED_START twice"
	"CANCEL_LEFT_TO_THE_CALL hurry"
	"SKIP_WHAT_HAS_NOTHING_TO_STOP order"
	"FORGET_AN_EDGE places"
)

# build NAME CONFIG [FLAGS]: the verifier of a configuration in a directory of its own.
build() {
	local dir=$tmp/$1 how="-DSAFETY"
	[ "$2" = ends ] && how="-DNFAIR=5"
	mkdir -p "$dir" && cp "$(model "$2")" "$dir" && cd "$dir" || return 1
	# shellcheck disable=SC2086
	spin -a ${config[$2]} ${3-} "$(model "$2")" >spin.out 2>&1 &&
		gcc -O2 -w $how -DCOLLAPSE -DMEMLIM=6000 -o pan pan.c >>spin.out 2>&1 || { cat spin.out; return 1; }
}

# verify CONFIG: the model keeps every promise, and the search went to its end.
verify() (
	flags='' args=''
	[ "$1" = ends ] && flags=-DLIVENESS args='-a -f'
	build "verify-$1" "$1" "$flags" || exit 1
	# shellcheck disable=SC2086
	./pan -m200000 $args >out 2>&1
	states=$(awk '/states, stored/ {print $1}' out)
	if grep -q 'errors: 0' out && ! grep -Eq 'max search depth|out of memory|not completed' out; then
		printf '%-34s holds, %s states\n' "$1" "$states"
		exit 0
	fi
	printf '%-34s FAILED: %s\n' "$1" "$(promise "$1")"
	grep -E 'pan:|errors:' out
	echo "  see it: spin -a ${config[$1]} $(model "$1") && gcc -o pan pan.c && ./pan; spin -t -p ${config[$1]} $(model "$1")"
	exit 1
)

# promise CONFIG [FLAGS]: the one that the trail in this directory breaks.
promise() {
	local line
	# shellcheck disable=SC2086
	line=$(spin -t ${config[$1]} ${2-} "$(model "$1")" 2>&1 | sed -n 's/^spin: [a-z]*.pml:\([0-9]*\), Error: assertion.*/\1/p' | head -1)
	if [ -n "$line" ]; then
		sed -n "${line}s/.*PROMISE \([A-Za-z-]*\).*/\1/p" "$(model "$1")"
	elif grep -q 'invalid end state' out; then
		echo the-host-always-ends
	fi
}

# inject FAULT CONFIG: the model breaks a promise.
inject() (
	build "fault-$1" "$2" "-DF_$1" || exit 1
	grep -q "F_$1\b" "$(model "$2")" || { echo "$1: $(model "$2") does not know this fault"; exit 1; }
	./pan -m200000 >out 2>&1
	caught=$(promise "$2" "-DF_$1")
	if grep -q 'errors: 1' out && [ -n "$caught" ]; then
		printf '%-34s caught by %s\n' "$1" "$caught"
		exit 0
	fi
	printf '%-34s NOT CAUGHT\n' "$1"
	exit 1
)

# names: every function that the model stands for is in the code.
names() {
	local bad=0 name
	for name in $(grep -oh 'code: [A-Za-z, ]*' host.pml order.pml | sed 's/code: //' | tr -s ', ' '\n' | sort -u); do
		grep -Eqs "^func (\([a-z]+ \*?[A-Za-z]+\) )?$name(\[[^]]*\])?\(" ../../../hosted/*.go ../../../internal/lifetime/*.go ||
			{ echo "the model stands for $name, which is no longer in hosted"; bad=1; }
	done
	return $bad
}

# all FUNCTION: calls it for each line of the standard input, two at a time, and
# fails if one of them did.
all() {
	local bad=0 args running=0
	while read -r -a args; do
		if [ "$running" -ge 2 ]; then
			wait -n || bad=1
			running=$((running - 1))
		fi
		"$1" "${args[@]}" </dev/null &
		running=$((running + 1))
	done
	while [ "$running" -gt 0 ]; do
		wait -n || bad=1
		running=$((running - 1))
	done
	return $bad
}

failed=0
if [ $# -gt 0 ]; then
	for f in "$@"; do printf '%s\n' "${faults[@]}" | grep "^$f "; done | all inject || failed=1
	exit $failed
fi
echo "names of the code:"
names && echo "all there" || failed=1
echo "the model:"
printf '%s\n' order places services ends restart hurry loops drain callers pair twice | all verify || failed=1
echo "seeded faults:"
printf '%s\n' "${faults[@]}" | all inject || failed=1
[ $failed = 0 ] && echo "the model holds" || echo "FAILED"
exit $failed
