/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/sources.h"

#include <errno.h>
#include <sys/stat.h>

#include "tests/unit/core/unit.h"

static char dir[] = "/tmp/muster-sources-XXXXXX";

static char *vip_text(const char *name, int last, int weight)
{
	char *text;

	assert_true(asprintf(&text,
			    "apiVersion: muster/v1\nkind: Vip\nname: %s\naddresses: [198.18.0.%d]\n"
			    "ports: [80]\nmode: ipip\nbackends:\n  - {address: 10.0.1.%d, weight: "
			    "%d}\n",
			    name, last, last, weight) > 0);
	return text;
}

static void write_file(const char *name, char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(text);
}

static void give(struct sources_request *request, const char *name, char *text)
{
	struct manifest_files *files = &request->applied;

	assert_int_equal(util_grow(&files->sources, files->n, sizeof(*files->sources)), 0);
	files->sources[files->n++] = (struct manifest_source){
		.name = strdup(name), .text = text, .n = strlen(text), .first_line = 1};
}

/* Steps @sources to what @request makes of it; @n_vips: what the model then has. */
static void step(struct sources **sources, struct sources_request *request, size_t n_vips)
{
	struct model *model = NULL;
	struct sources *next = NULL;
	struct diags diags = {};

	request->vips_dir = dir;
	assert_int_equal(sources_build(&next, &model, *sources, request, &diags), 0);
	assert_int_equal(model->n_vips, n_vips);
	model_free(&model);
	sources_free(sources);
	*sources = next;
	manifest_files_clear(&request->applied);
	diags_clear(&diags);
}

static void applied_objects_add_replace_and_prune(void **state)
{
	struct sources_request request = {.reread = true};
	struct sources *sources = NULL;

	(void)state;
	write_file("a.yaml", vip_text("a", 1, 100));
	step(&sources, &request, 1);
	request = (struct sources_request){};
	give(&request, "b", vip_text("b", 2, 100));
	give(&request, "c", vip_text("c", 3, 100));
	step(&sources, &request, 3);
	request = (struct sources_request){};
	give(&request, "b", vip_text("b", 2, 50)); /* replaces */
	step(&sources, &request, 3);
	request = (struct sources_request){.prune = true};
	give(&request, "c", vip_text("c", 3, 100));
	step(&sources, &request, 2); /* b is gone, the file's stays */
	request = (struct sources_request){.reread = true};
	step(&sources, &request, 2); /* a reload keeps what was applied */
	sources_free(&sources);
}

static void an_object_of_a_file_is_refused(void **state)
{
	struct sources_request request = {.reread = true};
	struct sources *sources = NULL, *next = NULL;
	struct model *model = NULL;
	struct diags diags = {};

	(void)state;
	write_file("a.yaml", vip_text("a", 1, 100));
	step(&sources, &request, 1);
	request = (struct sources_request){.vips_dir = dir};
	give(&request, "mine.yaml", vip_text("a", 1, 1));
	assert_int_equal(sources_build(&next, &model, sources, &request, &diags), -EEXIST);
	assert_null(next);
	assert_null(model);
	assert_int_equal(diags.n, 1);
	assert_non_null(strstr(diags.rows[0].text, "Vip a belongs to"));
	assert_non_null(strstr(diags.rows[0].text, "a.yaml:1"));
	manifest_files_clear(&request.applied);
	diags_clear(&diags);
	sources_free(&sources);
}

static int teardown(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/a.yaml", dir);
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(applied_objects_add_replace_and_prune),
		cmocka_unit_test(an_object_of_a_file_is_refused),
	};

	if (!mkdtemp(dir))
		return 1;
	return cmocka_run_group_tests(tests, NULL, teardown);
}
