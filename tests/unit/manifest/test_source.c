/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/source.h"

#include "tests/unit/core/unit.h"

static struct manifest_source source_of(const char *text)
{
	return (struct manifest_source){"x.yaml", text, strlen(text), 1};
}

/* What source_check() says about @text, "" for nothing. */
static void check(const char *text, char *ret, size_t size)
{
	struct manifest_source source = source_of(text);
	_cleanup_(diags_clear) struct diags diags = {};
	struct complaints complaints = {};
	bool ok = source_check(&source, source.name, &complaints);

	complaints_hand_over(&complaints, NULL, 0, &diags);
	assert_int_equal(ok, diags.n == 0);
	snprintf(ret, size, "%s", diags.n ? diags.rows[0].text : "");
}

static void test_encoding(void **state)
{
	static const struct {
		const char *text, *complaint;
	} rows[] = {
		{"a: \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\n", ""},
		{"\xef\xbb\xbf"
		 "a: 1\n",
			""},
		{"a: 1\n\xef\xbb\xbf"
		 "b: 1\n",
			"x.yaml:2:1: control character U+FEFF"},
		{"a\r\nb\rc\xff", "x.yaml:3:2: invalid UTF-8 (byte 0xff)"},
		{"\xc3", "x.yaml:1:1: invalid UTF-8 (byte 0xc3)"},
		{"\xc3\xa4\xa4", "x.yaml:1:2: invalid UTF-8 (byte 0xa4)"},
		{"\xe0\x80\xaf", "x.yaml:1:1: invalid UTF-8 (byte 0xe0)"},
		{"\xf4\x90\x80\x80", "x.yaml:1:1: invalid UTF-8 (byte 0xf4)"},
		{"\xff\xfe"
		 "a",
			"x.yaml:1:1: invalid UTF-8 (byte 0xff)"},
		{"a\x7f", "x.yaml:1:2: control character U+007F"},
		{"a\xc2\x85", "x.yaml:1:2: control character U+0085"},
		{"a: %b\n %c\n", ""},
		{"# c\n%TAG ! x\n", "x.yaml:2:1: directives (%YAML, %TAG) are not supported"},
	};
	char complaint[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		check(rows[i].text, complaint, sizeof(complaint));
		assert_string_equal(complaint, rows[i].complaint);
	}
}

static void test_size(void **state)
{
	_free_ char *text = malloc(MANIFEST_BYTES_MAX + 2);
	char complaint[128];

	(void)state;
	assert_non_null(text);
	memset(text, '#', MANIFEST_BYTES_MAX + 1);
	text[MANIFEST_BYTES_MAX + 1] = '\0';
	check(text, complaint, sizeof(complaint));
	assert_string_equal(complaint, "x.yaml: larger than 1 MiB");
	text[MANIFEST_BYTES_MAX] = '\0';
	check(text, complaint, sizeof(complaint));
	assert_string_equal(complaint, "");
}

/* Each document as "first line:text|". */
static void test_documents(void **state)
{
	static const struct {
		const char *text, *documents;
	} rows[] = {
		{"", ""},
		{"\n \t\n# c\n---\n---\n", ""},
		{"a", "1:a|"},
		{"# c\n\na\nb\n", "3:a\nb\n|"},
		{"a\n---\nb\n", "1:a\n|3:b\n|"},
		{"a\r\n---\r\nb\r\n", "1:a\r\n|3:b\r\n|"},
		{"a\r---\rb", "1:a\r|3:b|"},
		{"--- a\n--- # c\nb\n---\t\n---x\n", "1:--- a\n|3:b\n|5:---x\n|"},
		{"a\n...\n---\nb\n...\n", "1:a\n...\n|4:b\n...\n|"},
		{"...\n...\n", ""},
		{"a: |\n  ---\n ---\n", "1:a: |\n  ---\n ---\n|"},
		{"\xef\xbb\xbf---\na\n", "2:a\n|"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct manifest_source source = source_of(rows[i].text);
		struct source_document document;
		struct source_cursor cursor;
		char got[128] = "";
		size_t n = 0;

		source_begin(&cursor, &source);
		while (source_next(&cursor, &document))
			n += (size_t)snprintf(got + n, sizeof(got) - n, "%u:%.*s|",
				document.first_line, (int)document.n, document.text);
		assert_string_equal(got, rows[i].documents);
	}
}

static void test_first_line(void **state)
{
	struct manifest_source source = source_of("a\n---\nb\n");
	struct source_document document;
	struct source_cursor cursor;

	(void)state;
	source.first_line = 40;
	source_begin(&cursor, &source);
	assert_true(source_next(&cursor, &document));
	assert_int_equal(document.first_line, 40);
	assert_true(source_next(&cursor, &document));
	assert_int_equal(document.first_line, 42);
	assert_false(source_next(&cursor, &document));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encoding),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_first_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
