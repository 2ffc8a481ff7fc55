/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/node.h"
#include "manifest/yaml_error.h"

struct builder {
	struct complaints *complaints;
	const char *file;
	unsigned first_line;
	struct node *root;
	struct node *open[MANIFEST_DEPTH_MAX]; /* collections that have begun, outermost first */
	size_t depth;
};

void node_free(struct node **node)
{
	struct node *n = *node, *child;

	if (!n)
		return;
	while ((child = n->child)) {
		n->child = child->next;
		node_free(&child);
	}
	free(n->text);
	free(n);
	*node = NULL;
}

bool node_is_null(const struct node *node)
{
	return node->type == NODE_SCALAR && !node->quoted &&
	       (!*node->text || !strcmp(node->text, "~") || !strcmp(node->text, "null"));
}

const struct node *node_get(const struct node *node, const char *key)
{
	if (node->type != NODE_MAPPING)
		return NULL;
	for (const struct node *k = node->child; k; k = k->next->next)
		if (k->type == NODE_SCALAR && !strcmp(k->text, key))
			return k->next;
	return NULL;
}

const char *node_type_name(const struct node *node)
{
	static const char *const names[] = {
		[NODE_SCALAR] = "text",
		[NODE_SEQUENCE] = "a list",
		[NODE_MAPPING] = "a mapping",
	};

	return names[node->type];
}

static struct origin place(const struct builder *b, const yaml_mark_t *mark)
{
	return (struct origin){
		.file = b->file,
		.line = b->first_line + (unsigned)mark->line,
		.col = (unsigned)mark->column + 1,
	};
}

static struct node *append(struct builder *b, enum node_type type, const yaml_mark_t *mark)
{
	struct node *node = calloc(1, sizeof(*node));
	struct node *parent = b->depth ? b->open[b->depth - 1] : NULL;

	if (!node) {
		b->complaints->no_memory = true;
		return NULL;
	}
	node->type = type;
	node->where = place(b, mark);
	if (!parent)
		b->root = node;
	else if (parent->last)
		parent->last->next = node;
	else
		parent->child = node;
	if (parent) {
		parent->last = node;
		parent->n++;
	}
	return node;
}

static bool begin(struct builder *b, enum node_type type, const yaml_mark_t *mark)
{
	struct node *node;

	if (b->depth == MANIFEST_DEPTH_MAX) {
		complain_error(b->complaints, place(b, mark), "nested deeper than %d levels",
			MANIFEST_DEPTH_MAX);
		return false;
	}
	node = append(b, type, mark);
	if (node)
		b->open[b->depth++] = node;
	return node;
}

static bool scalar(struct builder *b, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	struct node *node;

	if (strlen(text) != event->data.scalar.length) {
		complain_error(b->complaints, place(b, &event->start_mark),
			"the text contains a NUL character");
		return false;
	}
	node = append(b, NODE_SCALAR, &event->start_mark);
	if (!node)
		return false;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->text = strdup(text);
	b->complaints->no_memory |= !node->text;
	return node->text;
}

/* What of YAML we do without; NULL if @event has nothing of it. */
static const char *refusal(const yaml_event_t *event)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return "aliases (*name) are not supported";
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		break;
	default:
		break;
	}
	return anchor ? "anchors (&name) are not supported"
	       : tag  ? "tags (!name) are not supported"
		      : NULL;
}

/* Takes in one event; false ends the parsing. */
static bool take(struct builder *b, const yaml_event_t *event)
{
	const char *refused = refusal(event);

	if (refused) {
		complain_error(b->complaints, place(b, &event->start_mark), "%s", refused);
		return false;
	}
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		return begin(b, NODE_SEQUENCE, &event->start_mark);
	case YAML_MAPPING_START_EVENT:
		return begin(b, NODE_MAPPING, &event->start_mark);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return true;
	default:
		return true;
	}
}

static bool build(struct builder *b, yaml_parser_t *parser, const struct source_document *document)
{
	yaml_event_type_t type;
	yaml_event_t event;
	bool ok;

	do {
		if (!yaml_parser_parse(parser, &event)) {
			yaml_error_complain(b->complaints, b->file, parser, document);
			return false;
		}
		type = event.type;
		ok = take(b, &event);
		yaml_event_delete(&event);
	} while (ok && type != YAML_STREAM_END_EVENT);
	return ok;
}

bool node_parse(struct node **ret, const struct source_document *document, const char *file,
	struct complaints *complaints)
{
	struct builder b = {
		.complaints = complaints,
		.file = file,
		.first_line = document->first_line,
	};
	yaml_parser_t parser;
	bool ok;

	*ret = NULL;
	if (!yaml_parser_initialize(&parser)) {
		complaints->no_memory = true;
		return false;
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)document->text, document->n);
	ok = build(&b, &parser, document);
	yaml_parser_delete(&parser);
	if (ok)
		*ret = b.root;
	else
		node_free(&b.root);
	return ok;
}
