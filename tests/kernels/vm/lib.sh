# Shared by the scripts that run in the kernel under test.
passed=0
failed=0

ok() {
	echo "ok $1"
	passed=$((passed + 1))
}

not_ok() {
	echo "not ok $1"
	failed=$((failed + 1))
}

summary() {
	echo "vm: $passed passed, $failed failed"
	((failed == 0))
}

# One cmocka program: a line a test, and all that it said if it failed.
program_tests() {
	local log=/tmp/${1##*/}.log result name
	local start=$SECONDS
	timeout 120 "$1" >"$log" 2>&1
	result=$?
	echo "# ${1##*/}: $((SECONDS - start)) s"
	while read -r name; do
		ok "${1##*/} $name"
	done < <(sed -n 's/^\[       OK \] //p' "$log")
	while read -r name; do
		not_ok "${1##*/} $name"
	done < <(sed -n 's/^\[  FAILED  \] \([a-z].*\)/\1/p' "$log" | grep -v '^tests:' | sort -u)
	if ((result)); then
		grep -q '^\[  FAILED  \]' "$log" || not_ok "${1##*/}: exit $result"
		sed 's/^/# /' "$log"
	fi
}

# check NAME COMMAND...
check() {
	local name=$1
	shift
	if "$@"; then
		ok "$name"
	else
		not_ok "$name"
	fi
}

# Until the command succeeds. What follows depends on it: the script ends if it does not.
wait_for() {
	local i
	for ((i = 0; i < 40; i++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.25
	done
	not_ok "not within 10 s: $*"
	tail -n 40 /tmp/*/log /tmp/*/decap.log /tmp/*/error.log 2>/dev/null
	summary
	exit 1
}
