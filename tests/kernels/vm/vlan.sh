# VIPs in a VLAN of the balancer's NIC, and mode gue with the kernel's own decapsulation. On the hosts of
# paths.sh; b1 has muster-decap on its NIC, below the VLAN's device.

vlan_vips=(198.18.100.100 198.18.100.101 2001:db8:64::100 198.18.100.102 198.18.0.102)
vlan_targets=(198.18.100.100:80 198.18.100.101:80 "[2001:db8:64::100]:80" 198.18.100.102:80 198.18.0.102:80)
vlan_cases=("l2dsr in a VLAN" "ipip in a VLAN" "l2dsr IPv6 in a VLAN" "gue from a VLAN out of it" "gue")

# A tag that a veth or bridge carries beside the frame is invisible to XDP; these write it into the frame.
tags_in_frames() {
	local host
	for host in lb client b1 b3; do
		within "$host" ethtool -K eth0 txvlan off
		within fabric ethtool -K "to-$host" txvlan off
	done
}

vlan_setup() {
	local name n vip
	tags_in_frames
	for name in lb=1 client=200 b1=11; do
		ip -n "${name%=*}" link add link eth0 name eth0.100 type vlan id 100
		address "${name%=*}" eth0.100 100 "${name#*=}"
		ip -n "${name%=*}" address add "2001:db8:64::${name#*=}/64" dev eth0.100 nodad
	done
	setting b1 net.ipv4.conf.all.rp_filter 0
	for vip in "${vlan_vips[@]}"; do
		ip -n b1 address add "$vip" dev lo
		ip -n b3 address add "$vip" dev lo
	done
	# The way back of b3, which is in no VLAN, is by the fabric.
	ip -n b3 route add 198.18.100.200 via 198.18.0.200
	within b3 ip fou add port 6080 gue
	kill "$(cat /tmp/b1/decap.pid)"
	muster_decap b1 eth0 "${vlan_vips[@]}"
	rm -f /tmp/musterd-lb/vips.d/*
	vip lb vlan0 l2dsr 198.18.100.100 "" b1=198.18.100.11
	vip lb vlan1 ipip 198.18.100.101 "" b1=198.18.100.11
	vip lb vlan2 l2dsr 2001:db8:64::100 "" b1=2001:db8:64::11
	vip lb vlan3 gue 198.18.100.102 "" b3=198.18.0.13
	vip lb vlan4 gue 198.18.0.102 "" b3=198.18.0.13
	within client ip route add 198.18.100.101 dev eth0.100 mtu 1480
	within client ip route add 198.18.100.102 dev eth0.100 mtu 1472
	within client ip route add 198.18.0.102 dev eth0 mtu 1472
}

has_tag() { cli lb -j backend show "$1" | grep -q "\"vlan\": *\"$2\""; }

vlan_tests() {
	local n servers=(b1 b1 b1 b3 b3)
	start_musterd lb eth0
	wait_for usable lb 1 5
	load client "${vlan_targets[@]}"
	for n in 0 1 2 3 4; do
		served "vlan: ${vlan_cases[n]}: the backend answers" "$n" "${servers[n]}"
	done
	check "vlan: the next hop has the tag" has_tag vlan0/b1 8100:100
	for n in 0 1 3; do
		upload client "vlan: ${vlan_cases[n]}: an upload arrives whole" "${vlan_targets[n]%:80}" "${servers[n]}"
	done
	check "vlan: a VIP in a VLAN answers pings" within client ping -c 1 -W 5 198.18.100.100
	cli lb teardown >/dev/null
	wait "$musterd_pid"
}

vlan_setup
vlan_tests
