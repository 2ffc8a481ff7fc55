/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/node.h"

#include "tests/unit/core/unit.h"

/* Parses @text and returns the first complaint, "" for none, in @ret. */
static struct node *parse(const char *text, size_t n, char *ret, size_t size)
{
	struct source_document document = {text, n, 1};
	_cleanup_(diags_clear) struct diags diags = {};
	struct complaints complaints = {};
	struct node *node = NULL;
	bool ok = node_parse(&node, &document, "x", &complaints);

	assert_false(complaints.no_memory);
	complaints_hand_over(&complaints, NULL, 0, &diags);
	assert_int_equal(ok, diags.n == 0);
	assert_true(diags.n <= 1);
	snprintf(ret, size, "%s", diags.n ? diags.rows[0].text : "");
	return node;
}

static char *repeat(const char *unit, size_t times, size_t *ret_n)
{
	size_t n = strlen(unit);
	char *text = malloc(n * times + 1);

	assert_non_null(text);
	for (size_t i = 0; i < times; i++)
		memcpy(text + i * n, unit, n);
	text[n * times] = '\0';
	*ret_n = n * times;
	return text;
}

/* libyaml takes most of a minute for some of these, if it is let. */
static void test_hostile(void **state)
{
	static const struct {
		const char *unit;
		size_t times;
	} rows[] = {
		{"[", 400000},
		{"{", 400000},
		{"[[[[\n", 100000},
		{"[{a: ", 100000},
		{"{a: ", 100000},
		{"- ", 400000},
		{"? ", 400000},
		{"? - ", 200000},
		{"[? ", 200000},
	};
	char complaint[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n;
		_free_ char *text = repeat(rows[i].unit, rows[i].times, &n);

		assert_null(parse(text, n, complaint, sizeof(complaint)));
		assert_string_not_equal(complaint, "");
	}
}

/* Block lists, each a column deeper. */
static char *staircase(size_t levels, size_t *ret_n)
{
	char *text = calloc(levels, levels + 3), *p = text;

	assert_non_null(text);
	for (size_t i = 0; i < levels; i++)
		p += sprintf(p, "%*s-\n", (int)i, "");
	*ret_n = (size_t)(p - text);
	return text;
}

static void test_depth(void **state)
{
	char complaint[128];

	(void)state;
	for (size_t levels = MANIFEST_DEPTH_MAX; levels <= MANIFEST_DEPTH_MAX + 1; levels++) {
		_cleanup_(node_free) struct node *block = NULL, *flow = NULL;
		const char *expected =
			levels > MANIFEST_DEPTH_MAX ? "nested deeper than 32 levels" : "";
		size_t n;
		_free_ char *stairs = staircase(levels, &n);
		char brackets[2 * (MANIFEST_DEPTH_MAX + 1)];

		block = parse(stairs, n, complaint, sizeof(complaint));
		assert_int_equal(block != NULL, !*expected);
		assert_non_null(strstr(complaint, expected));
		memset(brackets, '[', levels);
		memset(brackets + levels, ']', levels);
		flow = parse(brackets, 2 * levels, complaint, sizeof(complaint));
		assert_int_equal(flow != NULL, !*expected);
		assert_non_null(strstr(complaint, expected));
	}
	assert_string_equal(complaint, "x:1:33: nested deeper than 32 levels");
}

static void test_tree(void **state)
{
	static const char text[] = "name: web\n"
				   "ports: [80, '']\n"
				   "none: ~\n"
				   "w\xc3\xa4hle: \"null\"\n";
	char complaint[128];
	_cleanup_(node_free) struct node *node =
		parse(text, strlen(text), complaint, sizeof(complaint));
	const struct node *ports;

	(void)state;
	assert_non_null(node);
	assert_int_equal(node->type, NODE_MAPPING);
	assert_int_equal(node->n, 8);
	assert_string_equal(node_get(node, "name")->text, "web");
	ports = node_get(node, "ports");
	assert_int_equal(ports->n, 2);
	assert_int_equal(ports->child->next->where.line, 2);
	assert_int_equal(ports->child->next->where.col, 13);
	assert_false(node_is_null(ports->child->next));
	assert_true(node_is_null(node_get(node, "none")));
	assert_false(node_is_null(node_get(node, "w\xc3\xa4hle")));
	assert_int_equal(node_get(node, "w\xc3\xa4hle")->where.col, 8);
	assert_null(node_get(node, "absent"));
	assert_null(node_get(ports, "name"));
}

static void test_empty(void **state)
{
	char complaint[128];

	(void)state;
	assert_null(parse("# c\n", 4, complaint, sizeof(complaint)));
	assert_string_equal(complaint, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
