# Hosts in the kernel under test: network namespaces, what runs in them, load. The shell's sibling of
# tests/lib/rig.py, which needs a Python that the initramfs does not have.

within() {
	local host=$1
	shift
	nsenter --net="/run/netns/$host" "$@"
}

setting() { within "$1" sysctl -qw "$2=$3"; }

host() {
	[[ -e /run/netns/$1 ]] || ip netns add "$1"
}

# Gives HOST's DEVICE addresses 198.18.NET.N and 2001:db8:NET::N. Few processes: they cost most of the
# time in an emulated machine.
address() {
	local host=$1 device=$2 net=$3 n=$4
	within "$host" bash <<-END
		echo 0 >/proc/sys/net/ipv6/conf/$device/accept_dad
		ethtool -K $device tx off >/dev/null 2>&1
		ip -batch - <<-BATCH
			link set lo up
			link set $device up
			address add 198.18.$net.$n/24 dev $device
			address add 2001:db8:$net::$n/64 dev $device nodad
		BATCH
	END
}

# A host with a veth in the bridge of the namespace "fabric". XDP_TX out of a veth needs an XDP program at
# the other end.
veth_host() {
	local name=$1 n=$2
	if [[ ! -e /run/netns/fabric ]]; then
		host fabric
		ip -n fabric link add br0 type bridge stp_state 0 mcast_snooping 0
		ip -n fabric link set br0 up
	fi
	host "$name"
	ip -n fabric -batch - <<-BATCH
		link add to-$name type veth peer name eth0 netns $name
		link set to-$name master br0 up
		link set dev to-$name xdp obj pass.bpf.o sec xdp
	BATCH
	address "$name" eth0 0 "$n"
}

# A host with a virtio NIC, which nics.py has put on a wire.
virtio_host() {
	local name=$1 nic=$2 net=$3 n=$4
	host "$name"
	ip link set "$nic" netns "$name"
	address "$name" "$nic" "$net" "$n"
}

# What a backend needs: the VIPs, silence about them in ARP, a server that says the host's name.
backend() {
	local name=$1 vip
	shift
	setting "$name" net.ipv4.conf.all.arp_ignore 1
	setting "$name" net.ipv4.conf.all.arp_announce 2
	printf 'address add %s dev lo\n' "$@" | ip -n "$name" -batch -
	mkdir -p "/tmp/$name/files"
	sed "s/NAME/$name/g" nginx.conf >"/tmp/$name/nginx.conf"
	serve "$name"
}

serve() { within "$1" nginx -p "/tmp/$1" -c "/tmp/$1/nginx.conf"; }

# SIGKILL to the whole server.
kill_server() {
	local master
	master=$(<"/tmp/$1/pid")
	kill -9 "$master" $(<"/proc/$master/task/$master/children")
}

# Decapsulation by the kernel's own tunnels.
kernel_decap() {
	local name=$1 v4=$2 v6=$3
	setting "$name" net.ipv4.conf.default.rp_filter 0 # what arrives in a tunnel is not answered through it
	setting "$name" net.ipv4.conf.all.rp_filter 0
	ip -n "$name" -batch - <<-BATCH
		link add tunnel4 type ipip local $v4
		link add tunnel6 type ip6tnl mode ip6ip6 local $v6
		link set tunnel4 up
		link set tunnel6 up
	BATCH
}

muster_decap() {
	local name=$1 device=$2 vip arguments=()
	shift 2
	for vip; do
		arguments+=(address "$vip")
	done
	nsenter --net="/run/netns/$name" muster-decap "$device" "${arguments[@]}" >"/tmp/$name/decap.log" 2>&1 &
	echo $! >"/tmp/$name/decap.pid"
	wait_for grep -q native "/tmp/$name/decap.log"
}

# The vips.d of HOST is filled by its caller.
start_musterd() {
	local name=$1 interfaces=$2 dir=/tmp/musterd-$1
	mkdir -p "$dir"
	cat >"$dir/musterd.yaml" <<-END
		interfaces: [$interfaces]
		vips_dir: $dir/vips.d
		run_dir: $dir/run
		state_dir: $dir/state
		pin_dir: /sys/fs/bpf/$name
		prober_user: "65534"
		hash_key: 00112233445566778899aabbccddeeff
		xdp: native
	END
	mv "$dir/log" "$dir/log.old" 2>/dev/null
	nsenter --net="/run/netns/$name" musterd -c "$dir/musterd.yaml" 2>"$dir/log" & # no shell in between
	musterd_pid=$!
	wait_for grep event=ready "$dir/log"
}

cli() {
	local name=$1
	shift
	within "$name" muster --run-dir "/tmp/musterd-$name/run" "$@"
}

# vip NAME MODE ADDRESS EXTRA BACKEND=ADDRESS...: a manifest in HOST's vips.d
vip() {
	local host=$1 name=$2 mode=$3 address=$4 extra=$5 backend dir=/tmp/musterd-$1/vips.d
	shift 5
	mkdir -p "$dir"
	{
		printf 'apiVersion: muster/v1\nkind: Vip\nname: %s\naddresses: ["%s"]\nports: [80]\nmode: %s\n' \
			"$name" "$address" "$mode"
		printf '%bchecks: {web: {type: http, path: /, interval: 500ms}}\nbackends:\n' "$extra"
		for backend; do
			printf '  - {name: %s, address: "%s"}\n' "${backend%%=*}" "${backend#*=}"
		done
	} >"$dir/$name.yaml"
}

usable() { [[ $(cli "$1" -j vip list | tr -d ' \n' | grep -o "\"usable\":$2\b" | wc -l) == "$3" ]]; }

# All N interfaces of HOST have the program in the driver.
native() { [[ $(cli "$1" -j status | grep -o '"mode": *"native"' | wc -l) == "$2" ]]; }

detached() { ! ip -n "$1" link show "$2" | grep -q xdp; }

# load HOST TARGET...: 20 requests and more to each; rows "target backend times" in /tmp/rows, or
# what went wrong instead of the backend. Slow enough for an emulated machine on a busy one. From other
# ports each time: a connection from the port of one that just ended goes where that one went.
loads=0
load() {
	local host=$1 first_port=$((20000 + 500 * (loads++ % 40))) i
	shift
	: >/tmp/answers
	for ((i = 0; i < 120 && $(wc -l </tmp/answers) < 20 * $#; i++)); do
		sleep 0.25
	done | within "$host" loadgen $((10 * $#)) $first_port 500 "$@" >/tmp/answers
	awk '{ n[$2 " " ($5 == "ok" ? $6 : $5)]++ } END { for (who in n) print who, n[who] }' /tmp/answers >/tmp/rows
}

# served NAME TARGET BACKEND...: all requests to the TARGETth target of the load were answered, and by
# exactly these
served() {
	local name=$1 target=$2 wrong="" who times of backend
	local -A got=()
	shift 2
	while read -r of who times; do
		[[ $of != "$target" ]] || got[$who]=$times
	done </tmp/rows
	for backend; do
		[[ -v got[$backend] ]] || wrong+=" nothing from $backend"
		unset "got[$backend]"
	done
	for who in "${!got[@]}"; do
		wrong+=" ${got[$who]} x $who"
	done
	if [[ -z $wrong ]]; then
		ok "$name"
	else
		not_ok "$name:$wrong"
	fi
}

# upload HOST NAME ADDRESS SERVER...: 300 kB to whichever of the servers, intact
upload() {
	local host=$1 name=$2 address=$3 server
	shift 3
	[[ -e /tmp/sent ]] || head -c 300000 /dev/urandom >/tmp/sent
	rm -f /tmp/*/files/sent
	if ! within "$host" curl -sSg --max-time 20 -T /tmp/sent "http://$address/files/sent"; then
		not_ok "$name: upload failed"
		return
	fi
	for server; do
		cmp -s /tmp/sent "/tmp/$server/files/sent" && { ok "$name"; return; }
	done
	not_ok "$name: no server has it"
}
