/* SPDX-License-Identifier: BSD-2-Clause */
/* The pure stages, compiled natively: sanitizers see what the verifier cannot. */
#include "checksum.h"
#include "encap.h"
#include "parse.h"
#include "parse_any.h"

#include "core/util.h"
#include "tests/lib/packet.h"
#include "tests/unit/core/unit.h"

/* What the straight way takes, the long one sees the same way. */
static int parse_copy(const struct frame *frame, size_t n, struct packet *packet)
{
	/* Of exactly that size, so that a byte too far is seen; IP headers are aligned, as in a driver. */
	uint8_t *copy = malloc(n + 2);
	frame_view view = {copy + 2, copy + 2 + n};
	struct packet any = {};
	struct tags tags;
	int reason, other;

	memcpy(copy + 2, frame->b, n);
	*packet = (struct packet){};
	reason = parse(&view, (uint32_t)n, packet);
	other = parse_any(&view, (uint32_t)n, &any, &tags);
	free(copy);
	if (reason != UNUSUAL)
		assert_int_equal(reason, other);
	if (reason != GO_ON) {
		*packet = any;
		return other;
	}
	assert_int_equal(any.deferred, GO_ON);
	assert_memory_equal(packet, &any, offsetof(struct packet, deferred));
	return reason;
}

static void tcp_is_parsed(void **state)
{
	struct packet packet;
	struct frame f;

	(void)state;
	eth(&f, MAC_BALANCER, MAC_CLIENT, 0x0800);
	ip4(&f, "192.0.2.1", "198.18.0.1", 6);
	tcp(&f, 1234, 80, 1, 2, TCP_SYN);
	seal(&f);
	assert_int_equal(parse_copy(&f, f.n, &packet), GO_ON);
	assert_int_equal(ntohs(packet.sport), 1234);
	assert_int_equal(ntohs(packet.key.port), 80);
	assert_int_equal(packet.key.proto, 6);
	assert_int_equal(packet.ip_bytes, 40);
	assert_int_equal(packet.tcp_flags, TCP_SYN);
	assert_memory_equal(&packet.key.addr.w[3], f.b + 30, 4);
	assert_int_equal(packet.key.addr.w[2], htonl(0xffff));
}

static void every_length_of_every_kind(void **state)
{
	static const uint8_t protos4[] = {1, 6, 17, 132},
			     protos6[] = {0, 6, 17, 43, 44, 51, 58, 60, 132};
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(protos4) + ARRAY_SIZE(protos6); i++) {
		bool v6 = i >= ARRAY_SIZE(protos4);
		struct frame f;

		eth(&f, MAC_BALANCER, MAC_CLIENT, v6 ? 0x86dd : 0x0800);
		if (v6)
			ip6(&f, "2001:db8::1", "2001:db8::2", protos6[i - ARRAY_SIZE(protos4)]);
		else
			ip4(&f, "192.0.2.1", "198.18.0.1", protos4[i]);
		bytes(&f, 0x50, 60);
		seal(&f);
		for (size_t n = 0; n <= f.n; n++)
			parse_copy(&f, n, &packet);
	}
}

static void checksum_agrees(void **state)
{
	uint64_t random = 88172645463325252ull;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		uint32_t words[5];

		for (int i = 0; i < 5; i++)
			words[i] = unit_random(&random, UINT32_MAX);
		assert_int_equal(ntohs(csum_fold(csum_words(words, 5, 0))),
			finish_sum(sum_bytes((uint8_t *)words, sizeof(words), 0)));
	}
	assert_int_equal(csum_fold(0xffffffffffffffffull), 0);
}

static void outer_header_is_right(void **state)
{
	uint64_t random = 88172645463325252ull;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		struct outer outer = {.proto = IPPROTO_IPIP, .tos = (uint8_t)round};
		struct iphdr ip;

		outer.src.w[3] = unit_random(&random, UINT32_MAX);
		outer.dst.w[3] = unit_random(&random, UINT32_MAX);
		outer.bytes = (uint16_t)unit_random(&random, 60000);
		encap_ipv4(&ip, &outer);
		assert_int_equal(finish_sum(sum_bytes((uint8_t *)&ip, sizeof(ip), 0)), 0);
		assert_int_equal(ip.tos, (uint8_t)round);
		assert_int_equal(ip.saddr, outer.src.w[3]);
		assert_int_equal(ip.ttl, OUTER_TTL);
		assert_int_equal(ip.protocol, IPPROTO_IPIP);
	}
}

static void flows_spread(void **state)
{
	struct muster_control control = {};
	struct muster_addr src = {}, dst = {};
	unsigned slots[256] = {};

	(void)state;
	muster_control_set_key(&control, (struct muster_hash_key){{1, 2}});
	for (uint32_t i = 0; i < 256 * 100; i++) {
		src.w[3] = htonl(0xc0000200 + i / 5000); /* few addresses, ports in a row */
		slots[muster_reduce((uint32_t)muster_flow_hash(&control, &src, &dst,
					    htons((uint16_t)(1024 + i % 5000)), htons(80), 6, 0),
			256)]++;
	}
	for (int i = 0; i < 256; i++)
		assert_in_range(slots[i], 50, 160);
}

static void another_key_is_another_hash(void **state)
{
	struct muster_control a = {}, b = {};
	struct muster_addr src = {.w = {1, 2, 3, 4}}, dst = {.w = {5, 6, 7, 8}};
	unsigned same = 0;

	(void)state;
	muster_control_set_key(&a, (struct muster_hash_key){{1, 2}});
	muster_control_set_key(&b, (struct muster_hash_key){{1, 3}});
	for (uint16_t port = 0; port < 1000; port++)
		for (int v6 = 0; v6 < 2; v6++)
			same += muster_reduce(
					(uint32_t)muster_flow_hash(&a, &src, &dst, port, 80, 6, v6),
					256) == muster_reduce((uint32_t)muster_flow_hash(&b, &src,
								      &dst, port, 80, 6, v6),
							256);
	assert_in_range(same, 0, 40); /* 8 by chance */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_is_parsed),
		cmocka_unit_test(every_length_of_every_kind),
		cmocka_unit_test(checksum_agrees),
		cmocka_unit_test(outer_header_is_right),
		cmocka_unit_test(flows_spread),
		cmocka_unit_test(another_key_is_another_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
