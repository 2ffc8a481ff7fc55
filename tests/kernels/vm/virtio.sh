# The same over virtio NICs, XDP in their driver: backends on the balancer's wire (XDP_TX) and behind its
# second NIC (redirect), which answer through the balancer as a router. v2 decapsulates with the kernel's
# own tunnels.

near4=(198.18.1.100 198.18.1.101)
near6=(2001:db8:1::100 2001:db8:1::101)
far4=(198.18.1.102 198.18.1.103)

virtio_setup() {
	virtio_host vclient eth0 1 200
	virtio_host vlb eth1 1 1
	virtio_host v1 eth2 1 11
	virtio_host v2 eth3 1 12
	virtio_host vlb eth4 2 1
	virtio_host v3 eth5 2 13
	setting vlb net.ipv4.ip_forward 1
	ip -n v3 route add default via 198.18.2.1
	backend v1 "${near4[@]}" "${near6[@]}"
	backend v2 "${near4[@]}" "${near6[@]}"
	backend v3 "${far4[@]}"
	muster_decap v1 eth2 "${near4[@]}" "${near6[@]}"
	kernel_decap v2 198.18.1.12 2001:db8:1::12
	muster_decap v3 eth5 "${far4[@]}"
	vip vlb near0 l2dsr "${near4[0]}" "" v1=198.18.1.11 v2=198.18.1.12
	vip vlb near1 ipip "${near4[1]}" "" v1=198.18.1.11 v2=198.18.1.12
	vip vlb near2 l2dsr "${near6[0]}" "" v1=2001:db8:1::11 v2=2001:db8:1::12
	vip vlb near3 ipip "${near6[1]}" "" v1=2001:db8:1::11 v2=2001:db8:1::12
	# Not announced: what is local to the router cannot be the source of what it forwards.
	vip vlb far0 l2dsr "${far4[0]}" "announce: none\n" v3=198.18.2.13
	vip vlb far1 ipip "${far4[1]}" "announce: none\n" v3=198.18.2.13
	ip -n vclient -batch - <<-BATCH
		route add ${near4[1]} dev eth0 mtu 1480
		route add ${near6[1]} dev eth0 mtu 1460
		route add ${far4[0]} via 198.18.1.1
		route add ${far4[1]} via 198.18.1.1 mtu 1480
	BATCH
}

virtio_tests() {
	local n names=("l2dsr IPv4" "ipip IPv4" "l2dsr IPv6" "ipip IPv6" "l2dsr, redirected" "ipip, redirected")
	local addresses=("${near4[@]}" "[${near6[0]}]" "[${near6[1]}]" "${far4[@]}")
	start_musterd vlb "eth1, eth4"
	wait_for usable vlb 2 4
	wait_for usable vlb 1 2
	check "virtio: XDP is native on both NICs" native vlb 2
	load vclient "${addresses[@]/%/:80}"
	for n in 0 1 2 3; do
		served "virtio: ${names[n]}: every backend answers" "$n" v1 v2
	done
	for n in 4 5; do
		served "virtio: ${names[n]}: the backend answers" "$n" v3
	done
	for n in 0 1 2 3 4 5; do
		upload vclient "virtio: ${names[n]}: an upload arrives whole" "${addresses[n]}" v1 v2 v3
	done
	kill_server v2
	wait_for usable vlb 1 6
	load vclient "${addresses[@]/%/:80}"
	for n in 0 1 2 3; do
		served "virtio: ${names[n]}: a dead backend gets nothing" "$n" v1
	done
	cli vlb teardown >/dev/null
	wait "$musterd_pid"
	check "virtio: teardown leaves nothing" detached vlb eth1
	check "virtio: teardown leaves nothing on the second NIC" detached vlb eth4
}

virtio_setup
virtio_tests
