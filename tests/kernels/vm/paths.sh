# Client, balancer and backends on veths: both modes, both families, deaths of a server and of musterd.
# Two of the backends decapsulate with muster-decap, the third with the kernel's own tunnels.

vips=(198.18.0.100 198.18.0.101 2001:db8:0::100 2001:db8:0::101)
targets=(198.18.0.100:80 198.18.0.101:80 "[2001:db8:0::100]:80" "[2001:db8:0::101]:80")
cases=("l2dsr IPv4" "ipip IPv4" "l2dsr IPv6" "ipip IPv6")

paths_setup() {
	local n
	veth_host lb 1
	veth_host client 200
	for n in 1 2 3; do
		veth_host "b$n" "1$n"
		backend "b$n" "${vips[@]}"
	done
	muster_decap b1 eth0 "${vips[@]}"
	muster_decap b2 eth0 "${vips[@]}"
	kernel_decap b3 198.18.0.13 2001:db8:0::13
	for n in 0 1 2 3; do
		local mode=${cases[n]% *} net=198.18.0.
		[[ ${cases[n]} == *IPv4 ]] || net=2001:db8:0::
		vip lb "web$n" "$mode" "${vips[n]}" "" "b1=${net}11" "b2=${net}12" "b3=${net}13"
	done
	# Room for the outer header: the path of the clients is narrower than that of the backends.
	within client ip route add 198.18.0.101 dev eth0 mtu 1480
	within client ip -6 route add 2001:db8:0::101 dev eth0 mtu 1460
}

# served_by WHAT BACKEND...: each VIP is, by exactly these
served_by() {
	local what=$1 n
	shift
	load client "${targets[@]}"
	for n in 0 1 2 3; do
		served "veth: ${cases[n]}: $what" "$n" "$@"
	done
}

paths_tests() {
	local n
	start_musterd lb eth0
	wait_for usable lb 3 4
	check "veth: XDP is native" native lb 1
	served_by "every backend answers" b1 b2 b3
	for n in 0 1 2 3; do
		upload client "veth: ${cases[n]}: an upload arrives whole" "${targets[n]%:80}" b1 b2 b3
	done
	kill_server b2
	wait_for usable lb 2 4
	served_by "a dead backend gets nothing" b1 b3
	serve b2
	wait_for usable lb 3 4
	kill -9 "$musterd_pid"
	wait "$musterd_pid" 2>/dev/null
	served_by "forwarding outlives musterd" b1 b2 b3
	start_musterd lb eth0
	wait_for usable lb 3 4
	served_by "pinned tables are adopted" b1 b2 b3
	cli lb teardown >/dev/null
	wait "$musterd_pid"
	check "veth: teardown leaves nothing" detached lb eth0
}

paths_setup
paths_tests
