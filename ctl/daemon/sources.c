/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/sources.h"

#include <errno.h>

struct document {
	char *file;
	struct manifest_document *doc; /* one, from manifest_split() */
};

struct sources {
	struct manifest_files files;
	struct document *applied;
	size_t n_applied;
};

static void document_clear(struct document *document)
{
	free(document->file);
	manifest_documents_free(&document->doc, 1);
}

void sources_free(struct sources **sources)
{
	struct sources *s = *sources;

	if (!s)
		return;
	manifest_files_clear(&s->files);
	for (size_t i = 0; i < s->n_applied; i++)
		document_clear(&s->applied[i]);
	free(s->applied);
	free(s);
	*sources = NULL;
}

static int files_copy(struct manifest_files *to, const struct manifest_files *from)
{
	to->sources = calloc(MAX(from->n, 1), sizeof(*to->sources));
	if (!to->sources)
		return -ENOMEM;
	for (size_t i = 0; i < from->n; i++) {
		const struct manifest_source *source = &from->sources[i];
		char *text = malloc(source->n + 1), *name = strdup(source->name);

		if (!text || !name) {
			free(text);
			free(name);
			return -ENOMEM;
		}
		memcpy(text, source->text, source->n);
		text[source->n] = '\0';
		to->sources[to->n++] = (struct manifest_source){.name = name,
			.text = text,
			.n = source->n,
			.first_line = source->first_line};
	}
	return 0;
}

static char *copy_text(const char *text)
{
	return text ? strdup(text) : NULL;
}

static int append_document(struct sources *s, const char *file, const struct manifest_document *doc)
{
	struct manifest_document *copy;

	if (util_grow(&s->applied, s->n_applied, sizeof(*s->applied)))
		return -ENOMEM;
	copy = calloc(1, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = (struct manifest_document){
		.kind = copy_text(doc->kind),
		.name = copy_text(doc->name),
		.text = strndup(doc->text, doc->n),
		.n = doc->n,
		.first_line = doc->first_line,
	};
	s->applied[s->n_applied] = (struct document){.file = strdup(file), .doc = copy};
	if (!copy->text || !s->applied[s->n_applied].file) {
		document_clear(&s->applied[s->n_applied]);
		return -ENOMEM;
	}
	s->n_applied++;
	return 0;
}

static bool same_object(const struct manifest_document *a, const struct manifest_document *b)
{
	return a->kind && b->kind && a->name && b->name && !strcmp(a->kind, b->kind) &&
	       !strcmp(a->name, b->name);
}

/* The documents of all @files, one call of @f each. */
static int each_document(const struct manifest_files *files, struct diags *diags,
	int (*f)(void *data, const char *file, const struct manifest_document *doc), void *data)
{
	int err = 0;

	for (size_t i = 0; !err && i < files->n; i++) {
		struct manifest_document *docs = NULL;
		size_t n = 0;

		err = manifest_split(&files->sources[i], &docs, &n, diags);
		for (size_t j = 0; !err && j < n; j++)
			err = f(data, files->sources[i].name, &docs[j]);
		manifest_documents_free(&docs, n);
	}
	return err;
}

struct merge {
	struct sources *next;
	struct diags *diags;
	const struct manifest_document *wanted;
	const char *wanted_file;
	bool owned_by_file;
};

static int find_owner(void *data, const char *file, const struct manifest_document *doc)
{
	struct merge *merge = data;
	struct origin where = {merge->wanted_file, merge->wanted->first_line, 1};

	if (!same_object(merge->wanted, doc))
		return 0;
	diag_error(merge->diags, where, "%s %s belongs to %s:%u; edit it there and `muster reload`",
		doc->kind, doc->name, file, doc->first_line);
	merge->owned_by_file = true;
	return 0;
}

/* One applied document replaces the one of the same kind and name, or is new. */
static int merge_document(void *data, const char *file, const struct manifest_document *doc)
{
	struct merge *merge = data;
	struct sources *next = merge->next;
	int err;

	merge->wanted = doc;
	merge->wanted_file = file;
	err = each_document(&next->files, merge->diags, find_owner, merge);
	if (err)
		return err;
	err = append_document(next, file, doc);
	for (size_t i = 0; !err && i + 1 < next->n_applied; i++) {
		if (!same_object(next->applied[i].doc, doc))
			continue;
		document_clear(&next->applied[i]);
		next->applied[i] = next->applied[--next->n_applied];
	}
	return err;
}

static int sources_merge(struct sources *next, const struct sources *before,
	const struct sources_request *request, struct diags *diags)
{
	struct merge merge = {.next = next, .diags = diags};
	int err = 0;

	for (size_t i = 0; before && !request->prune && !err && i < before->n_applied; i++)
		err = append_document(next, before->applied[i].file, before->applied[i].doc);
	if (!err)
		err = each_document(&request->applied, diags, merge_document, &merge);
	return !err && merge.owned_by_file ? -EEXIST : err;
}

static int sources_model(const struct sources *s, struct model **ret, struct diags *diags)
{
	size_t n = s->files.n + s->n_applied;
	_free_ struct manifest_source *all = calloc(MAX(n, 1), sizeof(*all));

	if (!all)
		return -ENOMEM;
	if (s->files.n)
		memcpy(all, s->files.sources, s->files.n * sizeof(*all));
	for (size_t i = 0; i < s->n_applied; i++)
		all[s->files.n + i] = (struct manifest_source){
			.name = s->applied[i].file,
			.text = s->applied[i].doc->text,
			.n = s->applied[i].doc->n,
			.first_line = s->applied[i].doc->first_line,
		};
	return manifest_load(all, n, ret, diags);
}

int sources_build(struct sources **ret, struct model **ret_model, const struct sources *before,
	const struct sources_request *request, struct diags *diags)
{
	_cleanup_(sources_free) struct sources *next = calloc(1, sizeof(*next));
	int err;

	if (!next)
		return -ENOMEM;
	if (request->reread)
		err = manifest_files_read(&next->files, request->vips_dir, false, diags);
	else
		err = before ? files_copy(&next->files, &before->files) : 0;
	if (!err)
		err = sources_merge(next, before, request, diags);
	if (!err)
		err = sources_model(next, ret_model, diags);
	if (err)
		return err;
	*ret = take_ptr(next);
	return 0;
}
