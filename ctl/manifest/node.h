/* SPDX-License-Identifier: BSD-2-Clause */
/* A YAML document as a tree that knows where each of its nodes was written. */
#ifndef MUSTER_MANIFEST_NODE_H
#define MUSTER_MANIFEST_NODE_H

#include "manifest/source.h"

enum node_type { NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING };

struct node {
	enum node_type type;
	bool quoted; /* scalar: not plain, so "null" is a word */
	struct origin where;
	char *text;		   /* scalar; no NUL inside */
	struct node *child, *last; /* a mapping's children are key, value, key, value */
	struct node *next;
	size_t n; /* children */
};

/*
 * Parses one document of the source that is called @file. *ret stays NULL for an empty one. Aliases,
 * anchors, tags and more than MANIFEST_DEPTH_MAX levels are refused while parsing, before libyaml
 * gets slow. False after a complaint (or out of memory, see complaints->no_memory).
 */
bool node_parse(struct node **ret, const struct source_document *document, const char *file,
	struct complaints *complaints);
void node_free(struct node **node);

/* Nothing after the colon, ~ or null. */
bool node_is_null(const struct node *node);

/* The value of @key in a mapping, or NULL; any other node has no keys. */
const struct node *node_get(const struct node *node, const char *key);

/* "a list", "a mapping", "text" */
const char *node_type_name(const struct node *node);

#endif
