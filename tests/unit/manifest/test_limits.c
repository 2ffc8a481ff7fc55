/* SPDX-License-Identifier: BSD-2-Clause */
/* Manifests that are too large to be kept as cases. */
#include "manifest/manifest.h"

#include "tests/unit/core/unit.h"

#include <errno.h>

#define HEAD "apiVersion: muster/v1\nkind: "

struct text {
	FILE *out;
	char *text;
	size_t n;
};

static void begin(struct text *text)
{
	text->out = open_memstream(&text->text, &text->n);
	assert_non_null(text->out);
}

/* Loads what was written, and expects the first complaint to be @complaint (NULL: none). */
static struct model *load(struct text *text, const char *complaint)
{
	_cleanup_(diags_clear) struct diags diags = {};
	struct model *model = NULL;
	struct manifest_source source;
	int err;

	fclose(text->out);
	source = (struct manifest_source){"x", text->text, text->n, 1};
	err = manifest_load(&source, 1, &model, &diags);
	free(text->text);
	if (complaint) {
		assert_int_equal(err, -EINVAL);
		assert_true(diags.n > 0);
		assert_string_equal(diags.rows[0].text, complaint);
	} else {
		assert_int_equal(err, 0);
	}
	return model;
}

static void write_vip(FILE *out, const char *name, const char *pool)
{
	fprintf(out,
		HEAD "Vip\nname: %s\naddresses: [198.18.0.10]\nports: [80]\nmode: ipip\npool: %s\n",
		name, pool);
}

static void write_pool(FILE *out, const char *name, unsigned n)
{
	fprintf(out, "---\n" HEAD "Pool\nname: %s\nbackends:\n", name);
	for (unsigned i = 0; i < n; i++)
		fprintf(out, "- {address: 10.0.%u.%u}\n", i / 256, i % 256);
}

static void test_backends(void **state)
{
	_cleanup_(model_free) struct model *model = NULL;
	struct text text;

	(void)state;
	begin(&text);
	write_vip(text.out, "web", "p");
	write_pool(text.out, "p", MODEL_POOL_MEMBERS);
	model = load(&text, NULL);
	assert_int_equal(model->pools[0].n_backends, MODEL_POOL_MEMBERS);
	assert_string_equal(model->pools[0].backends[4095].name, "b4096");
	begin(&text);
	write_vip(text.out, "web", "p");
	write_pool(text.out, "p", MODEL_POOL_MEMBERS + 1);
	assert_null(load(&text, "x:4109:3: more than 4096 backends in a pool"));
}

/* A few thousand bytes must not become millions of frontends. */
static void test_frontends(void **state)
{
	struct text text;

	(void)state;
	begin(&text);
	fprintf(text.out, HEAD "Vip\nname: web\nmode: ipip\nbackends: [{address: 10.0.0.1}]\n"
			       "addresses:\n");
	for (unsigned i = 0; i < 300; i++)
		fprintf(text.out, "- 198.18.%u.%u\n", i / 256, i % 256);
	fprintf(text.out, "ports:\n");
	for (unsigned i = 0; i < 300; i++)
		fprintf(text.out, "- %u\n", i + 1);
	assert_null(load(&text,
		"x:7:3: with this VIP there are more than 65536 frontends (addresses x ports)"));
}

static void test_texts(void **state)
{
	static const struct {
		const char *key;
		unsigned fits;
		const char *complaint;
	} rows[] = {
		{"body", MODEL_CHECK_BODY_MAX, "x:4:34: body is longer than 255 bytes"},
		{"path", MODEL_CHECK_PATH_MAX, "x:4:34: path is longer than 1023 bytes"},
		{"host", MODEL_CHECK_HOST_MAX, "x:4:34: host is longer than 255 bytes"},
	};
	struct text text;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (unsigned more = 0; more < 2; more++) {
			_cleanup_(model_free) struct model *model = NULL;

			begin(&text);
			fprintf(text.out,
				HEAD "Pool\nname: p\nchecks: {web: {type: http, %s: /%0*u}}\n"
				     "backends: []\n",
				rows[i].key, (int)(rows[i].fits - 1 + more), 0);
			model = load(&text, more ? rows[i].complaint : NULL);
		}
}

/* Much of everything, right and wrong: must end. */
static void test_heaps(void **state)
{
	_cleanup_(model_free) struct model *model = NULL;
	struct text text;

	(void)state;
	begin(&text);
	write_vip(text.out, "web", "p");
	for (unsigned i = 0; i < 8000; i++)
		fprintf(text.out, "---\n" HEAD "Pool\nname: p%u\nbackends: []\n", i);
	assert_null(load(&text, "x:7:7: unknown pool 'p' (did you mean 'p0'?)"));
	begin(&text);
	fprintf(text.out, HEAD "Pool\nname: p\nbackends: []\nchecks:\n");
	for (unsigned i = 0; i < 60000; i++)
		fprintf(text.out, " c%u: {a: b}\n", i);
	assert_null(load(&text, "x:6:6: type is required: tcp or http"));
	begin(&text);
	for (unsigned i = 0; i < 60000; i++)
		fprintf(text.out, "kind%u: x\n", i);
	assert_null(load(&text, "x:1:1: kind is required: Vip or Pool"));
}

/* The model outlives the sources. */
static void test_origins(void **state)
{
	_cleanup_(diags_clear) struct diags diags = {};
	_cleanup_(model_free) struct model *model = NULL;
	char name[] = "vips.d/web.yaml";
	char text[] = HEAD "Vip\nname: web\naddresses: [198.18.0.10]\nports: [80]\nmode: ipip\n"
			   "backends: [{address: 10.0.0.1}]\n";
	struct manifest_source source = {name, text, strlen(text), 11};

	(void)state;
	assert_int_equal(manifest_load(&source, 1, &model, &diags), 0);
	memset(name, 'x', strlen(name));
	memset(text, 'x', strlen(text));
	assert_string_equal(model->vips[0].origin.file, "vips.d/web.yaml");
	assert_int_equal(model->vips[0].origin.line, 13);
	assert_ptr_equal(model->vips[0].origin.file, model->files[0]);
	assert_ptr_equal(model->pools[0].checks[0].origin.file, model->files[0]);
}

static void test_nothing(void **state)
{
	_cleanup_(diags_clear) struct diags diags = {};
	_cleanup_(model_free) struct model *model = NULL;

	(void)state;
	assert_int_equal(manifest_load(NULL, 0, &model, &diags), 0);
	assert_int_equal(model->n_vips + model->n_pools, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backends),
		cmocka_unit_test(test_frontends),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_heaps),
		cmocka_unit_test(test_origins),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
