#!/bin/bash
# IPVS and muster side by side in the kernel under test. Each forwarder has three namespaces of its own,
# joined by veths like those of the others: a generator, the forwarder, a sink. All are there all the time,
# trials are interleaved. A line a trial: "trial FORWARDER NUMBER PACKETS NANOSECONDS".
. ./lib.sh
. ./rig.sh

trials=5
seconds=0.2
vip=198.18.2.100
port=5000
backends=(198.18.3.11 198.18.3.12 198.18.3.13 198.18.3.14)
# "direct" is generator and sink without a forwarder.
forwarders=(direct route ipvs-dr ipvs-nat ipvs-tun l2dsr ipip)
declare -A macs

# Generator c0 -- in0 forwarder out0 -- b0 sink, or c0 -- b0. GRO gives a veth its NAPI loop: frames that XDP sends to it
# become packets of the stack there.
chain() {
	local name=$1 next=f-$1 device=in0
	host "g-$name" && host "s-$name"
	if [[ $name == direct ]]; then
		next=s-$name device=b0
		ip -n "$next" link add b0 type veth peer name c0 netns "g-$name"
	else
		host "f-$name"
		ip -n "f-$name" -batch - <<-BATCH
			link add in0 type veth peer name c0 netns g-$name
			link add out0 type veth peer name b0 netns s-$name
		BATCH
		address "f-$name" in0 2 1
		address "f-$name" out0 3 1
		within "f-$name" ethtool -K in0 gro on
		setting "f-$name" net.ipv4.ip_forward 1
	fi
	address "g-$name" c0 2 200
	ip -n "g-$name" link set dev c0 xdp obj pass.bpf.o sec xdp
	sink "s-$name"
	macs[$name]=$(ip -n "$next" link show $device | sed -n 's/.*ether \([^ ]*\).*/\1/p')
}

# Answers ARP for the backends; counts and drops IP in tc, the same for all.
sink() {
	address "$1" b0 3 10
	within "$1" ethtool -K b0 gro on
	printf 'address add %s dev lo\n' "${backends[@]}" | ip -n "$1" -batch -
	tc -n "$1" qdisc add dev b0 clsact
	tc -n "$1" filter add dev b0 ingress protocol ip matchall action drop
}

# With mh-port the port chooses the backend too, as it does with muster.
ipvs() {
	local name=$1 how=$2 backend
	ip -n "f-$name" address add "$vip/32" dev lo
	within "f-$name" ipvsadm -A -u "$vip:$port" -s mh -b mh-port
	for backend in "${backends[@]}"; do
		within "f-$name" ipvsadm -a -u "$vip:$port" -r "$backend" "$how"
	done
}

muster() {
	local name=$1 dir=/tmp/musterd-f-$1/vips.d backend
	mkdir -p "$dir"
	{
		printf 'apiVersion: muster/v1\nkind: Vip\nname: v\naddresses: [%s]\nprotocol: udp\nports: [%s]\n' "$vip" $port
		printf 'mode: %s\nchecks: {}\nbackends:\n' "$name"
		printf '  - {address: %s}\n' "${backends[@]}"
	} >"$dir/v.yaml"
	start_musterd "f-$name" "in0, out0"
	wait_for usable "f-$name" 4 1
}

# Packets and bytes that the sink has seen
seen() {
	tc -n "s-$1" -s filter show dev b0 ingress | sed -n 's/.*Sent \([0-9]*\) bytes \([0-9]*\) pkt.*/\2 \1/p'
}

# run NAME SECONDS: packets that arrived, nanoseconds, packets sent, bytes that arrived
run() {
	local name=$1 to=$vip before after sent took
	[[ $name != route ]] || to=${backends[0]}
	before=($(seen "$name"))
	read -r sent took < <(within "g-$name" taskset 1 generate c0 "$2" "${macs[$name]}" 198.18.2.200 "$to" $port)
	after=($(seen "$name"))
	echo "$((after[0] - before[0])) ${took:-0} ${sent:-0} $((after[1] - before[1]))"
}

# The right thing arrives, and nearly all of it: every packet, 20 bytes longer in a tunnel.
verify() {
	local name=$1 arrived took sent bytes plain=$2
	[[ $name == ipip || $name == ipvs-tun ]] && plain=$((plain + 20))
	read -r arrived took sent bytes < <(run "$name" 0.3)
	if ((arrived * 100 >= sent * 90 && sent > 1000 && bytes == arrived * plain)); then
		ok "$name: $arrived of $sent arrive, $plain bytes each"
	else
		not_ok "$name: $arrived of $sent arrive, $bytes bytes"
	fi
}

modprobe -a veth ipip ip_vs ip_vs_mh sch_ingress cls_matchall act_gact
for name in "${forwarders[@]}"; do
	chain "$name"
done
ipvs ipvs-dr -g
ipvs ipvs-nat -m
ipvs ipvs-tun -i
muster l2dsr
muster ipip
for name in "${forwarders[@]}"; do
	verify "$name" 46 # without the Ethernet header
done
for ((trial = 1; trial <= trials; trial++)); do
	for name in "${forwarders[@]}"; do
		read -r arrived took _ < <(run "$name" $seconds)
		echo "trial $name $trial $arrived $took"
	done
done
summary
