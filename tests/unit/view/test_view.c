/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/view.h"

#include "core/util.h"
#include "tests/unit/core/unit.h"

#include <errno.h>
#include <jansson.h>

static const struct snapshot_check checks[] = {
	{"web", "http", "failing", "bad_status", "HTTP 503", 412, true},
};
static const struct snapshot_backend backends[] = {
	{.pool = "web",
		.name = "b1",
		.address = "10.0.1.11:80",
		.admin = "enabled",
		.health = "up",
		.path = "ok",
		.via = "eth0 02:00:00:00:00:01",
		.weight = 100,
		.new_ok = true,
		.old_ok = true,
		.share = 0.75,
		.since_ms = 192000,
		.traffic = {10, 1000, 2}},
	{.pool = "web",
		.name = "b2",
		.address = "10.0.1.12:80",
		.zone = "z1",
		.admin = "draining",
		.health = "failing",
		.path = "ok",
		.reason = "web: unexpected status",
		.weight = 50,
		.old_ok = true,
		.share = 0.25,
		.since_ms = 5000,
		.checks = checks,
		.n_checks = 1},
};
static const struct snapshot_vip vips[] = {
	{.name = "web",
		.pool = "web",
		.mode = "ipip",
		.proto = "tcp",
		.origin = "web.yaml:3",
		.addresses = "198.18.0.10",
		.ports = "80 443",
		.state = "ready",
		.usable = 1,
		.members = 2,
		.traffic = {12, 1200, 3}},
	{.name = "dns",
		.pool = "dns",
		.mode = "l2dsr",
		.proto = "udp",
		.origin = "dns.yaml:1",
		.addresses = "198.18.0.11",
		.ports = "53",
		.state = "empty"},
};
static const struct snapshot_interface interfaces[] = {{"eth0", 2, "native", NULL},
	{"eth1", 3, "generic", "the driver has no native XDP: slower"}};
static const struct snapshot_reason reasons[] = {
	{"sent_ipip", "SENT", "sent to a member", 12}, {"fragment", "DROP", "a fragment", 0}};
static const struct snapshot_usage usage[] = {{"services", 4, 8192}};
static const char *const warnings[] = {"the last change was refused: no", NULL};
static const struct snapshot full = {.version = "1.2.3",
	.pid = 42,
	.uptime_ms = 3720000,
	.generation = 7,
	.commits_patch = 3,
	.prober = "running",
	.warnings = warnings,
	.interfaces = interfaces,
	.n_interfaces = 2,
	.vips = vips,
	.n_vips = 2,
	.backends = backends,
	.n_backends = 2,
	.reasons = reasons,
	.n_reasons = 2,
	.usage = usage,
	.n_usage = 1};
static const struct snapshot empty = {.version = "1.2.3", .prober = "running"};

static char *render(const struct snapshot *snapshot, enum view_page page, const char *name,
	enum view_format format, bool color)
{
	char *text = NULL;

	assert_int_equal(view_render(snapshot, page, name, format, color, &text), 0);
	return text;
}

static void backends_as_a_table(void **state)
{
	_free_ char *text = render(&full, VIEW_BACKENDS, NULL, VIEW_TEXT, false);

	(void)state;
	assert_string_equal(text, "POOL  NAME  ADDRESS       WEIGHT  ADMIN     HEALTH   FOR    NEW "
				  " OLD  SHARE  FLOWS  PATH  PACKETS  "
				  "NEW FLOWS  WHY\n"
				  "web   b1    10.0.1.11:80     100  enabled   up       3m12s  yes "
				  " yes  75.0%      0  ok         10  "
				  "        2  -\n"
				  "web   b2    10.0.1.12:80      50  draining  failing  5s     no  "
				  " yes  25.0%      0  ok          0  "
				  "        0  web: unexpected status\n");
}

static void status_names_problems(void **state)
{
	static const char *const expected[] = {"the last change was refused: no\n",
		"interface eth1 runs in generic mode: the driver", "VIP dns is empty: 0 of 0",
		"backend web/b2 takes no new flows: draining, failing, web:",
		"eth0           2  native", "services     4  8192", "sent_ipip",
		"uptime             1h02m"};
	_free_ char *text = render(&full, VIEW_STATUS, NULL, VIEW_TEXT, false);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		if (!strstr(text, expected[i]))
			fail_msg("'%s' is not in\n%s", expected[i], text);
	assert_null(strstr(text, "a fragment")); /* nothing happened for it */
	assert_null(strchr(text, '\033'));
}

static void json_has_everything(void **state)
{
	_free_ char *text = render(&full, VIEW_STATUS, NULL, VIEW_JSON, false);
	json_t *page = json_loads(text, 0, NULL);
	json_t *vip = json_array_get(json_object_get(page, "vips"), 0);

	(void)state;
	assert_non_null(page);
	assert_int_equal(json_integer_value(json_object_get(page, "generation")), 7);
	assert_int_equal(json_array_size(json_object_get(page, "reasons")), 2);
	assert_int_equal(json_array_size(json_object_get(page, "problems")), 4);
	assert_string_equal(json_string_value(json_object_get(vip, "ports")), "80 443");
	assert_int_equal(json_integer_value(json_object_get(vip, "bytes")), 1200);
	json_decref(page);
}

static void one_backend_with_its_checks(void **state)
{
	_free_ char *text = render(&full, VIEW_BACKEND, "web/b2", VIEW_JSON, false);
	json_t *page = json_loads(text, 0, NULL);
	json_t *check = json_array_get(json_object_get(page, "checks"), 0);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(page, "zone")), "z1");
	assert_true(json_is_false(json_object_get(page, "new_ok")));
	assert_true(json_is_true(json_object_get(check, "tethered")));
	assert_int_equal(json_integer_value(json_object_get(check, "latency_us")), 412);
	json_decref(page);
}

static void what_is_not_there(void **state)
{
	static const struct {
		enum view_page page;
		const char *name;
	} rows[] = {{VIEW_VIP, "nope"}, {VIEW_BACKEND, "web/b9"}, {VIEW_BACKEND, "web"},
		{VIEW_BACKEND, "we/b1"}};
	char *text = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(
			view_render(&full, rows[i].page, rows[i].name, VIEW_TEXT, false, &text),
			-ENOENT);
	assert_null(text);
}

static void nothing_yet_says_what_to_do(void **state)
{
	_free_ char *text = render(&empty, VIEW_VIPS, NULL, VIEW_TEXT, false);
	_free_ char *status = render(&empty, VIEW_STATUS, NULL, VIEW_TEXT, false);
	_free_ char *json = render(&empty, VIEW_VIPS, NULL, VIEW_JSON, false);

	(void)state;
	assert_non_null(strstr(text, "muster apply -f"));
	assert_non_null(strstr(status, "no VIPs"));
	assert_string_equal(json, "{\n  \"vips\": []\n}\n");
}

static void colours_only_where_asked(void **state)
{
	_free_ char *text = render(&full, VIEW_VIPS, NULL, VIEW_TEXT, true);

	(void)state;
	assert_non_null(strstr(text, "\033[32mready"));
	assert_non_null(strstr(text, "\033[31mempty"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backends_as_a_table),
		cmocka_unit_test(status_names_problems),
		cmocka_unit_test(json_has_everything),
		cmocka_unit_test(one_backend_with_its_checks),
		cmocka_unit_test(what_is_not_there),
		cmocka_unit_test(nothing_yet_says_what_to_do),
		cmocka_unit_test(colours_only_where_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
