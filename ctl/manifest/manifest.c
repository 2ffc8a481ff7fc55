/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From sources to a model:
 *	1. the text is checked and cut at document markers, so that a syntax error in one document
 *	   hides nothing of the others
 *	2. each document is parsed and read by the table of its kind
 *	3. what no object can know alone is verified
 *	4. all complaints are handed over in the order of the text
 */
#include "manifest/manifest.h"

#include "manifest/draft.h"
#include "manifest/fields.h"

#include <errno.h>

#define API_VERSION "muster/v1"

static const struct {
	const char *name;
	void (*read)(struct draft *draft, const struct node *node, struct complaints *complaints);
} kinds[] = {
	{"Vip", draft_read_vip},
	{"Pool", draft_read_pool},
};

void draft_read_version(
	const struct reading *r, const struct field *field, const struct node *value)
{
	const char *text = field_scalar(r, field, value, API_VERSION);

	if (text && strcmp(text, API_VERSION))
		complain_error(r->complaints, value->where,
			"apiVersion " QUOTED " is not supported; use " API_VERSION, text);
}

static void complain_kind(struct complaints *complaints, const struct node *kind)
{
	const char *names[ARRAY_SIZE(kinds)], *nearest;

	if (kind->type != NODE_SCALAR) {
		complain_error(complaints, kind->where, "kind must be a word, not %s",
			node_type_name(kind));
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		names[i] = kinds[i].name;
	nearest = util_nearest(kind->text, names, ARRAY_SIZE(kinds));
	if (nearest)
		complain_error(complaints, kind->where,
			"unknown kind " QUOTED " (did you mean '%s'?)", kind->text, nearest);
	else
		complain_error(complaints, kind->where, "unknown kind " QUOTED "; use Vip or Pool",
			kind->text);
}

static void read_object(struct draft *draft, const struct node *node, struct complaints *complaints)
{
	const struct node *kind = node_get(node, "kind");

	if (node->type != NODE_MAPPING) {
		complain_error(complaints, node->where,
			"a manifest is a mapping (kind: Vip, name: ...), not %s",
			node_type_name(node));
		return;
	}
	if (!kind || node_is_null(kind)) {
		complain_error(complaints, node->where, "kind is required: Vip or Pool");
		return;
	}
	for (size_t i = 0; kind->type == NODE_SCALAR && i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kind->text, kinds[i].name)) {
			kinds[i].read(draft, node, complaints);
			return;
		}
	complain_kind(complaints, kind);
}

static void read_source(struct draft *draft, const struct manifest_source *source, const char *file,
	struct complaints *complaints)
{
	struct source_document document;
	struct source_cursor cursor;

	if (!source_check(source, file, complaints))
		return;
	source_begin(&cursor, source);
	while (!complaints_full(complaints) && source_next(&cursor, &document)) {
		_cleanup_(node_free) struct node *node = NULL;

		if (node_parse(&node, &document, file, complaints) && node)
			read_object(draft, node, complaints);
	}
}

static void read_sources(struct draft *draft, const struct manifest_source *sources, size_t n,
	struct complaints *complaints)
{
	struct model *model = draft->model;

	model->files = calloc(MAX(n, 1), sizeof(*model->files));
	for (size_t i = 0; i < n && model->files && !complaints_full(complaints); i++) {
		model->files[i] = strdup(sources[i].name);
		if (!model->files[i])
			break;
		model->n_files++;
		read_source(draft, &sources[i], model->files[i], complaints);
	}
	if (!model->files || (model->n_files < n && !complaints_full(complaints)))
		complaints->no_memory = true;
}

int manifest_load(
	const struct manifest_source *sources, size_t n, struct model **ret, struct diags *diags)
{
	_cleanup_(model_free) struct model *model = calloc(1, sizeof(*model));
	struct draft draft = {.model = model};
	struct complaints complaints = {};
	int err;

	if (!model)
		return -ENOMEM;
	read_sources(&draft, sources, n, &complaints);
	if (!complaints.no_memory)
		verify_names(&draft, &complaints);
	if (!complaints.no_memory)
		verify_frontends(&draft, &complaints);
	if (!complaints.no_memory)
		verify_backends(&draft, &complaints);
	if (!complaints.no_memory)
		verify_modes(&draft, &complaints);
	draft_clear(&draft);
	err = complaints_hand_over(&complaints, model->files, model->n_files, diags);
	if (!err)
		*ret = take_ptr(model);
	return err;
}
