/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * YAML to model and settings, with every complaint at once. Limits before parsing: 1 MiB a source,
 * depth 32, no aliases.
 */
#ifndef MUSTER_MANIFEST_MANIFEST_H
#define MUSTER_MANIFEST_MANIFEST_H

#include "core/model.h"
#include "core/settings.h"

#define MANIFEST_BYTES_MAX (1u << 20)
#define MANIFEST_DEPTH_MAX 32

/* A text and what to call it in diagnostics. @first_line: what its first line is numbered, from 1. */
struct manifest_source {
	const char *name;
	const char *text;
	size_t n;
	unsigned first_line;
};

/*
 * Objects of all sources, validated together. *ret is set only if there is no error; warnings may be in
 * @diags either way. 0, -EINVAL (see @diags) or -ENOMEM.
 */
int manifest_load(
	const struct manifest_source *sources, size_t n, struct model **ret, struct diags *diags);

/* One document of a source, as text, with what it is. For replacing objects one by one. */
struct manifest_document {
	char *kind, *name; /* NULL where missing or not text: manifest_load() will say so */
	char *text;
	size_t n;
	unsigned first_line;
};

/* Splits at document markers. 0, -EINVAL or -ENOMEM. */
int manifest_split(const struct manifest_source *source, struct manifest_document **ret,
	size_t *ret_n, struct diags *diags);
void manifest_documents_free(struct manifest_document **documents, size_t n);

/* musterd.yaml. *ret is initialised with defaults first. 0, -EINVAL or -ENOMEM. */
int manifest_load_settings(
	const struct manifest_source *source, struct settings *ret, struct diags *diags);

/* "2s", "200ms", "1.5s", "1m", "1h" in milliseconds. */
bool manifest_parse_duration(const char *text, uint64_t *ret);

/* Every key of every kind, for docs and tests: "Vip.mode", "Pool.checks.interval", "musterd.limits.members". */
const char *const *manifest_keys(size_t *ret_n);

#endif
