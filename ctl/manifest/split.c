/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/manifest.h"
#include "manifest/node.h"

#include <errno.h>

static void document_clear(struct manifest_document *document)
{
	free(document->kind);
	free(document->name);
	free(document->text);
}

void manifest_documents_free(struct manifest_document **documents, size_t n)
{
	if (!*documents)
		return;
	for (size_t i = 0; i < n; i++)
		document_clear(&(*documents)[i]);
	free(*documents);
	*documents = NULL;
}

/* A copy of the text at @key; NULL if there is none. */
static char *copy_value(const struct node *node, const char *key, bool *no_memory)
{
	const struct node *value = node_get(node, key);
	char *copy;

	if (!value || value->type != NODE_SCALAR)
		return NULL;
	copy = strdup(value->text);
	*no_memory |= !copy;
	return copy;
}

static int append(struct manifest_document **documents, size_t *n,
	const struct source_document *from, const struct node *node)
{
	struct manifest_document document = {.n = from->n, .first_line = from->first_line};
	bool no_memory = false;

	if (util_grow(documents, *n, sizeof(**documents)))
		return -ENOMEM;
	document.kind = copy_value(node, "kind", &no_memory);
	document.name = copy_value(node, "name", &no_memory);
	document.text = strndup(from->text, from->n);
	if (no_memory || !document.text) {
		document_clear(&document);
		return -ENOMEM;
	}
	(*documents)[(*n)++] = document;
	return 0;
}

static int split(struct manifest_document **documents, size_t *n,
	const struct manifest_source *source, struct complaints *complaints)
{
	struct source_document document;
	struct source_cursor cursor;
	int err = 0;

	source_begin(&cursor, source);
	while (!err && !complaints_full(complaints) && source_next(&cursor, &document)) {
		_cleanup_(node_free) struct node *node = NULL;

		if (node_parse(&node, &document, source->name, complaints) && node)
			err = append(documents, n, &document, node);
	}
	return err;
}

int manifest_split(const struct manifest_source *source, struct manifest_document **ret,
	size_t *ret_n, struct diags *diags)
{
	struct manifest_document *documents = NULL;
	struct complaints complaints = {};
	size_t n = 0;
	int err;

	if (source_check(source, source->name, &complaints) &&
		split(&documents, &n, source, &complaints))
		complaints.no_memory = true;
	err = complaints_hand_over(&complaints, NULL, 0, diags);
	if (err) {
		manifest_documents_free(&documents, n);
		return err;
	}
	*ret = documents;
	*ret_n = n;
	return 0;
}
