/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/addr.h"
#include "core/util.h"

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>

static struct muster_addr parse(const char *text)
{
	struct muster_addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static void test_text(void **state)
{
	static const struct {
		const char *text, *format, *with_port;
		int family;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1", "192.0.2.1:80", AF_INET},
		{"2001:db8::1", "2001:db8::1", "[2001:db8::1]:80", AF_INET6},
		{"2001:DB8:0:0::1", "2001:db8::1", "[2001:db8::1]:80", AF_INET6},
		{"::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1:80", AF_INET},
		{"::1", "::1", "[::1]:80", AF_INET6},
		{"1111:2222:3333:4444:5555:6666:7777:8888",
			"1111:2222:3333:4444:5555:6666:7777:8888",
			"[1111:2222:3333:4444:5555:6666:7777:8888]:80", AF_INET6},
	};
	char buf[ADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct muster_addr addr = parse(rows[i].text);

		assert_string_equal(addr_format(&addr, buf), rows[i].format);
		assert_string_equal(addr_format_port(&addr, htons(80), buf), rows[i].with_port);
		assert_int_equal(addr_family(&addr), rows[i].family);
	}
}

static void test_invalid(void **state)
{
	static const char *const rows[] = {
		"",
		"192.0.2",
		"192.0.2.256",
		"[::1]",
		"fe80::1%eth0",
		"web",
		"192.0.2.1 ",
		"1:2",
	};
	struct muster_addr addr;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(addr_parse(rows[i], &addr), -EINVAL);
}

static void test_unusable(void **state)
{
	static const struct {
		const char *text;
		bool unusable;
	} rows[] = {
		{"0.0.0.0", true},
		{"127.0.0.1", true},
		{"224.0.0.1", true},
		{"255.255.255.255", true},
		{"10.0.0.1", false},
		{"223.255.255.255", false},
		{"::", true},
		{"::1", true},
		{"::2", false},
		{"ff02::1", true},
		{"2001:db8::1", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct muster_addr addr = parse(rows[i].text);

		assert_int_equal(addr_is_unusable(&addr), rows[i].unusable);
	}
}

static void test_order(void **state)
{
	struct muster_addr a = parse("10.0.0.1"), b = parse("10.0.0.2"), c = parse("2001:db8::1");

	(void)state;
	assert_true(addr_equal(&a, &a));
	assert_false(addr_equal(&a, &b));
	assert_int_equal(addr_compare(&a, &a), 0);
	assert_true(addr_compare(&a, &b) < 0);
	assert_true(addr_compare(&c, &b) > 0);
}

static void test_sockaddr(void **state)
{
	struct muster_addr v4 = parse("192.0.2.1"), v6 = parse("2001:db8::1");
	struct sockaddr_storage ss;

	(void)state;
	assert_int_equal(addr_to_sockaddr(&v4, htons(80), &ss), sizeof(struct sockaddr_in));
	assert_int_equal(ss.ss_family, AF_INET);
	assert_int_equal(((struct sockaddr_in *)&ss)->sin_addr.s_addr, htonl(0xc0000201));
	assert_int_equal(addr_to_sockaddr(&v6, htons(80), &ss), sizeof(struct sockaddr_in6));
	assert_int_equal(((struct sockaddr_in6 *)&ss)->sin6_port, htons(80));
	assert_memory_equal(&((struct sockaddr_in6 *)&ss)->sin6_addr, &v6, sizeof(v6));
}

static void test_prefixes(void **state)
{
	static const struct {
		const char *text;
		int err;
		unsigned bits;
	} rows[] = {
		{"10.64.0.0/16", 0, 16},
		{"10.64.0.0/0016", 0, 16},
		{"0.0.0.0/0", 0, 0},
		{"10.0.0.1", 0, 32},
		{"10.0.0.1/32", 0, 32},
		{"2001:db8::/112", 0, 112},
		{"::/0", 0, 0},
		{"2001:db8::1", 0, 128},
		{"10.64.0.1/16", -EDOM, 16},
		{"2001:db8::1/127", -EDOM, 127},
		{"0.0.0.1/0", -EDOM, 0},
		{"10.0.0.0/33", -ERANGE, 0},
		{"::/129", -ERANGE, 0},
		{"10.0.0.0/", -ERANGE, 0},
		{"10.0.0.0/-1", -ERANGE, 0},
		{"10.0.0.0/8x", -ERANGE, 0},
		{"10.0.0.0/99999999999999999999", -ERANGE, 0},
		{"/8", -EINVAL, 0},
		{"web/8", -EINVAL, 0},
		{"", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct muster_addr addr;
		unsigned bits;
		int err = addr_parse_prefix(rows[i].text, &addr, &bits);

		if (err != rows[i].err || (!err && bits != rows[i].bits))
			fail_msg("%s: %d, %u bits", rows[i].text, err, bits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_unusable),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_sockaddr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
