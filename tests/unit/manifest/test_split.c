/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/manifest.h"

#include "tests/unit/core/unit.h"

#include <errno.h>

static struct manifest_source source_of(const char *text)
{
	return (struct manifest_source){"x.yaml", text, strlen(text), 1};
}

static void test_split(void **state)
{
	static const struct {
		const char *kind, *name, *text;
		unsigned first_line;
	} expected[] = {
		{"Vip", "web", "kind: Vip\nname: web\n", 3},
		{"Pool", NULL, "kind: Pool\nname: [a]\n", 7},
		{NULL, "b", "--- {name: b}\n", 9},
		{NULL, NULL, "- a\n...\n", 11},
	};
	struct manifest_source source = source_of("# c\n\nkind: Vip\nname: web\n---\n---\n"
						  "kind: Pool\nname: [a]\n--- {name: b}\n---\n"
						  "- a\n...\n");
	_cleanup_(diags_clear) struct diags diags = {};
	struct manifest_document *documents;
	size_t n;

	(void)state;
	assert_int_equal(manifest_split(&source, &documents, &n, &diags), 0);
	assert_int_equal(diags.n, 0);
	assert_int_equal(n, ARRAY_SIZE(expected));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(documents[i].first_line, expected[i].first_line);
		assert_int_equal(documents[i].n, strlen(expected[i].text));
		assert_string_equal(documents[i].text, expected[i].text);
		assert_string_equal(
			documents[i].kind ?: "-", expected[i].kind ? expected[i].kind : "-");
		assert_string_equal(
			documents[i].name ?: "-", expected[i].name ? expected[i].name : "-");
	}
	manifest_documents_free(&documents, n);
	assert_null(documents);
	manifest_documents_free(&documents, 0);
}

/* A document loads alone as it does in its file, and complaints keep their lines. */
static void test_lines_survive(void **state)
{
	struct manifest_source source =
		source_of("kind: Pool\n---\n\nkind: Pool\nname: b\noops: 1\n");
	_cleanup_(diags_clear) struct diags diags = {};
	struct manifest_document *documents;
	struct manifest_source second;
	struct model *model = NULL;
	size_t n;

	(void)state;
	assert_int_equal(manifest_split(&source, &documents, &n, &diags), 0);
	assert_int_equal(n, 2);
	second = (struct manifest_source){
		"x.yaml", documents[1].text, documents[1].n, documents[1].first_line};
	assert_int_equal(manifest_load(&second, 1, &model, &diags), -EINVAL);
	assert_int_equal(diags.n, 3);
	assert_string_equal(diags.rows[0].text, "x.yaml:4:1: apiVersion is required");
	assert_string_equal(diags.rows[2].text, "x.yaml:6:1: unknown key 'oops' in a Pool");
	manifest_documents_free(&documents, n);
}

static void test_syntax(void **state)
{
	struct manifest_source source = source_of("a: 1\n---\nb: [\n---\nc: {\n");
	_cleanup_(diags_clear) struct diags diags = {};
	struct manifest_document *documents = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(manifest_split(&source, &documents, &n, &diags), -EINVAL);
	assert_int_equal(diags.n, 2);
	assert_null(documents);
}

static void test_empty(void **state)
{
	struct manifest_source source = source_of("# nothing\n---\n");
	_cleanup_(diags_clear) struct diags diags = {};
	struct manifest_document *documents;
	size_t n;

	(void)state;
	assert_int_equal(manifest_split(&source, &documents, &n, &diags), 0);
	assert_int_equal(n, 0);
	manifest_documents_free(&documents, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_lines_survive),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
