/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as manifests, as settings and to be split: no crash, no leak, and a reason for each refusal. */
#include "manifest/manifest.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void load(const struct manifest_source *source)
{
	_cleanup_(diags_clear) struct diags diags = {};
	_cleanup_(model_free) struct model *model = NULL;
	int err = manifest_load(source, 1, &model, &diags);

	must(err == 0 || err == -EINVAL);
	must((err == 0) == (diags.errors == 0));
	must((err == 0) == (model != NULL));
	for (size_t i = 0; model && i < model->n_vips; i++) {
		const struct vip *vip = &model->vips[i];

		must(vip->name && vip->n_addrs && vip->n_ports && vip->pool < model->n_pools);
	}
	for (size_t i = 0; model && i < model->n_pools; i++)
		must(model->pools[i].name && model->pools[i].origin.line);
}

/* What was split loads one by one where the whole loads, but for pools that lie elsewhere. */
static void split(const struct manifest_source *source)
{
	_cleanup_(diags_clear) struct diags diags = {};
	struct manifest_document *documents = NULL;
	size_t n = 0;

	if (manifest_split(source, &documents, &n, &diags))
		must(diags.errors);
	for (size_t i = 0; i < n; i++) {
		struct manifest_source one = {
			"one", documents[i].text, documents[i].n, documents[i].first_line};
		_cleanup_(diags_clear) struct diags inner = {};
		_cleanup_(model_free) struct model *model = NULL;

		manifest_load(&one, 1, &model, &inner);
	}
	manifest_documents_free(&documents, n);
}

static void load_settings(const struct manifest_source *source)
{
	_cleanup_(diags_clear) struct diags diags = {};
	struct settings settings;
	int err = manifest_load_settings(source, &settings, &diags);

	must((err == 0) == (diags.errors == 0));
	must(err || settings.n_interfaces);
	settings_clear(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct manifest_source source = {"fuzz", (const char *)data, n, 1};

	load(&source);
	split(&source);
	load_settings(&source);
	return 0;
}
